"""Bytes to text: the declared charset when it holds, strict UTF-8 before a declaration that fails, detection last.

Never raises and never drops an octet silently: what no charset explains becomes U+FFFD or a Latin letter, and is reported.
"""

import codecs
import re

from charset_normalizer import from_bytes

# Names that mail programs write and Python does not know, or knows in a poorer variant (WHATWG Encoding, section 4.2).
ALIASES = {
    "ansi_x3.110-1983": "latin-1",
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "x-us-ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "8bit": "utf-8",
    "unknown": "utf-8",
    "unknown-8bit": "utf-8",
    "x-unknown": "utf-8",
    "default": "utf-8",
    "utf": "utf-8",
    "utf8mb4": "utf-8",
    "x-utf-8": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "x-unicode-2-0-utf-7": "utf-7",
    "utf-7-imap": "utf-7",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "iso-8859-6-e": "iso-8859-6",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "ansi": "cp1252",
    "x-ansi": "cp1252",
    "x-gbk": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "x-gb2312": "gb18030",
    "iso-gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gb2312_charset": "gb18030",
    "chinesebig5": "big5hkscs",
    "big5": "big5hkscs",
    "x-big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "ks_c_5601": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949",
    "ksc5601": "cp949",
    "ksc_5601": "cp949",
    "euc-kr": "cp949",
    "x-windows-949": "cp949",
    "windows-949": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "ms_kanji": "cp932",
    "windows-31j": "cp932",
    "x-euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-ce": "mac_latin2",
    "x-mac-greek": "mac_greek",
    "x-mac-turkish": "mac_turkish",
    "x-cp1250": "cp1250",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
    "win-1251": "cp1251",
    "win1251": "cp1251",
    "windows1251": "cp1251",
    "koi8-ru": "koi8_u",
    "koi": "koi8_r",
    "koi8": "koi8_r",
}
_DETECT_FROM = 16_384  # octets that detection looks at; more makes it slow and hardly surer
_ISO_2022 = re.compile(rb"\x1b(?:\$[@B]|\([BJI]|\$\([DC])")
_ALONE = re.compile(rb"(?:(?<=[A-Za-z\s\"'(])|^)[\xc0-\xff](?=[A-Za-z\s.,;:!?\"')-]|$)")
_CP1252_SIGNS = bytes((0x80, 0x82, 0x84, 0x85, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99))
_PLAUSIBLE = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "koi8_r",
    "iso8859_2",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "euc_kr",
]
_TEXT_CODECS_ONLY = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})


def decode_text(data: bytes, declared: str = "") -> tuple[str, str]:
    """The text, and a sentence on what was wrong with the declared charset ("" if nothing was)."""
    codec = known_codec(declared)
    if not data:
        return "", ""
    if codec in ("", "utf-8"):
        if b"\x1b" in data and _ISO_2022.search(data):
            return _strict(data, "iso2022_jp_ext") or _jis(data) or _lenient(
                data, "iso2022_jp_ext"
            ), "" if not declared else f"charset {declared!r} is ISO-2022-JP"
        text = _strict(data, "utf-8-sig")
        if text is not None:
            return text, "" if codec or not declared else f"unknown charset {declared!r} read as UTF-8"
        if codec == "utf-8" and (text := _mostly_utf8(data)) is not None:
            return text, "a few octets are not UTF-8"
        return _detected(data, declared)
    if (text := _strict(data, codec)) is not None:
        # Text declared as a one-octet charset that happens to be valid UTF-8 with multi-octet letters is UTF-8.
        if codec.startswith("cp125") and not data.isascii() and (utf8 := _strict(data, "utf-8")) is not None:
            return utf8, f"charset {declared!r} is in fact UTF-8"
        return text, ""
    if codec == "iso2022_jp_ext" and (text := _jis(data)) is not None:
        return text, ""
    if (text := _strict(data, "utf-8")) is not None:
        return text, f"charset {declared!r} is in fact UTF-8"
    return _lenient(data, codec), f"some octets are not {declared!r}"


def known_codec(name: str) -> str:
    """Python's name of a charset as mail writes it, or "" when there is none for text."""
    name = name.strip().strip("\"'").lower()
    if not name:
        return ""
    if name in ALIASES:
        return ALIASES[name]
    squeezed = name.replace("_", "-").replace(" ", "-")
    if squeezed in ALIASES:
        return ALIASES[squeezed]
    for candidate in (name, squeezed, squeezed.removeprefix("x-"), squeezed.replace("windows-", "cp")):
        try:
            info = codecs.lookup(candidate)
        except (LookupError, ValueError):
            continue
        if info.name not in _TEXT_CODECS_ONLY and getattr(info, "_is_text_encoding", True):
            return ALIASES.get(info.name, info.name)
    return ""


def detect(data: bytes) -> str:
    """The codec that explains 8-bit text best."""
    sample = data[:_DETECT_FROM]
    high = sum(octet > 127 for octet in sample)
    # Single high octets between ASCII letters are Latin: what detection by statistics gets wrong on short texts.
    if (
        high
        and len(_ALONE.findall(sample)) * 4 >= high * 3
        and not re.search(rb"[\x80-\x9f]", sample.translate(None, _CP1252_SIGNS))
    ):
        return "cp1252"
    best = from_bytes(sample, steps=5, chunk_size=512, cp_isolation=_PLAUSIBLE).best()
    return ALIASES.get(best.encoding.replace("_", "-"), best.encoding) if best is not None else "cp1252"


def _jis(data: bytes) -> str | None:
    """ISO-2022-JP with the characters that only vendors have in it (circled digits, roman numerals), by way of Shift_JIS."""
    out = bytearray()
    kanji = False
    for number, piece in enumerate(re.split(rb"\x1b(\$[@B]|\([BJ])", data)):
        if number % 2:
            kanji = piece[:1] == b"$"
        elif not kanji:
            out += piece
        else:
            for first, second in zip(piece[::2], piece[1::2], strict=False):
                if not (0x21 <= first <= 0x7E and 0x21 <= second <= 0x7E):
                    return None
                row = (first - 0x21) // 2 + 0x81
                low = second + (0x1F + (second >= 0x60) if first % 2 else 0x7E)
                out += bytes((row + (0x40 if row > 0x9F else 0), low))
    return _strict(bytes(out), "cp932")


def _strict(data: bytes, codec: str) -> str | None:
    try:
        text = data.decode(codec)
        if codec == "utf-7" or "16" in codec or "32" in codec:
            text.encode("utf-8")  # these codecs can yield lone surrogates
    except (UnicodeError, LookupError, ValueError):
        return None
    return text


def _lenient(data: bytes, codec: str) -> str:
    try:
        text = data.decode(codec, "replace")
        text.encode("utf-8")
    except (UnicodeError, LookupError, ValueError):
        return data.decode("cp1252", "replace")
    # cp1252 leaves five octets undefined; ISO 8859-1 gives them a (control) meaning, so that none is lost.
    return data.decode("latin-1") if codec == "cp1252" and "\ufffd" in text else text


def _mostly_utf8(data: bytes) -> str | None:
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    high = sum(1 for character in text[:20_000] if ord(character) > 127)
    return text if high and bad * 10 < high else None


def _detected(data: bytes, declared: str) -> tuple[str, str]:
    codec = detect(data)
    text = _lenient(data, codec)
    said = f"charset {declared!r} is wrong" if declared else "8-bit text without a charset"
    return text, f"{said}, read as {codec}"
