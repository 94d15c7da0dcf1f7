"""SQL over people with an account, as far as we know their addresses, and over who may use the e-mail API.

What is stored about a person has its date, for the reports that Atlassian asks of whoever keeps personal data.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, select, update

from common.db import insert_once, now
from outbound.reach import ApiState
from outbound.tables import email_api, person

FRESH = 86_400.0
"""Seconds for which an unchanged address is not written again."""


def email_api_of(tx: Connection, tenant: str) -> tuple[ApiState, float | None, float]:
    """How the e-mail API answered this tenant's app, when, and what time it is now."""
    clock = float(tx.execute(select(now())).scalar_one())
    row = tx.execute(select(email_api).where(email_api.c.tenant == tenant)).one_or_none()
    return ("unknown", None, clock) if row is None else (row.state, row.checked_at, clock)


def set_email_api(tx: Connection, tenant: str, state: ApiState) -> None:
    """Note how it answered."""
    values = {"state": state, "checked_at": tx.execute(select(now())).scalar_one()}
    if not insert_once(tx, email_api, {"tenant": tenant, **values}):
        tx.execute(update(email_api).where(email_api.c.tenant == tenant).values(**values))


def people_of(tx: Connection, tenant: str, accounts: list[str]) -> dict[str, Any]:
    """The rows of those of these accounts that are known, by account id."""
    rows = select(person).where(person.c.tenant == tenant, person.c.account_id.in_(accounts))
    return {row.account_id: row for row in tx.execute(rows)}


def put_people(tx: Connection, tenant: str, people: Mapping[str, tuple[bytes | None, str, str]]) -> None:
    """Note addresses seen now: by account id, the sealed address (None: nobody tells it), its mark, its source."""
    at = tx.execute(select(now())).scalar_one()
    for account, (sealed, mark, source) in sorted(people.items()):  # in one order: two windows may have the same people
        values = {"address": sealed, "address_hash": mark, "source": source, "seen_at": at}
        if not insert_once(tx, person, {"tenant": tenant, "account_id": account, **values}):
            mine = (person.c.tenant == tenant) & (person.c.account_id == account)
            tx.execute(update(person).where(mine).values(**values))


def forget_people(tx: Connection, tenant: str) -> None:
    """Forget everybody of a tenant, and how the e-mail API answered it."""
    tx.execute(delete(person).where(person.c.tenant == tenant))
    tx.execute(delete(email_api).where(email_api.c.tenant == tenant))


def forget_unseen(tx: Connection, age: float) -> int:
    """Forget people who had nothing to do with any issue of ours for so many seconds; returns how many."""
    return int(tx.execute(delete(person).where(person.c.seen_at < now() - age)).rowcount)
