"""The own tenant and what is stored of its site."""

import pytest
from sqlalchemy import select, update

from common.db import Database
from common.errors import Permanent
from connect.config import Config
from connect.store import Store
from connect.store_site import Account, SiteStore
from connect.tables import login_account, site_token, tenant

ADA = Account("ada@example.org", "a-token", None)
URL = "https://acme.atlassian.net"


def a_store(database: Database, config: Config) -> SiteStore:
    return SiteStore(database, config.settings.master_key)


def test_there_is_one_own_tenant_whoever_asks_first(database: Database, config: Config) -> None:
    ids = {a_store(database, config).own_tenant() for _ in range(3)}
    [id] = ids
    assert len(id) == 16
    with database.read() as tx:
        [row] = tx.execute(select(tenant)).all()
    assert (row.id, row.scheme, row.state, row.base_url, row.client_key) == (id, "token", "new", "", None)


def test_secrets_are_sealed(database: Database, config: Config) -> None:
    sites = a_store(database, config)
    id = sites.own_tenant()
    sites.attach(id, URL, ADA, None)
    site = sites.site(id)
    assert site is not None and site.account == ADA and site.base_url == URL
    with database.read() as tx:
        row = tx.execute(select(site_token)).one()
    assert b"a-token" not in row.token and site.hook.secret.encode() not in row.hook_secret


def test_who_logs_in_goes_with_the_own_tenant(database: Database, config: Config) -> None:
    sites = a_store(database, config)
    id = sites.own_tenant()
    sites.attach(id, URL, ADA, None)
    with database.write() as tx:
        tx.execute(login_account.insert().values(id="a", tenant=id, name="Ada", created_at=0.0))
    Store(database, config.settings.master_key).remove(id)
    sites.drop(id)
    newer = sites.own_tenant()
    assert newer != id
    with database.read() as tx:
        assert tx.execute(select(login_account.c.tenant)).scalar_one() == newer


def test_a_site_without_a_check_is_checked_first(database: Database, config: Config) -> None:
    sites = a_store(database, config)
    id = sites.own_tenant()
    assert sites.unchecked(troubled=60.0, well=3600.0) == []
    sites.attach(id, URL, ADA, None)
    assert sites.unchecked(troubled=60.0, well=3600.0) == [id]
    sites.note(id, {"account": None, "rights": [], "problem": None})
    assert sites.unchecked(troubled=60.0, well=3600.0) == []
    with database.write() as tx:
        tx.execute(update(site_token).values(checked_at=site_token.c.checked_at - 61))
    assert sites.unchecked(troubled=60.0, well=3600.0) == []
    sites.note(id, {"account": None, "rights": [], "problem": {"title": "x"}})
    with database.write() as tx:
        tx.execute(update(site_token).values(checked_at=site_token.c.checked_at - 61))
    assert sites.unchecked(troubled=60.0, well=3600.0) == [id]


def test_a_removed_tenant_is_not_brought_back(database: Database, config: Config) -> None:
    sites = a_store(database, config)
    id = sites.own_tenant()
    Store(database, config.settings.master_key).remove(id)
    with pytest.raises(Permanent, match="detached"):
        sites.attach(id, URL, ADA, None)
    assert sites.site(id) is None
