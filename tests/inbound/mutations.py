"""Mails broken at random, the same ones for the same seed, and what every one of them must survive.

    python -m tests.inbound.mutations --count 1000000 [--seed 7]     what `make fuzz` runs

The seeds are our own mails, and the corpora of ../shared when that folder is there.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inbound import adf
from inbound.handling.screen import screen
from inbound.reading.bounce import read_bounce
from inbound.reading.forward import read_forward
from inbound.reading.htmltext import visible_text
from inbound.reading.parse import parse
from inbound.reading.reply import shown_reply
from tests.inbound.samples import MAILS, SHARED

SLOWEST = 1.0  # seconds of processor time that one mail may take
LARGEST_SEED = 24_000  # octets; larger mails only repeat what smaller ones show, and cost the time of many
_TOKENS = (
    b"\r\n", b"\n\n", b"\r", b"\x00", b"\xff\xfe", b"\xe2\x80\xa8", b"--", b"\n--", b"=", b"=?utf-8?b?", b"?=", b"=?x?q?",
    b"<", b">", b"<>", b"\n> ", b">>>>>>>>", b'"', b"\\", b"(", b";", b":", b"@", b",", b"\nbegin 644 a\n", b"\nFrom ",
    b"\nContent-Type: multipart/mixed; boundary=x\n\n--x\n", b"\nContent-Type: message/rfc822\n\n", b"\nContent-Type: text/html\n\n",
    b"\nContent-Transfer-Encoding: base64\n", b"\nContent-Transfer-Encoding: quoted-printable\n", b"charset=utf-7", b"charset=x-",
    b"\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n", b"\nAuto-Submitted: auto-replied\n", b"\nOn 2 Mar 2026, A wrote:\n",
    b"\n-----Original Message-----\nFrom: a@b.example\nSent: now\nSubject: x\n", b"\n-- \n", b"<div>", b"</div>", b"<table><tr><td>",
    b"<blockquote type=cite>", b"&#x110000;", b"<!--", b"<![CDATA[", b"<a href=javascript:x>", b"\x1b$B", b"\x78\x9f\x3e\x22",
    b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=X:20260302T091500\nATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example\n", b"END:VEVENT\n",
    "İ".encode(), "ſ".encode(), "\u212a".encode(), "ς".encode(), "\u00a0".encode(), "\u200f".encode(), "１：".encode(),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """A mail that was not survived: `what` says how."""

    what: str
    mail: bytes


def seeds(largest: int = LARGEST_SEED) -> list[bytes]:
    """Our mails and those of the corpora, up to so many octets each, always in the same order."""
    folders = [MAILS, *([SHARED / "corpora"] if (SHARED / "corpora").is_dir() else [])]
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in (".eml", ".txt")]
    return [octets for path in paths if path.is_file() and 0 < len(octets := path.read_bytes()) <= largest]


def mutated(chance: random.Random, mails: Sequence[bytes]) -> bytes:
    """One of the mails after one to eight accidents."""
    octets = bytearray(chance.choice(mails))
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
        chance.choice(_ACCIDENTS)(chance, octets, mails)
    return bytes(octets)


def read_all(octets: bytes) -> None:
    """Everything that Mailbridge reads in a mail before it acts."""
    mail = parse(octets)
    if screen(mail, frozenset({"desk@example.com"}), ()).kind != "person":
        read_bounce(mail)
    read_forward(mail)
    reply = shown_reply(mail)
    adf.from_text(reply.text)
    if reply.html:
        adf.from_html(reply.html)
        visible_text(mail.html)


def survive(octets: bytes, slowest: float = SLOWEST) -> Finding | None:
    """None if the mail is read without an exception and within so many seconds of processor time."""
    started = time.process_time()
    try:
        read_all(octets)
    except Exception as error:  # whatever it is, it is what we look for
        return Finding(f"{type(error).__name__}: {error}"[:300], octets)
    took = time.process_time() - started
    return Finding(f"took {took:.2f} s", octets) if took > slowest else None


def _at(chance: random.Random, octets: bytearray) -> int:
    # Half of the accidents happen in the header, where the structure is decided.
    return chance.randrange(min(len(octets), 1_500) + 1 if chance.random() < 0.5 else len(octets) + 1)


def _flip(chance: random.Random, octets: bytearray, mails: Sequence[bytes]) -> None:
    for _ in range(chance.choice((1, 4, 30))):
        if octets:
            octets[chance.randrange(len(octets))] = chance.randrange(256)


def _insert(chance: random.Random, octets: bytearray, mails: Sequence[bytes]) -> None:
    at = _at(chance, octets)
    octets[at:at] = chance.choice(_TOKENS)


def _repeat(chance: random.Random, octets: bytearray, mails: Sequence[bytes]) -> None:
    at = _at(chance, octets)
    octets[at:at] = chance.choice(_TOKENS) * chance.choice((10, 10, 100, 1_000))


def _cut(chance: random.Random, octets: bytearray, mails: Sequence[bytes]) -> None:
    at = _at(chance, octets)
    del octets[at : at + chance.choice((1, 20, 400, len(octets)))]


def _double(chance: random.Random, octets: bytearray, mails: Sequence[bytes]) -> None:
    at = _at(chance, octets)
    octets[at:at] = octets[at : at + chance.choice((10, 200, 3_000))] * chance.choice((1, 1, 20))


def _swap_lines(chance: random.Random, octets: bytearray, mails: Sequence[bytes]) -> None:
    lines = octets.split(b"\n")
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    octets[:] = b"\n".join(lines)


def _splice(chance: random.Random, octets: bytearray, mails: Sequence[bytes]) -> None:
    other = chance.choice(mails)
    start = chance.randrange(len(other) + 1)
    at = _at(chance, octets)
    octets[at:at] = other[start : start + chance.choice((100, 1_000, 5_000))]


_ACCIDENTS: tuple[Callable[[random.Random, bytearray, Sequence[bytes]], None], ...] = (
    _flip,
    _insert,
    _insert,
    _repeat,
    _cut,
    _double,
    _swap_lines,
    _splice,
)


def main() -> int:
    """0 if every mail was survived."""
    arguments = argparse.ArgumentParser(description="Read mails broken at random.")
    arguments.add_argument("--count", type=int, default=1_000_000)
    arguments.add_argument("--seed", type=int, default=None)
    given = arguments.parse_args()
    seed = given.seed if given.seed is not None else time.time_ns() % 1_000_000
    mails = seeds()
    print(f"{given.count} mails from {len(mails)} seeds; repeat with SEED={seed}", flush=True)
    chance, started, found = random.Random(seed), time.monotonic(), 0
    for number in range(1, given.count + 1):
        finding = survive(mutated(chance, mails))
        if finding is not None:
            found += 1
            print(f"mail {number}: {finding.what}\n{finding.mail[:4_000]!r}", flush=True)
        if number % 10_000 == 0:
            print(f"{number} read, {found} not survived, {number / (time.monotonic() - started):.0f}/s", flush=True)
    print(f"{given.count} read, {found} not survived, seed {seed}", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
