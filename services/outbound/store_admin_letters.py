"""SQL over the letters of notices, to admins and to senders: one row a recipient and notice, or one that says why there is none.

What they have in common with other letters, states among it, is in `store_letters`. Functions take the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from common.db import insert_once, now
from outbound.store_letters import UNSENT, Letters
from outbound.tables import admin_letter

LETTERS = Letters(admin_letter)


def add(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Add all letters of one notice, given the columns of the table but attempts and created_at; False if they are there."""
    same = {"attempts": 0, "created_at": now()}
    first, *others = rows
    if not insert_once(tx, admin_letter, {**first, **same}):
        return False
    for row in others:
        insert_once(tx, admin_letter, {**row, **same})
    return True


def page(tx: Connection, tenant: str, before: str | None, limit: int) -> Sequence[Row[Any]]:
    """The tenant's newest letters, older than the id `before`."""
    query = select(admin_letter).where(admin_letter.c.tenant == tenant)
    if before:
        query = query.where(admin_letter.c.id < before)
    return tx.execute(query.order_by(admin_letter.c.id.desc()).limit(limit)).all()


def answered(tx: Connection, tenant: str, mark: str, kind: str, seconds: float) -> bool:
    """Whether a letter of this kind went to the address with this mark within the last `seconds`, or is on its way."""
    t = admin_letter
    lately = t.c.state.in_(UNSENT) | ((t.c.state == "sent") & (t.c.sent_at > now() - seconds))
    theirs = (t.c.tenant == tenant, t.c.recipient_hash == mark, t.c.kind == kind)
    return tx.execute(select(t.c.id).where(*theirs, lately).limit(1)).first() is not None


def forget_older(tx: Connection, age: float) -> int:
    """Delete what was told more than `age` seconds ago; returns how many letters."""
    old = (admin_letter.c.created_at < now() - age, admin_letter.c.state.not_in(UNSENT))
    return int(tx.execute(delete(admin_letter).where(*old)).rowcount)
