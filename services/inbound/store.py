"""SQL about mailboxes and their rules' versions. Each function belongs to the caller's transaction `tx`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from common.db import now, wake
from common.ids import new_id
from inbound.handling.rules import Rule
from inbound.tables import fetcher, mail, mailbox, rule_version, source

RULE_FIELDS = ("project", "issue_type", "default_reporter")
PLACE_FIELDS = ("host", "port", "username", "folder")
_STATES = ("received", "delivering", "handled", "ignored", "held", "failed")


def add_mailbox(tx: Connection, tenant: str, fields: Mapping[str, Any], secret: bytes) -> str:
    """Store a mailbox with version 1 of its rule; `fields` has every settable column but the secret. Returns its id."""
    id = new_id()
    tx.execute(
        insert(mailbox).values(
            id=id,
            tenant=tenant,
            **fields,
            secret=secret,
            config_version=1,
            state="new" if fields["enabled"] else "disabled",
            owner_epoch=0,
            created_at=now(),
            changed_at=now(),
        )
    )
    _publish(tx, id, 1, fields)
    wake(tx)
    return id


def set_secret(tx: Connection, id: str, sealed: bytes) -> None:
    """The mailbox's sealed password."""
    tx.execute(update(mailbox).where(mailbox.c.id == id).values(secret=sealed))


def change_mailbox(tx: Connection, row: Row[Any], fields: Mapping[str, Any], secret: bytes | None) -> None:
    """Store changed settings. A change of the rule is a new version of it; any change lets the fetcher begin anew."""
    version = row.config_version
    if any(fields[name] != getattr(row, name) for name in RULE_FIELDS):
        version += 1
        _publish(tx, row.id, version, fields)
    # Whoever has set it up anew is told of what is wrong with that.
    values = {**fields, "config_version": version, "last_error": None, "trouble_since": None, "trouble_told_at": None}
    if "secret_expires_at" in fields and fields["secret_expires_at"] != row.secret_expires_at:
        values["expiry_told"] = None
    values["state"] = "new" if fields["enabled"] else "disabled"
    if secret is not None:
        values["secret"] = secret
    tx.execute(update(mailbox).where(mailbox.c.id == row.id).values(**values, changed_at=now()))
    wake(tx)


def remove_mailbox(tx: Connection, id: str) -> None:
    """The mailbox is no longer read and its secret is gone; its mails stay in the ledger."""
    gone = {"secret": b"", "enabled": False, "state": "disabled", "owner": None, "connected_by": None}
    tx.execute(update(mailbox).where(mailbox.c.id == id).values(**gone, deleted_at=now(), changed_at=now()))
    tx.execute(update(source).where(source.c.mailbox_id == id).values(mark=None))
    wake(tx)


def disable_mailboxes(tx: Connection, tenant: str) -> int:
    """Stop reading all mailboxes of a tenant, until an admin enables them again; returns how many were read."""
    rows = update(mailbox).where(mailbox.c.tenant == tenant, mailbox.c.enabled.is_(True))
    wake(tx)
    stopped = tx.execute(rows.values(enabled=False, state="disabled", changed_at=now())).rowcount
    tx.execute(update(mailbox).where(mailbox.c.tenant == tenant).values(connected_by=None))
    return stopped


def find_mailbox(tx: Connection, tenant: str, id: str) -> Row[Any] | None:
    """The tenant's mailbox, unless it was deleted."""
    query = select(mailbox).where(mailbox.c.id == id, mailbox.c.tenant == tenant, mailbox.c.deleted_at.is_(None))
    return tx.execute(query).one_or_none()


def mailboxes(tx: Connection, tenant: str) -> Sequence[Row[Any]]:
    """The tenant's mailboxes that were not deleted, oldest first."""
    query = select(mailbox).where(mailbox.c.tenant == tenant, mailbox.c.deleted_at.is_(None))
    return tx.execute(query.order_by(mailbox.c.id)).all()


def same_place(tx: Connection, tenant: str, fields: Mapping[str, Any], but: str | None) -> Row[Any] | None:
    """Another mailbox of the tenant that reads the same folder of the same account."""
    query = select(mailbox).where(
        mailbox.c.tenant == tenant, mailbox.c.deleted_at.is_(None), mailbox.c.id != (but or "")
    )
    wanted = [str(fields[name]).lower() for name in PLACE_FIELDS]
    rows = tx.execute(query)
    return next((row for row in rows if [str(getattr(row, name)).lower() for name in PLACE_FIELDS] == wanted), None)


def counts(tx: Connection, ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """For each mailbox its mails by state; states without mails are 0."""
    wanted = list(ids)
    found = {id: dict.fromkeys(_STATES, 0) for id in wanted}
    query = select(mail.c.mailbox_id, mail.c.state, func.count()).where(mail.c.mailbox_id.in_(wanted))
    for id, state, number in tx.execute(query.group_by(mail.c.mailbox_id, mail.c.state)):
        found[id][state] = number
    return found


def rule(tx: Connection, mailbox_id: str, version: int) -> Rule:
    """The published version of a mailbox's rule."""
    query = select(rule_version.c.body).where(
        rule_version.c.mailbox_id == mailbox_id, rule_version.c.version == version
    )
    return Rule.read(version, tx.execute(query).scalar_one())


def release_claims(tx: Connection) -> int:
    """Let every claimed mail be claimed, and every mailbox be taken, again at once; returns how many mails. Only for the
    start of a process that is alone: no worker can be at work on them, no other fetcher alive."""
    tx.execute(delete(fetcher))
    rows = update(mail).where(mail.c.state == "delivering", mail.c.claim_until.is_not(None))
    wake(tx)
    return tx.execute(rows.values(claim_until=None)).rowcount


def _publish(tx: Connection, mailbox_id: str, version: int, fields: Mapping[str, Any]) -> None:
    body = {name: fields[name] for name in RULE_FIELDS}
    tx.execute(insert(rule_version).values(mailbox_id=mailbox_id, version=version, body=body, published_at=now()))
