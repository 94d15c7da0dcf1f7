"""The outbox of one service: messages written in the transaction that makes them true, and the one clock for retries.

A row waits (`sent_until` null) until `available_at`, is out (`sent_until` set) from the moment a relay claims it, and goes out
again when `sent_until` has passed. Of an internal topic the handler's own transaction ends the row (`done`, `postpone`); of
another it is deleted when the bus says that the message is settled. A broker only confirms, and one that comes back empty has
lost what it confirmed: so such a message goes out a second time five minutes later, which receivers know by its id, and its
row ends with the second confirm. All times are the database's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from common import trace
from common.consume import backoff, consume
from common.db import Database, now, wake
from common.due import tenants_due
from common.ids import new_id
from common.messages import TOPICS, Message, internal
from common.relay import SWEEP, Relay

__all__ = ["Depth", "Outbox", "Relay", "backoff", "consume", "outbox_table"]

OUT = 300.0  # seconds a row may be out before it goes out again

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Depth:
    """How many rows a topic has, and how many seconds its oldest due row has waited (0.0: none is due)."""

    rows: int
    oldest: float


def outbox_table(metadata: MetaData) -> Table:
    """The table `outbox`, to be made by the service's migrations."""
    table = Table(
        "outbox",
        metadata,
        Column("id", String(16), primary_key=True),
        Column("tenant", String(16), nullable=False),
        Column("topic", String(40), nullable=False),
        Column("body", JSON, nullable=False),
        Column("available_at", Double, nullable=False),
        Column("sent_until", Double),
        Column("attempts", Integer, nullable=False),
        Column("created_at", Double, nullable=False),
    )
    waiting, out = table.c.sent_until.is_(None), table.c.sent_until.is_not(None)
    # The claim walks from tenant to tenant along the first index, whatever one tenant has waiting; the second counts what is out.
    Index("ix_outbox_waiting", table.c.topic, table.c.tenant, table.c.available_at, table.c.id,
          sqlite_where=waiting, postgresql_where=waiting)  # fmt: skip
    Index("ix_outbox_out", table.c.topic, table.c.tenant, table.c.sent_until, sqlite_where=out, postgresql_where=out)
    return table


