"""SQL about what mailboxes were granted: who is renewing a token, whether a person must sign in again, what is about to expire.
Each function belongs to the caller's transaction `tx`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from common.db import insert_once, now, wake
from inbound.store_notices import account
from inbound.tables import mailbox, renewal


def granted(tx: Connection, mailbox_id: str) -> Row[Any] | None:
    """All columns of a mailbox that is still there."""
    query = select(mailbox).where(mailbox.c.id == mailbox_id, mailbox.c.deleted_at.is_(None))
    return tx.execute(query).one_or_none()


def begin_renewal(tx: Connection, mailbox_id: str, holder: str, seconds: float) -> bool:
    """The right to use the mailbox's refresh token for this long; False while somebody else has it."""
    tx.execute(delete(renewal).where(renewal.c.mailbox_id == mailbox_id, renewal.c.until < now()))
    values = {"mailbox_id": mailbox_id, "holder": holder, "until": 0.0}
    if not insert_once(tx, renewal, values):
        return False
    tx.execute(update(renewal).where(renewal.c.mailbox_id == mailbox_id).values(until=now() + seconds))
    return True


def end_renewal(tx: Connection, mailbox_id: str, holder: str) -> None:
    """Let go of that right."""
    tx.execute(delete(renewal).where(renewal.c.mailbox_id == mailbox_id, renewal.c.holder == holder))


def store_renewed(tx: Connection, mailbox_id: str, used: bytes, sealed: bytes) -> bool:
    """Keep the newest grant in place of the one that was used; False if another is there meanwhile. The mailbox goes on being
    read as it is: `changed_at` stays."""
    same = update(mailbox).where(mailbox.c.id == mailbox_id, mailbox.c.secret == used)
    return tx.execute(same.values(secret=sealed, grant_state="good")).rowcount == 1


def set_gone(tx: Connection, mailbox_id: str, used: bytes) -> bool:
    """Only a new sign-in helps; False if there was one meanwhile, or this is known."""
    same = update(mailbox).where(mailbox.c.id == mailbox_id, mailbox.c.secret == used)
    known = func.coalesce(mailbox.c.grant_state, "") == "reconnect"
    return tx.execute(same.where(~known).values(grant_state="reconnect")).rowcount == 1


def reconnect(tx: Connection, mailbox_id: str, sealed: bytes, by: str | None = None) -> None:
    """A person signed in again: the fetcher begins anew with the next look. by: the account id of whose page it was."""
    values = {"secret": sealed, "grant_state": "good", "last_error": None, "changed_at": now()}
    anew = {"connected_by": account(by), "trouble_since": None, "trouble_told_at": None}
    tx.execute(update(mailbox).where(mailbox.c.id == mailbox_id).values(**values, **anew))
    wake(tx)


def with_expiry(tx: Connection) -> Sequence[Row[Any]]:
    """Mailboxes that are read and whose secret ends some day."""
    there = (mailbox.c.enabled.is_(True), mailbox.c.deleted_at.is_(None))
    return tx.execute(select(mailbox).where(*there, mailbox.c.secret_expires_at.is_not(None))).all()


def grant_states(tx: Connection) -> dict[str, int]:
    """How many mailboxes that are read are in each state of their grant."""
    there = (mailbox.c.enabled.is_(True), mailbox.c.deleted_at.is_(None), mailbox.c.grant_state.is_not(None))
    rows = tx.execute(select(mailbox.c.grant_state, func.count()).where(*there).group_by(mailbox.c.grant_state))
    return {row[0]: row[1] for row in rows}
