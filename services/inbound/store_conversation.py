"""SQL about conversations: claiming Message-IDs, and the other mails that claimed the same. Belongs to the caller's `tx`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, String, bindparam, func, select

from common.db import insert_all_once, now
from inbound.handling.conversation import Companion, Ids
from inbound.tables import conversation, mail

_MOST = 200
_TICK = 1e-6

# Built once, for every mail needs them: building one takes several times as long as running it. Parameters: tenant, hashes, this.
_THIS = bindparam("this", type_=String)
_SHARED = (
    conversation.c.tenant == bindparam("tenant", type_=String),
    conversation.c.id_hash.in_(bindparam("hashes", expanding=True)),
)
_TIMES = select(
    now(),
    select(func.min(conversation.c.claimed_at)).where(conversation.c.mail_id == _THIS).scalar_subquery(),
    select(func.max(conversation.c.claimed_at)).where(*_SHARED).scalar_subquery(),
)
_COMPANIONS = (
    select(
        conversation.c.id_hash,
        conversation.c.own,
        conversation.c.claimed_at,
        mail.c.id,
        mail.c.state,
        mail.c.outcome,
        mail.c.issue_id,
        mail.c.issue_key,
        mail.c.sender,
        mail.c.subject,
    )
    .join(mail, mail.c.id == conversation.c.mail_id)
    .where(*_SHARED, conversation.c.mail_id != _THIS)
    .order_by(conversation.c.claimed_at.desc(), mail.c.id)
)


def claim(tx: Connection, tenant: str, mail_id: str, ids: Ids) -> tuple[float, float, list[Companion]]:
    """Claim a mail's ids unless it has done so before; returns when it did, what the clock says, and the companions,
    200 at most, the newest first. `tx` must be a writing transaction."""
    if tx.dialect.name == "postgresql":
        # Two mails that claim at the same moment must see each other: one of them comes first.
        tx.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"conversation {tenant}"))))
    hashes = [*([ids.own] if ids.own else []), *ids.referenced]
    this = {"tenant": tenant, "hashes": hashes, "this": mail_id}
    clock, mine, latest = tx.execute(_TIMES, this).one()
    if not hashes:
        return clock, clock, []
    # Later than all who claimed one of these before, also within one tick of the clock: of two mails one comes first.
    claimed_at = mine if mine is not None else max(clock, (latest or 0.0) + _TICK)
    rows = [
        {"tenant": tenant, "id_hash": id_hash, "mail_id": mail_id, "own": id_hash == ids.own, "claimed_at": claimed_at}
        for id_hash in hashes
    ]
    insert_all_once(tx, conversation, rows)
    return float(claimed_at), clock, _companions(tx, this)


def _companions(tx: Connection, this: Mapping[str, Any]) -> list[Companion]:
    found: dict[str, Companion] = {}
    for row in tx.execute(_COMPANIONS, this):
        if row.id not in found and len(found) == _MOST:
            break
        old = found.get(row.id)
        found[row.id] = Companion(
            mail_id=row.id,
            claimed_at=row.claimed_at,
            state=row.state,
            outcome=row.outcome,
            issue_id=row.issue_id,
            issue_key=row.issue_key,
            sender=row.sender or "",
            subject=row.subject or "",
            shared=(old.shared if old else frozenset()) | {row.id_hash},
            owns=row.id_hash if row.own else (old.owns if old else ""),
        )
    return list(found.values())
