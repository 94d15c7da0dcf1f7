"""Letters: built from the fields of a form, and read for showing. Standard library only."""

import base64
import binascii
import codecs
import time
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import format_datetime, getaddresses, localtime, make_msgid
from typing import Any

_FIELDS = {
    "from", "to", "cc", "subject", "text", "html", "attachments", "in_reply_to", "references", "headers",
    "reply_to", "message_id",
}  # fmt: skip
_SHOWN_HEADERS = ("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To")
_POLICY = policy.SMTP.clone(utf8=False)


class BadLetter(Exception):
    """A field of the form is wrong; `field` names it."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def compose(form: dict[str, Any]) -> bytes:
    """A MIME message from the control API's fields; raises BadLetter.

    from, to, cc: an address, "Name <address>", or a list of these. references: a string or a list.
    attachments: [{filename, content_type, base64}]. headers: further headers, as an object.
    """
    unknown = set(form) - _FIELDS
    if unknown:
        raise BadLetter(sorted(unknown)[0], f"unknown field; known are {', '.join(sorted(_FIELDS))}")
    message = EmailMessage(policy=_POLICY)
    sender = _addresses(form, "from")
    if not sender:
        raise BadLetter("from", "give the sender's address")
    message["From"] = sender
    message["To"] = _addresses(form, "to") or ("undisclosed-recipients:;",)
    for name, header in (("cc", "Cc"), ("reply_to", "Reply-To")):
        given = _addresses(form, name)
        if given:
            message[header] = given
    message["Subject"] = _line(form, "subject", "")
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = _line(form, "message_id", "") or make_msgid(domain=sender[0].domain or "sandbox.test")
    for name, header in (("in_reply_to", "In-Reply-To"), ("references", "References")):
        ids = form.get(name)
        line = " ".join(ids) if isinstance(ids, list) else _line(form, name, "")
        if line:
            message[header] = line
    for header, value in _object(form, "headers").items():
        try:
            message[header] = str(value)
        except ValueError as error:
            raise BadLetter("headers", f"{header}: {error}") from None
    _write_body(message, form)
    return message.as_bytes()


def read(raw: bytes) -> dict[str, Any]:
    """A letter as the control API and the page show it: headers, text, html, names of attachments. Never raises."""
    message, parts = _parse(raw)
    headers = [(name, _shown(value)) for name, value in message.items()]
    first = {name.lower(): value for name, value in reversed(headers)}
    files = [part for part in parts if _is_file(part)]
    return {
        **{name.lower().replace("-", "_"): first.get(name.lower(), "") for name in _SHOWN_HEADERS},
        "references": first.get("references", "").split(),
        "headers": [list(header) for header in headers],
        "text": _text(parts, "text/plain"),
        "html": _text(parts, "text/html"),
        "attachments": [
            {"filename": _filename(part), "content_type": part.get_content_type(), "size": len(_payload(part))}
            for part in files
        ],
    }


def addresses(raw: bytes, *headers: str) -> list[str]:
    """The addresses in some headers of a raw message, in lower case."""
    message = BytesParser(policy=policy.compat32).parsebytes(raw, headersonly=True)
    lines = [str(line) for header in headers for line in message.get_all(header, [])]
    return [address.lower() for _, address in getaddresses(lines) if "@" in address]


def delivery_report(
    original: bytes, recipient: str, *, status: str = "5.1.1", reporter: str = "mx.customer.example"
) -> bytes:
    """A bounce of `original` as RFC 3464 has it: multipart/report with delivery-status and the original's headers."""
    to = (addresses(original, "From") or ["postmaster@sandbox.test"])[0]
    now = format_datetime(localtime())
    boundary = f"report-{time.time_ns()}"
    head = original.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0].decode("utf-8", "replace")
    lines = [
        f"From: Mail Delivery System <MAILER-DAEMON@{reporter}>",
        f"To: {to}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {now}",
        f"Message-ID: {make_msgid(domain=reporter)}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        "This is a MIME-encapsulated message.",
        "",
        f"--{boundary}",
        "Content-Description: Notification",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"This is the mail system at host {reporter}.",
        "",
        "Your message could not be delivered to one or more recipients.",
        "",
        f"<{recipient}>: host {reporter} said: 550 {status} <{recipient}>: user unknown",
        "",
        f"--{boundary}",
        "Content-Description: Delivery report",
        "Content-Type: message/delivery-status",
        "",
        f"Reporting-MTA: dns; {reporter}",
        f"Arrival-Date: {now}",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        f"Original-Recipient: rfc822;{recipient}",
        "Action: failed",
        f"Status: {status}",
        f"Remote-MTA: dns; {reporter}",
        f"Diagnostic-Code: smtp; 550 {status} <{recipient}>: user unknown",
        "",
        f"--{boundary}",
        "Content-Description: Undelivered Message Headers",
        "Content-Type: text/rfc822-headers",
        "",
        head,
        "",
        f"--{boundary}--",
        "",
    ]
    if not read(original)["message_id"]:
        raise BadLetter("original", "the mail that bounces has no Message-ID")
    return "\r\n".join("\n".join(lines).split("\n")).encode("utf-8", "surrogateescape")


