"""The outbox's rows, on SQLite and on a real PostgreSQL."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select, update

from common.db import Database, now, open_database
from common.due import TENANTS
from common.ids import new_id
from common.messages import Message
from common.outbox import OUT, Outbox, in_turn
from tests.common import outboxes
from tests.common.outboxes import table, tables


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with outboxes.opened(database_url) as opened:
        yield opened


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database, table)


def put(outbox: Outbox, tenant: str, count: int = 1, *, topic: str = "mail.received", delay: float = 0.0) -> list[str]:
    with outbox.database.write() as tx:
        return outbox.put_all(tx, topic, tenant, [{"n": n} for n in range(count)], delay=delay)


def claim(outbox: Outbox, limit: int = 16, after: dict[str, str] | None = None) -> list[Message]:
    return outbox.claim(lambda _tenant: limit, {} if after is None else after)


def out(outbox: Outbox, id: str) -> int | None:
    """How often the row was sent, if it is out."""
    with outbox.database.read() as tx:
        return tx.execute(select(table.c.attempts).where(table.c.id == id, outbox.is_out), {"message": id}).scalar()


def row(outbox: Outbox, id: str) -> Any:
    with outbox.database.read() as tx:
        return tx.execute(select(table).where(table.c.id == id)).one_or_none()


def test_a_message_is_there_once_its_transaction_is_committed(outbox: Outbox) -> None:
    with pytest.raises(ZeroDivisionError), outbox.database.write() as tx:  # noqa: PT012
        outbox.put(tx, "mail.received", "t", {"mail": "never"})
        _ = 1 / 0
    with outbox.database.write() as tx:
        id = outbox.put(tx, "mail.received", "t", {"mail": "x", "ü": [1, None]})
    assert claim(outbox) == [Message(id, "mail.received", "t", {"mail": "x", "ü": [1, None]})]


def test_a_claimed_row_is_out_for_five_minutes_and_not_claimed_again(outbox: Outbox) -> None:
    [id] = put(outbox, "t")
    assert [message.id for message in claim(outbox)] == [id]
    assert claim(outbox) == []
    assert OUT == 300.0 and abs(row(outbox, id).sent_until - outbox.database.now() - 300) < 60
    assert out(outbox, id) == 1


def test_a_row_whose_time_is_up_goes_out_again(outbox: Outbox) -> None:
    [id] = put(outbox, "t")
    claim(outbox)
    assert outbox.release_overdue() == 0
    with outbox.database.write() as tx:
        tx.execute(update(table).values(sent_until=now() - 1))
    assert outbox.release_overdue() == 1
    assert [message.id for message in claim(outbox)] == [id]
    assert out(outbox, id) == 2


def test_a_message_with_a_delay_waits(outbox: Outbox) -> None:
    [id] = put(outbox, "t", delay=60)
    assert claim(outbox) == []
    with outbox.database.write() as tx:
        tx.execute(update(table).values(available_at=table.c.available_at - 60))
    assert [message.id for message in claim(outbox)] == [id]


def test_done_ends_a_row_and_postpone_lets_it_wait(outbox: Outbox) -> None:
    first, second = put(outbox, "t", 2)
    claim(outbox)
    with outbox.database.write() as tx:
        outbox.done(tx, first)
        outbox.done(tx, first)
        outbox.postpone(tx, second, 60.0)
    assert row(outbox, first) is None and out(outbox, first) is None
    assert out(outbox, second) is None, "it is not out any more"
    assert claim(outbox) == []
    with outbox.database.write() as tx:
        outbox.postpone(tx, second, 0.0)
    assert [message.id for message in claim(outbox)] == [second]
    assert out(outbox, second) == 1, "it had not failed"


def test_done_and_postpone_hold_only_if_their_transaction_does(outbox: Outbox) -> None:
    [id] = put(outbox, "t")
    claim(outbox)
    with pytest.raises(ZeroDivisionError), outbox.database.write() as tx:  # noqa: PT012
        outbox.done(tx, id)
        _ = 1 / 0
    assert out(outbox, id) == 1


def test_a_tenant_has_no_more_rows_out_than_its_limit_of_each_topic(outbox: Outbox) -> None:
    put(outbox, "t", 10)
    put(outbox, "t", 10, topic="mail.handled")
    first = claim(outbox, limit=3)
    assert Counter(message.topic for message in first) == {"mail.received": 3, "mail.handled": 3}
    assert claim(outbox, limit=3) == []
    with outbox.database.write() as tx:
        outbox.done(tx, next(message.id for message in first if message.topic == "mail.received"))
    assert [message.topic for message in claim(outbox, limit=3)] == ["mail.received"], "room for one again"


def test_each_tenant_has_a_limit_of_its_own(outbox: Outbox) -> None:
    put(outbox, "big", 10)
    put(outbox, "small", 10)
    claimed = outbox.claim({"big": 6, "small": 1}.__getitem__, {})
    assert Counter(message.tenant for message in claimed) == {"big": 6, "small": 1}


def test_tenants_are_served_in_turn_and_a_tenant_s_rows_oldest_first(outbox: Outbox) -> None:
    put(outbox, "a", 5)
    put(outbox, "b", 2)
    put(outbox, "c", 1)
    claimed = [(message.tenant, message.body["n"]) for message in claim(outbox, limit=4)]
    assert claimed == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("a", 2), ("a", 3)]


def test_when_more_tenants_wait_than_one_claim_serves_the_next_claim_goes_on_behind_them(outbox: Outbox) -> None:
    tenants = [f"t{n:03}" for n in range(2 * TENANTS + 5)]
    for tenant in tenants:
        put(outbox, tenant, 3)
    after: dict[str, str] = {}
    turns = [[message.tenant for message in claim(outbox, 1, after)] for _ in range(2)]
    assert turns == [tenants[:TENANTS], tenants[TENANTS : 2 * TENANTS]]
    put(outbox, "a-late-one")  # and the others have no room: it must not have to wait for a round of nothing
    third = [message.tenant for message in claim(outbox, 1, after)]
    assert third[:5] == tenants[2 * TENANTS :] and "a-late-one" in third


def test_tenants_without_room_do_not_keep_others_waiting(outbox: Outbox) -> None:
    for n in range(2 * TENANTS):
        put(outbox, f"full{n:03}", 2)
    after: dict[str, str] = {}
    while claim(outbox, 1, after):
        pass
    for late in ("full020x", "full050x", "zlast"):
        put(outbox, late)
        assert [message.tenant for message in claim(outbox, 1, after)] == [late]


def test_a_claim_beside_a_flood_of_one_tenant_touches_few_rows(outbox: Outbox) -> None:
    flood = [
        {"id": new_id(), "tenant": "flood", "topic": "mail.received", "body": {}, "available_at": float(n)}
        | {"sent_until": None, "attempts": 0, "created_at": 0.0}
        for n in range(50_000)
    ]
    with outbox.database.write() as tx:
        tx.execute(insert(table), flood)
    put(outbox, "other", 3)
    with Touched(outbox.database) as touched:
        claimed = claim(outbox)
    assert Counter(message.tenant for message in claimed) == {"flood": 16, "other": 3}
    assert 19 <= touched.rows < 500
    with Touched(outbox.database) as touched:
        assert claim(outbox, limit=3) == []
    assert touched.rows < 200


class Touched:
    """How many rows the statements of a block read: PostgreSQL counts them, for SQLite a tenth of its steps stands in."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.rows = 0

    def __enter__(self) -> "Touched":
        if self.database.postgresql:
            event.listen(self.database._writing, "before_cursor_execute", self._explain)
        else:
            for engine in (self.database._writing, self.database._reading):
                event.listen(engine, "before_cursor_execute", self._count_steps)
        return self

    def __exit__(self, *_: object) -> None:
        if self.database.postgresql:
            event.remove(self.database._writing, "before_cursor_execute", self._explain)
        else:
            for engine in (self.database._writing, self.database._reading):
                event.remove(engine, "before_cursor_execute", self._count_steps)
                with engine.connect() as connection:
                    connection.connection.driver_connection.set_progress_handler(None, 0)  # type: ignore[union-attr]

    def _count_steps(self, connection: Any, *_: Any) -> None:
        connection.connection.driver_connection.set_progress_handler(self._step, 10)

    def _step(self) -> None:
        self.rows += 1

    def _explain(self, connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT outbox", "WITH")):
            # The claim's own LIMIT and locks are part of the plan; running it twice changes nothing yet.
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            self.rows += _rows(cursor.fetchone()[0][0]["Plan"])


def _rows(plan: dict[str, Any]) -> int:
    own = int(plan["Actual Rows"] * plan["Actual Loops"])
    return own + sum(_rows(part) for part in plan.get("Plans", []))


def test_relays_that_claim_at_once_share_the_rows_and_the_limit(outbox: Outbox, database_url: str) -> None:
    put(outbox, "a", 40)
    put(outbox, "b", 40)
    others = [open_database(database_url, "inbound") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda database: claim(Outbox(database, table), limit=16), others))
    claimed = [message.id for part in parts for message in part]
    assert len(claimed) == len(set(claimed)) == 32
    for database in others:
        database.close()


