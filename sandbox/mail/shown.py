"""Letters, read for showing: whatever they are like, something comes of them."""

import codecs
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses
from typing import Any

_SHOWN_HEADERS = ("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To")


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
