"""Letters, built from the fields of a form."""

import base64
import binascii
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
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
