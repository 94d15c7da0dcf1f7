"""A mail's octets to a ParsedMail: never raises, never takes long, says in `defects` whatever it could not read as written.

mail-parser reads the MIME tree, the people and the date; the repairs before it (finding the header block, Unicode headers,
limits, lifted bodies) and after it (charsets, names, which part is the text) are ours. docs/decisions/0005 gives the figures.
"""

import email
import logging
import re
from datetime import UTC
from email.errors import MessageError
from email.message import Message

import mailparser
from mailparser.exceptions import MailParserError

from inbound.reading.bodies import Bodies
from inbound.reading.charsets import detect, known_codec
from inbound.reading.decode import decode_words, parameters
from inbound.reading.headerblock import HeaderBlock, read_header_block
from inbound.reading.library_header import ATTRIBUTES, MAX_ADDRESS_OCTETS, library_header
from inbound.reading.limits import MAX_RAW_OCTETS, lift
from inbound.reading.parsed import Address, Attachment, DeliveryReport, ParsedMail
from inbound.reading.parts import leaves
from inbound.reading.people import MAX_ADDRESSES, clean_name, lenient_addresses, local_address, plain_addresses

__all__ = ["Address", "Attachment", "DeliveryReport", "ParsedMail", "parse"]

logging.getLogger("mailparser").setLevel(logging.CRITICAL)  # it logs what we put into `defects`

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)
_ID = re.compile(r"<\s*([^<>\s]{1,900})\s*>")
# What the libraries raise on damaged mail; MessageError is no ValueError.
_UNREADABLE = (
    RecursionError,
    MemoryError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    MessageError,
)
_STRUCTURE_DEFECTS = {
    "StartBoundaryNotFoundDefect": "the declared boundary of a multipart never comes",
    "CloseBoundaryNotFoundDefect": "a multipart is not closed",
    "NoBoundaryInMultipartDefect": "a multipart names no boundary",
    "MultipartInvariantViolationDefect": "a multipart has no parts",
}


def parse(raw: bytes) -> ParsedMail:
    """The mail in `raw`. A mail nobody can take apart still yields its headers and its octets as one attachment."""
    defects: list[str] = []
    try:
        raw = _line_ends(raw[:MAX_RAW_OCTETS], defects) if len(raw) <= MAX_RAW_OCTETS else _too_large(raw, defects)
        block = _header_block(raw)
        defects.extend(block.defects)
    except _UNREADABLE as error:
        return ParsedMail(
            attachments=(_whole(raw),), defects=(*defects, f"the header could not be read: {error!r}"[:300])
        )
    try:
        return _read(raw, block, defects)
    except _UNREADABLE as error:
        # A library can fail on any mail; a mail is never refused for it.
        defects.append(f"the body could not be taken apart and is kept as it is ({type(error).__name__})")
        return _mail(block, None, Bodies(attachments=[_whole(raw)]), defects)


def _read(raw: bytes, block: HeaderBlock, defects: list[str]) -> ParsedMail:
    header = library_header(block, raw)
    skeleton = lift(header, raw[block.body :])
    defects.extend(skeleton.defects)
    structure, tree = _structure(header + b"\r\n" + skeleton.octets)
    if structure is not None:
        defects.extend(
            _STRUCTURE_DEFECTS[category]
            for category in sorted(structure.defects_categories & _STRUCTURE_DEFECTS.keys())
        )
    bodies = Bodies()
    report = _report_kind(block)
    for leaf in leaves(tree, skeleton, block.charset):
        bodies.add(leaf, report)
    return _mail(block, structure, bodies, defects)


class _Structure(mailparser.MailParser):  # type: ignore[misc]
    """mail-parser without its two summaries of everything (the half of its time), which nobody here asks for."""

    def _make_mail(self, complete: bool = True) -> dict[str, object]:
        return {}

    def people(self, name: str) -> list[tuple[str, str]]:
        """(name, address) of an address header; nobody where the library stumbles over an encoded word."""
        try:
            return list(getattr(self, name) or [])
        except MessageError:
            return []


def _structure(octets: bytes) -> tuple[_Structure | None, Message]:
    try:
        # from_bytes only: the library's Outlook .msg converter, which starts programs and writes files, is never reached.
        structure = _Structure.from_bytes(octets)
    except (MailParserError, MessageError, AttributeError, TypeError, ValueError, LookupError):
        # The library fails on trees that the parser behind it reads (a multipart without an epilogue, message/partial).
        return None, email.message_from_bytes(octets)
    return structure, structure.message


