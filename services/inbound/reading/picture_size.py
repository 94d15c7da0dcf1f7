"""How large a picture is, read from the first octets of a PNG, GIF or JPEG; no picture is decoded. Pure; never raises."""

import struct

MAX_SEGMENTS = 200  # of a JPEG before its frame; real ones have about ten
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_WITHOUT_LENGTH = frozenset({0x01, 0xFF, *range(0xD0, 0xD9)})


def picture_size(octets: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels as the file claims them, or None for anything else than these three kinds."""
    try:
        if octets[:8] == b"\x89PNG\r\n\x1a\n" and octets[12:16] == b"IHDR":
            width, height = struct.unpack_from(">II", octets, 16)
        elif octets[:6] in (b"GIF87a", b"GIF89a"):
            width, height = struct.unpack_from("<HH", octets, 6)
        elif octets[:2] == b"\xff\xd8":
            return _jpeg(octets)
        else:
            return None
    except struct.error:  # the file ends before its size
        return None
    return width, height


def _jpeg(octets: bytes) -> tuple[int, int] | None:
    at = 2
    for _ in range(MAX_SEGMENTS):
        if octets[at : at + 1] != b"\xff":
            return None
        mark = octets[at + 1] if at + 1 < len(octets) else 0
        if mark in _FRAMES:
            height, width = struct.unpack_from(">HH", octets, at + 5)
            return width, height
        if mark in (0xD9, 0xDA):  # the picture itself, or its end
            return None
        at += 1 if mark == 0xFF else 2 if mark in _WITHOUT_LENGTH else 2 + struct.unpack_from(">H", octets, at + 2)[0]
    return None
