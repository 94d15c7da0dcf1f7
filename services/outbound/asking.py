"""How much is asked of Jira at a time, and for how long an answer may be used again. In memory only."""

import threading
import time
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

KEPT = 300.0
"""Seconds for which an answer may be used again."""

_MOST = 20_000

T = TypeVar("T")


class Asking:
    """Asks, or remembers; any number of threads may share it. At most `parallel` questions are out at a time."""

    def __init__(self, parallel: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="lookups")
        self._clock = clock
        self._guard = threading.Lock()
        self._answers: dict[Hashable, tuple[float, Any]] = {}

    def each(self, ids: Iterable[str], ask: Callable[[str], T]) -> dict[str, T]:
        """The answer for each id. Many people watch some issues: asked one by one, the customer would wait for them."""
        wanted = list(ids)
        if len(wanted) < 2:
            return {id: ask(id) for id in wanted}
        # Each in a context of its own that knows what this thread works for: its log lines and its trace.
        contexts = [copy_context() for _ in wanted]
        answers = self._threads.map(lambda context, id: context.run(ask, id), contexts, wanted)
        return dict(zip(wanted, answers, strict=True))

    def once(self, key: Hashable, ask: Callable[[], T]) -> T:
        """The answer by this key, for KEPT seconds. A fault is not remembered."""
        now = self._clock()
        with self._guard:
            kept = self._answers.get(key)
        if kept is not None and now < kept[0]:
            answer: T = kept[1]
            return answer
        answer = ask()
        with self._guard:
            if len(self._answers) >= _MOST:
                self._answers = {key: one for key, one in self._answers.items() if now < one[0]}
            if len(self._answers) < _MOST:
                self._answers[key] = (now + KEPT, answer)
        return answer

    def close(self) -> None:
        """Ask no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
