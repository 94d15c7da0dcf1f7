"""winmail.dat: opened where it is one, kept where it only claims to be."""

import base64
import struct
import time

from inbound.reading.parse import parse
from inbound.reading.tnef import open_tnef


def tnef(*objects: tuple[int, bytes]) -> bytes:
    body = b"".join(b"\x02" + struct.pack("<HHI", name, 6, len(data)) + data + b"\0\0" for name, data in objects)
    return b"\x78\x9f\x3e\x22\0\0" + body


def properties(*values: tuple[int, int, bytes]) -> bytes:
    out = struct.pack("<I", len(values))
    for name, kind, value in values:
        out += struct.pack("<HHII", kind, name, 1, len(value)) + value + b"\0" * (-len(value) % 4)
    return out


WINMAIL = tnef(
    (0x9007, struct.pack("<I", 1252)),
    (0x9003, properties((0x1000, 0x1F, "Grüße\0".encode("utf-16-le")), (0x1013, 0x102, b"<p>Gr\xfc\xdfe</p>"))),
    (0x9002, b"\0" * 14),
    (0x8010, b"ANGEBOT.TXT\0"),
    (0x800F, b"ten pieces"),
    (0x9005, properties((0x3707, 0x1F, "Angebot für März.txt\0".encode("utf-16-le")))),
    (0x9002, b"\0" * 14),
    (0x8010, b"K\xf6ln.pdf\0"),
    (0x800F, b"%PDF"),
)


def mail(content: bytes) -> bytes:
    head = b"From: a@b.c\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n"
    return head + base64.encodebytes(content)


def test_the_files_and_the_text_come_out() -> None:
    read = parse(mail(WINMAIL))
    assert [(a.filename, a.content_type, a.content) for a in read.attachments] == [
        ("Angebot für März.txt", "text/plain", b"ten pieces"),
        ("Köln.pdf", "application/pdf", b"%PDF"),
    ]
    assert (read.text, read.html) == ("Grüße", "<p>Grüße</p>")


def test_what_only_claims_to_be_tnef_stays_an_attachment() -> None:
    read = parse(mail(b"no TNEF at all"))
    assert [(a.filename, a.content) for a in read.attachments] == [("winmail.dat", b"no TNEF at all")]


def test_counts_that_lie_cost_no_time() -> None:
    started = time.process_time()
    lie = struct.pack("<HHI", 0x1102, 0x1000, 0xFFFFFFFF)
    for content in (
        tnef((0x9003, struct.pack("<I", 0xFFFFFFFF) + lie * 50_000)),
        tnef(*[(0x9002, b"")] * 50_000),
        WINMAIL[:-3],
    ):
        open_tnef(content)
    assert time.process_time() - started < 4
