"""Claims on what the threads of a worker are at: short ones, renewed for as long as there is work on them.

What a killed worker had in hand is taken up by others within a minute, for nobody renews its claims; a living one may take
many minutes. Who cannot renew (no database) knows by his own clock when his claim is about to pass, and lets go before.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from common import log
from common.errors import Temporary

CLAIM = 60.0
"""Seconds that a claim holds."""

LETTING_GO = 15.0
"""So many seconds before a claim passes its holder lets go: for clocks that run unevenly, and for what is on its way."""

_EVERY = 15.0  # seconds between renewals
_AGAIN = 3.0  # and after one that failed
_LOOK = 1.0

T = TypeVar("T")
_log = log.get(__name__)


class Claim(Generic[T]):
    """One claimed piece of work in a thread's hand."""

    def __init__(self, item: T, since: float, most: float, clock: Callable[[], float]) -> None:
        self.item = item
        self._clock = clock
        self._most = most
        self._let_go: Callable[[], None] | None = None
        self.renewed(since)

    def renewed(self, at: float) -> None:
        """It holds anew by a transaction that began `at`; work on it may take `most` seconds from there."""
        self._ends = at + self._most
        self.until = at + CLAIM

    def sure(self) -> bool:
        """Whether it certainly holds for some seconds more."""
        return self._clock() < self.until - LETTING_GO

    def fresh(self, seconds: float) -> bool:
        """Whether it was claimed or renewed no more than so many seconds ago."""
        return self._clock() <= self.until - CLAIM + seconds

    def worth_renewing(self) -> bool:
        """False when the work takes longer than it ever may: its thread hangs."""
        return self._clock() < self._ends

    @contextmanager
    def or_else(self, let_go: Callable[[], None]) -> Iterator[None]:
        """Call `let_go` from another thread, once, if the claim is about to pass before the block ends."""
        self._let_go = let_go
        try:
            yield
        finally:
            self._let_go = None

    def watch(self) -> None:
        """Let go of what is about to pass."""
        let_go = self._let_go
        if let_go is not None and not self.sure():
            self._let_go = None
            let_go()


class Claims(Generic[T]):
    """All of one worker's claims. renew: renews these in the database for CLAIM seconds; returns which were still ours."""

    def __init__(
        self, renew: Callable[[Sequence[T]], Collection[T]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._renew = renew
        self._clock = clock
        self._guard = threading.Lock()
        self._held: dict[int, Claim[T]] = {}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=run, name=f"claims-{run.__name__}", daemon=True)
            for run in (self._renewing, self._watching)
        ]

    def start(self) -> None:
        """Renew from now on; returns at once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Renew no more."""
        self._stopping.set()

    @contextmanager
    def held(self, item: T, since: float, most: float) -> Iterator[Claim[T]]:
        """`item` is in this thread's hand for the block; a thread holds one at a time.

        since: the monotonic clock before the transaction that claimed it. most: seconds for which it is renewed at most.
        """
        me = threading.get_ident()
        claim = Claim(item, since, most, self._clock)
        with self._guard:
            self._held[me] = claim
        try:
            yield claim
        finally:
            with self._guard:
                del self._held[me]

    def left(self) -> list[T]:
        """What is in hand at this moment."""
        return [claim.item for claim in self._in_hand()]

    def renew(self) -> None:
        """Renew what is in hand; raises Temporary without a database."""
        claims = [claim for claim in self._in_hand() if claim.worth_renewing()]
        if not claims:
            return
        at = self._clock()
        ours = {id(item) for item in self._renew([claim.item for claim in claims])}
        for claim in claims:
            if id(claim.item) in ours:
                claim.until = max(claim.until, at + CLAIM)

    def watch(self) -> None:
        """Let go of what is about to pass."""
        for claim in self._in_hand():
            claim.watch()

    def _in_hand(self) -> list[Claim[T]]:
        with self._guard:
            return list(self._held.values())

    def _renewing(self) -> None:
        pause = _EVERY
        while not self._stopping.wait(pause):
            pause = _EVERY
            try:
                self.renew()
            except Temporary as fault:
                _log.warning("claims_not_renewed", reason=str(fault))
                pause = _AGAIN
            except Exception:
                _log.exception("claims_not_renewed")
                pause = _AGAIN

    def _watching(self) -> None:
        # A thread of its own: renewing may wait for a database for longer than the claims hold.
        while not self._stopping.wait(_LOOK):
            try:
                self.watch()
            except Exception:
                _log.exception("claims_not_watched")
