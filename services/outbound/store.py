"""SQL over the sender, the threads, the participants and the suppressions. Functions take the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from common.db import insert_all_once, insert_once, now
from outbound import store_admin_letters, store_deliveries
from outbound.store_events import clock
from outbound.tables import own_address, participant, sender, suppression, thread

__all__ = [
    "add_participants",
    "add_thread",
    "drop_sender",
    "forget_conversations",
    "hold_sender",
    "own_addresses",
    "participants_of",
    "put_sender",
    "release_claims",
    "sender_of",
    "sender_state",
    "sender_states",
    "set_told",
    "suppress",
    "suppressions",
    "threads_of",
]


def sender_of(tx: Connection, tenant: str) -> Row[Any] | None:
    """The tenant's outgoing server, or None."""
    return tx.execute(select(sender).where(sender.c.tenant == tenant)).one_or_none()


def hold_sender(tx: Connection, tenant: str) -> Row[Any] | None:
    """The same; no other transaction that asks so goes on before this one has ended."""
    return tx.execute(select(sender).where(sender.c.tenant == tenant).with_for_update()).one_or_none()


def put_sender(tx: Connection, tenant: str, values: Mapping[str, Any]) -> None:
    """Set the tenant's outgoing server; values are the columns but tenant and changed_at."""
    changed = update(sender).where(sender.c.tenant == tenant).values(**values, changed_at=now())
    if not tx.execute(changed).rowcount:
        tx.execute(insert(sender).values(tenant=tenant, **values, changed_at=now()))


def sender_state(tx: Connection, tenant: str, state: str, error: str | None) -> None:
    """Record how the outgoing server does."""
    other = (sender.c.state != state) | (sender.c.last_error.is_distinct_from(error))
    tx.execute(update(sender).where(sender.c.tenant == tenant, other).values(state=state, last_error=error))


def sender_states(tx: Connection) -> dict[str, int]:
    """How many outgoing servers are in each state, of all tenants."""
    rows = tx.execute(select(sender.c.state, func.count()).group_by(sender.c.state))
    return {row[0]: row[1] for row in rows}


def drop_sender(tx: Connection, tenant: str) -> None:
    """Forget the outgoing server and its secret."""
    tx.execute(delete(sender).where(sender.c.tenant == tenant))


def set_told(tx: Connection, tenant: str, sealed: bytes | None) -> None:
    """Who is told when a mailbox needs an administrator, as sealed."""
    tx.execute(update(sender).where(sender.c.tenant == tenant).values(told=sealed))


def release_claims(tx: Connection) -> None:
    """Let what a predecessor was sending be sent again; only for the start of a process that is alone."""
    for letters in (store_deliveries.LETTERS, store_admin_letters.LETTERS):
        letters.release_claims(tx)


def add_thread(
    tx: Connection, tenant: str, issue_id: str, message_ids: Iterable[str], mailbox: str, *, sub_addresses: bool
) -> None:
    """Remember Message-IDs of an issue's conversation, oldest first, and the mailbox it goes through."""
    at = clock(tx)
    rows = [
        {
            "tenant": tenant,
            "issue_id": issue_id,
            "message_id": message_id,
            "mailbox": mailbox,
            "sub_addresses": sub_addresses,
            "at": at + number / 1_000_000,
        }
        for number, message_id in enumerate(message_ids)
    ]
    insert_all_once(tx, thread, rows)
    if mailbox:
        insert_once(tx, own_address, {"tenant": tenant, "address": mailbox.lower()})


def threads_of(tx: Connection, tenant: str, issue_id: str, most: int) -> Sequence[Row[Any]]:
    """The conversation's newest Message-IDs, oldest first."""
    rows = select(thread).where(thread.c.tenant == tenant, thread.c.issue_id == issue_id)
    return list(reversed(tx.execute(rows.order_by(thread.c.at.desc()).limit(most)).all()))


def own_addresses(tx: Connection, tenant: str) -> frozenset[str]:
    """The addresses of our own mailboxes that we know of."""
    return frozenset(tx.execute(select(own_address.c.address).where(own_address.c.tenant == tenant)).scalars())


def add_participants(tx: Connection, tenant: str, issue_id: str, people: Mapping[str, bytes]) -> None:
    """Remember people (sealed, by mark) who take part in an issue's conversation from now on."""
    same = {"tenant": tenant, "issue_id": issue_id, "at": clock(tx)}
    insert_all_once(
        tx, participant, [{**same, "address_hash": mark, "person": sealed} for mark, sealed in people.items()]
    )


def participants_of(tx: Connection, tenant: str, issue_id: str) -> list[bytes]:
    """The issue's later participants, sealed, in the order in which they came."""
    rows = select(participant.c.person).where(participant.c.tenant == tenant, participant.c.issue_id == issue_id)
    return list(tx.execute(rows.order_by(participant.c.at, participant.c.address_hash)).scalars())


def forget_conversations(tx: Connection, tenant: str) -> None:
    """Forget the tenant's threads, their people and mailboxes."""
    for table in (participant, thread, own_address):
        tx.execute(delete(table).where(table.c.tenant == tenant))


def suppress(tx: Connection, tenant: str, mark: str, reason: str) -> None:
    """Write to this address no more."""
    insert_once(tx, suppression, {"tenant": tenant, "address_hash": mark, "reason": reason, "at": clock(tx)})


def suppressions(tx: Connection, tenant: str, marks: Iterable[str]) -> dict[str, str]:
    """The reasons of those of these marks that are suppressed."""
    rows = select(suppression.c.address_hash, suppression.c.reason).where(
        suppression.c.tenant == tenant, suppression.c.address_hash.in_(list(marks))
    )
    return {row.address_hash: row.reason for row in tx.execute(rows)}