def _mail(block: HeaderBlock, structure: _Structure | None, bodies: Bodies, defects: list[str]) -> ParsedMail:
    headers = tuple((name.lower(), decode_words(value)) for name, value in block.fields)
    written: dict[str, str] = {}
    for name, value in block.fields:
        written.setdefault(name.lower(), value)
    kind = _report_kind(block)
    return ParsedMail(
        subject=next((value for name, value in headers if name == "subject"), ""),
        sender=_sender(written, structure, block, defects),
        reply_to=_people(written, structure, "reply-to", defects),
        to=_people(written, structure, "to", defects),
        cc=_people(written, structure, "cc", defects),
        message_id=next(iter(_ids(written.get("message-id", ""))), ""),
        in_reply_to=_ids(written.get("in-reply-to", "")),
        references=_ids(written.get("references", "")),
        date=_date(structure),
        headers=headers,
        text="\n".join(bodies.texts),
        html="\n".join(bodies.htmls),
        attachments=tuple(bodies.attachments),
        report=bodies.report(kind),
        defects=tuple(dict.fromkeys([*defects, *bodies.defects])),
        protection=_protection(written.get("content-type", ""), bodies),
        invitation=bodies.invitation,
    )


def _sender(
    written: dict[str, str], structure: _Structure | None, block: HeaderBlock, defects: list[str]
) -> Address | None:
    people = _people(written, structure, "from", defects)
    if people and people[0].address:
        return people[0]
    for name in ("reply-to", "sender", "return-path"):
        others = [person for person in _people(written, structure, name, defects) if person.address]
        if others:
            defects.append(f"no address in From: the sender is read from {name}")
            return Address(people[0].name if people else others[0].name, others[0].address)
    if "@" in block.envelope_from:
        return Address(people[0].name if people else "", block.envelope_from)
    return people[0] if people else None


def _people(
    written: dict[str, str], structure: _Structure | None, name: str, defects: list[str]
) -> tuple[Address, ...]:
    value = written.get(name, "")
    if not value:
        return ()
    if name in ATTRIBUTES and (plain := plain_addresses(value)):
        return plain
    if structure is not None and name in ATTRIBUTES:
        found = tuple(
            Address(clean_name(person), address.strip("."))
            for person, address in structure.people(ATTRIBUTES[name])
            if address
        )
        if found:
            return found[:MAX_ADDRESSES]
    lenient = lenient_addresses(decode_words(value))
    if lenient:
        if name == "from":
            defects.append("From is not written as an address header; an address was found in it all the same")
        return lenient
    if name == "from" and (local := local_address(decode_words(value))) is not None:
        return (local,)
    rest = clean_name(decode_words(value).strip(" <>;:,"))
    return (Address(rest, ""),) if rest and name == "from" else ()


def _ids(value: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_ID.findall(value[:MAX_ADDRESS_OCTETS])))
    if found or not value.strip():
        return found
    bare = value.strip().strip("<>").split()
    return (bare[0][:900],) if len(bare) == 1 and bare[0] else ()


def _date(structure: _Structure | None) -> float | None:
    if structure is None or structure.date is None:
        return None
    moment = structure.date
    try:
        return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (OverflowError, ValueError):
        return None


def _report_kind(block: HeaderBlock) -> str:
    for name, value in block.fields:
        if name.lower() == "content-type":
            main, more = parameters(value)
            return more.get("report-type", "delivery-status").lower() if main == "multipart/report" else ""
    return ""


def _protection(content_type: str, bodies: Bodies) -> str:
    main, more = parameters(content_type)
    smime = more.get("smime-type", "").lower()
    if main == "multipart/encrypted" or (main.endswith("pkcs7-mime") and "signed" not in smime):
        return "encrypted"
    if any("-----BEGIN PGP MESSAGE-----" in text for text in bodies.texts):
        return "encrypted"
    if main == "multipart/signed" or main.endswith("pkcs7-mime"):
        return "signed"
    return "signed" if any("-----BEGIN PGP SIGNED MESSAGE-----" in text for text in bodies.texts) else ""


def _header_block(raw: bytes) -> HeaderBlock:
    # Raw 8-bit headers are mostly in the charset of the body, which the first charset named in the mail tells.
    match = _CHARSET.search(raw, 0, 16_384)
    charset = match[1].decode("ascii") if match else ""
    if not charset or known_codec(charset) == "utf-8":
        head = raw[:16_384]
        charset = "" if head.isascii() or _is_utf8(head) else detect(head)
    return read_header_block(raw, charset)


def _is_utf8(octets: bytes) -> bool:
    try:
        octets[: octets.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _line_ends(raw: bytes, defects: list[str]) -> bytes:
    head = raw[:65_536]
    if b"\n" not in head and b"\r" in head:
        defects.append("line ends are CR only")
        return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\r\r\n" in head:
        return raw.replace(b"\r\r\n", b"\r\n")
    return raw


def _too_large(raw: bytes, defects: list[str]) -> bytes:
    defects.append(f"the mail is larger than {MAX_RAW_OCTETS // 1024 // 1024} MiB: only its beginning was read")
    return raw[:MAX_RAW_OCTETS]


def _whole(raw: bytes) -> Attachment:
    return Attachment("mail.eml", "message/rfc822", raw)
