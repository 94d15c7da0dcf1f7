"""SQL about how long mail is kept, and about forgetting what is in it. Each function belongs to the caller's `tx`.

A mail that is forgotten stays in the ledger with what became of it, where and when; who wrote it and what it said is gone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, or_, select, update

from common.db import now
from inbound.store_ledger import OPEN
from inbound.tables import keeping, mail, mail_raw, mailbox, step

_DAY = 86_400.0
_STAYS = ("issue", "issue_key", "comment", "attachment")  # of a step's detail: where its effect is


@dataclass(frozen=True, slots=True)
class Keeping:
    """days: for which a mail's content, sender and subject are kept; content: False if content is kept only until the mail is
    handled."""

    days: int
    content: bool


def keeping_of(tx: Connection, tenant: str, default_days: int) -> Keeping:
    """What the tenant chose, or the operator's default."""
    row = tx.execute(select(keeping).where(keeping.c.tenant == tenant)).one_or_none()
    return Keeping(default_days, True) if row is None else Keeping(row.days, row.content)


def put_keeping(tx: Connection, tenant: str, chosen: Keeping) -> None:
    """Set what the tenant chose."""
    values = {"days": chosen.days, "content": chosen.content, "changed_at": now()}
    if not tx.execute(update(keeping).where(keeping.c.tenant == tenant).values(**values)).rowcount:
        tx.execute(insert(keeping).values(tenant=tenant, **values))


def tenants(tx: Connection) -> list[str]:
    """Everyone who has or had a mailbox."""
    return list(tx.execute(select(mailbox.c.tenant).distinct().order_by(mailbox.c.tenant)).scalars())


def without_content(tx: Connection) -> list[str]:
    """The tenants that keep content only until a mail is handled."""
    return list(tx.execute(select(keeping.c.tenant).where(keeping.c.content.is_(False))).scalars())


def older(tx: Connection, tenant: str, days: int, limit: int) -> list[str]:
    """Mails of the tenant that came more than so many days ago, came to an end, and still say something of somebody."""
    there = exists().where(mail_raw.c.mail_id == mail.c.id)
    says = or_(mail.c.sender.is_not(None), mail.c.subject.is_not(None), mail.c.message_id.is_not(None), there)
    ended = (mail.c.tenant == tenant, mail.c.state.not_in(OPEN), mail.c.received_at < now() - days * _DAY)
    return list(tx.execute(select(mail.c.id).where(*ended, says).limit(limit)).scalars())


def handled_with_content(tx: Connection, tenant: str, limit: int) -> list[str]:
    """Handled or ignored mails of the tenant whose content is still there; a held or failed one may be tried again."""
    done = (mail.c.tenant == tenant, mail.c.state.in_(("handled", "ignored")))
    query = select(mail.c.id).join(mail_raw, mail_raw.c.mail_id == mail.c.id).where(*done)
    return list(tx.execute(query.limit(limit)).scalars())


def drop_content(tx: Connection, ids: Sequence[str]) -> int:
    """Delete what was in these mails; returns how many still had it."""
    return tx.execute(delete(mail_raw).where(mail_raw.c.mail_id.in_(list(ids)))).rowcount


def forget(tx: Connection, ids: Sequence[str], sentence: str) -> None:
    """Empty these mails: no content, nobody's name, address or words; the sentence says why."""
    if not ids:
        return
    drop_content(tx, ids)
    nobody = {"sender": None, "subject": None, "message_id": None, "reason": None}
    record = {"explanation": [sentence], "forgotten": True}
    tx.execute(update(mail).where(mail.c.id.in_(list(ids))).values(**nobody, record=record))
    for row in tx.execute(select(step.c.id, step.c.detail).where(step.c.mail_id.in_(list(ids)))).all():
        tx.execute(update(step).where(step.c.id == row.id).values(detail=_bare(row.detail, _STAYS)))


def _bare(detail: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: detail[name] for name in names if name in detail}
