"""Microsoft Graph: one folder, followed by its delta query, with immutable ids; messages come as raw MIME (`$value`)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from common.errors import Fault, Permanent, Temporary
from common.http import Http
from inbound.sources import (
    MARK,
    Account,
    Count,
    Disposal,
    Finding,
    Message,
    Overview,
    Place,
    Unreadable,
    Unusable,
    idle,
)
from inbound.sources.batches import MESSAGES, OCTETS, too_large
from inbound.sources.graph_calls import GraphCalls
from inbound.sources.graph_faults import Gone
from inbound.sources.graph_folders import GraphFolders
from inbound.sources.graph_list import GraphList, instant

_HEADERS = "?$select=internetMessageHeaders,subject,from,receivedDateTime"
_READ, _CHANGE = "read messages", "change messages"
_IN_A_ROW = 2


class GraphSource:
    """One folder of one mailbox; see `inbound.sources.Source` for what is promised.

    url: Graph with its version. timeout: seconds for each answer. most: octets that `http` takes of one.
    """

    def __init__(self, account: Account, http: Http, url: str, *, timeout: float, most: int) -> None:
        self._account = account
        self._calls = GraphCalls(account, http, url, timeout)
        self._folders = GraphFolders(self._calls, account.username)
        self._most = most
        self._list = GraphList(self._calls, "inbox")
        self._targets: dict[str, str] = {}

    def open(self, mark: str = "") -> Place:
        self._list = GraphList(self._calls, self._folders.found(self._account.folder, "folder"), mark)
        return Place(validity="", ordered=False, count=self._totals().total, writable=True, wakes=False)

    def listed(self, after: str | None = None) -> tuple[str, ...]:
        with self._there():
            self._list.everything()
        return self._ids()

    def changed(self, most: int | None = None) -> tuple[str, ...] | None:
        return self._ids() if self._list.changed(most) else None

    @property
    def mark(self) -> str:
        return self._list.mark

    def unread(self) -> frozenset[str]:
        return frozenset(id for id, known in self._list.seen().items() if not known.read)

    def since(self, instant: float) -> tuple[str, ...]:
        there = self._list.seen()
        return tuple(id for id, known in there.items() if known.arrived_at is None or known.arrived_at >= instant)

    def counted(self, instant: float) -> Count:
        with self._there():
            return self._list.counted(instant)

    def overview(self) -> Overview:
        with self._there():
            return self._list.overview()

    def messages(self, ids: Sequence[str], max_bytes: int) -> Iterator[Sequence[Message]]:
        batch: list[Message] = []
        octets = in_a_row = 0
        trouble: Fault | None = None
        for id in ids:
            try:
                message = self._message(id, max_bytes)
            except Fault as fault:
                # Each message is a call of its own: one that cannot be had keeps no other out.
                trouble, in_a_row = fault, in_a_row + 1
                if not isinstance(fault, Unreadable) or in_a_row >= _IN_A_ROW:
                    break
                continue
            in_a_row = 0
            if message is None:
                continue
            if batch and (len(batch) >= MESSAGES or octets + len(message.raw) > OCTETS):
                yield batch
                batch, octets = [], 0
            batch.append(message)
            octets += len(message.raw)
        if batch:
            yield batch
        if trouble is not None:
            raise trouble

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
        names = self._folders.names()
        self._list = GraphList(self._calls, self._folders.found(self._account.folder, "folder"))
        found = self._totals()
        total, unread = found.total, found.unread or 0
        sentences = (
            f"Microsoft Graph lets Mailbridge read the mailbox {self._account.username}.",
            f"The folder {self._account.folder} has {total} {'message' if total == 1 else 'messages'}, {unread} of them unread.",
            "New mail is looked for at intervals.",
        )
        return Finding(sentences, names, unread, total, False, None)

    def close(self) -> None:
        self._calls.close()

    # --- what is there

    def _totals(self) -> Overview:
        with self._there():
            return self._list.totals()

    @contextmanager
    def _there(self) -> Iterator[None]:
        try:
            yield
        except Gone:
            raise self._folders.missing(self._account.folder, "folder") from None

    def _ids(self) -> tuple[str, ...]:
        there = self._list.there
        return tuple(sorted(there, key=lambda id: there[id].arrived_at or 0.0))

    # --- messages

    def _message(self, id: str, max_bytes: int) -> Message | None:
        """None where it is gone; Unreadable where Graph does not hand this one over."""
        try:
            raw = self._calls.octets(f"/messages/{quote(id)}/$value", _READ)
        except Gone:
            if self._headers(id, 0, "") is None:
                return None
            raise Unreadable("Microsoft Graph lists a message and says that it is not there.") from None
        except Unusable:
            raise
        except Permanent as fault:  # more octets than `http` takes
            if "more than" not in str(fault):
                raise
            limit = min(max_bytes, self._most)
            return self._headers(id, self._most, too_large(self._most + 1, limit), limit)
        except Temporary as fault:
            if fault.retry_after is not None:  # it asks for patience, whatever the message
                raise
            raise Unreadable(str(fault)) from fault
        there = self._list.there
        arrived_at = there[id].arrived_at if id in there else None
        if len(raw) <= max_bytes:
            return Message(id, len(raw), raw, arrived_at=arrived_at)
        problem = too_large(len(raw), max_bytes)
        return Message(id, len(raw), _header_block(raw), problem, arrived_at, max_bytes)

    def _headers(self, id: str, size: int, problem: str, limit: int = 0) -> Message | None:
        try:
            told = self._calls.get(f"/messages/{quote(id)}{_HEADERS}", _READ)
        except Gone:
            return None
        return Message(id, size, _block_of(told), problem, instant(told.get("receivedDateTime")), limit)

    def _dispose(self, id: str, disposal: Disposal) -> None:
        path = f"/messages/{quote(id)}"
        if disposal.kind == "mark":
            self._calls.change("PATCH", path, {"isRead": True}, _CHANGE)
        elif disposal.kind == "delete":
            self._calls.change("DELETE", path, None, _CHANGE)
        else:
            if disposal.folder not in self._targets:
                self._targets[disposal.folder] = self._folders.found(disposal.folder, "move_to")
            self._calls.change("POST", f"{path}/move", {"destinationId": self._targets[disposal.folder]}, _CHANGE)


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
