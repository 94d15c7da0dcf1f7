"""What the threads of a worker are at just now, so that a worker that stops can give back what it could not finish."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class InHand(Generic[T]):
    """Any number of threads may share one."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held: dict[int, T] = {}

    @contextmanager
    def held(self, item: T) -> Iterator[None]:
        """`item` is in this thread's hand for the block; a thread holds one at a time."""
        me = threading.get_ident()
        with self._guard:
            self._held[me] = item
        try:
            yield
        finally:
            with self._guard:
                del self._held[me]

    def left(self) -> list[T]:
        """What is in hand at this moment."""
        with self._guard:
            return list(self._held.values())