def test_what_could_not_be_published_waits_again_and_the_attempt_does_not_count(outbox: Outbox) -> None:
    [id] = put(outbox, "t")
    outbox.give_back(claim(outbox), pause=30.0)
    assert claim(outbox) == []
    assert row(outbox, id).attempts == 0 and row(outbox, id).sent_until is None
    with outbox.database.write() as tx:
        tx.execute(update(table).values(available_at=now()))
    assert [message.id for message in claim(outbox)] == [id]


def test_what_is_settled_ends_rows_for_other_services_only(outbox: Outbox) -> None:
    [internal], [handled] = put(outbox, "t"), put(outbox, "t", topic="mail.handled")
    outbox.settled(claim(outbox))
    assert row(outbox, handled) is None
    assert row(outbox, internal) is not None


def test_what_a_broker_confirmed_goes_to_other_services_twice_for_it_may_lose_its_disk(outbox: Outbox) -> None:
    [internal], [handled] = put(outbox, "t"), put(outbox, "t", topic="mail.handled")
    outbox.confirmed(claim(outbox))
    assert row(outbox, internal).sent_until is not None
    assert row(outbox, handled).sent_until is None and claim(outbox) == []
    assert outbox.depths()["mail.handled"].rows == 0
    with outbox.database.write() as tx:
        tx.execute(update(table).where(table.c.sent_until.is_(None)).values(available_at=now()))
    again = claim(outbox)
    assert [message.id for message in again] == [handled]
    outbox.confirmed(again)
    assert row(outbox, handled) is None


