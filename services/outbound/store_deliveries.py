"""SQL over deliveries: one row a recipient and window. Functions take the caller's transaction.

What they have in common with other letters, states among it, is in `store_letters`. What Jira sends (kind notify) has no
Message-ID: see `notices`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, select, tuple_, update

from common.db import now
from outbound.store_letters import UNSENT, Letters
from outbound.tables import delivery, window

LETTERS = Letters(delivery)
CONTENT = select(window.c.content).where(window.c.id == delivery.c.window_id).scalar_subquery().label("content")
"""What the letter is made of, sealed: claimed together with it."""


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


def claimed(row: Row[Any]) -> Claimed:
    """A row that was claimed together with CONTENT."""
    return Claimed(
        row.id, row.tenant, row.window_id, row.issue_id, row.recipient, row.recipient_hash, row.kind, row.event,
        tuple(row.items), tuple(row.reasons), row.message_id or "", row.attempts, row.created_at, row.content, row.asked,
    )  # fmt: skip


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


def ask(tx: Connection, id: str, attempt: int) -> bool:
    """Jira is about to be asked to send it; False if another attempt has begun meanwhile."""
    return LETTERS.change(tx, id, attempt, asked=delivery.c.asked + 1)


def unask(tx: Connection, id: str, attempt: int) -> None:
    """Jira has certainly not sent it."""
    LETTERS.change(tx, id, attempt, asked=delivery.c.asked - 1)


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


def _clock(tx: Connection) -> float:
    return float(tx.execute(select(now())).scalar_one())
