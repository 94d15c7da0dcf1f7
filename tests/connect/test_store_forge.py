"""Forge installations on both databases, and what has to hold when two calls come at once."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from common.db import Database
from connect.store import Installation, Store
from connect.store_forge import ForgeStore
from connect.tables import outbox
from connect.tables import tenant as tenants
from tests.connect.conftest import opened
from tests.connect.test_hearing import CALL

KEY = b"m" * 32


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with opened(database_url) as found:
        yield found


@pytest.fixture
def forge(database: Database) -> ForgeStore:
    return ForgeStore(database, KEY)


def at_once(*work: Callable[[], object]) -> None:
    """All of it, as near to the same moment as threads can."""
    together = threading.Barrier(len(work))
    failed: list[BaseException] = []

    def run(one: Callable[[], object]) -> None:
        together.wait(10)
        try:
            one()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []


def test_first_calls_at_once_are_one_tenant_with_the_newest_token(database: Database, forge: ForgeStore) -> None:
    calls = [(replace(CALL, issued_at=CALL.issued_at + second), f"token-{second}") for second in range(6)]
    at_once(*(lambda call=call, token=token: forge.hear(call, token) for call, token in calls))
    with database.read() as tx:
        ids = tx.execute(select(tenants.c.id)).scalars().all()
        told = tx.execute(select(outbox.c.body).where(outbox.c.topic == "tenant.changed")).scalars().all()
    assert len(ids) == 1
    site = forge.of(ids[0])
    assert site is not None and (site.token, site.token_at) == ("token-5", CALL.issued_at + 5)
    assert told == [{"state": "enabled"}]


def test_removal_and_a_late_call_at_once_end_in_removal(database: Database, forge: ForgeStore) -> None:
    store = Store(database, KEY)
    id = forge.hear(CALL, "token").tenant
    at_once(lambda: store.remove(id), *(lambda: forge.hear(CALL, "another") for _ in range(4)))
    tenant = store.tenant(id)
    assert tenant is not None and tenant.state == "removed"
    assert forge.hear(CALL, "late").gone
    site = forge.of(id)
    assert site is not None and site.token is None


def test_only_the_refused_token_is_marked(forge: ForgeStore) -> None:
    id = forge.hear(CALL, "first").tenant
    first, second = (hashlib.sha256(token).hexdigest() for token in (b"first", b"second"))
    forge.refuse(id, second)
    forge.refuse("nobody", first)
    site = forge.of(id)
    assert site is not None and not site.refused
    forge.refuse(id, first)
    forge.hear(replace(CALL, issued_at=CALL.issued_at + 1), "second")
    forge.refuse(id, first)
    site = forge.of(id)
    assert site is not None and (site.token, site.refused) == ("second", False)


def test_connect_on_forge_from_both_ends_on_both_databases(database: Database, forge: ForgeStore) -> None:
    store = Store(database, KEY)
    installation = Installation("site", "https://acme.atlassian.net", "app", None, "a-shared-secret-of-many-octets")
    mine = store.install(installation, "enabled")
    assert forge.announce("one", mine) is None
    assert forge.hear(CALL, "token").tenant == mine
    other = replace(CALL, installation_id="two", cloud_id="another")
    double = forge.hear(other, "its token").tenant
    assert forge.announce("two", mine) == double
    store.remove(double)
    site = forge.of(mine)
    assert site is not None and (site.installation_id, site.token) == ("two", "its token")
    assert forge.of(double) is None
    assert forge.tenant_of("one") is None


def test_an_installation_without_a_token_leaves_the_site_to_connect(database: Database, forge: ForgeStore) -> None:
    store = Store(database, KEY)
    installation = Installation("site", "https://acme.atlassian.net", "app", None, "a-shared-secret-of-many-octets")
    mine, double = store.install(installation, "enabled"), forge.hear(CALL, None).tenant
    assert forge.announce("one", mine) == double
    tenant = store.tenant(mine)
    assert tenant is not None and (tenant.scheme, tenant.secret) == ("connect", installation.secret)
    assert forge.hear(replace(CALL, issued_at=CALL.issued_at + 1), "token").tenant == mine
    tenant = store.tenant(mine)
    assert tenant is not None and tenant.scheme == "forge"


def test_a_silent_site_that_connect_is_installed_in_is_connects(database: Database, forge: ForgeStore) -> None:
    store = Store(database, KEY)
    installation = Installation("site", "https://acme.atlassian.net", "app", None, "a-shared-secret-of-many-octets")
    mine = store.install(installation, "enabled")
    forge.announce("one", mine)
    forge.hear(CALL, "token")
    store.leave_connect(mine)
    store.set_state(mine, "silent")
    store.install(installation, "installed")
    tenant = store.tenant(mine)
    assert tenant is not None and (tenant.scheme, tenant.state) == ("connect", "installed")


def test_silence_is_counted_from_the_last_call(forge: ForgeStore) -> None:
    id = forge.hear(CALL, "token").tenant
    assert forge.silent(60.0) == []
    [(found, age)] = forge.silent(-1.0)
    assert found == id and 0 <= age < 30
