"""What a process does again and again in a thread of its own: sweeps, polling. And what it does in some of the rounds only."""

import threading
import time
from collections.abc import Callable

from common import log
from common.errors import Fault

Stopping = Callable[[], bool]
"""True as soon as the rounds are to end: a long task asks between its steps."""

_log = log.get(__name__)


def never() -> bool:
    """The `Stopping` of a round that nobody ends: one on its own."""
    return False


class Rounds:
    """Calls `task` until stopped, with a pause of so many seconds after each round; a `process.Part`.

    What a round raises ends that round only: a Fault is put off to the next one, anything else (a bug, tables that are
    behind) is logged with its trace besides.
    """

    def __init__(self, name: str, task: Callable[[Stopping], object], pause: float) -> None:
        self._name = name
        self._task = task
        self._pause = pause
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self, grace: float = 10.0) -> None:
        """Stop after the step in hand, `grace` seconds at most."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(grace)

    def alive(self) -> bool:
        """True while the rounds go on."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._task(self._stopping.is_set)
            except Fault as fault:
                _log.warning("round_put_off", rounds=self._name, reason=str(fault))
            except Exception:
                _log.exception("round_failed", rounds=self._name)
            self._stopping.wait(self._pause)


class Every:
    """What is done in some of the rounds only: every so many seconds, the first time at once or after as many seconds."""

    def __init__(self, seconds: float, *, at_once: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._due_at = clock() if at_once else clock() + seconds

    def due(self) -> bool:
        """Whether it is time. The next time counts from this answer: what fails then is not tried before."""
        if self._clock() < self._due_at:
            return False
        self._due_at = self._clock() + self._seconds
        return True
