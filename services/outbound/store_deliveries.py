"""SQL over deliveries: one row a recipient and window. Functions take the caller's transaction.

States: pending (to be sent), sending (claimed; may be sent again with the same Message-ID once the claim has passed),
sent, skipped (never to be sent, and why), failed, bounced. What Jira sends (kind notify) has no Message-ID: see `notices`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Update, exists, insert, select, tuple_, update

from common.db import now
from outbound.tables import delivery, window

UNSENT = ("pending", "sending")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery claimed for one attempt; `recipient` and `content` are sealed."""

    id: str
    tenant: str
    window_id: str
    issue_id: str
    recipient: bytes
    recipient_hash: str
    kind: str
    event: str
    items: tuple[int, ...]
    reasons: tuple[str, ...]
    message_id: str
    attempts: int
    created_at: float
    content: bytes | None
    asked: int


def add(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows, given the columns of the table but attempts and created_at."""
    if rows:
        same = {"attempts": 0, "created_at": _clock(tx)}
        tx.execute(insert(delivery), [{**row, **same} for row in rows])


def claim(tx: Connection, id: str, seconds: float) -> Claimed | None:
    """Claim a delivery for one attempt of up to `seconds`; None if it is not to be sent or claimed by somebody."""
    free = (delivery.c.state == "pending") | ((delivery.c.state == "sending") & (delivery.c.claim_until < now()))
    claimed = update(delivery).where(delivery.c.id == id, free)
    values = {"state": "sending", "attempts": delivery.c.attempts + 1, "claim_until": now() + seconds}
    content = select(window.c.content).where(window.c.id == delivery.c.window_id).scalar_subquery()
    row = tx.execute(claimed.values(**values).returning(delivery, content.label("content"))).one_or_none()
    if row is None:
        return None
    return Claimed(
        row.id, row.tenant, row.window_id, row.issue_id, row.recipient, row.recipient_hash, row.kind, row.event,
        tuple(row.items), tuple(row.reasons), row.message_id or "", row.attempts, row.created_at, row.content, row.asked,
    )  # fmt: skip


def renew_all(tx: Connection, attempts: Iterable[tuple[str, int]], seconds: float) -> set[tuple[str, int]]:
    """Hold these claims, as (delivery id, attempt), for `seconds` from now; returns those that were still held."""
    ours = tuple_(delivery.c.id, delivery.c.attempts).in_(list(attempts))
    rows = update(delivery).where(ours, delivery.c.state == "sending", delivery.c.claim_until > now())
    renewed = rows.values(claim_until=now() + seconds).returning(delivery.c.id, delivery.c.attempts)
    return {(id, attempt) for id, attempt in tx.execute(renewed)}


def claim_left(tx: Connection, id: str) -> float | None:
    """Seconds until somebody else's claim passes; None if the delivery is not being sent."""
    left = select(delivery.c.claim_until - now()).where(delivery.c.id == id, delivery.c.state == "sending")
    seconds = tx.execute(left).scalar()
    return None if seconds is None else float(seconds)


def waits_for_older(tx: Connection, id: str, patience: float) -> bool:
    """True while an older mail about the issue to the same person is unsent, and not for more than `patience` seconds."""
    mine = tx.execute(select(delivery).where(delivery.c.id == id)).one_or_none()
    if mine is None or not mine.recipient_hash:
        return False
    older = exists().where(
        delivery.c.tenant == mine.tenant,
        delivery.c.issue_id == mine.issue_id,
        delivery.c.recipient_hash == mine.recipient_hash,
        delivery.c.state.in_(UNSENT),
        tuple_(delivery.c.created_at, delivery.c.id) < tuple_(mine.created_at, id),
        delivery.c.created_at > now() - patience,
    )
    return bool(tx.execute(select(older)).scalar())


def release(tx: Connection, id: str, attempt: int, error: str) -> None:
    """The attempt came to nothing: pending again."""
    _mine(tx, id, attempt, state="pending", claim_until=None, error=error)


def sent(tx: Connection, id: str, attempt: int, doubt: str | None = None) -> float | None:
    """The server has taken the mail, and when; None if another attempt has begun meanwhile. doubt: what is to be said of it."""
    values = {"state": "sent", "claim_until": None, "sent_at": now(), "error": doubt}
    at: float | None = tx.execute(_of(id, attempt).values(**values).returning(delivery.c.sent_at)).scalar_one_or_none()
    return at


def ask(tx: Connection, id: str, attempt: int) -> bool:
    """Jira is about to be asked to send it; False if another attempt has begun meanwhile."""
    return _mine(tx, id, attempt, asked=delivery.c.asked + 1)


def unask(tx: Connection, id: str, attempt: int) -> None:
    """Jira has certainly not sent it."""
    _mine(tx, id, attempt, asked=delivery.c.asked - 1)


def ended(tx: Connection, id: str, attempt: int, state: str, error: str | None, reason: str | None = None) -> None:
    """The end without a sent mail: failed with its error, or skipped with its reason."""
    values: dict[str, Any] = {"state": state, "claim_until": None, "error": error}
    _mine(tx, id, attempt, **values, **({"reason": reason} if reason else {}))


def bounced(tx: Connection, tenant: str, id: str, error: str) -> Row[Any] | None:
    """Record a bounce of a mail that went out; the row, or None without such a delivery of the tenant.

    A bounce may be faster than our own record of the sending.
    """
    out = delivery.c.state.in_(("sending", "sent", "bounced"))
    ours = update(delivery).where(delivery.c.id == id, delivery.c.tenant == tenant, out)
    if not tx.execute(ours.values(state="bounced", error=error)).rowcount:
        return None
    return tx.execute(select(delivery).where(delivery.c.id == id)).one()


def earlier_ids(tx: Connection, tenant: str, issue_id: str, recipient_hash: str, most: int) -> list[tuple[str, float]]:
    """(Message-ID, time) of our newest mails about the issue that reached this person."""
    query = select(delivery.c.message_id, delivery.c.sent_at).where(
        delivery.c.tenant == tenant,
        delivery.c.issue_id == issue_id,
        delivery.c.recipient_hash == recipient_hash,
        delivery.c.state == "sent",
        delivery.c.message_id.is_not(None),
    )
    return [(row.message_id, row.sent_at) for row in tx.execute(query.order_by(delivery.c.sent_at.desc()).limit(most))]


def page(
    tx: Connection, tenant: str, *, issue: str | None = None, before: str | None = None, limit: int = 50
) -> Sequence[Row[Any]]:
    """The tenant's newest deliveries, of one issue (key or id) if given, older than the id `before`."""
    query = select(delivery).where(delivery.c.tenant == tenant)
    if issue:
        query = query.where((delivery.c.issue_key == issue) | (delivery.c.issue_id == issue))
    if before:
        query = query.where(delivery.c.id < before)
    return tx.execute(query.order_by(delivery.c.id.desc()).limit(limit)).all()


def stop_all(tx: Connection, tenant: str, reason: str) -> None:
    """Nothing of a tenant's that is unsent will be sent."""
    unsent = update(delivery).where(delivery.c.tenant == tenant, delivery.c.state.in_(UNSENT))
    tx.execute(unsent.values(state="skipped", claim_until=None, reason=reason))


def release_claims(tx: Connection) -> None:
    """Let what a predecessor was sending be sent again; only for the start of a process that is alone."""
    tx.execute(update(delivery).where(delivery.c.state == "sending").values(state="pending", claim_until=None))


def _mine(tx: Connection, id: str, attempt: int, **values: Any) -> bool:
    """Change the row if it is still this attempt's: a bounce or a later attempt has the last word."""
    return tx.execute(_of(id, attempt).values(**values)).rowcount == 1


def _of(id: str, attempt: int) -> Update:
    return update(delivery).where(delivery.c.id == id, delivery.c.state == "sending", delivery.c.attempts == attempt)


def _clock(tx: Connection) -> float:
    return float(tx.execute(select(now())).scalar_one())
