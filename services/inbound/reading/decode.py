"""The encodings of MIME, read leniently: encoded words (RFC 2047), parameters (RFC 2231), base64, quoted-printable, uuencode.

Pure; never raises.
"""

import binascii
import re
import urllib.parse

from inbound.reading.charsets import decode_text, known_codec

# The charset may carry an RFC 2231 language ("utf-8*en"); the text may hold spaces that a sloppy program left in.
_WORD = re.compile(r"=\?([^?\s*]*)(?:\*[^?\s]*)?\?([bBqQ])\?(.*?)\?=", re.DOTALL)
_BETWEEN = re.compile(r"(\?=)\s+(=\?[^?\s]+\?[bBqQ]\?)")
_UU_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?$", re.MULTILINE)
_SPLIT_PARAMETER = re.compile(r"^([^*]+)(?:\*(\d{1,3}))?(\*)?$")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
MAX_PARAMETERS = 200
MAX_WORDS = 2_000


def decode_words(text: str) -> str:
    """A header's text with its encoded words read. Words that can't be read stay as they are written."""
    if "=?" not in text or text.count("=?") > MAX_WORDS:
        return text
    end_of_last = text.rfind("?=") + 2
    text, rest = _BETWEEN.sub(r"\1\2", text[:end_of_last]), text[end_of_last:]
    out, pending, charset, written, end = [], b"", "", "", 0
    for match in _WORD.finditer(text):
        octets = _word_octets(match[2], match[3])
        if octets is None:
            continue
        between = text[end : match.start()]
        # A multi-octet letter may be split over two words of the same charset: join their octets first.
        if pending and (between or match[1].lower() != charset):
            out.append(_decode_word(pending, charset, written))
            pending, written = b"", ""
        out.append(between)
        pending, charset, written, end = pending + octets, match[1].lower(), written + match[0], match.end()
    if pending:
        out.append(_decode_word(pending, charset, written))
    return "".join(out) + text[end:] + rest


def _decode_word(octets: bytes, charset: str, written: str) -> str:
    if known_codec(charset) == "utf-7" and octets.count(b"\0"):
        return octets.decode("utf-8", "replace")
    text, complaint = decode_text(octets, charset)
    if complaint and _CONTROL.search(text):
        return written  # damaged beyond reading
    return text


def _word_octets(encoding: str, text: str) -> bytes | None:
    if encoding in "bB":
        return base64_octets(text.encode("ascii", "ignore"))
    # Raw letters inside a Q word are kept as UTF-8: some programs forget to encode them.
    return binascii.a2b_qp(text.encode("utf-8", "surrogateescape"), header=True)


def base64_octets(data: bytes) -> bytes:
    """Base64 read leniently: foreign octets skipped, missing padding added, a lone last character ignored."""
    padding = data.find(b"=")
    if b"-" in data[:4_000] or b"_" in data[:4_000]:
        return _loose(data)
    if padding < 0 or not data[padding : padding + 80].strip(b"= \t\r\n"):  # the usual case, without a copy of the data
        try:
            return binascii.a2b_base64(data)
        except (binascii.Error, ValueError):
            pass
    return _loose(data)


def _loose(data: bytes) -> bytes:
    if b"+" not in data and b"/" not in data:
        data = data.replace(b"-", b"+").replace(b"_", b"/")  # the alphabet of URLs
    clean = re.sub(rb"[^A-Za-z0-9+/=]", b"", data)
    out = []
    # Padding in the middle ends one run (two base64 texts pasted together); the next run is read by itself.
    for run in re.findall(rb"[A-Za-z0-9+/]+", clean):
        usable = run[: len(run) - 1] if len(run) % 4 == 1 else run
        out.append(binascii.a2b_base64(usable + b"=" * (-len(usable) % 4)))
    return b"".join(out)


def transfer_octets(data: bytes, encoding: str) -> tuple[bytes, str]:
    """A body's octets by its Content-Transfer-Encoding, and a sentence on what was wrong ("" if nothing was)."""
    encoding = encoding.strip().strip("\"'").lower().split(";")[0].strip()
    if encoding in ("", "7bit", "8bit", "binary", "7-bit", "8-bit", "7bits", "8bits", "none", "ascii"):
        return data, ""
    if encoding in ("base64", "base-64", "b", "x-base64"):
        if not data[:1_000].strip() and not data.strip():
            return b"", ""
        if not _looks_base64(data):
            return data, "a part says it is base64 but is not; kept as it is"
        return base64_octets(_without_tail(data)), ""
    if encoding in ("quoted-printable", "quoted_printable", "q", "qp"):
        return binascii.a2b_qp(data), ""
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        found = uu_files(data)[1]
        return (found[0][1], "") if found else (data, "a part says it is uuencoded but is not; kept as it is")
    return data, f"unknown transfer encoding {encoding[:40]!r}; kept as it is"


