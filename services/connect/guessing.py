"""How long somebody who guessed wrong has to wait before the next guess. Pure."""

import ipaddress
from collections.abc import Mapping

MEMORY = 86_400.0
"""Seconds after which guesses are forgotten."""

_FREE = 5
_FIRST = 5.0
_LONGEST = {"name": 60.0, "address": 600.0}


def keys_of(name: str, address: str) -> Mapping[str, str]:
    """What guesses are counted by, each with its kind: the name that is tried and the address that it is tried from.

    Who has one IPv6 address has the 2^64 beside it too.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return {f"name {name}": "name", "address unknown": "address"}
    where = ipaddress.ip_network((ip, 64), strict=False) if ip.version == 6 else ip
    return {f"name {name}": "name", f"address {where}": "address"}


def wait(kind: str, guesses: int, last_at: float, now: float) -> float:
    """Seconds until another guess is heard after so many wrong ones: five are free, then 5 s, and each doubles the pause.

    A name waits a minute at most, so that a stranger's guesses keep its owner out for no longer.
    """
    if guesses < _FREE:
        return 0.0
    pause = min(_LONGEST[kind], _FIRST * 2.0 ** min(guesses - _FREE, 20))
    return max(0.0, last_at + pause - now)
