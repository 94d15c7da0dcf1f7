"""Where a mail's header block is (after blank lines, mbox lines, banners, leading spaces), and its fields as Unicode.

Pure; never raises.
"""

import re
from dataclasses import dataclass

from inbound.reading.charsets import decode_text

MAX_HEADER_OCTETS = 256 * 1024  # Gmail and Exchange refuse mails with more
MAX_FIELDS = 2_000
MAX_LINE_OCTETS = 64 * 1024
_FIELD = re.compile(rb"[!-9;-~]{1,76}[ \t]*:")
_MBOX = re.compile(rb">?From (\S+)")
_BANNER_OCTETS = 8 * 1024
# Names that only a header block has; two of them close together are a header block, whatever stands before.
_KNOWN = re.compile(
    rb"^[ \t]*(?:from|to|cc|subject|date|message-id|received|return-path|mime-version|content-type|delivered-to|reply-to|sender|"
    rb"content-transfer-encoding|in-reply-to|references|dkim-signature|x-[a-z-]+)[ \t]*:",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """fields: (name as written, unfolded value), topmost first; body: where it starts; envelope_from: from the mbox line.

    charset: what raw 8-bit text in headers was taken for.
    """

    fields: tuple[tuple[str, str], ...]
    body: int
    envelope_from: str = ""
    defects: tuple[str, ...] = ()
    charset: str = ""


def read_header_block(raw: bytes, body_charset: str = "") -> HeaderBlock:
    """The header block of a mail with \\n or \\r\\n line ends. A mail without any has no fields and its body at 0."""
    defects: list[str] = []
    start, envelope_from = _start(raw, defects)
    if start is None:
        return HeaderBlock((), 0, envelope_from, (*defects, "no header block found: all of it is read as text"))
    lines, position, seen_blank = [], start, False
    limit = start + MAX_HEADER_OCTETS
    indent = len(raw[start : start + 80]) - len(raw[start : start + 80].lstrip(b" \t"))
    while position < len(raw):
        end = raw.find(b"\n", position)
        end = len(raw) if end < 0 else end + 1
        line = raw[position : min(end, position + MAX_LINE_OCTETS)].rstrip(b"\r\n")
        if end - position > MAX_LINE_OCTETS:
            defects.append(f"a header line is longer than {MAX_LINE_OCTETS // 1024} KiB: its rest was not read")
        if not line.strip(b" \t\r"):
            # A line of blanks is folding when the next line goes on with the header; an empty one ends the block.
            if not line.strip(b"\r") or raw[end : end + 1] not in (b" ", b"\t"):
                position, seen_blank = end, True
                break
        elif indent and line[:indent].strip(b" \t") == b"" and _FIELD.match(line[indent:]) and _KNOWN.match(line):
            lines.append(line[indent:])
        elif line[:1] in (b" ", b"\t") and lines:
            lines[-1] += b"\n" + line
        elif _FIELD.match(line):
            lines.append(line)
        elif line.startswith((b"From ", b">From ")):
            pass
        elif lines and _goes_on(raw, end):
            lines[-1] += b"\n " + line
            defects.append("a header line without its folding was joined to the one before")
        else:
            defects.append("no blank line between header and body")
            break
        position = end
        if position > limit or len(lines) > MAX_FIELDS:
            defects.append(
                f"the header is longer than {MAX_HEADER_OCTETS // 1024} KiB or {MAX_FIELDS} fields: the rest of it was not read"
            )
            position = _next_blank(raw, position)
            break
    if not seen_blank and position >= len(raw) and not lines:
        return HeaderBlock((), 0, envelope_from, tuple(defects))
    return HeaderBlock(_fields(lines, body_charset, defects), position, envelope_from, tuple(defects), body_charset)


def _start(raw: bytes, defects: list[str]) -> tuple[int | None, str]:
    position, envelope_from = (3 if raw.startswith(b"\xef\xbb\xbf") else 0), ""
    while position < len(raw) and raw[position : position + 1] in (b"\r", b"\n"):
        position += 1
    while match := _MBOX.match(raw, position):
        envelope_from = match[1].decode("ascii", "replace")
        position = _after_line(raw, position)
    while position < len(raw) and raw[position : position + 1] in (b"\r", b"\n"):
        position += 1
    if _FIELD.match(raw, position):
        return position, envelope_from
    # Something else stands first: the block begins where two known fields follow each other.
    known = None
    at = position
    while at < min(len(raw), position + _BANNER_OCTETS):
        end = _after_line(raw, at)
        line = raw[at : min(end, at + 200)]
        if _KNOWN.match(line):
            if known is not None:
                defects.append("text stood before the header block")
                return known, envelope_from
            known = at
        elif known is not None and line[:1] not in (b" ", b"\t"):
            known = None
        at = end
    return None, envelope_from


def _goes_on(raw: bytes, position: int) -> bool:
    """Does a known field follow within a few lines, before the blank one?"""
    for _ in range(6):
        if _KNOWN.match(raw, position, position + 100) and raw[position : position + 1] not in (b" ", b"\t"):
            return True
        end = _after_line(raw, position)
        if not raw[position:end].strip():
            return False
        position = end
    return False


def _after_line(raw: bytes, position: int) -> int:
    end = raw.find(b"\n", position)
    return len(raw) if end < 0 else end + 1


def _next_blank(raw: bytes, position: int) -> int:
    found = [at + len(mark) for mark in (b"\n\n", b"\n\r\n") if (at := raw.find(mark, position)) >= 0]
    return min(found) if found else len(raw)


def _fields(lines: list[bytes], body_charset: str, defects: list[str]) -> tuple[tuple[str, str], ...]:
    fields = []
    for line in lines:
        name, _, value = line.partition(b":")
        if b"\n" in value:
            value = re.sub(rb"[ \t\r]*\n[ \t]*", b" ", value)
        if value.isascii() and b"\x1b" not in value:
            text = value.decode("ascii")
        else:
            text, complaint = decode_header_octets(value, body_charset)
            defects.append(f"{name.decode('ascii', 'replace').strip()}: raw 8-bit header ({complaint or 'UTF-8'})")
        fields.append((name.decode("ascii", "replace").strip(), _CONTROLS.sub("", text).strip()))
    return tuple(fields)


_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def decode_header_octets(value: bytes, body_charset: str) -> tuple[str, str]:
    """Raw 8-bit header text: UTF-8 if it is, else the body's charset, else detection."""
    try:
        if b"\x1b" not in value:
            return value.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    return decode_text(value, body_charset if body_charset.lower() not in ("utf-8", "us-ascii") else "")
