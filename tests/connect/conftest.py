"""connect's web application on an empty database, with Atlassian at the wire."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from common import migrations
from common.db import Database, open_database
from common.env import Env, Settings
from connect.app import create_app
from connect.config import Config
from connect.store import Store, Tenant
from connect.tables import outbox
from tests.connect.forge_side import APP, Cloud, ForgeSite
from tests.connect.jira_side import BASE_URL, Atlassian, Site
from tests.wire import Reply, Wire

ROLE_KEYS = {"inbound-worker": b"i" * 32, "outbound-worker": b"o" * 32}


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """connect's database at this URL, with its tables; closed at the end."""
    database = open_database(url, "connect")
    migrations.upgrade(database, "connect")
    yield database
    database.close()


@dataclass
class Connect:
    """The service under test and what stands behind it."""

    app: Flask
    config: Config
    database: Database
    store: Store
    jira_url: str

    def site(self, **changes: Any) -> Site:
        """A Jira site that may call it; nothing is installed yet."""
        return Site(self.app.test_client(), self.jira_url, **changes)

    def installed(self, **changes: Any) -> Site:
        """A site that has the app installed and enabled."""
        site = self.site(**changes)
        site.install()
        site.enable()
        return site

    def tenant(self, site: Site) -> Tenant:
        """What is stored about a site."""
        found = self.store.by_client_key(site.client_key)
        assert found is not None
        return found

    def messages(self, topic: str | None = None) -> list[tuple[str, str, dict[str, Any]]]:
        """What stands in the outbox: topic, tenant, body."""
        with self.database.read() as tx:
            rows = tx.execute(select(outbox.c.topic, outbox.c.tenant, outbox.c.body).order_by(outbox.c.id))
            return [(row.topic, row.tenant, row.body) for row in rows if topic in (None, row.topic)]


@pytest.fixture(scope="session")
def _server() -> Iterator[Wire]:
    with Wire(lambda _: Reply(500)) as server:
        yield server


@pytest.fixture
def atlassian() -> Atlassian:
    return Atlassian()


@pytest.fixture
def wire(_server: Wire, atlassian: Atlassian) -> Wire:
    return _server.reset(atlassian)


@pytest.fixture
def config(wire: Wire, tmp_path: Path) -> Config:
    key = "A" * 43 + "="
    variables = {
        "MAILBRIDGE_MASTER_KEY": key,
        "MAILBRIDGE_BASE_URL": BASE_URL,
        "MAILBRIDGE_DATABASE_URL": f"sqlite:///{tmp_path}/data",
        "MAILBRIDGE_ALLOW_PLAIN": "true",
        "MAILBRIDGE_ALLOW_NETWORKS": "127.0.0.0/8",
        "MAILBRIDGE_JIRA_TIMEOUT": "5",
    }
    return Config(
        Settings.read(Env(variables)),
        ROLE_KEYS,
        keys_url=wire.url + "/install-keys",
        all_js="http://127.0.0.1:8090/connect/all.js",
        page_dir=tmp_path / "page",
    )


@pytest.fixture
def database(config: Config) -> Iterator[Database]:
    with opened(config.settings.database_url) as found:
        yield found


@pytest.fixture
def connect(config: Config, database: Database, wire: Wire) -> Connect:
    app = create_app(config, database=database)
    return Connect(app, config, database, Store(database, config.settings.master_key), wire.url + "/jira")


@pytest.fixture
def again(config: Config, database: Database, wire: Wire) -> Callable[..., Connect]:
    """Makes the service over the same database with other settings: `again(login=True)`."""

    def make(**changes: Any) -> Connect:
        other = replace(config, **changes)
        app = create_app(other, database=database)
        return Connect(app, other, database, Store(database, other.settings.master_key), wire.url + "/jira")

    return make


@pytest.fixture
def cloud(wire: Wire, atlassian: Atlassian) -> Cloud:
    """Atlassian's side of Forge, at the wire."""
    cloud = Cloud(atlassian)
    wire.answer = cloud
    return cloud


@pytest.fixture
def forge(again: Callable[..., Connect], cloud: Cloud, wire: Wire) -> Connect:
    """connect with a Forge app."""
    urls = {"forge_jwks_url": wire.url + "/jwks.json", "forge_graphql_url": wire.url + "/graphql"}
    return again(forge_app_id=APP, **urls)


@pytest.fixture
def forge_site(forge: Connect, cloud: Cloud, wire: Wire) -> ForgeSite:
    """A Jira site that has nothing installed yet."""
    return ForgeSite(forge.app.test_client(), cloud, wire.url)
