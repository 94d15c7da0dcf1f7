"""How our mail joins the customer's own thread, and how a reply finds back. Pure.

Every mail carries its token in its Message-ID, once more in References (some providers write a Message-ID of their
own) and, where the mailbox takes sub-addresses, in Reply-To. RFC 5322, 3.6.4: References are the parent's with the
parent's Message-ID added; In-Reply-To names the parent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

_MOST = 20


@dataclass(frozen=True, slots=True)
class Threading:
    """Header values, angle brackets and all; "" where the header is left out."""

    message_id: str
    in_reply_to: str
    references: str
    reply_to: str


def headers(message_id: str, earlier: Sequence[str], mailbox: str | None, *, sub_addresses: bool) -> Threading:
    """The threading headers of a mail. message_id: its own, without brackets: the token, @, and our domain.

    earlier: Message-IDs (without brackets) of the conversation, oldest first. When they are many, the first and
    the newest stay: clients hang a mail below the nearest one they have.
    """
    known = list(dict.fromkeys(message_id for message_id in (_clean(one) for one in earlier) if message_id))
    if len(known) > _MOST:
        known = [known[0], *known[-(_MOST - 1) :]]
    token, _, domain = message_id.partition("@")
    # Not the Message-ID itself: a mail that names itself as its parent is a loop to some clients.
    carrier = f"{token}@thread.{domain}"
    return Threading(
        message_id=f"<{message_id}>",
        in_reply_to=f"<{known[-1]}>" if known else "",
        references=" ".join(f"<{one}>" for one in [*known, carrier]),
        reply_to=reply_address(token, mailbox, sub_addresses=sub_addresses) if mailbox else "",
    )


def alone(message_id: str) -> Threading:
    """The headers of a mail that belongs to no conversation. message_id: without brackets."""
    return Threading(f"<{message_id}>", "", "", "")


def answering(message_id: str, earlier: Sequence[str], parent: str, reply_to: str) -> Threading:
    """The headers of an answer that carries no token. message_id: its own; earlier, parent: the answered mail's references and
    its own Message-ID; all without brackets. reply_to: where an answer to it goes, or ""."""
    own = _clean(parent)
    known = list(dict.fromkeys(one for one in (*map(_clean, earlier[-_MOST:]), own) if one)) if own else []
    return Threading(f"<{message_id}>", f"<{own}>" if own else "", " ".join(f"<{one}>" for one in known), reply_to)


def reply_address(token: str, mailbox: str, *, sub_addresses: bool) -> str:
    """The mailbox, with the token as its sub-address where it takes one and the local part stays within 64 octets."""
    local, _, domain = mailbox.rpartition("@")
    if sub_addresses and local and len(local) + 1 + len(token) <= 64:
        return f"{local}+{token}@{domain}"
    return mailbox


def domain(address: str) -> str:
    """What stands behind the @, in lower case."""
    return address.rpartition("@")[2].strip().lower()


def subject(key: str, summary: str, *, reply: bool) -> str:
    """`[KEY] summary` on one line, with "Re:" when the mail continues a conversation."""
    line = " ".join(f"[{key}] {summary}".split())
    return f"Re: {line}" if reply else line


def _clean(message_id: str) -> str:
    """Without brackets; "" for what would break a header."""
    text = message_id.strip().strip("<>").strip()
    fine = text.isascii() and text.isprintable() and "@" in text and len(text) <= 250 and not set(" <>") & set(text)
    return text if fine else ""
