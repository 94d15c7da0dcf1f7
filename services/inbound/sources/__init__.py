"""Where mail comes from: what the fetcher asks of a mailbox, whatever protocol it speaks.

A source is one numbering of one folder: server, account, folder and UIDVALIDITY. Its messages have whole numbers that
grow as mail arrives. All of a library's exceptions stop in the source: what leaves it is Temporary or Permanent.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from common.errors import Permanent, Temporary


@dataclass(frozen=True, slots=True)
class Account:
    """How to reach one folder. security: "tls" (from the first octet), "starttls" or "none"."""

    host: str
    port: int
    security: str
    username: str
    secret: str = field(repr=False)
    folder: str
    validate_certificate: bool = True


class Unusable(Permanent):
    """The account cannot be read as it is set up. field: which setting is to blame ("host", "port", "security",
    "secret", "validate_certificate", "folder"); folders: which there are, if the folder is."""

    def __init__(self, message: str, *, remedy: str, field: str, folders: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.field = field
        self.folders = folders


class Unreadable(Temporary):
    """The server's answer about a message cannot be had or understood; other messages may be fine."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as fetched: `raw` is all of it, or its header block only when it is larger than the limit.

    size: octets by the server's word. problem: why there is no body, as a sentence, or "". arrived_at: when the server
    took it in, by the server's clock and to the second; None if it does not say.
    """

    number: int
    size: int
    raw: bytes
    problem: str = ""
    arrived_at: float | None = None

    @property
    def whole(self) -> bool:
        return not self.problem


@dataclass(frozen=True, slots=True)
class Place:
    """An opened folder. validity: what makes its numbers these numbers; next_number: greater than any given so far;
    writable: messages can be marked read; wakes: the server tells of new mail by itself (IDLE)."""

    validity: int
    next_number: int
    count: int
    writable: bool
    wakes: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What *Test connection* saw. `sentences` is what to tell the admin; folders may be cut to 500."""

    sentences: tuple[str, ...]
    folders: tuple[str, ...]
    unread: int
    total: int
    wakes: bool
    certificate_expires_at: float | None


class Source(Protocol):
    """A connection to one folder. Not for use by two threads at once."""

    def open(self) -> Place:
        """Connect, log in and open the folder."""

    def numbers(self, above: int) -> tuple[int, ...]:
        """The numbers of all messages above this one, ascending."""

    def unread(self) -> frozenset[int]:
        """The numbers of the messages that nobody has read."""

    def since(self, instant: float) -> tuple[int, ...]:
        """The numbers of the messages that arrived at this instant or later, ascending."""

    def messages(self, numbers: Sequence[int], max_bytes: int) -> Iterator[Sequence[Message]]:
        """The messages in batches of at most 50 or about 8 MB, none larger than max_bytes. Messages that are gone
        are left out; reading them changes no flag."""

    def headers(self, numbers: Sequence[int]) -> Sequence[Message]:
        """The header blocks of these messages (at most 500), as `raw`; changes no flag."""

    def done(self, numbers: Iterable[int]) -> None:
        """Mark them read."""

    def wait(self, seconds: float, stopped: Callable[[], bool]) -> None:
        """Return when there may be new mail, after `seconds`, or soon after `stopped()` turns true."""

    def check(self) -> Finding:
        """Connect anew, look around and leave, without changing anything."""

    def close(self) -> None:
        """Leave politely if that is quick. Never raises."""
