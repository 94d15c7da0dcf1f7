"""The leaves of a MIME tree: what each part is called, where it stands and its octets. Pure; every oddity becomes a defect."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from inbound.reading.decode import parameters, transfer_octets
from inbound.reading.headerblock import decode_header_octets
from inbound.reading.limits import Skeleton

MAX_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Leaf:
    """One part that holds no further parts (a carried message counts as one).

    within: the multipart subtypes it stands in, outermost first.
    alternative: number of the innermost multipart/alternative, or -1.
    """

    content_type: str
    charset: str
    parameters: dict[str, str]
    disposition: str
    filename: str
    content_id: str
    description: str
    octets: bytes
    within: tuple[str, ...]
    alternative: int
    defect: str = ""


def leaves(message: Message, skeleton: Skeleton, charset: str) -> Iterator[Leaf]:
    """Every leaf in the order of the mail. `charset`: of raw 8-bit names in headers."""
    stack: list[tuple[Message, tuple[str, ...], int, str]] = [(message, (), -1, "text/plain")]
    alternatives = 0
    while stack:
        part, within, alternative, default = stack.pop()
        head = _Head(part, default, charset)
        main, _, sub = head.content_type.partition("/")
        payload = part.get_payload() if part.is_multipart() else None
        if main == "multipart" and isinstance(payload, list) and len(within) < MAX_DEPTH:
            if sub == "alternative":
                alternatives += 1
                alternative = alternatives
            inner = "message/rfc822" if sub == "digest" else "text/plain"
            stack.extend(
                (child, (*within, sub), alternative, inner) for child in reversed(payload) if isinstance(child, Message)
            )
        else:
            if main == "multipart":
                head.content_type = "text/plain"  # its boundary never comes: all of it is text
            yield _leaf(part, head, skeleton, within, alternative)


class _Head:
    """The MIME header fields of one part, decoded leniently."""

    def __init__(self, part: Message, default: str, charset: str) -> None:
        self.fields: dict[str, str] = {}
        for name, value in part.raw_items():
            if name[:1] in "Cc" and name.lower().startswith("content-"):
                self.fields.setdefault(name.lower(), _unicode(str(value), charset))
        written, self.parameters = parameters(self.fields.get("content-type", ""))
        match = re.match(r"[a-z0-9.+_-]+/[a-z0-9.+_*-]+", written)
        self.content_type = match[0] if match else {"text": "text/plain", "html": "text/html"}.get(written, default)
        self.disposition, more = parameters(self.fields.get("content-disposition", ""))
        self.filename = more.get("filename") or self.parameters.get("name") or more.get("name") or ""

    @property
    def encoding(self) -> str:
        return self.fields.get("content-transfer-encoding", "")


def _unicode(value: str, charset: str) -> str:
    if value.isascii():
        return value.replace("\r", "").replace("\n", "")
    octets = value.encode("utf-8", "surrogateescape").replace(b"\r", b"").replace(b"\n", b"")
    return decode_header_octets(octets, charset)[0]


def _leaf(part: Message, head: _Head, skeleton: Skeleton, within: tuple[str, ...], alternative: int) -> Leaf:
    octets, defect = _octets(part, head, skeleton)
    return Leaf(
        head.content_type,
        head.parameters.get("charset", ""),
        head.parameters,
        head.disposition,
        head.filename,
        head.fields.get("content-id", "").strip().strip("<>"),
        head.fields.get("content-description", ""),
        octets,
        within,
        alternative,
        defect,
    )


def _octets(part: Message, head: _Head, skeleton: Skeleton) -> tuple[bytes, str]:
    if part.is_multipart():
        written = skeleton.restore(_carried(part))
        encoded = head.encoding.strip().lower()
        return transfer_octets(written, encoded) if encoded in ("base64", "quoted-printable") else (written, "")
    del part[
        "content-transfer-encoding"
    ]  # the octets are wanted as they stand in the mail; ours is the more lenient decoder
    payload = part.get_payload(decode=True)
    return transfer_octets(skeleton.restore(payload if isinstance(payload, bytes) else b""), head.encoding)


def _carried(part: Message) -> bytes:
    children = part.get_payload()
    if not isinstance(children, list) or not children:
        return b""
    # A lifted message: the parser took its marker for the text of a message without a header.
    first = children[0]
    if (
        isinstance(first, Message)
        and not first.keys()
        and isinstance(marker := first.get_payload(), str)
        and len(marker) < 200
    ):
        return marker.encode("utf-8", "surrogateescape")
    return b"\n".join(_flat(child) for child in children if isinstance(child, Message))


def _flat(message: Message) -> bytes:
    try:
        return message.as_bytes()
    except (
        UnicodeError,
        LookupError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
    ):  # the library can't write all that it reads
        fields = [f"{name}: {value}".encode("utf-8", "surrogateescape") for name, value in message.raw_items()]
        payload = message.get_payload()
        body = payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""
        return b"\n".join(fields) + b"\n\n" + body
