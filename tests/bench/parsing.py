"""Reading mails: ours, mail-parser alone, and the standard library's two ways, turn and turn about in one process.

Over mails of three sizes, over the mails of the corpora where they lie beside the repository, and the memory of one large mail.
"""

import contextlib
import email
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from email import policy
from pathlib import Path
from typing import Any

import mailparser

from inbound.reading.parse import parse
from scripts.fleet import ROOT
from tests.bench import letters
from tests.bench.machine import speed

_NAMES = ("From", "To", "Cc", "Reply-To", "Subject", "Message-ID", "In-Reply-To", "References", "Date")


_CORPORA = ROOT.parent / "shared" / "corpora"
# A process of its own: its high-water mark is that of this one mail. The mail's octets are among what is counted.
_ALONE = """
import os
import sys

from inbound.reading.parse import parse
from tests.bench.machine import peak_memory

parse(b"From: a@b.test\\n\\nx")
rest = peak_memory(os.getpid())
with open(sys.argv[1], "rb") as file:
    parse(file.read())
print(peak_memory(os.getpid()) - rest)
"""


def parsing(seconds: float = 0.4, rounds: int = 3) -> dict[str, Any]:
    """Mails and megabytes a second of one core's processor time, the best of so many turns; and memory."""
    mails = {
        "5.9 kB": [letters.small(1)],
        "71 kB": [letters.page(1)],
        "3 MB": [letters.large(1, 3_000_000)],
    }
    corpora = [path.read_bytes() for path in sorted(_CORPORA.rglob("*.eml"))]
    if corpora:
        mails[f"{len(corpora)} mails of the corpora"] = corpora
    sizes = [_compared(name, raws, seconds, rounds) for name, raws in mails.items()]
    return {"name": "parse", "sizes": sizes, "memory": _memory(25_000_000), "load": speed(0.1).load}


def _compared(name: str, raws: list[bytes], seconds: float, rounds: int) -> dict[str, Any]:
    ways: dict[str, Callable[[bytes], Any]] = {
        "ours": parse,
        "mail-parser": mailparser.parse_from_bytes,
        "compat32": _compat32,
        "policy.default": _modern,
    }
    best = dict.fromkeys(ways, 0.0)
    for _ in range(rounds):
        for way, read in ways.items():
            best[way] = max(best[way], _rate(read, raws, seconds))
    octets = sum(map(len, raws)) / len(raws)
    return {
        "size": name,
        "octets": round(octets),
        "ways": {way: {"per_second": rate, "mb_per_second": rate * octets / 1e6} for way, rate in best.items()},
        "ours_against": {way: best["ours"] / rate for way, rate in best.items() if way != "ours"},
    }


def _rate(read: Callable[[bytes], Any], raws: list[bytes], seconds: float) -> float:
    count, began = 0, time.process_time()
    while (used := time.process_time() - began) < seconds or not count:
        for raw in raws:
            with contextlib.suppress(Exception):  # the peers raise on some mails: that costs them nothing here
                read(raw)
        count += len(raws)
    return count / used


def _memory(octets: int) -> dict[str, int]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(letters.large(1, octets))
        file.flush()
        size = Path(file.name).stat().st_size
        told = subprocess.run(
            [sys.executable, "-c", _ALONE, file.name],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        )
    return {"mail_octets": size, "peak": int(told.stdout)}


def _compat32(raw: bytes) -> None:
    mail = email.message_from_bytes(raw)
    for name in _NAMES:
        mail.get(name)
    for part in mail.walk():
        part.get_payload(decode=True)


def _modern(raw: bytes) -> None:
    mail = email.message_from_bytes(raw, policy=policy.default)
    for name in _NAMES:
        str(mail.get(name))
    for part in mail.walk():
        part.get_payload(decode=True)
