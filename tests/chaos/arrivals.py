"""What is put into which mailbox, and when: a pure function of the seed.

A mail carries one mark (`mail-<seed>-<n>`) and may arrive more than once: the same octets again, once more by another way (so that
only its Message-ID is the same), or in a second mailbox. However often it arrives, it is one mail, and Jira is to have it once.
"""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

_ANSWERS, _NAMELESS, _WITH_FILES, _DOUBLED, _IN_BURSTS = 0.33, 0.1, 0.12, 0.1, 0.33  # shares of all mails
_MOST_OCTETS = 30_000
_LATER = 20.0  # seconds within which a doubled mail comes again


@dataclass(frozen=True)
class Arrival:
    """These octets come into the mailbox `box`, `at` seconds after the beginning. files: the names of what is attached."""

    at: float
    box: str
    mark: str
    octets: bytes
    files: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the octets."""
        return hashlib.sha256(self.octets).hexdigest()


def make(seed: int, *, mails: int, seconds: float, boxes: Sequence[str]) -> list[Arrival]:
    """So many different mails over so many seconds, in order; a tenth of them arrives twice, a third comes in bursts."""
    chance = random.Random(f"arrivals {seed}")
    found: list[Arrival] = []
    named: dict[str, list[int]] = {box: [] for box in boxes}  # those that can be answered
    for number, at in enumerate(_moments(chance, mails, seconds)):
        box = chance.choice(boxes)
        earlier = chance.choice(named[box]) if named[box] and chance.random() < _ANSWERS else None
        nameless = chance.random() < _NAMELESS
        files = chance.randint(1, 2) if chance.random() < _WITH_FILES else 0
        mail = _mail(seed, number, box, earlier, chance, nameless=nameless, files=files)
        found.append(_arrival(at, box, seed, number, mail, files))
        if chance.random() < _DOUBLED:
            found.append(_double(found[-1], seconds, boxes, chance, nameless=nameless))
        if not nameless:
            named[box].append(number)
    return sorted(found, key=lambda one: one.at)


def _moments(chance: random.Random, mails: int, seconds: float) -> list[float]:
    bursts = [chance.uniform(0.0, seconds) for _ in range(1 + mails // 100)]
    moments = (
        chance.choice(bursts) if chance.random() < _IN_BURSTS else chance.uniform(0.0, seconds) for _ in range(mails)
    )
    return sorted(moments)


def _double(first: Arrival, seconds: float, boxes: Sequence[str], chance: random.Random, *, nameless: bool) -> Arrival:
    at = min(first.at + chance.uniform(0.0, _LATER), seconds)
    # Without a Message-ID two mails are one only if every octet is the same, and in the same mailbox.
    way = "again" if nameless else chance.choice(("again", "another way", "another mailbox"))
    octets, box = first.octets, first.box
    if way == "another way":
        octets = b"Received: from relay.example by mx.sandbox.test; Sun, 22 Nov 2026 10:00:00 +0000\r\n" + octets
    elif way == "another mailbox":
        box = chance.choice([one for one in boxes if one != first.box])
        octets = octets.replace(f"Delivered-To: {first.box}".encode(), f"Delivered-To: {box}".encode(), 1)
    return Arrival(at, box, first.mark, octets, first.files)


def _arrival(at: float, box: str, seed: int, number: int, mail: bytes, files: int) -> Arrival:
    names = tuple(_file(seed, number, one) for one in range(files))
    return Arrival(at, box, f"mail-{seed}-{number}", f"Delivered-To: {box}\r\n".encode() + mail, names)


def _mail(
    seed: int, number: int, box: str, earlier: int | None, chance: random.Random, *, nameless: bool, files: int
) -> bytes:
    mail = EmailMessage(policy=SMTP)
    writer = number % 7
    mail["From"] = f"Writer {writer} <writer{writer}@customer.example>"
    mail["To"] = box
    mail["Subject"] = f"Mail {number} of run {seed}"
    if not nameless:
        mail["Message-ID"] = f"<{seed}.{number}@customer.example>"
    if earlier is not None:
        mail["In-Reply-To"] = f"<{seed}.{earlier}@customer.example>"
    mail.set_content(f"This is mail-{seed}-{number} here.\n")
    for one in range(files):
        content = chance.randbytes(chance.randint(1, _MOST_OCTETS))
        name = _file(seed, number, one)
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    if files:
        mail.set_boundary(f"boundary-{seed}-{number}")
    return mail.as_bytes()


def _file(seed: int, number: int, one: int) -> str:
    return f"file-{seed}-{number}-{one}.bin"
