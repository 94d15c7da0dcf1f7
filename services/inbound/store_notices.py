"""SQL about what an admin is told of a mailbox, each change once. Each function belongs to the caller's transaction `tx`."""

from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from common.db import now
from inbound.tables import mailbox


def own_addresses(tx: Connection, tenant: str, most: int) -> list[str]:
    """Addresses under which the tenant's mailboxes get mail, in lower case: mail to them would come back to us."""
    columns = (mailbox.c.address, mailbox.c.addresses, mailbox.c.username)
    rows = tx.execute(select(*columns).where(mailbox.c.tenant == tenant, mailbox.c.deleted_at.is_(None)))
    found = (one for row in rows for one in (row.address, *(row.addresses or []), row.username))
    return sorted({one.lower() for one in found if "@" in one})[:most]


def account(by: str | None) -> str | None:
    """What is kept of who connected a mailbox: no account id is longer than the column."""
    return by if by and len(by) <= 128 else None


def clock(tx: Connection) -> float:
    """Seconds since 1970 by the database's clock."""
    return float(tx.execute(select(now())).scalar_one())


def mailbox_of(tx: Connection, mailbox_id: str) -> Row[Any]:
    """All columns of a mailbox."""
    return tx.execute(select(mailbox).where(mailbox.c.id == mailbox_id)).one()


def enter_expiry(tx: Connection, row: Row[Any], state: str | None, told: int | None) -> bool:
    """The state of a grant that ends some day, and of which warning an admin was told; False if another process has entered
    something since `row` was read."""
    same = [
        mailbox.c.id == row.id,
        mailbox.c.deleted_at.is_(None),
        mailbox.c.grant_state.is_not_distinct_from(row.grant_state),
        mailbox.c.expiry_told.is_not_distinct_from(row.expiry_told),
        mailbox.c.secret_expires_at == row.secret_expires_at,
    ]
    return tx.execute(update(mailbox).where(*same).values(grant_state=state, expiry_told=told)).rowcount == 1


def well(tx: Connection, mailbox_id: str) -> None:
    """Mail of it was read just now: trouble from here on is new trouble."""
    troubled = mailbox.c.trouble_since.is_not(None) | mailbox.c.trouble_told_at.is_not(None)
    rows = update(mailbox).where(mailbox.c.id == mailbox_id, troubled)
    tx.execute(rows.values(trouble_since=None, trouble_told_at=None))


def in_trouble(tx: Connection, mailbox_id: str, patience: float) -> bool:
    """It could not be read just now. True, once until it is well again, when that has been so for `patience` seconds and
    nobody was told that it needs a new sign-in."""
    this = update(mailbox).where(mailbox.c.id == mailbox_id)
    tx.execute(this.values(trouble_since=func.coalesce(mailbox.c.trouble_since, now())))
    long = (mailbox.c.trouble_since <= now() - patience, mailbox.c.trouble_told_at.is_(None))
    other = func.coalesce(mailbox.c.grant_state, "") != "reconnect"
    return tx.execute(this.where(*long, other).values(trouble_told_at=now())).rowcount == 1
