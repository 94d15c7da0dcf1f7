"""Secrets that end on a day, as an app registration's: an admin is told 30 and 7 days ahead, the log daily in the last week."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from common import log, metrics
from common.db import Database
from common.outbox import Outbox
from inbound import store_grants, store_notices, telling
from inbound.tables import outbox

DAY = 86_400.0
FIRST, LAST = 30, 7
"""Days ahead of the first and the second warning."""

_REASONS = {
    "client_credentials": "The client secret of its app registration will not be taken any more from that day on.",
    "service_account": "The key of its service account will not be taken any more from that day on.",
}
_REASON = "What it logs in with will not be taken any more from that day on."
_REMEDY = "Make a new one where you made this one, enter it in the settings of the mailbox, and set its new end."
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """state: what the mailbox's grant is now; warn: days left (0: it has ended) to log, None for nothing new; told: of which
    warning an admin knows from now on, as days ahead, None for none."""

    state: str | None
    warn: int | None
    told: int | None = None


def left_of(expires_at: float, now: float) -> int:
    """Whole days left; 0 when it has ended."""
    return max(0, int((expires_at - now) // DAY))


def due(state: str | None, expires_at: float, now: float, logged: int | None, told: int | None) -> Due:
    """What to say of a secret. logged: the days left of the last warning in the log, told: the last warning by mail; None for
    none yet. Pure."""
    left = left_of(expires_at, now)
    if state == "reconnect":
        return Due(state, None, told)  # it is over already, and said
    if left >= FIRST:
        return Due("good" if state == "expiring" else state, None)
    new = state != "expiring" or (left < LAST and (logged is None or left < logged))
    warning = LAST if left < LAST else FIRST
    return Due("expiring", left if new else None, warning if told is None else min(warning, told))


class Expiring:
    """Looks after the secrets of one database's mailboxes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._post = Outbox(database, outbox)
        self._logged: dict[str, int] = {}

    def look(self) -> None:
        """Enter which are about to end, and say so; the gauge says how many."""
        now = self._database.now()
        with self._database.read() as tx:
            rows = store_grants.with_expiry(tx)
        for row in rows:
            found = due(row.grant_state, row.secret_expires_at, now, self._logged.get(row.id), row.expiry_told)
            if (found.state, found.told) != (row.grant_state, row.expiry_told) and not self._enter(row, found, now):
                continue  # somebody else has entered it, and says it
            if found.warn is not None:
                self._logged[row.id] = found.warn
                _log.warning("mailbox_secret_expires", mailbox=row.id, tenant=row.tenant, days=found.warn)
        with self._database.read() as tx:
            states = store_grants.grant_states(tx)
        for state in ("good", "expiring", "reconnect"):
            metrics.MAILBOX_GRANT.labels(state).set(states.get(state, 0))

    def _enter(self, row: Row[Any], found: Due, now: float) -> bool:
        with self._database.write() as tx:
            entered = store_notices.enter_expiry(tx, row, found.state, found.told)
            if entered and found.told not in (None, row.expiry_told):
                left, reason = left_of(row.secret_expires_at, now), _REASONS.get(row.auth, _REASON)
                telling.tell(tx, self._post, row, "expiring", reason, _REMEDY, days=left)
        return entered