class Outbox:
    """The rows of one service's outbox. What takes `tx` belongs to the caller's transaction; the rest has its own."""

    def __init__(self, database: Database, table: Table) -> None:
        self.database = database
        self._table = table
        self._topics = sorted(topic.name for topic in TOPICS.values() if topic.sender == database.service)
        self._internal = table.c.topic.in_([name for name in self._topics if internal(name)])
        self._waiting = table.c.sent_until.is_(None)
        self._out = table.c.sent_until.is_not(None)
        this = table.c.id == bindparam("message", type_=String)
        # Built once: building a statement takes several times as long as running it.
        self._delete = delete(table).where(this)
        self._exists = exists().where(this, self._out)
        self._look = select(self._exists)

    def put(self, tx: Connection, topic: str, tenant: str, body: Mapping[str, Any], *, delay: float = 0.0) -> str:
        """Add a message that goes out `delay` seconds from now at the earliest; returns its id."""
        return self.put_all(tx, topic, tenant, [body], delay=delay)[0]

    def put_all(
        self, tx: Connection, topic: str, tenant: str, bodies: Sequence[Mapping[str, Any]], *, delay: float = 0.0
    ) -> list[str]:
        """Add one message for each body in one statement; returns their ids in order."""
        if topic not in self._topics:
            raise ValueError(f"{self.database.service} does not send {topic}")
        if not tenant:
            raise ValueError(f"a message of {topic} belongs to no tenant")
        if not bodies:
            return []
        ids = sorted(new_id() for _ in bodies)  # of one batch the first goes out first
        rows = [{"id": id, "body": trace.carried(topic, body)} for id, body in zip(ids, bodies, strict=True)]
        same = {"topic": topic, "tenant": tenant, "attempts": 0, "available_at": now() + delay, "created_at": now()}
        tx.execute(insert(self._table).values(**same, id=bindparam("id"), body=bindparam("body")), rows)
        if called_off := TOPICS[topic].calls_off:
            self._call_off(tx, called_off, tenant)
        if delay < SWEEP:
            wake(tx, others=True)
        return ids

    def done(self, tx: Connection, id: str) -> None:
        """End the row: its message is dealt with. A row that is gone already is fine."""
        tx.execute(self._delete, {"message": id})
        wake(tx)

    def postpone(self, tx: Connection, id: str, delay: float, *, failed: bool = False) -> None:
        """Let the row go out again `delay` seconds from now. Unless it failed, its attempts are counted anew: who waited for
        his turn a hundred times shall not wait for a quarter of an hour after the first failure."""
        values = {} if failed else {"attempts": 0}
        row = update(self._table).where(self._table.c.id == id)
        if failed:  # a late copy of a message that was dealt with may fail too
            row = row.where(self._out)
        tx.execute(row.values(available_at=now() + delay, sent_until=None, **values))
        wake(tx)

    @property
    def is_out(self) -> ColumnElement[bool]:
        """The SQL condition that the row with the parameter `message` as its id is out. Where it is not, it was ended or
        postponed since: a copy of its message that comes late is to be passed over, which each handler of an internal topic
        asks in its first transaction."""
        return self._exists

    def still_out(self, tx: Connection, id: str) -> bool:
        """The same, asked in a statement of its own."""
        return bool(tx.execute(self._look, {"message": id}).scalar())

    def claim(self, limit: Callable[[str], int], after: dict[str, str]) -> list[Message]:
        """Mark due rows as out and return their messages, tenants in turn.

        limit: how many rows of a tenant and topic may be out at a time. after: the tenant that was served last, by topic;
        brought up to date here. Takes no write lock when nothing is due.
        """
        with self.database.read() as tx:
            topics = [topic for topic in self._topics if tenants_due(tx, self._table, topic, limit, "")]
        if not topics:
            return []
        claimed: list[Message] = []
        with self.database.write() as tx:
            self._one_at_a_time(tx)
            for topic in topics:
                rooms = tenants_due(tx, self._table, topic, limit, after.get(topic, ""))
                claimed += in_turn(self._oldest(tx, topic, tenant, room) for tenant, room in rooms)
                if rooms:
                    after[topic] = rooms[-1][0]
            if claimed:
                rows = update(self._table).where(self._table.c.id.in_([message.id for message in claimed]))
                tx.execute(rows.values(sent_until=now() + OUT, attempts=self._table.c.attempts + 1))
        return claimed

    def settled(self, messages: Sequence[Message]) -> None:
        """These are safe without their rows: delete those rows that no handler of this service will end."""
        ids = [message.id for message in messages if not internal(message.topic)]
        if ids:
            with self.database.write() as tx:
                tx.execute(delete(self._table).where(self._table.c.id.in_(ids)))
                wake(tx)

    def confirmed(self, messages: Sequence[Message]) -> None:
        """The broker has these: end the rows of those that it had before, let the others go out a second time later."""
        ids = [message.id for message in messages if not internal(message.topic)]
        t = self._table
        if ids:
            with self.database.write() as tx:
                tx.execute(delete(t).where(t.c.id.in_(ids), t.c.attempts > 1))
                tx.execute(update(t).where(t.c.id.in_(ids)).values(sent_until=None, available_at=now() + OUT))
                wake(tx)

    def give_back(self, messages: Sequence[Message], pause: float) -> None:
        """These could not be published: they wait again, from `pause` seconds on, and this attempt does not count."""
        with self.database.write() as tx:
            rows = update(self._table).where(self._table.c.id.in_([message.id for message in messages]), self._out)
            fewer = self._table.c.attempts - 1
            tx.execute(rows.values(sent_until=None, available_at=now() + pause, attempts=fewer))

    def release_overdue(self) -> int:
        """Let rows whose `sent_until` has passed wait again; returns how many."""
        overdue = self._table.c.sent_until <= now()
        with self.database.read() as tx:
            if not tx.execute(select(exists().where(self._out, overdue))).scalar():
                return 0
        with self.database.write() as tx:
            self._one_at_a_time(tx)
            wake(tx)
            # For another service nobody has confirmed this attempt, so it does not count as the first of two.
            attempts = case((self._internal, self._table.c.attempts), else_=0)
            rows = update(self._table).where(self._out, overdue)
            return tx.execute(rows.values(sent_until=None, attempts=attempts)).rowcount

    def clear_sent(self) -> int:
        """Let every row that is out wait again; returns how many. Only for the start of a process that is alone."""
        with self.database.write() as tx:
            wake(tx)
            return tx.execute(update(self._table).where(self._out).values(sent_until=None)).rowcount

    def depths(self) -> dict[str, Depth]:
        """For each topic this service sends, how much stands in the outbox and was not yet confirmed by a broker."""
        table = self._table
        unconfirmed = self._internal | self._out | (table.c.attempts == 0)
        rows = select(table.c.topic, func.count()).where(unconfirmed).group_by(table.c.topic)
        due = (
            select(table.c.topic, now() - func.min(table.c.available_at))
            .where(self._waiting, table.c.available_at <= now())
            .group_by(table.c.topic)
        )
        with self.database.read() as tx:
            counts = {topic: count for topic, count in tx.execute(rows)}  # noqa: C416 - rows are not pairs to mypy
            ages = {topic: age for topic, age in tx.execute(due)}  # noqa: C416
        return {topic: Depth(counts.get(topic, 0), ages.get(topic, 0.0)) for topic in self._topics}

    def _call_off(self, tx: Connection, topic: str, tenant: str) -> None:
        """Messages that only wait to be sent a second time are not; others go out once."""
        t = self._table
        theirs = (t.c.topic == topic, t.c.tenant == tenant)
        tx.execute(delete(t).where(*theirs, self._waiting, t.c.attempts > 0))
        tx.execute(update(t).where(*theirs).values(attempts=t.c.attempts + 1))

    def _oldest(self, tx: Connection, topic: str, tenant: str, room: int) -> list[Message]:
        t = self._table
        rows = select(t.c.id, t.c.topic, t.c.tenant, t.c.body, t.c.attempts + 1).where(
            t.c.topic == topic, t.c.tenant == tenant, self._waiting, t.c.available_at <= now()
        )
        oldest = rows.order_by(t.c.available_at, t.c.id).limit(room).with_for_update(skip_locked=True)
        return [Message(*row) for row in tx.execute(oldest)]

    def _one_at_a_time(self, tx: Connection) -> None:
        # Two relays that count at the same moment would both fill the same room. SQLite has one writer anyway.
        if self.database.postgresql:
            tx.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"outbox {self.database.service}"))))


def in_turn(groups: Iterable[Sequence[T]]) -> list[T]:
    """One of each group, then the next of each, until all are used up."""
    return [item for turn in zip_longest(*groups, fillvalue=_NOTHING) for item in turn if item is not _NOTHING]  # type: ignore[misc]


_NOTHING = object()
