"""What reading a mail yields: frozen values that every other reading module takes. Pure."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox: `name` may be "", `address` is as written (compare in lower case) and may be "" if only a name stood there."""

    name: str
    address: str


@dataclass(frozen=True)
class Attachment:
    """One file of the mail. `filename` is never empty and safe to store: no path, no control characters."""

    filename: str
    content_type: str
    content: bytes
    inline: bool = False
    content_id: str = ""

    @property
    def size(self) -> int:
        """Octets."""
        return len(self.content)

    @cached_property
    def sha256(self) -> str:
        """Of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The machine-readable parts of a multipart/report (RFC 6522), as text; "" and () where the mail has none.

    kind: the report-type ("delivery-status", "disposition-notification", "feedback-report"), lower case.
    status: each message/delivery-status or message/disposition-notification part.
    feedback: the message/feedback-report part (RFC 5965).
    returned: the returned mail or its headers; cut at 64 KiB.
    """

    kind: str = ""
    status: tuple[str, ...] = ()
    feedback: str = ""
    returned: str = ""


@dataclass(frozen=True, slots=True)
class Attendee:
    """Who is invited; `status` is RFC 5545's PARTSTAT in lower case: "needs-action", "accepted", "declined", "tentative"."""

    who: Address
    status: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """The first event of a calendar part; "" and () for what it does not say.

    method: RFC 5546's in upper case: "REQUEST" invites, "REPLY" answers, "CANCEL" calls off.
    start, end: as "2026-03-02 09:15 Europe/Berlin" with the zone as it is written, or a day alone.
    """

    method: str
    uid: str = ""
    summary: str = ""
    location: str = ""
    start: str = ""
    end: str = ""
    organizer: Address | None = None
    attendees: tuple[Attendee, ...] = ()
    cancelled: bool = False


@dataclass(frozen=True, slots=True, weakref_slot=True)
class ParsedMail:
    """A mail as read. Texts are Unicode with \\n line ends; nothing that was there is dropped without a word in `defects`.

    text: the plain body ("" if the mail has only HTML); html: the HTML body ("" if none).
    headers: (lower-case name, unfolded and decoded value), topmost first.
    message_id, in_reply_to, references: without angle brackets.
    date: seconds since 1970 UTC, or None.
    protection: "", "signed" (S/MIME or PGP, read all the same) or "encrypted" (unreadable here, kept as attachments).
    invitation: of the first calendar part, which stays among the attachments; None if the mail has none.
    """

    subject: str = ""
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    date: float | None = None
    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    report: DeliveryReport = field(default_factory=DeliveryReport)
    defects: tuple[str, ...] = ()
    protection: str = ""
    invitation: Invitation | None = None

    def header(self, name: str) -> str:
        """The topmost value of a header by its lower-case name, or ""."""
        return next((value for key, value in self.headers if key == name), "")

    def header_all(self, name: str) -> tuple[str, ...]:
        """Each value of a header by its lower-case name, topmost first."""
        return tuple(value for key, value in self.headers if key == name)
