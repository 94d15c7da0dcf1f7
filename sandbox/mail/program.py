"""What a mail program writes by itself: a reply that quotes and refers, and a picture to attach."""

import struct
import zlib
from typing import Any


def reply(letter: dict[str, Any], reader: str, text: str) -> dict[str, Any]:
    """The control fields of a reply to a received letter, as a mail program writes it: quoted, with references."""
    quoted = "".join(f"> {line}\n" for line in letter["text"].splitlines())
    subject = letter["subject"]
    return {
        "from_": reader,
        "to": letter["reply_to"] or letter["from"],
        "subject": subject if subject.lower().startswith("re:") else f"Re: {subject}",
        "text": f"{text}\nOn {letter['date']}, {letter['from']} wrote:\n{quoted}",
        "in_reply_to": letter["message_id"],
        "references": " ".join([*letter["references"], letter["message_id"]]),
    }


def small_picture() -> bytes:
    """A PNG of 8 × 8 red dots."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\xc9\x37\x2c" * 8 for _ in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
