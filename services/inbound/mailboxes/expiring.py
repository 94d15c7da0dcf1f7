"""Secrets that end on a day: an app registration's is warned of 30 and 7 days ahead, and each day from then on."""

from dataclasses import dataclass

from common import log, metrics
from common.db import Database
from inbound import store_grants

DAY = 86_400.0
FIRST, LAST = 30, 7
"""Days ahead of the first and the second warning."""

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """state: what the mailbox's grant is now; warn: days left (0: it has ended) to tell of, None for nothing new."""

    state: str | None
    warn: int | None


def due(state: str | None, expires_at: float, now: float, told: int | None) -> Due:
    """What to say of a secret. told: the days left of the last warning, None for none yet. Pure."""
    left = max(0, int((expires_at - now) // DAY))
    if state == "reconnect":
        return Due(state, None)  # it is over already, and said
    if left >= FIRST:
        return Due("good" if state == "expiring" else state, None)
    new = state != "expiring" or (left < LAST and (told is None or left < told))
    return Due("expiring", left if new else None)


class Expiring:
    """Looks after the secrets of one database's mailboxes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: dict[str, int] = {}

    def look(self) -> None:
        """Enter which are about to end, and say so in the log; the gauge says how many."""
        now = self._database.now()
        with self._database.read() as tx:
            rows = store_grants.with_expiry(tx)
        for row in rows:
            found = due(row.grant_state, row.secret_expires_at, now, self._told.get(row.id))
            if found.state != row.grant_state:
                with self._database.write() as tx:
                    if not store_grants.set_grant_state(tx, row.id, row.grant_state, found.state):
                        continue  # somebody else has entered it, and says it
            if found.warn is not None:
                self._told[row.id] = found.warn
                _log.warning("mailbox_secret_expires", mailbox=row.id, tenant=row.tenant, days=found.warn)
        with self._database.read() as tx:
            states = store_grants.grant_states(tx)
        for state in ("good", "expiring", "reconnect"):
            metrics.MAILBOX_GRANT.labels(state).set(states.get(state, 0))