def _write_body(message: EmailMessage, form: dict[str, Any]) -> None:
    text, html = form.get("text"), form.get("html")
    for name, given in (("text", text), ("html", html)):
        if given is not None and not isinstance(given, str):
            raise BadLetter(name, "give a string")
    if text is not None or html is None:
        message.set_content(text or "")
        if html is not None:
            message.add_alternative(html, subtype="html")
    else:
        message.set_content(html, subtype="html")
    attachments = form.get("attachments") or []
    if not isinstance(attachments, list):
        raise BadLetter("attachments", "give a list of objects with filename, content_type, base64")
    for number, given in enumerate(attachments):
        field = f"attachments[{number}]"
        if not isinstance(given, dict):
            raise BadLetter(field, "give an object with filename, content_type, base64")
        try:
            content = base64.b64decode(str(given.get("base64", "")), validate=True)
        except binascii.Error:
            raise BadLetter(f"{field}.base64", "give the content in base64") from None
        kind, _, subtype = str(given.get("content_type") or "application/octet-stream").partition("/")
        if not subtype:
            raise BadLetter(f"{field}.content_type", "give a type such as image/png")
        message.add_attachment(content, kind, subtype, filename=str(given.get("filename") or "file"))


def _addresses(form: dict[str, Any], name: str) -> tuple[Address, ...]:
    given = form.get(name) or []
    lines = [given] if isinstance(given, str) else given
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise BadLetter(name, "give an address, or a list of addresses")
    found = []
    for shown, address in getaddresses(lines):
        try:
            found.append(Address(shown, addr_spec=address))
        except (ValueError, IndexError):
            raise BadLetter(name, f"{address or lines!r} is not an e-mail address") from None
    return tuple(found)


def _line(form: dict[str, Any], name: str, default: str) -> str:
    value = form.get(name, default)
    if not isinstance(value, str):
        raise BadLetter(name, "give a string")
    if "\n" in value or "\r" in value:
        raise BadLetter(name, "a header is one line")
    return value


def _object(form: dict[str, Any], name: str) -> dict[str, Any]:
    value = form.get(name) or {}
    if not isinstance(value, dict):
        raise BadLetter(name, "give an object of header names and values")
    return value


def _parse(raw: bytes) -> tuple[Message, list[Message]]:
    """The message and its parts that are not made of parts; nested without end it counts as one part."""
    parser = BytesParser(policy=policy.compat32)  # the newer policies raise on odd headers
    try:
        message = parser.parsebytes(raw)
        return message, [part for part in message.walk() if not part.is_multipart()]
    except RecursionError:
        message = parser.parsebytes(raw, headersonly=True)
        return message, [message]


def _shown(value: Any) -> str:
    """A header in words: encoded words decoded, folding undone; raw where that fails."""
    unfolded = "".join(str(value).splitlines())
    try:
        return str(make_header(decode_header(unfolded)))
    except (LookupError, ValueError, HeaderParseError):
        return unfolded.encode("utf-8", "replace").decode()


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_filename(part))


def _filename(part: Message) -> str:
    try:
        return _shown(part.get_filename() or "")
    except (LookupError, ValueError, TypeError):
        return ""


def _text(parts: list[Message], kind: str) -> str:
    """The first part of a type that is no file."""
    for part in parts:
        if part.get_content_type() == kind and not _is_file(part):
            return _payload(part).decode(_charset(part), "replace")
    return ""


def _charset(part: Message) -> str:
    try:
        return codecs.lookup(part.get_content_charset() or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"


def _payload(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError):
        return b""
    return payload if isinstance(payload, bytes) else b""
