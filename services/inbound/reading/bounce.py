"""Is this mail a delivery failure, whom did it not reach, for good or for now, and which mail of ours was it? Pure.

RFC 3464 reports first, then what the big senders and the older servers write: see bounce_texts.py for their shapes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from inbound.reading.bounce_texts import (
    from_a_mailer,
    notification,
    recipients_in,
    says_failure,
    says_success,
    ses_notice,
)
from inbound.reading.parse import parse
from inbound.reading.parsed import ParsedMail

MAX_RECIPIENTS = 500
MAX_CARRIED = 5  # messages in a notice that are searched for a report
MAX_CARRIED_OCTETS = 1024 * 1024
_FIELD = re.compile(r"^([A-Za-z][A-Za-z-]{2,40}):[ \t]*(.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
_ADDRESS = re.compile(r"(?:\"[^\"\s]{1,64}\"|[^\s<>;,()\[\]\"@:]{1,64})@[^\s<>;,()\[\]\"@:]+")
_TO = re.compile(r"^to:[ \t]*(.*(?:\n[ \t]+\S.*)*)", re.IGNORECASE | re.MULTILINE)
_REACHED = frozenset({"delivered", "relayed", "expanded", "deliverable"})
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_MESSAGE_ID = re.compile(r"^message-id:\s*<\s*([^<>\s]{1,900})\s*>", re.IGNORECASE | re.MULTILINE)


class Bounced(NamedTuple):
    """One recipient: `permanent` is False for a delay or a temporary refusal; `status` as "5.1.1", or ""."""

    address: str
    permanent: bool
    status: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """recipients may be empty: the server did not say who. original_message_id: of the mail that came back, or ""."""

    recipients: tuple[Bounced, ...]
    original_message_id: str


def read_bounce(mail: ParsedMail) -> Bounce | None:
    """The failure that the mail reports, or None for any other mail, a notice of success among them."""
    if mail.report.feedback:
        return None
    reported = _reported(mail)
    if reported is not None:
        recipients, success = reported
        if recipients:
            return Bounce(tuple(recipients[:MAX_RECIPIENTS]), _original(mail))
        if success:
            return None
    if reported is None:
        if not from_a_mailer(mail):
            return None
        if (carried := _carried_report(mail)) is not None:
            return carried
    text = notification(mail)
    if (named := ses_notice(text)) is not None:
        return (
            Bounce(tuple(Bounced(address, permanent, "") for address, permanent in named), _original(mail))
            if named
            else None
        )
    if reported is None and not says_failure(mail, text):
        return None
    if says_success(mail, text):
        return None
    found = recipients_in(mail, text)
    permanent, status = _verdict(text, mail)
    return Bounce(tuple(Bounced(address, permanent, status) for address in found[:MAX_RECIPIENTS]), _original(mail))


def _carried_report(mail: ParsedMail) -> Bounce | None:
    """The report inside a notice that carries it as a message: mail gateways wrap the bounces that pass through them."""
    for attachment in mail.attachments[:MAX_CARRIED]:
        if attachment.content_type == "message/rfc822" and b"delivery-status" in attachment.content[:64_000]:
            inner = parse(attachment.content[:MAX_CARRIED_OCTETS])
            found = _reported(inner)
            if found is not None and found[0]:
                return Bounce(tuple(found[0][:MAX_RECIPIENTS]), _original(inner))
    return None


def _reported(mail: ParsedMail) -> tuple[list[Bounced], bool] | None:
    """The recipients that the RFC 3464 part says failed, and whether it says that some were reached; None without such a part."""
    parts = mail.report.status
    if not parts and re.search(r"^final-recipient:", mail.text[:50_000], re.IGNORECASE | re.MULTILINE):
        parts = (mail.text[:50_000],)  # a report whose MIME is broken
    if not parts or mail.report.kind == "disposition-notification":
        return None
    found: dict[str, Bounced] = {}
    success, written_to = False, _written_to(mail)
    for fields in (group for part in parts for group in _groups(part)):
        action = fields.get("action", "").lower().split(" ")[0].strip(";")
        address = _recipient(fields, written_to)
        if action in _REACHED:
            success = True
        elif address:
            found.setdefault(address.lower(), _bounced(address, action, fields))
    return list(found.values()), success


def _groups(part: str) -> Iterator[dict[str, str]]:
    """The fields of each recipient. Groups are divided by blank lines, but some servers leave them out or put too many."""
    fields: dict[str, str] = {}
    for match in _FIELD.finditer(part):
        name = match[1].lower()
        if name in fields and name in ("final-recipient", "original-recipient", "action"):
            yield fields
            fields = {}
        fields.setdefault(name, re.sub(r"\s+", " ", match[2]).strip())
    yield fields


def _written_to(mail: ParsedMail) -> str:
    """The address in To of the mail that came back, if it is one alone."""
    match = _TO.search(mail.report.returned)
    found = {address.lower(): address for address in _ADDRESS.findall(match[1][:1_000])} if match else {}
    return next(iter(found.values())) if len(found) == 1 else ""


def _recipient(fields: dict[str, str], written_to: str) -> str:
    """The address that we wrote to: it is what a later mail of ours would go to, and what a suppression has to name.

    Original-Recipient where it is one, else the server's own idea of it. Servers rewrite a box to the host that holds it
    (ada@example.org to ada@host.example.org); such a rewriting is undone by `written_to`.
    """
    found = {}
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        written = fields.get(name, "")
        match = _ADDRESS.search(written.partition(";")[2] or written)
        if match:
            found[name] = match[0].strip("'.")
    final, original = found.get("final-recipient", ""), found.get("original-recipient", "")
    if final.replace('"', "") == original:
        return final
    return original or _before_rewriting(final, written_to) or found.get("x-actual-recipient", "")


def _before_rewriting(final: str, written_to: str) -> str:
    box, _, host = final.lower().rpartition("@")
    wanted, _, domain = written_to.lower().rpartition("@")
    return written_to if box and box == wanted and host.endswith(f".{domain}") else final


def _bounced(address: str, action: str, fields: dict[str, str]) -> Bounced:
    status = _STATUS.search(fields.get("status", "")) or _STATUS.search(fields.get("diagnostic-code", ""))
    permanent = action != "delayed" and not (status and status[1] == "4" and action != "failed")
    return Bounced(address, permanent, status[0] if status else "")


def _verdict(text: str, mail: ParsedMail) -> tuple[bool, str]:
    """(permanent, status) from the words of a notice without a report part."""
    status = _STATUS.search(text)
    if status and status[1] in "45":
        return status[1] == "5", status[0]
    code = re.search(r"(?:^|[\s#(:])([45])\d\d[\s-]", text)
    delayed = re.search(
        r"\bwarning\b|delayed|still being retried|will be retried|temporar|not yet been delivered|deferred",
        f"{mail.subject}\n{text[:3000]}",
        re.IGNORECASE,
    )
    if delayed and not (code and code[1] == "5"):
        return False, ""
    return not (code and code[1] == "4"), ""


def _original(mail: ParsedMail) -> str:
    own = mail.message_id
    for text in (
        mail.report.returned,
        mail.text,
        *(_head(a.content) for a in mail.attachments if a.content_type == "message/rfc822"),
    ):
        for match in _MESSAGE_ID.finditer(text[:200_000]):
            if match[1] != own:
                return match[1]
    return next(iter(mail.references[-1:] or mail.in_reply_to[:1]), "")


def _head(content: bytes) -> str:
    return content[:64_000].decode("utf-8", "replace").replace("\r\n", "\n")
