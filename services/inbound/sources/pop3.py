"""POP3: a source without order or flags. Messages are named by their UIDL, and stay on the server or are deleted there.

A POP3 session sees the mailbox as it was at its login: each look is a session of its own, and between looks there is none.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from common.errors import Temporary
from inbound.sources import (
    MARK,
    Account,
    Count,
    Disposal,
    Finding,
    Message,
    NotNow,
    Overview,
    Place,
    Unusable,
    arrivals,
    idle,
    pop3_faults,
    tls,
    xoauth2,
)
from inbound.sources.batches import batches, too_large
from inbound.sources.findings import pop3_finding
from inbound.sources.pop3_wire import Nonsense, OverLong, Refused, Wire
from inbound.sources.wire import Network

_HEADER_BYTES = 256 * 1024
_NAME = 400  # letters of a UIDL that are kept; RFC 1939 allows 70
_FAREWELL = 2.0
_ASKED = 100  # messages that are asked one by one when they came, to count them


class Pop3Source:
    """The one folder of a POP3 account; see `inbound.sources.Source` for what is promised.

    allow_plain: whether `security` "none" is taken at all (MAILBRIDGE_ALLOW_PLAIN). timeout: seconds for each answer.
    """

    def __init__(self, account: Account, nets: Network, *, timeout: float, allow_plain: bool) -> None:
        self._account = account
        self._nets = nets
        self._timeout = timeout
        self._allow_plain = allow_plain
        self._wire: Wire | None = None
        self._numbers: dict[str, int] = {}
        self._sizes: dict[int, int] = {}

    def open(self, mark: str = "") -> Place:
        self.close()
        self._here()
        return Place(validity="", ordered=False, count=len(self._numbers), writable=True, wakes=False)

    def listed(self, after: str | None = None) -> tuple[str, ...]:
        self._here()
        return tuple(self._numbers)

    def unread(self) -> frozenset[str]:
        return frozenset(self.listed())

    def since(self, instant: float) -> tuple[str, ...]:
        found = []
        for id in self.listed():
            arrived = arrivals.arrived_at(self._header(id))
            if arrived is None or arrived >= instant:
                found.append(id)
        return tuple(found)

    def changed(self, most: int | None = None) -> tuple[str, ...]:
        return self.listed()

    @property
    def mark(self) -> str:
        return ""

    def counted(self, instant: float) -> Count:
        ids = self.listed()
        if len(ids) <= _ASKED:
            return Count(len(self.since(instant)))
        # POP3 tells no times and a header costs a command. Most servers number messages as they came: halve until it is found.
        early, late = 0, len(ids)  # all before `early` came before the instant, all from `late` on at it or later
        while early < late:
            middle = (early + late) // 2
            arrived = arrivals.arrived_at(self._header(ids[middle]))
            if arrived is None or arrived >= instant:
                late = middle
            else:
                early = middle + 1
        return Count(len(ids) - early, exact=False)

    def overview(self) -> Overview:
        ids = self.listed()
        oldest = arrivals.arrived_at(self._header(ids[0])) if ids else None
        return Overview(len(ids), None, oldest)

    def messages(self, ids: Sequence[str], max_bytes: int) -> Iterator[Sequence[Message]]:
        self._here()
        sizes = [(id, self._sizes.get(self._numbers[id], 0)) for id in ids if id in self._numbers]
        for batch in batches(sizes):
            yield [message for id, size in batch for message in self._message(id, size, max_bytes)]

    def headers(self, ids: Sequence[str]) -> Sequence[Message]:
        problem = "Only its header was fetched."
        self._here()
        there = [(id, self._sizes.get(self._numbers[id], 0)) for id in ids if id in self._numbers]
        return [Message(id, size, self._header(id), problem) for id, size in there]

    def done(self, ids: Sequence[str], disposal: Disposal = MARK) -> None:
        if disposal.kind == "mark":
            return  # POP3 has no flags
        if disposal.kind == "move":
            raise Unusable(
                "A POP3 mailbox has no folders to move messages to.",
                remedy="Leave handled messages on the server, or delete them.",
                field="strategy",
            )
        with self._explained("delete messages"):
            wire = self._here()
            for number in sorted(self._numbers[id] for id in ids if id in self._numbers):
                try:
                    wire.delete(number)
                except Refused:
                    # It may be gone: what the next session lists tells. What stays is asked for again.
                    continue
            self._wire = None
            try:
                wire.quit()  # only now are they deleted
            finally:
                wire.drop()
        left = set(ids).intersection(self.listed())
        if left:
            raise Temporary(
                f"{self._account.host} did not delete {len(left)} of {len(ids)} messages; it is tried again."
            )

    def wait(self, seconds: float, stopped: Callable[[], bool]) -> None:
        self.close()
        idle.sleep(seconds, stopped)

    def check(self) -> Finding:
        self.close()
        with self._explained("look at the mailbox"):
            wire = self._here()
            capabilities = wire.capabilities()
            certificate = tls.certificate(wire.socket)
        self.close()
        return pop3_finding(self._account, len(self._numbers), capabilities.get("EXPIRE", ()), certificate)

    def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.drop(_FAREWELL)

    # --- connecting

    def _here(self) -> Wire:
        if self._wire is not None:
            return self._wire
        account = self._account
        if account.security == "none" and not self._allow_plain:
            raise Unusable(
                "Unencrypted connections are not allowed here.",
                remedy="Choose TLS or STARTTLS, or let the operator set MAILBRIDGE_ALLOW_PLAIN.",
                field="security",
            )
        context = tls.context(account.validate_certificate, account.check_identity)
        with self._explained("connect"):
            wire = Wire(
                account.host, account.port, self._nets, self._timeout, security=account.security, context=context
            )
        try:
            with self._explained("log in"):
                self._login(wire)
            self._look(wire)
        except BaseException:
            wire.drop()
            raise
        self._wire = wire
        return wire

    def _login(self, wire: Wire) -> None:
        account = self._account
        if account.bearer is None:
            wire.login(account.username, account.secret)
            return
        token = account.bearer.token()
        try:
            words = wire.login_with_token(account.username, token)
        except Refused as error:
            fault = pop3_faults.refused(str(error), account, "log in")
            if isinstance(fault, Temporary):
                raise fault from error
            words = str(error)
        if words is None:
            return
        if account.bearer.refused(token):
            raise NotNow(f"{account.host} did not take the access token any more; a new one is had now.")
        raise xoauth2.refusal(account.host, account.username, account.bearer.person, words)

    def _look(self, wire: Wire) -> None:
        with self._explained("list the messages"):
            total = wire.count()
            try:
                names = wire.names() if total else {}
            except Refused as error:
                raise pop3_faults.no_names(str(error)) from error
            self._sizes = wire.sizes() if total else {}
        self._numbers = _named(names)

    # --- fetching

    def _message(self, id: str, size: int, max_bytes: int) -> list[Message]:
        if size > max_bytes:
            return [Message(id, size, self._header(id), too_large(size, max_bytes), limit=max_bytes)]
        with self._explained("fetch messages"):
            try:
                raw = self._here().message(self._numbers[id], max_bytes)
            except Refused as error:
                return [Message(id, size, b"", f"The server could not hand this message over: {error}")]
            except OverLong:  # it is larger than the server said
                self._drop()
                if id not in self.listed():
                    return []
                size = max_bytes + 1
                return [Message(id, size, self._header(id), too_large(size, max_bytes), limit=max_bytes)]
        return [Message(id, size or len(raw), raw)]

    def _header(self, id: str) -> bytes:
        """b"" where the server does not show it alone: TOP is optional."""
        with self._explained("fetch the headers of messages"):
            wire = self._here()
            if id not in self._numbers:
                return b""
            try:
                return wire.header(self._numbers[id], _HEADER_BYTES)
            except Refused:
                return b""
            except OverLong:
                self._drop()
                return b""

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.drop()

    # --- faults

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Turn what the wire raises into a fault; the connection is over then, but for a mere refusal."""
        try:
            yield
        except Refused as error:
            raise pop3_faults.refused(str(error), self._account, what) from error
        except (Nonsense, OverLong) as error:
            self._drop()
            words = str(error) or "the answer has no end."
            raise pop3_faults.nonsense(words, self._account, what) from error
        except OSError as error:
            self._drop()
            raise pop3_faults.network(error, self._account, what) from error


def _named(names: dict[int, str]) -> dict[str, int]:
    """Number by id, in the order of the numbers. Some servers give equal messages equal names: then they are counted too."""
    found: dict[str, int] = {}
    for number in sorted(names):
        name = names[number]
        id = name if len(name) <= _NAME else hashlib.sha256(name.encode()).hexdigest()
        again = 1
        while id in found:
            again += 1
            id = f"{name[:_NAME]} {again}"
        found[id] = number
    return found
