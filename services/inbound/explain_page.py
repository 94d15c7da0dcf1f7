"""The page that `explain` prints for a person. Pure: a mail in, text out."""

from email.utils import formatdate

from inbound.handling.screen import Screening, screen
from inbound.reading.bounce import read_bounce
from inbound.reading.forward import read_forward
from inbound.reading.invitation import in_words
from inbound.reading.parse import parse
from inbound.reading.parsed import Address, Attachment
from inbound.reading.picture_size import picture_size
from inbound.reading.reply import shown_reply

WIDTH = 88
_WOULD = {
    "person": "make an issue of it, or a comment if it belongs to an issue",
    "automatic": "make a comment if it belongs to an issue; never answer it",
    "bounce": "make no issue; stop writing to a recipient that is permanently unreachable",
    "own": "ignore it, so that no loop starts",
    "abuse": "make no issue; stop writing to the person who complained",
}


def page(name: str, raw: bytes) -> str:
    """One mail, section by section; ends with a line feed."""
    mail = parse(raw)
    screening, reply, forwarded, bounce = (
        screen(mail, frozenset(), ()),
        shown_reply(mail),
        read_forward(mail),
        read_bounce(mail),
    )
    lines = [f"== {name} ({_size(len(raw))}) ".ljust(WIDTH, "="), ""]
    lines += _field("Subject", mail.subject or "(none)")
    lines += _field("From", _person(mail.sender) if mail.sender else "(nobody)")
    for label, people in (("Reply to", mail.reply_to), ("To", mail.to), ("Cc", mail.cc)):
        lines += _field(label, ", ".join(map(_person, people))) if people else []
    lines += _field("Date", formatdate(mail.date, usegmt=True)) if mail.date is not None else []
    lines += _field("Message-ID", mail.message_id or "(none)")
    lines += _field("Kind", _kind(screening))
    lines += _field("Would", _WOULD[screening.kind])
    if mail.protection:
        lines += _field(
            "Protection", mail.protection + ("; its text cannot be read here" if mail.protection == "encrypted" else "")
        )
    if bounce is not None:
        lines += ["", "Not delivered to"] + [
            f"  {r.address}  {'for good' if r.permanent else 'for now'}  {r.status}".rstrip() for r in bounce.recipients
        ]
    if forwarded is not None:
        lines += ["", "Forwarded mail, as the forwarding person's program wrote it (not proven)"]
        lines += _field("  From", _person(forwarded.sender) if forwarded.sender else "(not said)") + _field(
            "  Subject", forwarded.subject or "(not said)"
        )
    if mail.invitation is not None:
        first, *rest = (_plain(line) for line in in_words(mail.invitation))
        lines += ["", first, *(f"  {line}" for line in rest)]
    lines += ["", "Text that becomes the description or comment", *_block(reply.text)]
    if reply.elided.strip():
        lines += [
            "",
            f"Cut off, kept with the mail ({len(reply.elided.strip().splitlines())} lines)",
            *_block(reply.elided, 12),
        ]
    if mail.attachments:
        lines += ["", "Attachments", *(f"  {line}" for line in map(_file, mail.attachments))]
    if mail.defects:
        lines += ["", "Not as it should be", *(f"  - {defect}" for defect in mail.defects)]
    return "\n".join(lines) + "\n\n"


def _kind(screening: Screening) -> str:
    return "a person's mail" if screening.kind == "person" else f"{screening.kind}. {screening.evidence}"


def _field(label: str, value: str) -> list[str]:
    return [f"{label + ':':<12} {_plain(value)}"]


def _block(text: str, most: int = 60) -> list[str]:
    lines = text.strip("\n").split("\n") if text.strip() else ["(nothing)"]
    shown = [f"  | {_plain(line)}".rstrip() for line in lines[:most]]
    return shown + ([f"  … {len(lines) - most} more lines"] if len(lines) > most else [])


def _plain(text: str) -> str:
    # Control characters in a mail must not drive the reader's terminal.
    return "".join(character if character.isprintable() or character == "\t" else "\ufffd" for character in text)


def _file(attachment: Attachment) -> str:
    shown = "  shown in the text" if attachment.inline else ""
    size = picture_size(attachment.content)
    pixels = f"  {size[0]} by {size[1]} pixels" if size is not None else ""
    return f"{_plain(attachment.filename)}  {attachment.content_type}  {_size(attachment.size)}{pixels}{shown}"


def _person(person: Address) -> str:
    return f"{person.name} <{person.address}>" if person.name and person.address else person.address or person.name


def _size(octets: int) -> str:
    if octets < 1_000:
        return f"{octets} octets"
    return f"{octets / 1_000:.1f} kB" if octets < 1_000_000 else f"{octets / 1_000_000:.1f} MB"
