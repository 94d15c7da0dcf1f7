"""SQL of the login on both databases; what it means for people stands in test_login."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from common.db import Database
from connect.guessing import MEMORY, keys_of
from connect.store_login import IDLE, LoginStore
from connect.tables import login, login_account
from tests.connect.conftest import opened

KEYS = keys_of("admin", "192.0.2.7")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with opened(database_url) as found:
        yield found


@pytest.fixture
def store(database: Database) -> LoginStore:
    return LoginStore(database)


def older(database: Database, seconds: float) -> None:
    """As if so much time had passed."""
    with database.write() as tx:
        earlier = {"created_at": login.c.created_at - seconds, "expires_at": login.c.expires_at - seconds}
        tx.execute(update(login).values(earlier))


def test_a_link_a_login_and_its_end(store: LoginStore, database: Database) -> None:
    store.offer_setup("link")
    assert store.is_offered("link") and not store.is_offered("other")
    account = store.set_password("link", "owntenant", "hashed")
    assert account is not None and store.set_password("link", "owntenant", "again") is None
    assert store.password() == (account, "hashed")
    store.begin("one", account, instead_of=None)
    store.begin("two", account, instead_of="one")
    found = store.find("two")
    assert found is not None and (found.account, found.name, found.provider) == (account, "admin", False)
    assert store.find("one") is None and store.find("link") is None
    store.end("two")
    assert store.find("two") is None


def test_being_used_puts_the_idle_end_off(store: LoginStore, database: Database) -> None:
    account = store.account_of("subject", "owntenant", "ada@example.com")
    store.begin("one", account, instead_of=None)
    for _ in range(2):
        older(database, IDLE - 100)
        assert store.find("one") is not None
    older(database, IDLE + 1)
    assert store.find("one") is None


def test_one_link_makes_one_password_however_many_come_at_once(store: LoginStore) -> None:
    store.offer_setup("link")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: store.set_password("link", "owntenant", f"hash {number}"), range(4)))
    assert len([account for account in found if account is not None]) == 1


def test_one_person_has_one_account_however_often_they_come_at_once(store: LoginStore, database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: store.account_of("subject", "owntenant", "ada@example.com"), range(4)))
    assert len(found) == 1
    with database.read() as tx:
        assert tx.execute(select(func.count()).select_from(login_account)).scalar_one() == 1


def test_guesses_at_once_are_counted_one_by_one(store: LoginStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        pauses = list(pool.map(lambda _: store.guess(KEYS), range(12)))
    assert len([pause for pause in pauses if pause == 0.0]) == 5
    assert all(0.0 < pause <= 5.0 for pause in pauses if pause)
    store.forgive(KEYS)
    assert store.guess(KEYS) == 0.0


def test_guesses_are_forgotten_after_a_day(store: LoginStore, database: Database) -> None:
    for _ in range(6):
        store.guess(KEYS)
    assert store.guess(KEYS) > 0.0
    older(database, MEMORY + 1)
    assert store.guess(KEYS) == 0.0


def test_who_went_to_the_provider_comes_back_once(store: LoginStore) -> None:
    store.leave("state")
    assert store.find("state") is None
    assert store.is_back("state")
    assert not store.is_back("state")
