"""SQL over letters, whatever they are about: one row a recipient, claimed for one attempt at a time. Each function belongs to
the caller's transaction `tx`.

States: pending (to be sent), sending (claimed; may be sent again with the same Message-ID once the claim has passed),
sent, skipped (never to be sent, and why), failed, bounced.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, Update, select, tuple_, update

from common.db import now

UNSENT = ("pending", "sending")


class Letters:
    """The letters in a table with the columns id, tenant, state, attempts, claim_until, sent_at, reason and error."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, tx: Connection, id: str, seconds: float, *more: ColumnElement[Any]) -> Row[Any] | None:
        """Claim a letter for one attempt of up to `seconds`: its columns and `more`; None if it is not to be sent or claimed
        by somebody."""
        t = self._table
        free = (t.c.state == "pending") | ((t.c.state == "sending") & (t.c.claim_until < now()))
        values = {"state": "sending", "attempts": t.c.attempts + 1, "claim_until": now() + seconds}
        claimed = update(t).where(t.c.id == id, free).values(**values)
        return tx.execute(claimed.returning(t, *more)).one_or_none()

    def renew_all(self, tx: Connection, attempts: Iterable[tuple[str, int]], seconds: float) -> set[tuple[str, int]]:
        """Hold these claims, as (letter id, attempt), for `seconds` from now; returns those that were still held."""
        t = self._table
        ours = tuple_(t.c.id, t.c.attempts).in_(list(attempts))
        rows = update(t).where(ours, t.c.state == "sending", t.c.claim_until > now())
        renewed = rows.values(claim_until=now() + seconds).returning(t.c.id, t.c.attempts)
        return {(id, attempt) for id, attempt in tx.execute(renewed)}

    def claim_left(self, tx: Connection, id: str) -> float | None:
        """Seconds until somebody else's claim passes; None if the letter is not being sent."""
        t = self._table
        seconds = tx.execute(select(t.c.claim_until - now()).where(t.c.id == id, t.c.state == "sending")).scalar()
        return None if seconds is None else float(seconds)

    def release(self, tx: Connection, id: str, attempt: int, error: str) -> None:
        """The attempt came to nothing: pending again."""
        self.change(tx, id, attempt, state="pending", claim_until=None, error=error)

    def sent(self, tx: Connection, id: str, attempt: int, doubt: str | None = None) -> float | None:
        """The server has taken it, and when; None if another attempt has begun meanwhile. doubt: what is to be said of it."""
        values = {"state": "sent", "claim_until": None, "sent_at": now(), "error": doubt}
        rows = self._of(id, attempt).values(**values).returning(self._table.c.sent_at)
        at: float | None = tx.execute(rows).scalar_one_or_none()
        return at

    def ended(
        self, tx: Connection, id: str, attempt: int, state: str, error: str | None, reason: str | None = None
    ) -> None:
        """The end without a sent mail: failed with its error, or skipped with its reason."""
        values: dict[str, Any] = {"state": state, "claim_until": None, "error": error}
        self.change(tx, id, attempt, **values, **({"reason": reason} if reason else {}))

    def stop_all(self, tx: Connection, tenant: str, reason: str) -> None:
        """Nothing of a tenant's that is unsent will be sent."""
        t = self._table
        unsent = update(t).where(t.c.tenant == tenant, t.c.state.in_(UNSENT))
        tx.execute(unsent.values(state="skipped", claim_until=None, reason=reason))

    def release_claims(self, tx: Connection) -> None:
        """Let what a predecessor was sending be sent again; only for the start of a process that is alone."""
        t = self._table
        tx.execute(update(t).where(t.c.state == "sending").values(state="pending", claim_until=None))

    def change(self, tx: Connection, id: str, attempt: int, **values: Any) -> bool:
        """Change the row if it is still this attempt's: a bounce or a later attempt has the last word."""
        return tx.execute(self._of(id, attempt).values(**values)).rowcount == 1

    def _of(self, id: str, attempt: int) -> Update:
        t = self._table
        return update(t).where(t.c.id == id, t.c.state == "sending", t.c.attempts == attempt)
