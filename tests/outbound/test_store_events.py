"""Events and windows under concurrency, on both databases."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from common import migrations
from common.db import Database, open_database
from common.ids import new_id
from outbound import store_events
from outbound.tables import event, metadata, window

TENANT, PLACE = "tenantaaaaaaaaaa", "10001"
BODY = {"kind": "comment_created", "issue_id": PLACE, "comment_id": "1"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url, "outbound")
    migrations.upgrade(database, "outbound")
    yield database
    database.close()


def arrive(database: Database, fingerprint: str | None = None) -> str:
    id = new_id()
    with database.write() as tx:
        if store_events.add_event(tx, id, TENANT, fingerprint or id, "comment_created", BODY):
            store_events.join(tx, TENANT, PLACE, [id], 5.0)
    return id


def at_once(count: int, what) -> None:
    threads = [threading.Thread(target=what, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_the_migration_makes_the_tables(database: Database) -> None:
    assert migrations.differences(database, metadata) == []


def test_an_event_is_stored_once(database: Database) -> None:
    at_once(6, lambda _: arrive(database, "same"))
    with database.read() as tx:
        assert len(tx.execute(select(event)).all()) == 1


def test_events_that_arrive_at_once_share_one_window(database: Database) -> None:
    at_once(8, lambda _: [arrive(database) for _ in range(5)])
    with database.read() as tx:
        assert len(tx.execute(select(window)).all()) == 1
        assert len(set(tx.execute(select(event.c.window_id)).scalars())) == 1


def test_no_event_slips_into_a_window_that_is_being_told(database: Database) -> None:
    """Whatever is in a window when it is taken is all that will ever be in it."""
    told: dict[str, tuple[str, ...]] = {}
    arrived = threading.Event()

    def tell(_: int) -> None:
        while not arrived.is_set():
            with database.read() as tx:
                ids = tx.execute(select(window.c.id).where(window.c.state == "open")).scalars().all()
            for id in ids:
                with database.write() as tx:
                    taken = store_events.take(tx, id)
                assert taken is not None
                told[id] = tuple(one.id for one in taken.events)

    teller = threading.Thread(target=tell, args=(0,))
    teller.start()
    at_once(4, lambda _: [arrive(database) for _ in range(15)])
    arrived.set()
    teller.join(60)
    with database.read() as tx:
        for id, events in told.items():
            now = tx.execute(select(event.c.id).where(event.c.window_id == id)).scalars().all()
            assert sorted(now) == sorted(events)


def test_a_window_is_ended_once(database: Database) -> None:
    arrive(database)
    with database.write() as tx:
        (id,) = tx.execute(select(window.c.id)).scalars()
        assert store_events.finish(tx, id) is False
        assert store_events.take(tx, id) is not None
    ended: list[bool] = []

    def end(_: int) -> None:
        with database.write() as tx:
            ended.append(store_events.finish(tx, id))

    at_once(4, end)
    assert sorted(ended) == [False, False, False, True]
    with database.write() as tx:
        assert store_events.take(tx, id) is None


def test_windows_of_one_issue_are_told_in_order(database: Database) -> None:
    arrive(database)
    with database.write() as tx:
        (first,) = tx.execute(select(window.c.id)).scalars()
        older = store_events.take(tx, first)
    assert older is not None
    while database.now() <= older.opened_at:
        pass  # SQLite's clock has milliseconds
    arrive(database)
    with database.write() as tx:
        (second,) = tx.execute(select(window.c.id).where(window.c.state == "open")).scalars()
        assert store_events.is_next(tx, first)
        assert not store_events.is_next(tx, second)
        store_events.finish(tx, first)
        assert store_events.is_next(tx, second)
