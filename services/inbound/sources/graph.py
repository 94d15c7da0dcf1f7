"""Microsoft Graph: one folder, followed by its delta query, with immutable ids; messages come as raw MIME (`$value`).

The folder's ids are had once when it is opened, then only what changed. Where a change is too old for Graph to tell (410), all
are had anew. Nothing is lost by forgetting: which messages are accounted for is in the ledger, not in the delta link.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from common.errors import Permanent, Temporary
from common.http import Http
from inbound.sources import MARK, Account, Disposal, Finding, Message, Overview, Place, Unusable, idle
from inbound.sources.batches import MESSAGES, OCTETS, too_large
from inbound.sources.graph_calls import GraphCalls
from inbound.sources.graph_faults import Expired, Gone

_KNOWN = ("inbox", "archive", "junkemail", "deleteditems", "sentitems", "drafts")  # names that Graph itself knows
_FOLDERS = 500
_DEPTH = 5
_WANTED = "?$select=id,receivedDateTime,isRead"
_HEADERS = "?$select=internetMessageHeaders,subject,from,receivedDateTime"
_READ, _LIST, _CHANGE = "read messages", "list messages", "change messages"


@dataclass(frozen=True, slots=True)
class _Known:
    """What the delta query told of a message; None where it did not."""

    arrived_at: float | None
    read: bool | None


class GraphSource:
    """One folder of one mailbox; see `inbound.sources.Source` for what is promised.

    url: Graph with its version. timeout: seconds for each answer. most: octets that `http` takes of one.
    """

    def __init__(self, account: Account, http: Http, url: str, *, timeout: float, most: int) -> None:
        self._account = account
        self._calls = GraphCalls(account, http, url, timeout)
        self._most = most
        self._folder = ""
        self._there: dict[str, _Known] = {}
        self._delta = ""
        self._targets: dict[str, str] = {}

    def open(self) -> Place:
        self._folder = self._found(self._account.folder, "folder")
        self._anew()
        return Place(validity="", ordered=False, count=len(self._there), writable=True, wakes=False)

    def listed(self, after: str | None = None) -> tuple[str, ...]:
        try:
            self._follow(self._delta, self._there)
        except Expired:
            self._anew()
        return tuple(sorted(self._there, key=lambda id: self._there[id].arrived_at or 0.0))

    def unread(self) -> frozenset[str]:
        return frozenset(id for id, known in self._there.items() if not known.read)

    def since(self, instant: float) -> tuple[str, ...]:
        there = self._there
        return tuple(id for id, known in there.items() if known.arrived_at is None or known.arrived_at >= instant)

    def overview(self) -> Overview:
        oldest = min((known.arrived_at for known in self._there.values() if known.arrived_at), default=None)
        return Overview(len(self._there), len(self.unread()), oldest)

    def messages(self, ids: Sequence[str], max_bytes: int) -> Iterator[Sequence[Message]]:
        batch: list[Message] = []
        octets = 0
        for id in ids:
            message = self._message(id, max_bytes)
            if message is None:
                continue
            if batch and (len(batch) >= MESSAGES or octets + len(message.raw) > OCTETS):
                yield batch
                batch, octets = [], 0
            batch.append(message)
            octets += len(message.raw)
        if batch:
            yield batch

    def headers(self, ids: Sequence[str]) -> Sequence[Message]:
        found = (self._headers(id, 0, "Only its header was fetched.") for id in ids)
        return [message for message in found if message is not None]

    def done(self, ids: Sequence[str], disposal: Disposal = MARK) -> None:
        for id in ids:
            try:
                self._dispose(id, disposal)
            except Gone:
                continue

    def wait(self, seconds: float, stopped: Callable[[], bool]) -> None:
        idle.sleep(seconds, stopped)

    def check(self) -> Finding:
        names = tuple(sorted(self._folders()))[:_FOLDERS]
        self._folder = self._found(self._account.folder, "folder")
        self._anew()
        total, unread = len(self._there), len(self.unread())
        sentences = (
            f"Microsoft Graph lets Mailbridge read the mailbox {self._account.username}.",
            f"The folder {self._account.folder} has {total} {'message' if total == 1 else 'messages'}, {unread} of them unread.",
            "New mail is looked for at intervals.",
        )
        return Finding(sentences, names, unread, total, False, None)

    def close(self) -> None:
        self._calls.close()

    # --- what is there

    def _anew(self) -> None:
        there: dict[str, _Known] = {}
        try:
            self._follow(f"/mailFolders/{quote(self._folder)}/messages/delta{_WANTED}", there)
        except Gone:
            raise self._no_folder(self._account.folder, "folder") from None
        except Expired:
            raise Temporary("Microsoft Graph forgot the list of messages while it was read.") from None
        self._there = there

    def _follow(self, link: str, there: dict[str, _Known]) -> None:
        """Ask for changes, all pages of them, and enter them; nothing is entered twice if it is cut short and repeated."""
        for page in self._calls.pages(link, _LIST):
            for item in page.get("value") or ():
                if isinstance(item, dict) and isinstance(item.get("id"), str):
                    _enter(there, item)
            delta = page.get("@odata.deltaLink")
            if isinstance(delta, str):
                self._delta = delta
                return
        raise Temporary("Microsoft Graph broke off the list of messages.")

    # --- messages

    def _message(self, id: str, max_bytes: int) -> Message | None:
        try:
            raw = self._calls.octets(f"/messages/{quote(id)}/$value", _READ)
        except Gone:
            return None
        except Unusable:
            raise
        except Permanent as fault:  # more octets than `http` takes
            if "more than" not in str(fault):
                raise
            return self._headers(id, self._most, too_large(self._most + 1, min(max_bytes, self._most)))
        arrived_at = self._there[id].arrived_at if id in self._there else None
        if len(raw) <= max_bytes:
            return Message(id, len(raw), raw, arrived_at=arrived_at)
        return Message(id, len(raw), _header_block(raw), too_large(len(raw), max_bytes), arrived_at)

    def _headers(self, id: str, size: int, problem: str) -> Message | None:
        try:
            told = self._calls.get(f"/messages/{quote(id)}{_HEADERS}", _READ)
        except Gone:
            return None
        return Message(id, size, _block_of(told), problem, _instant(told.get("receivedDateTime")))

    def _dispose(self, id: str, disposal: Disposal) -> None:
        path = f"/messages/{quote(id)}"
        if disposal.kind == "mark":
            self._calls.change("PATCH", path, {"isRead": True}, _CHANGE)
        elif disposal.kind == "delete":
            self._calls.change("DELETE", path, None, _CHANGE)
        else:
            if disposal.folder not in self._targets:
                self._targets[disposal.folder] = self._found(disposal.folder, "move_to")
            self._calls.change("POST", f"{path}/move", {"destinationId": self._targets[disposal.folder]}, _CHANGE)

    # --- folders

    def _found(self, name: str, field: str) -> str:
        """The id of a folder by its name or path; a name that Graph itself knows is its id."""
        if name.lower() in _KNOWN:
            return name.lower()
        path = ""
        for part in name.split("/"):
            under = f"/mailFolders/{quote(path)}/childFolders" if path else "/mailFolders"
            found = [id for shown, id, _ in self._listed_folders(under) if shown.lower() == part.lower()]
            if not found:
                raise self._no_folder(name, field)
            path = found[0]
        return path

    def _folders(self, under: str = "", within: str = "", depth: int = 0) -> list[str]:
        """Their names as paths; those below one are looked at where Graph says that there are any."""
        names: list[str] = []
        for shown, id, below in self._listed_folders(under or "/mailFolders"):
            if len(names) >= _FOLDERS:
                break
            names.append(within + shown)
            if below and depth < _DEPTH:
                names += self._folders(f"/mailFolders/{quote(id)}/childFolders", f"{within}{shown}/", depth + 1)
        return names

    def _listed_folders(self, path: str) -> Iterator[tuple[str, str, bool]]:
        """(name, id, whether there are folders below it)."""
        try:
            for page in self._calls.pages(path, "list the folders"):
                for item in page.get("value") or ():
                    if isinstance(item, dict) and isinstance(item.get("id"), str):
                        yield str(item.get("displayName") or ""), item["id"], bool(item.get("childFolderCount"))
        except Gone:
            raise Unusable(
                f"Microsoft Graph knows no mailbox {self._account.username}.",
                remedy="Give the mailbox's user name (user principal name) as Microsoft 365 shows it.",
                field="secret",
            ) from None

    def _no_folder(self, name: str, field: str) -> Unusable:
        names = tuple(sorted(self._folders()))[:_FOLDERS]
        remedy = f"Choose one of these: {', '.join(names[:20])}." if names else "Name another folder."
        return Unusable(f"The mailbox has no folder {name!r}.", remedy=remedy, field=field, folders=names)


def _enter(there: dict[str, _Known], item: Mapping[str, Any]) -> None:
    id = str(item["id"])
    if "@removed" in item:
        there.pop(id, None)
        return
    known, read = there.get(id), item.get("isRead")
    there[id] = _Known(
        _instant(item.get("receivedDateTime")) or (known.arrived_at if known else None),
        read if isinstance(read, bool) else known.read if known else None,
    )


def _instant(text: object) -> float | None:
    """An instant as Graph writes it: ISO 8601 in UTC."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None


def _header_block(raw: bytes) -> bytes:
    ends = [at for mark in (b"\r\n\r\n", b"\n\n") if (at := raw.find(mark)) >= 0]
    return raw[: min(ends, default=65_536)][:65_536] + b"\r\n\r\n"


def _block_of(told: Mapping[str, Any]) -> bytes:
    """A header block of what Graph tells of it, at least subject and sender."""
    listed = (header for header in told.get("internetMessageHeaders") or () if isinstance(header, dict))
    lines = [(str(header["name"]), str(header.get("value") or "")) for header in listed if header.get("name")]
    names = {name.lower() for name, _ in lines}
    sender = told.get("from")
    address = sender.get("emailAddress") if isinstance(sender, dict) else None
    if "from" not in names and isinstance(address, dict) and address.get("address"):
        lines.append(("From", f"<{address['address']}>"))
    if "subject" not in names and told.get("subject"):
        lines.append(("Subject", str(told["subject"])))
    return "".join(f"{_line(name)}: {_line(value)}\r\n" for name, value in lines).encode()[:65_536] + b"\r\n"


def _line(text: str) -> str:
    return " ".join(text.split()).encode("utf-8", "replace").decode()
