"""What a worker does now and then: close connections that rest too long, delete what is older than the retention."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from common import log, metrics
from common.db import Database
from common.errors import Temporary
from outbound import store, store_events, store_people
from outbound.transports.pool import SmtpPool

_PAUSE = 10.0
_SWEEP = 3600.0
_BATCH = 500
_log = log.get(__name__)


@dataclass
class Housekeeping:
    """A thread of its own. retention: seconds for which events and deliveries are kept."""

    database: Database
    pool: SmtpPool
    retention: float
    clock: Callable[[], float] = time.monotonic
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread = threading.Thread(target=self._run, name="outbound-housekeeping", daemon=True)
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Stop, `grace` seconds at most."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(grace)

    def sweep(self) -> int:
        """Delete what is too old, and people not seen for as long; returns how many windows that were."""
        forgotten = 0
        with self.database.write() as tx:
            store_people.forget_unseen(tx, self.retention)
        while not self._stopping.is_set():
            with self.database.write() as tx:
                some = store_events.forget_older(tx, self.retention, _BATCH)
            forgotten += some
            if some < _BATCH:
                break
        return forgotten

    def show(self) -> None:
        """Set the gauge of the outgoing servers."""
        with self.database.read() as tx:
            states = store.sender_states(tx)
        for state in ("new", "connected", "trouble"):
            metrics.SENDER_STATE.labels(state).set(states.get(state, 0))

    def _run(self) -> None:
        next_sweep = self.clock()
        while not self._stopping.is_set():
            self.pool.reap()
            try:
                self.show()
                if self.clock() >= next_sweep:
                    next_sweep = self.clock() + _SWEEP
                    forgotten = self.sweep()
                    if forgotten:
                        _log.info("old_events_forgotten", windows=forgotten)
            except Temporary as fault:
                _log.warning("sweep_postponed", reason=str(fault))
            except Exception:
                _log.exception("sweep_broke")  # a bug, or tables that are behind: no reason to end the whole worker
            self._stopping.wait(_PAUSE)
