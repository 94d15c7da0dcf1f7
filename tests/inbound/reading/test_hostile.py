"""Mails made to break or to stall a reader: no exception, and no time that grows faster than the mail."""

import random
import time

import pytest

from inbound import adf
from inbound.explain import reading
from inbound.reading.limits import MAX_PARTS
from inbound.reading.parse import parse
from tests.inbound.samples import MAILS

# A second is the promise on the machine that the figures come from; processor time and a wide margin keep a busy machine from failing this.
SECONDS = 4.0
HEAD = b"From: a@b.c\r\nTo: d@e.f\r\nSubject: x\r\nMIME-Version: 1.0\r\n"


def html(body: bytes) -> bytes:
    return HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + body


def text(body: bytes) -> bytes:
    return HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + body


def bounce(body: bytes) -> bytes:
    return b"From: MAILER-DAEMON@x.y\r\nSubject: failure notice\r\n\r\n" + body


def nested(depth: int) -> bytes:
    parts = [HEAD, b"Content-Type: multipart/mixed; boundary=b0\r\n\r\n"]
    parts += [b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(depth)]
    return b"".join([*parts, b"--b%d\r\n\r\nhi\r\n" % depth])


CASES = {
    "nothing": b"",
    "zeros": b"\0" * 500_000,
    "carriage returns": b"\r" * 500_000,
    "open div": html(b"<div>" * 100_000 + b"x"),
    "open tables": html(b"<table><tr><td>" * 30_000),
    "open formatting": html(b"<b><i><u><font>" * 20_000),
    "attributes": html(b"<p " + b"".join(b"a%d=1 " % n for n in range(50_000)) + b">x"),
    "attributes in quotes": html(b"<p " + b"".join(b'a%d="<" ' % n for n in range(40_000)) + b">x"),
    "attributes behind a stray quote": html(b'<p a"b="> ' + b"".join(b"a%d=1 " % n for n in range(40_000)) + b'">x'),
    "angle brackets": html(b"<" * 500_000),
    "comments": html(b"<!--" * 100_000),
    "scripts": html(b"<script>" * 60_000),
    "entities": html(b"&amp;" * 100_000),
    "style": html(b'<p style="' + b"display:" * 60_000 + b'">x'),
    "html quotes": html(b"<blockquote>" * 30_000 + b"x"),
    "a large table": html(b"<table border=1>" + b"<tr><td>a<td>b" * 20_000 + b"</table>"),
    "many parts": HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 50_000,
    "many parameters": HEAD
    + b"Content-Type: text/plain; "
    + b"; ".join(b"a%d=b" % n for n in range(20_000))
    + b"\r\n\r\nhi",
    "many continuations": HEAD
    + b"Content-Type: text/plain; "
    + b"; ".join(b"name*%d*=b" % n for n in range(20_000))
    + b"\r\n\r\nhi",
    "many boundaries": HEAD
    + b"Content-Type: multipart/mixed; "
    + b"; ".join(b"boundary=b%d" % n for n in range(5_000))
    + b"\r\n\r\n--b1\r\n" * 50,
    "deep multiparts": nested(1_500),
    "deep messages": HEAD
    + b"".join(b"Content-Type: message/rfc822\r\n\r\nSubject: %d\r\n" % n for n in range(3_000))
    + b"\r\nhi",
    "many people": b"To: " + b", ".join(b"n <a%d@b.c>" % n for n in range(20_000)) + b"\r\nFrom: a@b.c\r\n\r\nhi",
    "open comments": b"To: " + b"(" * 100_000 + b"\r\nFrom: " + b"(" * 5_000 + b"\r\n\r\nhi",
    "open words": b"Subject: " + b"=?utf-8?q?" * 10_000 + b"\r\nFrom: " + b"=?utf-8?q?" * 5_000 + b"\r\n\r\nx",
    "many fields": b"".join(b"X-%d: y\r\n" % n for n in range(50_000)) + b"\r\nhi",
    "a long field": b"Subject: " + b"x" * 2_000_000 + b"\r\n\r\nhi",
    "a folded field": b"Subject: a\r\n" + b" b\r\n" * 100_000 + b"\r\nhi",
    "a long line": text(b"a b " * 200_000),
    "dashes": text(b"-" * 500_000),
    "quote marks": text(b">" * 500_000),
    "quoted lines": text(b"> a\n" * 100_000),
    "introductions": text(b"On 1 Jan 2020 at 10:00 a@b.c wrote:\n" * 15_000),
    "half introductions": text(b"On Mon 1 Jan 2020\n" * 30_000),
    "header lines": text(b"From: a@b.c\n" * 30_000),
    "begin lines": text(b"begin 644 a\n" * 25_000),
    "broken base64": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=A" * 200_000,
    "8-bit": b"Subject: " + bytes(range(128, 256)) * 1_000 + b"\r\n\r\n" + bytes(range(128, 256)) * 3_000,
    "utf-7": HEAD + b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + b"+AAA" * 100_000,
    "a bounce of dots": bounce(b"a.a." * 25_000),
    "a bounce of addresses": bounce(b"<a@b.c> " * 12_000),
    "a bounce of phrases": bounce(b"following address " * 6_000),
    "a bounce of returned headers": bounce(b"Received: from m.x ([192.0.2.1])\n by mx.x;\n 1 Apr 2013\n" * 1_400),
    "a large report": b"From: MAILER-DAEMON@x.y\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: message/delivery-status\r\n\r\n"
    + b"Final-Recipient: rfc822; a@b.c\r\nAction: failed\r\n\r\n" * 10_000
    + b"--b--",
}


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_mail_is_read_in_its_time(name: str) -> None:
    started = time.process_time()
    mail = parse(CASES[name])
    reading(mail)
    adf.from_text(mail.text)
    adf.from_html(mail.html)
    assert time.process_time() - started < SECONDS


