"""Work that is due later, on a few threads of its own: retries, late events, the ticks of a schedule."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

Work = Callable[[], object]


class Later:
    """Runs what was pushed, each at its time, at most `threads` at once."""

    def __init__(self, name: str, threads: int) -> None:
        self._due: list[tuple[float, int, Work]] = []
        self._count = itertools.count()
        self._wake = threading.Condition()
        self._under_way = 0
        self._stopped = False
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._clock = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._clock.start()

    def stop(self) -> None:
        """Begin nothing more; what is under way ends."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        self._clock.join()
        self._threads.shutdown(wait=True)

    def push(self, seconds: float, work: Work) -> None:
        """Run this in so many seconds."""
        with self._wake:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._count), work))
            self._wake.notify_all()

    def idle(self) -> bool:
        """Whether nothing is due or under way."""
        with self._wake:
            return not self._due and not self._under_way

    def forget(self) -> None:
        """Drop what is not under way."""
        with self._wake:
            self._due = []

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopped and (not self._due or self._due[0][0] > time.monotonic()):
                    self._wake.wait(None if not self._due else max(0.0, self._due[0][0] - time.monotonic()))
                if self._stopped:
                    return
                work = heapq.heappop(self._due)[2]
                self._under_way += 1
            self._threads.submit(self._do, work)

    def _do(self, work: Work) -> None:
        try:
            work()
        finally:
            with self._wake:
                self._under_way -= 1
