"""What inbound lets us tell the sender of a mail that was not taken, and what the letter says. Pure.

Words are in `sender_templates`; the letters themselves in `sender_letters`.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from outbound import audience, suppress

OVERSIZED = "oversized"
WHY = "This mail to one of your mailboxes was too large, and the mailbox answers such mail."
LATELY = "This address was told within the last 24 hours that a mail is too large."
OWN = "This is an address of Mailbridge's own: the mail would come back."
ONCE_IN = 86_400.0
"""Seconds within which an address gets one such letter."""

_REPLY = re.compile(r"re\s*:", re.IGNORECASE)
_MOST = 20


@dataclass(frozen=True, slots=True)
class SenderNotice:
    """A mail that was too large. to: its sender; mailbox: the address it came to; size, limit: octets; message_id, references:
    without brackets."""

    to: str
    mailbox: str
    subject: str
    message_id: str
    references: tuple[str, ...]
    size: int
    limit: int

    def to_json(self) -> dict[str, Any]:
        """To be sealed; to whom stands elsewhere, where it can be erased."""
        return asdict(replace(self, to=""))


def read(body: Mapping[str, Any]) -> SenderNotice:
    """A notice from a message; raises ValueError for what is none."""
    notice = stored(body)
    if body.get("kind") != OVERSIZED:
        raise ValueError(f"no notice for a sender: kind {body.get('kind')!r}")
    if not notice.to or notice.limit <= 0:
        raise ValueError("no notice for a sender: it names nobody or no limit")
    return notice


def stored(content: Mapping[str, Any]) -> SenderNotice:
    """A notice from what was sealed."""
    references = content.get("references")
    given = references if isinstance(references, list | tuple) else ()
    return SenderNotice(
        to=_text(content, "to"),
        mailbox=_text(content, "mailbox"),
        subject=_text(content, "subject"),
        message_id=_text(content, "message_id"),
        references=tuple(one for one in given if isinstance(one, str))[-_MOST:],
        size=_octets(content, "size"),
        limit=_octets(content, "limit"),
    )


def refusal(notice: SenderNotice, address: str, own: frozenset[str], suppressed: Mapping[str, str], mark: str) -> str:
    """Why we do not write to the address, or "". own: our mailboxes' addresses; suppressed: reasons by mark."""
    if audience.is_own(address, own | {notice.mailbox.lower()}):
        return OWN
    return suppress.why_not(address, suppressed, mark)


def subject(notice: SenderNotice) -> str:
    """The answered mail's own, as an answer's."""
    return notice.subject if _REPLY.match(notice.subject) else f"Re: {notice.subject or '(no subject)'}"


def words(notice: SenderNotice) -> dict[str, str]:
    """The values of `sender_templates`."""
    return {
        "mailbox": notice.mailbox or "us",
        "subject": notice.subject or "(no subject)",
        "most": in_words(notice.limit),
        "size": in_words(notice.size) if in_words(notice.size) != in_words(notice.limit) else "",
    }


def in_words(octets: int) -> str:
    """Such as 25 MB or 0.5 MB; below that in kB."""
    megabytes = octets / 1024 / 1024
    return f"{octets / 1024:.0f} kB" if megabytes < 0.5 else f"{megabytes:.1f}".removesuffix(".0") + " MB"


def _octets(content: Mapping[str, Any], name: str) -> int:
    value = content.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    return " ".join(value.split())[:1000] if isinstance(value, str) else ""
