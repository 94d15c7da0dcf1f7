"""How many octets of mail a process has in hand at a time: large ones wait for each other, small ones pass."""

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_MMAP_THRESHOLD = -3


class Budget:
    """Any number of threads share `octets`. One piece of work is counted with half of them at most, so that however large it
    is it never waits until nothing else is at work."""

    def __init__(self, octets: int) -> None:
        self._octets = octets
        self._taken = 0
        self._returned = threading.Condition()

    @contextmanager
    def taken(self, octets: int) -> Iterator[None]:
        """So many octets are in hand for the block; waits until there is room for them."""
        counted = min(octets, self._octets // 2)
        with self._returned:
            self._returned.wait_for(lambda: self._taken + counted <= self._octets)
            self._taken += counted
        try:
            yield
        finally:
            with self._returned:
                self._taken -= counted
                self._returned.notify_all()


def return_large_blocks() -> None:
    """Let glibc give blocks of a megabyte and more back to the system as soon as they are free: left to itself it keeps them
    for each thread once a few have been used (mallopt(3), M_MMAP_THRESHOLD). Elsewhere nothing happens."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 2**20)
