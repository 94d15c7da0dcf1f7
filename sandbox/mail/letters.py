"""Letters: built from the fields of a form, and read for showing. Standard library only."""

import base64
import binascii
import time
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime, getaddresses, localtime, make_msgid
from typing import Any

_FIELDS = {
    "from", "to", "cc", "subject", "text", "html", "attachments", "in_reply_to", "references", "headers",
    "reply_to", "message_id",
}  # fmt: skip
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
    """A letter as the control API and the page show it: headers, text, html, names of attachments."""
    message = BytesParser(policy=policy.default).parsebytes(raw)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return {
        "from": _header(message, "From"),
        "to": _header(message, "To"),
        "cc": _header(message, "Cc"),
        "reply_to": _header(message, "Reply-To"),
        "subject": _header(message, "Subject"),
        "date": _header(message, "Date"),
        "message_id": _header(message, "Message-ID"),
        "in_reply_to": _header(message, "In-Reply-To"),
        "references": _header(message, "References").split(),
        "headers": [[name, str(value)] for name, value in message.items()],
        "text": _content(text),
        "html": _content(html),
        "attachments": [
            {"filename": part.get_filename() or "", "content_type": part.get_content_type(),
             "size": len(part.get_payload(decode=True) or b"")}
            for part in message.walk()
            if part.get_content_disposition() == "attachment"
        ],
    }  # fmt: skip


def addresses(raw: bytes, *headers: str) -> list[str]:
    """The addresses in some headers of a raw message, in lower case."""
    message = BytesParser(policy=policy.compat32).parsebytes(raw, headersonly=True)
    lines = [str(line) for header in headers for line in message.get_all(header, [])]
    return [address.lower() for _, address in getaddresses(lines) if "@" in address]


def delivery_report(
    original: bytes, recipient: str, *, status: str = "5.1.1", reporter: str = "mx.customer.example"
) -> bytes:
    """A bounce of `original` as RFC 3464 has it: multipart/report with delivery-status and the original's headers."""
    parsed = BytesParser(policy=policy.default).parsebytes(original)
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
    if not parsed["Message-ID"]:
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


def _header(message: Any, name: str) -> str:
    try:
        return str(message.get(name) or "")
    except Exception:  # the standard library's parser raises many kinds on odd headers; the page shows them raw
        return ""


def _content(part: Any) -> str:
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError, KeyError):
        return (part.get_payload(decode=True) or b"").decode("utf-8", "replace")