def test_an_attempt_that_nobody_confirmed_is_not_the_first_of_two(outbox: Outbox) -> None:
    [handled] = put(outbox, "t", topic="mail.handled")
    claim(outbox)
    with outbox.database.write() as tx:
        tx.execute(update(table).values(sent_until=now() - 1))
    outbox.release_overdue()
    outbox.confirmed(claim(outbox))
    assert row(outbox, handled) is not None


@pytest.fixture
def connects(tmp_path: Path) -> Iterator[Outbox]:
    database = open_database(f"sqlite:///{tmp_path}", "connect")
    engine = database.fresh_engine()
    tables.create_all(engine)
    engine.dispose()
    yield Outbox(database, table)
    database.close()


def test_a_removal_is_repeated_like_everything_that_a_broker_may_lose(connects: Outbox) -> None:
    [id] = put(connects, "t", topic="tenant.removed")
    connects.confirmed(claim(connects))
    with connects.database.write() as tx:
        tx.execute(update(table).values(available_at=now() - 1))
    assert [message.id for message in claim(connects)] == [id]


def test_who_is_installed_again_hears_no_echo_of_the_removal(connects: Outbox) -> None:
    [confirmed], [other] = put(connects, "t", topic="tenant.removed"), put(connects, "u", topic="tenant.removed")
    connects.confirmed(claim(connects))
    [out] = put(connects, "t", topic="tenant.removed")
    claimed = claim(connects)
    [waiting] = put(connects, "t", topic="tenant.removed")
    [changed] = put(connects, "t", topic="tenant.changed")
    assert row(connects, confirmed) is None and row(connects, other) is not None
    connects.confirmed(claimed)
    assert row(connects, out) is None, "it went out once"
    messages = claim(connects)
    assert {message.id for message in messages} == {waiting, changed}, "what was never sent is told all the same"
    connects.confirmed(messages)
    assert row(connects, waiting) is None and row(connects, changed) is not None


def test_a_process_that_is_alone_takes_back_what_its_predecessor_had_out(outbox: Outbox) -> None:
    ids = put(outbox, "t", 3)
    claim(outbox)
    assert outbox.clear_sent() == 3
    assert [message.id for message in claim(outbox)] == ids


def test_the_depths_tell_rows_and_the_age_of_the_oldest_due_one(outbox: Outbox) -> None:
    put(outbox, "t", 2)
    put(outbox, "t", delay=1000)
    with outbox.database.write() as tx:
        tx.execute(update(table).where(table.c.available_at <= now()).values(available_at=now() - 100))
    depths = outbox.depths()
    assert depths["mail.received"].rows == 3 and 99 < depths["mail.received"].oldest < 160
    assert (depths["mail.handled"].rows, depths["mail.handled"].oldest) == (0, 0.0)
    topics = {
        "mail.received",
        "mail.handled",
        "mail.bounced",
        "erasure.due",
        "person.erased",
        "admin.notice",
        "mail.notice",
    }
    assert set(depths) == topics


@pytest.mark.parametrize(("topic", "tenant"), [("jira.event", "t"), ("no.such", "t"), ("mail.received", "")])
def test_a_topic_of_another_service_and_a_message_of_nobody_are_mistakes(
    outbox: Outbox, topic: str, tenant: str
) -> None:
    with pytest.raises(ValueError, match=r"inbound does not send|no tenant"), outbox.database.write() as tx:
        outbox.put(tx, topic, tenant, {})


def test_many_messages_get_ids_in_their_order(outbox: Outbox) -> None:
    ids = put(outbox, "t", 200)
    assert ids == sorted(ids) and len(set(ids)) == 200
    assert [message.id for message in claim(outbox, limit=500)] == ids
    with outbox.database.write() as tx:
        assert outbox.put_all(tx, "mail.received", "t", []) == []


@pytest.mark.parametrize(
    ("groups", "order"),
    [
        ([], []),
        ([[]], []),
        ([[1, 2, 3]], [1, 2, 3]),
        ([[1, 2, 3], [], [4], [5, 6]], [1, 4, 5, 2, 6, 3]),
        ([[None, 0], [False]], [None, False, 0]),
    ],
)
def test_in_turn_takes_one_of_each_group(groups: list[list[object]], order: list[object]) -> None:
    assert in_turn(groups) == order
