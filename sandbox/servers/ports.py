"""Ports for servers that must know theirs before they start, from where the kernel hands out none by itself.

A port that was found free by binding to port 0 lies in the range from which every outgoing connection of the machine takes
its own: between the look and the server's start anybody may get it. So these come from below that range, at random, and none
twice within a process.
"""

import random
import socket
from pathlib import Path

LOWEST = 10_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_chosen: set[int] = set()
_dice = random.SystemRandom()


def free_port() -> int:
    """A port that nobody holds on any address of this machine and nobody is likely to be given."""
    below = _first_ephemeral()
    for _ in range(200):
        port = _dice.randrange(LOWEST, below) if below > LOWEST + 1000 else 0
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            found = int(probe.getsockname()[1])
        if found not in _chosen:
            _chosen.add(found)
            return found
    raise OSError(f"No free port between {LOWEST} and {below}: end some of the programs that listen there.")


def free_ports(count: int) -> list[int]:
    """So many of them, all different."""
    return [free_port() for _ in range(count)]


def _first_ephemeral() -> int:
    """Where the kernel's own range begins; 32768 where the machine does not say (not Linux)."""
    try:
        return int(_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 32768
