"""What a worker does now and then: close connections that rest too long, delete what is older than the retention."""

from dataclasses import dataclass, field

from common import log, metrics
from common.db import Database
from common.rounds import Every, Rounds, Stopping, never
from outbound import store, store_admin_letters, store_events, store_people
from outbound.transports.pool import SmtpPool

_PAUSE = 10.0
_SWEEP = 3600.0
_BATCH = 500
_log = log.get(__name__)


@dataclass
class Housekeeping:
    """`rounds()` is the thread. retention: seconds for which events and deliveries are kept."""

    database: Database
    pool: SmtpPool
    retention: float
    _hourly: Every = field(default_factory=lambda: Every(_SWEEP))

    def rounds(self) -> Rounds:
        """`once` every ten seconds."""
        return Rounds("outbound-housekeeping", self.once, _PAUSE)

    def once(self, stopping: Stopping = never) -> None:
        """One round; raises Temporary while the database cannot be had."""
        self.pool.reap()
        self.show()
        if self._hourly.due():
            forgotten = self.sweep(stopping)
            if forgotten:
                _log.info("old_events_forgotten", windows=forgotten)

    def sweep(self, stopping: Stopping = never) -> int:
        """Delete what is too old, letters to admins too, and people not seen for as long; returns how many windows that were."""
        forgotten = 0
        with self.database.write() as tx:
            store_people.forget_unseen(tx, self.retention)
            store_admin_letters.forget_older(tx, self.retention)
        while not stopping():
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
