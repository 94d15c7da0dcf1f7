"""What connect does now and then: delete old events and nonces, learn which account the app acts as in a new Jira, and
whatever else is given it (such as the daily check of look-up users)."""

import time
from collections.abc import Callable, Sequence

from common import log
from common.errors import Fault
from common.jira import JiraSites
from common.rounds import Rounds, Stopping, never
from connect.store import Store
from connect.vending import NONCE_LIFE

EVENT_LIFE = 30 * 86_400.0
"""Seconds an event is kept: Jira repeats one for an hour or so, people ask why for longer."""

_PAUSE = 30.0
_TRY_AGAIN = 900.0
_log = log.get(__name__)


class Sweep:
    """`rounds()` is the thread."""

    def __init__(self, store: Store, sites: JiraSites, also: Sequence[Callable[[], None]] = ()) -> None:
        """also: what else is done each round; each knows by itself what is due."""
        self._store = store
        self._sites = sites
        self._also = also
        self._asked_at: dict[str, float] = {}

    def rounds(self) -> Rounds:
        """`once` every half minute."""
        return Rounds("sweep", self.once, _PAUSE)

    def once(self, stopping: Stopping = never) -> None:
        """One round; raises Temporary while the database cannot be had."""
        while self._store.sweep(events=EVENT_LIFE, nonces=NONCE_LIFE) and not stopping():
            pass
        for tenant in self._store.without_account():
            if not stopping():
                self._learn_account(tenant)
        for task in self._also:
            if not stopping():
                task()

    def _learn_account(self, tenant: str) -> None:
        now = time.monotonic()
        if now - self._asked_at.get(tenant, float("-inf")) < _TRY_AGAIN:
            return
        self._asked_at[tenant] = now
        try:
            account = self._sites.site(tenant).myself().get("accountId")
        except Fault as fault:
            _log.info("account_not_learnt", tenant=tenant, reason=str(fault))
            return
        if isinstance(account, str):
            self._store.set_account(tenant, account)
