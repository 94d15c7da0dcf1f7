"""SQL about mail that comes to us by itself. Each function belongs to the caller's transaction `tx`."""

from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from common.db import insert_once, now
from common.ids import new_id
from inbound import store_sources
from inbound.sources import Account
from inbound.tables import mail, mailbox, source

_SAY = 60.0  # seconds for which "heard just now" is good enough
_NOWHERE = Account(host="", port=0, security="tls", username="", secret="", folder="")


def entrance(tx: Connection, mailbox_id: str) -> Row[Any] | None:
    """The mailbox, if it is one that mail is pushed to."""
    query = select(mailbox).where(mailbox.c.id == mailbox_id, mailbox.c.kind == "push", mailbox.c.deleted_at.is_(None))
    return tx.execute(query).one_or_none()


def set_token(tx: Connection, mailbox_id: str, hashed: str, sealed: bytes) -> None:
    """Only this token opens the mailbox from now on; sealed: by which way mail comes and with which key it is signed."""
    rows = update(mailbox).where(mailbox.c.id == mailbox_id)
    tx.execute(rows.values(push_hash=hashed, secret=sealed, changed_at=now()))


def source_of(tx: Connection, mailbox_id: str) -> str:
    """The id of the mailbox's one source; made when its first mail comes."""
    place = store_sources.place_of(mailbox_id, "push", _NOWHERE)
    values = {"id": new_id(), "mailbox_id": mailbox_id, "identity": place, "place": place, "backlog": []}
    clock = tx.execute(select(now())).scalar_one()
    insert_once(tx, source, {**values, "baseline": 0, "high": 0, "created_at": clock})
    return str(tx.execute(select(source.c.id).where(source.c.identity == place)).scalar_one())


def known(tx: Connection, source_id: str, remote_id: str) -> str | None:
    """The mail that came under this name."""
    query = select(mail.c.id).where(mail.c.source_id == source_id, mail.c.remote_id == remote_id)
    found: str | None = tx.execute(query).scalar_one_or_none()
    return found


def heard(tx: Connection, mailbox_id: str) -> None:
    """Mail came: the mailbox works."""
    stale = or_(mailbox.c.checked_at.is_(None), mailbox.c.checked_at < now() - _SAY, mailbox.c.state != "connected")
    rows = update(mailbox).where(mailbox.c.id == mailbox_id, mailbox.c.enabled, stale)
    tx.execute(rows.values(state="connected", last_error=None, checked_at=now()))
