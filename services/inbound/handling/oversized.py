"""Whether the sender of a mail that was too large is told so, and why not. Pure.

An answer to a program, a list or a forged sender would do harm where silence does none (RFC 3834): what is in doubt is not
answered. Only the header is known of such a mail.
"""

from dataclasses import dataclass

from inbound.handling.screen import Screening
from inbound.reading.identity import Identity
from inbound.reading.parsed import ParsedMail
from inbound.reading.people import lenient_addresses

ANSWERED = (
    "The sender is to be told by mail that it is too large; what became of that letter stands under “Outgoing mail”."
)
OFF = "The sender was not told: this mailbox does not answer mail that is too large."
_BOUNCED = "The sender was not told by Mailbridge: the mail server that brought it does that."
_AGAIN = "The sender was told before that it is too large."
_OLD = "The sender was not told: the mail is not a new one."
_REPORT = "The sender was not told: it is a mail server's or a mail program's report."
_LIST = "The sender was not told: it came by a mailing list."
_UNNAMED = "The sender was not told: the mail names none of the mailbox's addresses, and such mail is to be ignored."
_MANY = "The sender was not told: the mail names more than one."
_NOBODY = "The sender was not told: the mail names no address that an answer can go to."
_OURS = "The sender was not told: the mail names a mailbox of ours as its sender."

_LISTS = ("list-id", "list-post", "list-help", "list-subscribe", "list-unsubscribe", "mailing-list", "x-mailing-list")
_FRESH = 7 * 86_400.0
_SLACK = 300.0
"""Seconds by which a sender's clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """wanted: the mailbox answers; via: the door by which it was pushed, or ""; answered: at an earlier time; ignorable: it is
    ignored for naming none of the mailbox's addresses; connected_at, now: seconds since 1970."""

    wanted: bool
    via: str
    answered: bool
    ignorable: bool
    connected_at: float
    now: float


def why_not(
    mail: ParsedMail, screening: Screening, identity: Identity, own: frozenset[str], around: Circumstances
) -> str:
    """The sentence that says why its sender is not answered, or "". own: our mailboxes' addresses in lower case."""
    if early := too_early(around):
        return early
    if screening.kind != "person":
        return f"The sender was not told. {screening.evidence}"
    if mail.header("content-type").strip().lower().startswith("multipart/report"):
        return _REPORT  # what makes it a bounce or a receipt is in its body
    if any(mail.header(name) for name in _LISTS) or mail.header("precedence").strip().lower() == "list":
        return _LIST
    if identity.trust == "failed":
        return f"The sender was not told. {identity.why}"
    if around.ignorable:
        return _UNNAMED
    oldest = max(around.connected_at - _SLACK, around.now - _FRESH)
    if mail.date is not None and mail.date < oldest:
        return _OLD
    return _no_address(mail, own)


def too_early(around: Circumstances) -> str:
    """What can be said before anything is known of the mail, or ""."""
    if around.answered:
        return _AGAIN
    if not around.wanted:
        return OFF
    # The pipe was told 413 or 65, so its mail server bounces the mail: who brings it has the last word with its sender.
    return _BOUNCED if around.via == "pipe" else ""


def _no_address(mail: ParsedMail, own: frozenset[str]) -> str:
    headers = mail.header_all("from")
    named = {one.address.lower() for value in headers for one in lenient_addresses(value)}
    if len(headers) > 1 or len(named) > 1:
        return _MANY
    address = mail.sender.address.lower() if mail.sender is not None else ""
    local, _, domain = address.rpartition("@")
    if not local or not domain or len(address) > 320 or not address.isprintable() or " " in address:
        return _NOBODY
    return _OURS if {address, f"{local.partition('+')[0]}@{domain}"} & own else ""
