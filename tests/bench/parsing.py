"""Reading mails: ours, mail-parser alone, and the standard library's two ways, turn and turn about in one process."""

import email
import time
from collections.abc import Callable
from email import policy
from typing import Any

import mailparser

from inbound.parse import parse
from tests.bench import letters
from tests.bench.machine import speed

_NAMES = ("From", "To", "Cc", "Reply-To", "Subject", "Message-ID", "In-Reply-To", "References", "Date")


def parsing(seconds: float = 0.4, rounds: int = 3) -> dict[str, Any]:
    """Mails and megabytes a second of one core's processor time, the best of so many turns."""
    ways: dict[str, Callable[[bytes], Any]] = {
        "ours": parse,
        "mail-parser": mailparser.parse_from_bytes,
        "compat32": _compat32,
        "policy.default": _modern,
    }
    mails = {"5.9 kB": letters.small(1), "71 kB": letters.page(1), "3 MB": letters.large(1, 3_000_000)}
    sizes = []
    for size, raw in mails.items():
        best = dict.fromkeys(ways, 0.0)
        for _ in range(rounds):
            for name, read in ways.items():
                best[name] = max(best[name], _rate(read, raw, seconds))
        rows = {name: {"per_second": rate, "mb_per_second": rate * len(raw) / 1e6} for name, rate in best.items()}
        ratios = {name: best["ours"] / rate for name, rate in best.items() if name != "ours"}
        sizes.append({"size": size, "octets": len(raw), "ways": rows, "ours_against": ratios})
    return {"name": "parse", "sizes": sizes, "load": speed(0.1).load}


def _rate(read: Callable[[bytes], Any], raw: bytes, seconds: float) -> float:
    count, began = 0, time.process_time()
    while (used := time.process_time() - began) < seconds or not count:
        read(raw)
        count += 1
    return count / used


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
