"""SQL about erasing a person. Each function belongs to the caller's transaction `tx`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from common.db import now
from common.ids import new_id
from inbound.privacy.mentions import scrubbed
from inbound.tables import erasure, mail, mailbox, step


def ask(tx: Connection, tenant: str, address_hash: str, asked_by: str) -> Row[Any]:
    """A receipt for an erasure that begins now."""
    id = new_id()
    values = {"address_hash": address_hash, "asked_by": asked_by[:128], "asked_at": now(), "counts": {}}
    tx.execute(insert(erasure).values(id=id, tenant=tenant, **values))
    return tx.execute(select(erasure).where(erasure.c.id == id)).one()


def find(tx: Connection, tenant: str, id: str) -> Row[Any] | None:
    """The receipt."""
    return tx.execute(select(erasure).where(erasure.c.id == id, erasure.c.tenant == tenant)).one_or_none()


def receipts(tx: Connection, tenant: str, limit: int) -> Sequence[Row[Any]]:
    """The tenant's receipts, newest first."""
    query = select(erasure).where(erasure.c.tenant == tenant).order_by(erasure.c.asked_at.desc(), erasure.c.id.desc())
    return tx.execute(query.limit(limit)).all()


def progress(tx: Connection, id: str, counts: Mapping[str, Any], *, done: bool) -> None:
    """How far it has come."""
    values = {"counts": dict(counts), **({"done_at": now()} if done else {})}
    tx.execute(update(erasure).where(erasure.c.id == id).values(**values))


def mailbox_with(tx: Connection, tenant: str, address: str) -> str | None:
    """The name of a mailbox of the tenant that has this address or logs in with it."""
    same = or_(func.lower(mailbox.c.address) == address, func.lower(mailbox.c.username) == address)
    query = select(mailbox.c.name).where(mailbox.c.tenant == tenant, mailbox.c.deleted_at.is_(None), same)
    found: str | None = tx.execute(query.limit(1)).scalar_one_or_none()
    return found


def next_mails(tx: Connection, tenant: str, after: str, until: float, limit: int) -> Sequence[Row[Any]]:
    """The tenant's mails that had come by `until`, in the order of their ids, beginning after one."""
    query = select(mail).where(mail.c.tenant == tenant, mail.c.received_at <= until, mail.c.id > after)
    return tx.execute(query.order_by(mail.c.id).limit(limit)).all()


def these(tx: Connection, ids: Sequence[str]) -> Sequence[Row[Any]]:
    """These mails."""
    return tx.execute(select(mail).where(mail.c.id.in_(list(ids))).order_by(mail.c.id)).all()


def scrub(tx: Connection, row: Row[Any], wanted: re.Pattern[str]) -> bool:
    """Take the address out of what the ledger and the steps say of somebody else's mail; whether it was there."""
    columns = {name: getattr(row, name) for name in ("sender", "subject", "message_id", "reason", "record")}
    changed = {name: new for name, old in columns.items() if (new := scrubbed(old, wanted)) is not old}
    if changed:
        tx.execute(update(mail).where(mail.c.id == row.id).values(**changed))
    steps = tx.execute(select(step.c.id, step.c.detail).where(step.c.mail_id == row.id)).all()
    details = {one.id: new for one in steps if (new := scrubbed(one.detail, wanted)) is not one.detail}
    for id, detail in details.items():
        tx.execute(update(step).where(step.c.id == id).values(detail=detail))
    return bool(changed or details)
