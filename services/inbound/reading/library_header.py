"""A mail's header as the library that takes mails apart can read it: mended where it stumbles or takes for ever. Pure."""

import re

from inbound.reading.decode import MAX_WORDS, decode_words, parameters
from inbound.reading.headerblock import HeaderBlock
from inbound.reading.people import plain_addresses

MAX_ADDRESS_OCTETS = 64 * 1024
"""Of one address header; about `people.MAX_ADDRESSES` people."""

ATTRIBUTES = {"from": "from_", "to": "to", "cc": "cc", "reply-to": "reply_to"}
"""Address headers that the library reads, with its names for them."""

_FOR_LIBRARY = frozenset(
    {
        "from",
        "to",
        "cc",
        "reply-to",
        "date",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-id",
    }
)
_DELIMITER = re.compile(rb"^--([!-~]{1,70})[ \t]*\r?\n(?=Content-[A-Za-z-]+:)", re.IGNORECASE | re.MULTILINE)
_ONE_WORD = r"=\?[^?\s]{1,60}+\?[bBqQ]\?(?:[^?]|\?(?!=))*+\?="
_WORDS = re.compile(rf"{_ONE_WORD}(?:\s*+{_ONE_WORD})*+")


def library_header(block: HeaderBlock, raw: bytes) -> bytes:
    """The fields that the library is asked about, mended; `raw` is the mail that `block` begins."""
    lines = []
    for name, value in block.fields:
        if name.lower() in _FOR_LIBRARY and not (name.lower() in ATTRIBUTES and plain_addresses(value)):
            if name.lower() == "content-type" and value[:10].lower() == "multipart/":
                value = _with_boundary(value, raw, block.body)
            lines.append(
                name.encode("ascii", "replace")
                + b": "
                + _for_library(name.lower(), value).encode("utf-8", "replace")
                + b"\r\n"
            )
    return b"".join(lines)


def _with_boundary(content_type: str, raw: bytes, body: int) -> str:
    """A multipart whose boundary is missing, or not the one that its parts have, gets the one that they have."""
    declared = parameters(content_type)[1].get("boundary", "")
    if declared and raw.find(b"--" + declared.encode("utf-8", "replace"), body) >= 0:
        return content_type
    found = _DELIMITER.search(raw, body, body + 65_536)
    return f'{content_type.split(";")[0]}; boundary="{found[1].decode("ascii", "replace")}"' if found else content_type


def _for_library(name: str, value: str) -> str:
    if name in ATTRIBUTES:
        return _quoted_words(value[:MAX_ADDRESS_OCTETS])
    return value[:MAX_ADDRESS_OCTETS] if value.count(";") < 200 else ";".join(value.split(";", 200)[:200])


def _quoted_words(value: str) -> str:
    """Encoded words of an address header as quoted strings: the library does not know the odd charsets that ours does."""
    end = value.rfind("?=") + 2
    if "=?" not in value:
        return value
    if value.count("=?") > MAX_WORDS or end < 2:
        return value.replace("=?", "= ?")  # the library's own reading of such words is quadratic

    def quoted(match: re.Match[str]) -> str:
        decoded = decode_words(match[0])
        if decoded == match[0]:
            return match[0]
        escaped = re.sub(r"([\\\"])", r"\\\1", decoded.replace("\r", " ").replace("\n", " "))
        inside = value.count('"', 0, match.start()) % 2
        return escaped if inside else f'"{escaped}"'

    return _WORDS.sub(quoted, value[:end]) + value[end:].replace("=?", "= ?")