def test_what_a_limit_cuts_off_is_said() -> None:
    assert f"more than {MAX_PARTS} parts: what follows was not read" in parse(CASES["many parts"]).defects
    assert any("multiparts" in defect for defect in parse(CASES["deep multiparts"]).defects)
    assert any("header" in defect for defect in parse(CASES["many fields"]).defects)


def test_a_large_attachment_is_not_copied_through_the_parser() -> None:
    body = (b"QUJD" * 19 + b"\r\n") * 100_000
    mail = parse(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
                 b"Content-Transfer-Encoding: base64\r\n\r\n" + body + b"--b--\r\n")  # fmt: skip
    assert mail.attachments[0].size == 100_000 * 57


def test_damaged_mails_are_read_without_an_exception() -> None:
    """Our own mails, damaged by a seeded hand: octets changed, lines repeated, dropped and moved, two mails spliced."""
    hand = random.Random(20260302)
    mails = [path.read_bytes() for path in sorted(MAILS.glob("*.eml"))]
    for _ in range(1_500):
        mail = parse(damaged(hand, mails))
        reading(mail)
        adf.from_html(mail.html)


def damaged(hand: random.Random, mails: list[bytes]) -> bytes:
    octets = bytearray(hand.choice(mails))
    for _ in range(hand.randrange(1, 8)):
        kind = hand.randrange(4)
        at = hand.randrange(len(octets) + 1)
        if kind == 0 and octets:
            octets[at % len(octets)] = hand.randrange(256)
        elif kind == 1:
            octets[at:at] = hand.choice(
                [
                    b"\r\n",
                    b"--",
                    b'"',
                    b"=?",
                    b"<",
                    b"\x00",
                    b"boundary=",
                    b"\xff\xfe",
                    b"Content-Type: message/rfc822\n",
                ]
            )
        elif kind == 2:
            lines = bytes(octets).split(b"\n")
            lines.insert(hand.randrange(len(lines)), lines.pop(hand.randrange(len(lines))))
            octets = bytearray(b"\n".join(lines))
        else:
            other = hand.choice(mails)
            octets[at:] = other[hand.randrange(len(other)) :]
    return bytes(octets)
