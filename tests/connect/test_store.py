"""connect's tables on both databases: migrations, and what has to hold when two do the same at once."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from common import migrations
from common.db import Database
from connect.events import JiraEvent, read_webhook
from connect.store import Installation, Store
from connect.tables import metadata
from tests.connect.conftest import opened
from tests.connect.test_events import UPDATED


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with opened(database_url) as found:
        yield found


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database, b"m" * 32)


def installation(client_key: str = "site", secret: str = "a-shared-secret") -> Installation:
    return Installation(client_key, "https://a.atlassian.net", "app", None, secret)


def event() -> JiraEvent:
    found = read_webhook(UPDATED)
    assert found is not None
    return found


def at_once(work: Callable[[], object], times: int = 8) -> list[object]:
    results: list[object] = []
    threads = [threading.Thread(target=lambda: results.append(work())) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == times
    return results


def test_the_migrations_make_the_tables_as_they_are_described(database: Database) -> None:
    assert migrations.differences(database, metadata) == []
    migrations.check_current(database, "connect")


def test_a_tenant_is_found_by_id_and_by_client_key(store: Store) -> None:
    id = store.install(installation(), "installed")
    assert store.tenant(id) == store.by_client_key("site")
    assert store.tenant(id) is not None
    assert store.tenant("nobody") is None
    assert store.by_client_key("nobody") is None


def test_two_installs_at_once_make_one_tenant(store: Store) -> None:
    ids = at_once(lambda: store.install(installation(), "installed"))
    assert len(set(ids)) == 1
    found = store.by_client_key("site")
    assert found is not None and found.secret == "a-shared-secret"


def test_an_event_taken_in_twice_at_once_is_kept_once(store: Store) -> None:
    id = store.install(installation(), "enabled")
    assert sorted(at_once(lambda: store.keep_event(id, event())), key=bool) == [False] * 7 + [True]


def test_a_nonce_is_new_once(store: Store) -> None:
    assert sorted(at_once(lambda: store.use_nonce("n")), key=bool) == [False] * 7 + [True]


def test_a_removed_tenant_stays_removed(store: Store) -> None:
    id = store.install(installation(), "enabled")
    store.remove(id)
    store.set_state(id, "enabled")
    store.set_account(id, "account")
    removed = store.tenant(id)
    assert removed is not None
    assert (removed.state, removed.secret, removed.account_id) == ("removed", None, None)
    assert store.base_urls((), 9) == []
    assert store.without_account() == []


def test_sites_are_listed_once_and_only_beyond_the_known_domains(store: Store) -> None:
    store.install(installation("one"), "enabled")
    store.install(installation("two"), "enabled")
    store.install(replace(installation("three"), base_url="https://jira.acme.example"), "enabled")
    assert store.base_urls((), 9) == ["https://a.atlassian.net", "https://jira.acme.example"]
    assert store.base_urls(("atlassian.net", "jira.com"), 9) == ["https://jira.acme.example"]
    assert store.base_urls((), 1) == ["https://a.atlassian.net"]
    assert len(store.without_account()) == 3


def test_a_sweep_goes_on_until_nothing_old_is_left(store: Store) -> None:
    for number in range(5):
        store.use_nonce(str(number))
    assert store.sweep(events=60, nonces=60) == 0
    assert store.sweep(events=60, nonces=-1) == 5
    assert store.sweep(events=60, nonces=-1) == 0