def _looks_base64(data: bytes) -> bool:
    sample = data[:4_000]
    odd = len(re.sub(rb"[A-Za-z0-9+/=\s_-]", b"", sample))
    return odd * 20 <= len(sample) and not (b" " in sample.strip() and re.search(rb"[a-z] [a-z]+ [a-z]", sample))


def _without_tail(data: bytes) -> bytes:
    # A mailing list's footer pasted after the base64: a line that no base64 holds ends it.
    tail = re.search(rb"(?<==)[ \t]*\r?\n[ \t\r\n]*[^\s=][^\r\n]*[^A-Za-z0-9+/=\s\r\n]", data[-4_000:])
    return data[: len(data) - len(data[-4_000:]) + tail.start()] if tail else data


def uu_files(data: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The data without its uuencoded files, and those (name, content). A `begin` without its `end` is no file."""
    kept, files, position = [], [], 0
    for begin in _UU_BEGIN.finditer(data):
        if begin.start() < position:
            continue
        end = re.compile(rb"^(?:end|====)[ \t]*\r?$", re.MULTILINE).search(data, begin.end())
        if end is None:
            break
        content = _uu_octets(
            data[begin.end() : end.start()], data[begin.start() : begin.start() + 13] == b"begin-base64 "
        )
        if content is None:
            continue
        kept.append(data[position : begin.start()])
        files.append((decode_words(begin[1].decode("utf-8", "replace")).strip(), content))
        position = end.end()
    kept.append(data[position:])
    return b"".join(kept), files


def _uu_octets(body: bytes, base64_lines: bool) -> bytes | None:
    if base64_lines:
        return base64_octets(body)
    out = []
    for line in body.splitlines():
        if not line.strip():
            continue
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            wanted = (((line[0] - 32) & 63) * 4 + 5) // 3  # some encoders leave rubbish after the counted characters
            try:
                out.append(binascii.a2b_uu(line[:wanted]))
            except binascii.Error:
                return None
    return b"".join(out)


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """A structured header such as Content-Type: its main value in lower case, and its parameters with lower-case names.

    RFC 2231 continuations and charsets are joined and decoded, RFC 2047 words (also inside quotes) decoded; the first
    of a repeated parameter counts. At most MAX_PARAMETERS are read.
    """
    pieces = _semicolons(value)
    if "=" in pieces[0] and "/" not in pieces[0]:
        pieces.insert(0, "")  # "Content-Disposition: filename=x": the main value was left out
    plain: dict[str, str] = {}
    split: dict[str, dict[int, tuple[str, bool]]] = {}
    for piece in pieces[1 : MAX_PARAMETERS + 1]:
        name, equals, content = piece.partition("=")
        name = name.strip().lower()
        if not equals or not name:
            continue
        content = _unquote(content.strip())
        shape = _SPLIT_PARAMETER.match(name)
        if "*" in name and shape:
            split.setdefault(shape[1], {}).setdefault(int(shape[2] or 0), (content, bool(shape[3])))
        else:
            plain.setdefault(name, decode_words(content))
    for name, numbered in split.items():
        plain[name] = _joined(numbered)
    return pieces[0].strip().lower(), plain


def _joined(numbered: dict[int, tuple[str, bool]]) -> str:
    first, extended = numbered[min(numbered)]
    charset = ""
    if extended and first.count("'") >= 2:
        charset, _, first = first.split("'", 2)
    octets, any_percent = b"", False
    for number in sorted(numbered):
        text, percent = numbered[number]
        text = first if number == min(numbered) else text
        any_percent = any_percent or percent
        raw = text.encode("utf-8", "surrogateescape")
        octets += urllib.parse.unquote_to_bytes(raw) if percent else raw
    text = decode_text(octets, charset)[0]
    return text if any_percent else decode_words(text)


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == '"':
        end = text.rfind('"')
        text = text[1:end] if end > 0 else text[1:]
        return re.sub(r"\\([\\\"])", r"\1", text)
    if text[:1] == '"':
        return text[1:]
    return text.split(" (", 1)[0].strip("'") if text[:1] == "'" else text


def _semicolons(value: str) -> list[str]:
    if '"' not in value:
        return value.split(";", MAX_PARAMETERS + 1)
    pieces, start, quoted, i = [], 0, False, 0
    for i, character in enumerate(value[:20_000]):
        if character == '"' and (i == 0 or value[i - 1] != "\\"):
            quoted = not quoted
        elif character == ";" and not quoted:
            pieces.append(value[start:i])
            start = i + 1
    pieces.append(value[start:20_000])
    return pieces
