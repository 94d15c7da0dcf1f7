"""A bell that many threads can wait for: none misses a ring that came between its look and its waiting."""

import threading


class Bell:
    """`heard = bell.rings`, look for work, then `heard = bell.wait(heard, timeout)`: returns at once if it rang meanwhile."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rings = 0

    @property
    def rings(self) -> int:
        """How often it has rung."""
        return self._rings

    def ring(self) -> None:
        """Wake everyone who waits."""
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    def wait(self, heard: int, timeout: float) -> int:
        """Wait until it has rung more often than `heard`, `timeout` seconds at most; returns how often it has rung."""
        with self._condition:
            self._condition.wait_for(lambda: self._rings != heard, timeout)
            return self._rings
