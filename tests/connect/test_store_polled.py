"""Whose turn it is to be polled, on both databases."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from common import migrations
from common.db import Database, open_database
from connect.events import JiraEvent
from connect.store import Store
from connect.store_polled import PolledStore, Turn
from connect.store_site import Account, SiteStore
from connect.tables import polled, tenant

KEY = b"k" * 32
URL = "https://acme.atlassian.net"


@pytest.fixture
def both(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url, "connect")
    migrations.upgrade(opened, "connect")
    yield opened
    opened.close()


def tenants(database: Database, **schemes: str) -> PolledStore:
    with database.write() as tx:
        for id, scheme in schemes.items():
            row = {
                "id": id,
                "scheme": scheme,
                "base_url": URL,
                "state": "enabled",
                "created_at": 0.0,
                "changed_at": 0.0,
            }
            tx.execute(tenant.insert().values(**row))
    store = PolledStore(database)
    store.enrol(600.0)
    return store


def claimed(store: PolledStore) -> Turn:
    turn = store.claim(60.0)
    assert turn is not None
    return turn


def test_who_tells_nothing_is_asked_at_once_the_others_when_it_is_time(both: Database) -> None:
    store = tenants(both, a="token", b="connect", c="forge")
    assert claimed(store).tenant == "a"
    assert store.claim(60.0) is None
    with both.read() as tx:
        waits = dict(tx.execute(select(polled.c.tenant, polled.c.due_at - polled.c.since)).all())  # type: ignore[arg-type]
    assert waits["b"] == waits["c"] == pytest.approx(600.0)


def test_tenants_take_turns(both: Database) -> None:
    store = tenants(both, a="token", b="token", c="token")
    with both.write() as tx:
        tx.execute(update(polled).values(due_at=polled.c.due_at - 100.0))
    order = []
    for number in range(6):
        turn = claimed(store)
        order.append(turn.tenant)
        # Due at different times: SQLite's clock counts milliseconds, and two turns can end within one.
        store.finish(turn, until=turn.now, due_in=number - 10.0, complete=False, problem=None)
    assert sorted(order[:3]) == ["a", "b", "c"] and order[3:] == order[:3]


def test_of_many_workers_each_turn_goes_to_one(both: Database) -> None:
    store = tenants(both, **{f"t{number}": "token" for number in range(8)})
    got: list[str] = []

    def work() -> None:
        while (turn := store.claim(60.0)) is not None:
            got.append(turn.tenant)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    # A worker that finds a row locked may go home early; whoever holds it goes on.
    assert sorted(got) == [f"t{number}" for number in range(8)]


def test_workers_that_enrol_at_once_agree(both: Database) -> None:
    store = tenants(both)
    with both.write() as tx:
        for number in range(20):
            row = {"id": f"t{number}", "scheme": "token", "base_url": URL, "state": "enabled"}
            tx.execute(tenant.insert().values(**row, created_at=0.0, changed_at=0.0))
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(store.enrol, 600.0) for _ in range(4)]:
            done.result(30)
    with both.read() as tx:
        assert len(tx.execute(select(polled.c.tenant)).all()) == 20


def test_a_turn_that_was_never_finished_comes_again(both: Database) -> None:
    store = tenants(both, a="token")
    turn = claimed(store)
    with both.write() as tx:
        tx.execute(update(polled).values(due_at=0.0))
    again = claimed(store)
    assert (again.since, again.until) == (turn.since, turn.until)


def test_what_is_enabled_is_enrolled_once_and_goes_when_it_is_not_any_more(both: Database) -> None:
    store = tenants(both, a="token", b="connect")
    with both.write() as tx:
        tx.execute(update(tenant).where(tenant.c.id == "b").values(state="disabled"))
    store.enrol(600.0)
    store.enrol(600.0)
    with both.read() as tx:
        assert list(tx.execute(select(polled.c.tenant)).scalars()) == ["a"]


def test_the_way_depends_on_what_was_heard(both: Database) -> None:
    sites = SiteStore(both, KEY)
    own = sites.own_tenant()
    sites.attach(own, URL, Account("ada@example.org", "x", None), None)
    store = PolledStore(both)
    store.enrol(600.0)
    turn = claimed(store)
    assert not turn.heard
    hook = sites.hook(sites.site(own).hook.name)  # type: ignore[union-attr]
    assert hook is not None
    sites.heard(hook)
    store.finish(turn, until=turn.now, due_in=0.0, complete=True, problem=None)
    assert claimed(store).heard
    progress = store.progress(own)
    assert progress is not None and progress.polled_at is not None and progress.problem is None


def test_what_is_known_of_an_issue_is_found_again(both: Database) -> None:
    polls, store = tenants(both, a="token", b="token"), Store(both, KEY)
    event = JiraEvent(
        "comment_created", "1", "T-1", "9", "2026-11-20T09:20:00.000Z", None, None, 1_795_166_400.125, (), "f"
    )
    assert store.keep_event("a", event)
    other = JiraEvent("issue_created", None, None, None, None, None, None, 5.0, (), "g")
    assert store.keep_event("a", other)
    now = claimed(polls).now
    assert polls.told("a", now - 300, ["1", "2"]) == {"1": [(1_795_166_400.125, "2026-11-20T09:20:00.000Z")]}
    assert polls.told("a", now + 300, ["1"]) == polls.told("b", now - 300, ["1"]) == {}
    newest = polls.newest("a")
    assert newest is not None and abs(newest - now) < 60 and polls.newest("b") is None
