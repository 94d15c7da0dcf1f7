"""Where mail comes from: what the fetcher asks of a mailbox, whatever protocol it speaks.

A source is one naming of the messages of one folder. Its ids are strings: IMAP's UID in digits, POP3's UIDL, Graph's
immutable id. In an ordered source they are whole numbers that grow as mail arrives; in any other they only tell messages
apart. All of a library's exceptions stop in the source: what leaves it is Temporary or Permanent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from common.errors import Permanent, Temporary


@dataclass(frozen=True, slots=True)
class Account:
    """How to reach one folder. security: "tls" (from the first octet), "starttls" or "none".

    check_identity: whether the certificate has to be for `host`; without validate_certificate nothing of it is looked at.
    bearer: where tokens to log in with come from; None: log in with `secret`. timeout: seconds for each answer; None: the
    operator's.
    """

    host: str
    port: int
    security: str
    username: str
    secret: str = field(repr=False)
    folder: str
    validate_certificate: bool = True
    check_identity: bool = True
    bearer: "Bearer | None" = field(default=None, repr=False, compare=False)
    timeout: float | None = None


class Bearer(Protocol):
    """Where a source gets its access tokens. person: the account that signed in, None for an app."""

    @property
    def person(self) -> str | None: ...

    def token(self) -> str:
        """One that is good for some minutes; raises Unusable (a person has to act) or Temporary."""

    def refused(self, token: str) -> bool:
        """The mail server did not take it; True if a newer one can be had."""


class Unusable(Permanent):
    """The account cannot be read as it is set up. field: which setting is to blame ("host", "port", "security",
    "secret", "validate_certificate", "folder", "move_to"); folders: which there are, if the folder is."""

    def __init__(self, message: str, *, remedy: str, field: str, folders: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.field = field
        self.folders = folders


class NotNow(Temporary):
    """The server was reached and does not do what it was asked, for the time being: no setting is to blame."""


class Unreadable(Temporary):
    """The server's answer about a message cannot be had or understood; other messages may be fine."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as fetched: `raw` is all of it, or its header block only when it is larger than the limit.

    size: octets by the server's word. problem: why there is no body, as a sentence, or "". arrived_at: when the server
    took it in, by the server's clock and to the second; None if it does not say. limit: octets that it may have, where it has
    more; else 0.
    """

    id: str
    size: int
    raw: bytes
    problem: str = ""
    arrived_at: float | None = None
    limit: int = 0

    @property
    def whole(self) -> bool:
        return not self.problem


@dataclass(frozen=True, slots=True)
class Place:
    """An opened folder.

    validity: what makes its ids these ids ("" where nothing does). ordered: the ids are whole numbers in digits that grow;
    last is then one that no message to come will be below or at, and "" otherwise. writable: messages can be marked,
    deleted and moved. wakes: the server tells of new mail by itself (IDLE).
    """

    validity: str
    ordered: bool
    count: int
    writable: bool
    wakes: bool
    last: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """What lies in the folder. unread is None where the protocol does not know; oldest_at (seconds since 1970) is None for
    an empty folder, or where nobody can tell."""

    total: int
    unread: int | None
    oldest_at: float | None


@dataclass(frozen=True, slots=True)
class Count:
    """A number of messages; where it is not exact, about so many."""

    number: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Disposal:
    """What to do in the mailbox with messages that are accounted for: "mark" (as read), "delete", or "move" to `folder`."""

    kind: str
    folder: str = ""


MARK = Disposal("mark")


@dataclass(frozen=True, slots=True)
class Finding:
    """What *Test connection* saw. `sentences` is what to tell the admin; folders may be cut to 500."""

    sentences: tuple[str, ...]
    folders: tuple[str, ...]
    unread: int | None
    total: int
    wakes: bool
    certificate_expires_at: float | None


class Source(Protocol):
    """A connection to one folder. Not for use by two threads at once."""

    def open(self, mark: str = "") -> Place:
        """Connect, log in and open the folder. mark: what `mark` was in an earlier session, to go on from there."""

    def listed(self, after: str | None = None) -> tuple[str, ...]:
        """The ids of the messages there now, oldest first where the server tells; above `after` in an ordered source, all of
        them in any other."""

    def changed(self, most: int | None = None) -> tuple[str, ...] | None:
        """Of an unordered source: the ids of the messages that are there and may be new since the last look, or since the mark
        that it was opened with; all that are there where it knows no better. None: it cannot tell any more, look at
        everything; or not with `most` calls."""

    @property
    def mark(self) -> str:
        """What a later session can go on from, everything told so far behind it; "" where the source has none. A secret."""

    def unread(self) -> frozenset[str]:
        """The ids of the messages that nobody has read: all of them where the protocol does not know."""

    def since(self, instant: float) -> tuple[str, ...]:
        """The ids of the messages that arrived at this instant or later, and of those that do not tell."""

    def counted(self, instant: float) -> Count:
        """How many `since` would name; at the cost of a few small commands."""

    def overview(self) -> Overview:
        """How many messages there are, and since when; at the cost of a few small commands."""

    def messages(self, ids: Sequence[str], max_bytes: int) -> Iterator[Sequence[Message]]:
        """The messages in batches of at most 50 or about 8 MB; of those larger than max_bytes the header block only, with
        the problem. Messages that are gone are left out; reading them changes no flag."""

    def headers(self, ids: Sequence[str]) -> Sequence[Message]:
        """The header blocks of these messages (at most 500), as `raw`; changes no flag."""

    def done(self, ids: Sequence[str], disposal: Disposal = MARK) -> None:
        """Do this with them. Those that are gone are no trouble: it may be asked for again after a crash."""

    def wait(self, seconds: float, stopped: Callable[[], bool]) -> None:
        """Return when there may be new mail, after `seconds`, or soon after `stopped()` turns true."""

    def check(self) -> Finding:
        """Connect anew, look around and leave, without changing anything."""

    def close(self) -> None:
        """Leave politely if that is quick. Never raises."""
