"""What a worker does now and then: forget mail that is older than a tenant keeps it. Any number of workers may."""

from dataclasses import dataclass, field

from common import log
from common.db import Database
from common.rounds import Every, Rounds, Stopping, never
from inbound import store_keeping

_PAUSE = 15.0
_SWEEP = 3600.0
_BATCH = 200
_log = log.get(__name__)


@dataclass
class Housekeeping:
    """`rounds()` is the thread. days: how long mail is kept for a tenant that chose nothing."""

    database: Database
    days: int
    _hourly: Every = field(default_factory=lambda: Every(_SWEEP))

    def rounds(self) -> Rounds:
        """`once` every fifteen seconds."""
        return Rounds("inbound-housekeeping", self.once, _PAUSE)

    def once(self, stopping: Stopping = never) -> None:
        """One round; raises Temporary while the database cannot be had."""
        self.drop_handled(stopping)
        if self._hourly.due():
            forgotten = self.sweep(stopping)
            if forgotten:
                _log.info("old_mail_forgotten", mails=forgotten)

    def sweep(self, stopping: Stopping = never) -> int:
        """Forget the mails that are older than their tenants keep them; returns how many."""
        with self.database.read() as tx:
            chosen = {tenant: store_keeping.keeping_of(tx, tenant, self.days) for tenant in store_keeping.tenants(tx)}
        return sum(self._sweep(tenant, keeping.days, stopping) for tenant, keeping in chosen.items())

    def drop_handled(self, stopping: Stopping = never) -> int:
        """Delete the content of handled mails of those who keep none; returns of how many."""
        dropped = 0
        with self.database.read() as tx:
            tenants = store_keeping.without_content(tx)
        for tenant in tenants:
            some = _BATCH
            while some == _BATCH and not stopping():
                with self.database.write() as tx:
                    some = store_keeping.drop_content(tx, store_keeping.handled_with_content(tx, tenant, _BATCH))
                dropped += some
        return dropped

    def _sweep(self, tenant: str, days: int, stopping: Stopping) -> int:
        sentence = f"What this mail said and who wrote it was deleted after {days} days."
        forgotten = 0
        while not stopping():
            with self.database.write() as tx:
                ids = store_keeping.older(tx, tenant, days, _BATCH)
                store_keeping.forget(tx, ids, sentence)
            forgotten += len(ids)
            if len(ids) < _BATCH:
                break
        return forgotten
