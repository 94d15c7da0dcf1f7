"""SQL behind the lists of the admin API. Each function belongs to the caller's transaction `tx`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, true, tuple_

from common.db import now
from inbound.scope import Scope
from inbound.tables import mail, mail_raw, mailbox, rule_version


def page(
    tx: Connection, scope: Scope, *, mailbox_id: str | None, state: str | None, before: str | None, limit: int
) -> Sequence[Row[Any]]:
    """The mails within the scope, newest first, of a mailbox and in a state if given, older than the mail `before`."""
    query = select(mail).where(mail.c.tenant == scope.tenant, _within(scope))
    if mailbox_id is not None:
        query = query.where(mail.c.mailbox_id == mailbox_id)
    if state is not None:
        query = query.where(mail.c.state == state)
    if before is not None:
        last = select(mail.c.received_at, mail.c.id).where(mail.c.id == before, mail.c.tenant == scope.tenant)
        query = query.where(tuple_(mail.c.received_at, mail.c.id) < last.scalar_subquery())
    return tx.execute(query.order_by(mail.c.received_at.desc(), mail.c.id.desc()).limit(limit)).all()


def find(tx: Connection, scope: Scope, id: str) -> Row[Any] | None:
    """The mail if it is within the scope, with `has_raw`: whether its octets are kept."""
    has_raw = select(mail_raw.c.mail_id).where(mail_raw.c.mail_id == mail.c.id).exists().label("has_raw")
    query = select(mail, has_raw).where(mail.c.id == id, mail.c.tenant == scope.tenant, _within(scope))
    return tx.execute(query).one_or_none()


def of_issue(tx: Connection, tenant: str, issue: str, limit: int) -> Sequence[Row[Any]]:
    """The tenant's newest mails that belong to an issue (its id or key)."""
    query = select(mail).where(mail.c.tenant == tenant, or_(mail.c.issue_id == issue, mail.c.issue_key == issue))
    return tx.execute(query.order_by(mail.c.received_at.desc(), mail.c.id.desc()).limit(limit)).all()


def _within(scope: Scope) -> ColumnElement[bool]:
    """The mail was delivered, or came in, while its mailbox's rule named the project.

    A mailbox may be given to another project: its mails up to then stay with the project that they were for.
    """
    if scope.project is None:
        return true()
    then = func.coalesce(mail.c.handled_at, now())
    published = rule_version.alias()
    in_force = select(func.max(published.c.version)).where(
        published.c.mailbox_id == mail.c.mailbox_id, published.c.published_at <= then
    )
    version = func.coalesce(mail.c.config_version, in_force.correlate(mail).scalar_subquery())
    rule = select(rule_version.c.version).where(
        rule_version.c.mailbox_id == mail.c.mailbox_id,
        rule_version.c.version == version,
        rule_version.c.body["project"]["id"].as_string() == scope.project,
    )
    return rule.correlate(mail).exists()


def mailboxes(tx: Connection, scope: Scope) -> Sequence[Row[Any]]:
    """The mailboxes within the scope that were not deleted, oldest first."""
    query = select(mailbox).where(mailbox.c.tenant == scope.tenant, mailbox.c.deleted_at.is_(None))
    rows = tx.execute(query.order_by(mailbox.c.id)).all()
    return [row for row in rows if scope.covers(str(row.project["id"]))]


def find_mailbox(tx: Connection, scope: Scope, id: str) -> Row[Any] | None:
    """The mailbox, unless it is outside the scope or was deleted."""
    query = select(mailbox).where(mailbox.c.id == id, mailbox.c.tenant == scope.tenant, mailbox.c.deleted_at.is_(None))
    row = tx.execute(query).one_or_none()
    return row if row is not None and scope.covers(str(row.project["id"])) else None
