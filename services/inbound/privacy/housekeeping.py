"""What a worker does now and then: forget mail that is older than a tenant keeps it. Any number of workers may."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from common import log
from common.db import Database
from common.errors import Temporary
from inbound import store_keeping

_PAUSE = 15.0
_SWEEP = 3600.0
_BATCH = 200
_log = log.get(__name__)


@dataclass
class Housekeeping:
    """A thread of its own. days: how long mail is kept for a tenant that chose nothing."""

    database: Database
    days: int
    clock: Callable[[], float] = time.monotonic
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread = threading.Thread(target=self._run, name="inbound-housekeeping", daemon=True)
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Stop, `grace` seconds at most."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(grace)

    def sweep(self) -> int:
        """Forget the mails that are older than their tenants keep them; returns how many."""
        with self.database.read() as tx:
            chosen = {tenant: store_keeping.keeping_of(tx, tenant, self.days) for tenant in store_keeping.tenants(tx)}
        return sum(self._sweep(tenant, keeping.days) for tenant, keeping in chosen.items())

    def drop_handled(self) -> int:
        """Delete the content of handled mails of those who keep none; returns of how many."""
        dropped = 0
        with self.database.read() as tx:
            tenants = store_keeping.without_content(tx)
        for tenant in tenants:
            some = _BATCH
            while some == _BATCH and not self._stopping.is_set():
                with self.database.write() as tx:
                    some = store_keeping.drop_content(tx, store_keeping.handled_with_content(tx, tenant, _BATCH))
                dropped += some
        return dropped

    def _sweep(self, tenant: str, days: int) -> int:
        sentence = f"What this mail said and who wrote it was deleted after {days} days."
        forgotten = 0
        while not self._stopping.is_set():
            with self.database.write() as tx:
                ids = store_keeping.older(tx, tenant, days, _BATCH)
                store_keeping.forget(tx, ids, sentence)
            forgotten += len(ids)
            if len(ids) < _BATCH:
                break
        return forgotten

    def _run(self) -> None:
        next_sweep = self.clock()
        while not self._stopping.is_set():
            try:
                self.drop_handled()
                if self.clock() >= next_sweep:
                    next_sweep = self.clock() + _SWEEP
                    forgotten = self.sweep()
                    if forgotten:
                        _log.info("old_mail_forgotten", mails=forgotten)
            except Temporary as fault:
                _log.warning("sweep_postponed", reason=str(fault))
            except Exception:
                _log.exception("sweep_broke")  # a bug, or tables that are behind: no reason to end the whole worker
            self._stopping.wait(_PAUSE)
