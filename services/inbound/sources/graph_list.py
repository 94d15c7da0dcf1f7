"""What lies in one Graph folder: its ids, followed by the delta query, and how many there are.

The ids are had once, then only what changed; where a change is too old for Graph to tell (410), all are had anew. A mark of an
earlier session goes on with its changes: then only those are known until somebody asks for everything. Nothing is lost by
forgetting: which messages are accounted for is in the ledger, not in the delta link.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from common.errors import Temporary
from inbound.sources import Count, Overview
from inbound.sources.graph_calls import GraphCalls
from inbound.sources.graph_faults import Expired, Gone, Refused

LIST = "list messages"
_WANTED = "?$select=id,receivedDateTime,isRead"
_COUNTED_PAGES = 20


@dataclass(frozen=True, slots=True)
class Known:
    """What the delta query told of a message; None where it did not."""

    arrived_at: float | None
    read: bool | None


class GraphList:
    """The list of the folder with this id. mark: what `mark` was in an earlier session, or "".

    Raises Gone where there is no such folder, and what GraphCalls raises.
    """

    def __init__(self, calls: GraphCalls, folder: str, mark: str = "") -> None:
        self._calls = calls
        self._path = f"/mailFolders/{quote(folder)}"
        self._first = f"{self._path}/messages/delta{_WANTED}"
        self._delta = self._link_of(mark)
        self._whole = False
        self.there: dict[str, Known] = {}

    @property
    def mark(self) -> str:
        """With what a later session goes on from here; it holds the delta link, which is nobody else's business."""
        return json.dumps({"asked": self._calls.address(self._first), "link": self._delta}) if self._delta else ""

    def everything(self) -> dict[str, Known]:
        """What is there now, all of it."""
        try:
            if self._whole and self._delta:
                self._follow(self._delta, self.there)
                return self.there
        except Expired:
            pass
        self._anew()
        return self.there

    def seen(self) -> dict[str, Known]:
        """All of it as it was when it was last asked for."""
        return self.there if self._whole else self.everything()

    def changed(self, most: int | None = None) -> bool:
        """Enter what changed since the last call or the mark; False where Graph cannot tell any more, or takes more than `most`
        pages for it."""
        if not self._delta:
            return False
        try:
            return self._follow(self._delta, self.there, most)
        except (Expired, Gone, Refused):
            # Whatever it has against this link, it will have tomorrow: `everything` begins without it.
            self._delta = ""
            return False

    def totals(self) -> Overview:
        """By one call, without the oldest; Graph's own counts, else what the list has."""
        told = self._calls.get(self._path, LIST)
        total, unread = told.get("totalItemCount"), told.get("unreadItemCount")
        if isinstance(total, int) and isinstance(unread, int):
            return Overview(total, unread, None)
        known = self.seen().values()
        return Overview(len(known), sum(not one.read for one in known), None)

    def overview(self) -> Overview:
        """By two calls, however much lies there."""
        found = self.totals()
        query = "?$orderby=receivedDateTime%20asc&$top=1&$select=receivedDateTime"
        first = _items(self._calls.get(f"{self._path}/messages{query}", LIST)) if found.total else []
        return Overview(found.total, found.unread, instant(first[0].get("receivedDateTime")) if first else None)

    def counted(self, since: float) -> Count:
        """By one call. Graph is known to answer -1 at times; then the pages are counted, two thousand messages at most."""
        wanted = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = f"{self._path}/messages?$filter=receivedDateTime%20ge%20{wanted}&$select=id"
        number = self._calls.get(f"{query}&$count=true&$top=1", LIST).get("@odata.count")
        if isinstance(number, int) and number >= 0:
            return Count(number)
        number = 0
        for pages, page in enumerate(self._calls.pages(query, LIST), 1):
            number += len(_items(page))
            if pages >= _COUNTED_PAGES and page.get("@odata.nextLink"):
                return Count(number, exact=False)
        return Count(number)

    def _link_of(self, mark: str) -> str:
        """The link in a mark, if it stands behind the very question that we would ask: of this mailbox, in this way."""
        try:
            found = json.loads(mark)
        except ValueError:
            return ""
        same = isinstance(found, dict) and found.get("asked") == self._calls.address(self._first)
        return str(found.get("link", "")) if same else ""

    def _anew(self) -> None:
        there: dict[str, Known] = {}
        try:
            self._follow(self._first, there)
        except Expired:
            raise Temporary("Microsoft Graph forgot the list of messages while it was read.") from None
        self.there, self._whole = there, True

    def _follow(self, link: str, there: dict[str, Known], most: int | None = None) -> bool:
        """Ask for changes and enter them, all pages of them, or False; nothing is entered twice if it is repeated."""
        for number, page in enumerate(self._calls.pages(link, LIST), 1):
            for item in _items(page):
                if isinstance(item.get("id"), str):
                    _enter(there, item)
            delta = page.get("@odata.deltaLink")
            if isinstance(delta, str):
                self._delta = delta
                return True
            if number == most:
                return False
        raise Temporary("Microsoft Graph broke off the list of messages.")


def instant(text: object) -> float | None:
    """An instant as Graph writes it: ISO 8601 in UTC."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None


def _enter(there: dict[str, Known], item: Mapping[str, Any]) -> None:
    id = str(item["id"])
    if "@removed" in item:
        there.pop(id, None)
        return
    known, read = there.get(id), item.get("isRead")
    there[id] = Known(
        instant(item.get("receivedDateTime")) or (known.arrived_at if known else None),
        read if isinstance(read, bool) else known.read if known else None,
    )


def _items(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    value = page.get("value")
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
