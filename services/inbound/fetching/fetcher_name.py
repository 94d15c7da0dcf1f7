"""A fetcher's name tells where it runs, so that its neighbours know at once when it is gone: place, process, start, chance.

Processes of one place see each other in /proc. A container's only process has the id 1 there; its place is the host name, which
in a pod is the pod's: whoever starts as the same process of the same place took the place of the one before. (Two containers
that share a host name, by host networking, would take each other for gone, once, at their start; the epoch of each mailbox
keeps that harmless.)
"""

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

from common.ids import decode, encode, new_id

_PLACE, _PROCESS, _START, _CHANCE = 5, 5, 3, 3  # characters of five bits each; Linux keeps process ids below 2²²


def new_name() -> str:
    """A name for a fetcher of this process: 16 characters."""
    return name(_place(), os.getpid(), started(os.getpid()) or 0, new_id())


def name(place: str, process: int, start: int, chance: str) -> str:
    """The name of a fetcher in a process of `place` that began at `start`; chance: an id, of which the end is taken."""
    number = int.from_bytes(hashlib.sha256(place.encode()).digest(), "big")
    parts = ((number, _PLACE), (process, _PROCESS), (start, _START))
    return "".join(encode(value % 32**length, length) for value, length in parts) + chance[-_CHANCE:]


def is_gone(other: str, me: str, started: Callable[[int], int | None]) -> bool:
    """Whether the fetcher `other` certainly does not run any more. started: when a process of this place began, None: there
    is none with this id."""
    if other[:_PLACE] != me[:_PLACE]:
        return False
    process, start = other[_PLACE:][:_PROCESS], other[_PLACE + _PROCESS :][:_START]
    now = started(decode(process))
    return now is None or encode(now % 32**_START, _START) != start


def started(process: int) -> int | None:
    """When a process began, in clock ticks since this machine did; None if it does not run. Linux only: proc(5)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _place() -> str:
    if os.getpid() == 1:
        return socket.gethostname()
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # not Linux: nobody is known to be gone before the heartbeat says so
        return new_id()
    return f"{socket.gethostname()} {boot} {namespace}"
