"""connect as the remote of a Forge app on the stand-in Jira: everything between the two is real."""

import os
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from common import migrations
from common.db import open_database
from common.env import Env
from common.errors import PersonRefused, Temporary
from common.http import Http
from common.jira import Jira, JiraSites
from common.nets import Nets
from common.serve import Server
from common.vendor import Vendor
from connect.app import create_app
from connect.config import Config
from connect.forge_manifest import ADMIN_PAGE, manifest_text
from connect.store import Store, Tenant
from connect.store_forge import ForgeStore
from connect.tables import outbox
from connect.tables import tenant as tenants
from sandbox.app import Sandbox
from sandbox.client import SandboxClient, wait_for
from sandbox.jira.seed import ALICE, BOB
from tests.connect.forge_side import APP

PLACE = "https://mail.example.com"
TASK = {"project": {"key": "SUP"}, "issuetype": {"name": "Task"}, "summary": "A thing"}


class House:
    """connect, its database, the sandbox, and a worker's client of Jira by what connect vends."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = SandboxClient(sandbox.url)
        self.web = Server(lambda environ, start: self.app(environ, start), "127.0.0.1", 0)
        self.web.start()
        self.url = f"http://127.0.0.1:{self.web.port}"
        keys = {
            name: b64encode(os.urandom(32)).decode() for name in ("MASTER_KEY", "ROLE_KEY_INBOUND", "ROLE_KEY_OUTBOUND")
        }
        told = {
            "BASE_URL": self.url,
            "ALLOW_PLAIN": "true",
            "ALLOW_NETWORKS": "127.0.0.0/8",
            "CONNECT_KEYS_URL": sandbox.url + "/install-keys",
            "FORGE_APP_ID": APP,
            "FORGE_JWKS_URL": sandbox.url + "/forge/jwks.json",
            "FORGE_GRAPHQL_URL": sandbox.url + "/graphql",
        }
        self.config = Config.read(Env({f"MAILBRIDGE_{name}": value for name, value in {**keys, **told}.items()}))
        settings = self.config.settings
        self.database = open_database(f"sqlite:///{folder}", "connect")
        migrations.upgrade(self.database, "connect")
        self.app = create_app(self.config, database=self.database)
        self.store = Store(self.database, settings.master_key)
        self.forge = ForgeStore(self.database, settings.master_key)
        http = Http(Nets(settings.allow_networks))
        role = "inbound-worker"
        self.vendor = Vendor(http, self.url, role, self.config.role_keys[role])
        self.sites = JiraSites(http, self.vendor, settings)

    def manifest(self, **more: Any) -> str:
        return manifest_text(PLACE, APP, **more).replace(PLACE, self.url)

    def tenant(self) -> Tenant:
        """The newest tenant."""
        with self.database.read() as tx:
            id = tx.execute(select(tenants.c.id).order_by(tenants.c.created_at.desc()).limit(1)).scalar_one()
        found = self.store.tenant(id)
        assert found is not None
        return found

    def jira(self) -> Jira:
        return self.sites.site(self.tenant().id)

    def events(self) -> list[dict[str, Any]]:
        with self.database.read() as tx:
            rows = tx.execute(select(outbox.c.body).where(outbox.c.topic == "jira.event").order_by(outbox.c.id))
            return list(rows.scalars())

    def close(self) -> None:
        self.client.close()
        self.web.stop(1.0)
        self.database.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Sandbox(port=0, imap_port=0, smtp_port=0, retry_seconds=0.02) as sandbox:
        house = House(tmp_path, sandbox)
        yield house
        house.close()


def session(house: House, account: str) -> dict[str, Any]:
    payload = {"invokeType": "ui-remote-fetch", "path": "/api/connect/session", "method": "POST"}
    answer = house.client.invoke(ADMIN_PAGE, account, payload)["payload"]
    assert answer["status"] == 200, answer
    body: dict[str, Any] = answer["body"]
    return body


def test_a_life_as_a_forge_app(house: House) -> None:
    house.client.install_forge(house.manifest())
    tenant = house.tenant()
    assert (tenant.scheme, tenant.state, tenant.base_url) == ("forge", "enabled", house.sandbox.url)

    made = house.jira().create_issue(TASK, {})
    house.client.change(made["key"], ALICE, priority="High")
    comment = house.client.comment(made["key"], BOB, "Have you tried water?")
    wait_for("three events", lambda: len(house.events()) == 3, 60, house.events)
    assert {(event["kind"], event["issue_key"]) for event in house.events()} == {
        ("issue_created", made["key"]),
        ("issue_updated", made["key"]),
        ("comment_created", made["key"]),
    }
    assert comment["id"] in {event["comment_id"] for event in house.events()}

    people = {account: session(house, account) for account in (ALICE, BOB)}
    assert {body["tenant"] for body in people.values()} == {tenant.id}
    assert (people[ALICE]["admin"], people[BOB]["admin"]) == (True, False)

    # The token grows too old; the next tick brings another, and nothing that waits for it fails.
    house.client.age_forge_tokens(2 * 3600)
    with pytest.raises(Temporary):
        house.jira().issue(made["key"])
    house.client.tick_forge()
    # Who waited for connect once waits a breath before asking again.
    wait_for("a newer token", lambda: _answers(house, made["key"]), 60)

    assert house.client.uninstall_forge()["said"] == ["answered 204"]
    assert house.tenant().state == "removed"
    house.client.install_forge(house.manifest())
    assert (house.tenant().id, house.tenant().state) == (tenant.id, "enabled")
    assert house.client.violations() == []


def test_an_upgrade_names_its_scopes_and_lets_people_speak_for_themselves(house: House) -> None:
    house.client.install_forge(house.manifest())
    made = house.jira().create_issue(TASK, {})
    body = {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hello"}]}],
    }
    with pytest.raises(PersonRefused):
        house.jira().add_comment(made["key"], body, {}, person=BOB)
    install = {"manifest": house.manifest(post_as_people=True)}
    assert house.client._json("POST", "/control/forge/upgrade", install)["told"][0]["status"] == 204
    site = house.forge.of(house.tenant().id)
    assert site is not None and site.scopes is not None and "write:jira-work" in site.scopes
    house.vendor.forget_person(house.tenant().id, BOB)  # else *none* is remembered for ten minutes
    house.jira().add_comment(made["key"], body, {}, person=BOB)
    assert [comment["author"]["accountId"] for comment in house.client.issue(made["key"])["comments"]] == [BOB]


def test_a_site_moves_from_connect_and_is_told_both_ways_at_once(house: House) -> None:
    house.client.install(house.url)
    before = house.tenant()
    assert before.scheme == "connect"
    house.client.install_forge(house.manifest())
    assert (house.tenant().id, house.tenant().scheme) == (before.id, "forge")
    made = house.jira().create_issue(TASK, {})
    house.client.comment(made["key"], BOB, "Once")
    wait_for("two events", lambda: len(house.events()) == 2, 60, house.events)
    told = wait_for("both ways", lambda: _both_ways(house), 60)
    assert told
    assert sorted(event["kind"] for event in house.events()) == ["comment_created", "issue_created"]
    house.client.uninstall()
    assert (house.tenant().id, house.tenant().state, house.tenant().secret) == (before.id, "enabled", None)
    assert house.jira().myself()["accountType"] == "app"


def _answers(house: House, key: str) -> bool:
    try:
        return house.jira().issue(key)["key"] == key
    except Temporary:
        time.sleep(0.1)
        return False


def _both_ways(house: House) -> bool:
    """Whether the webhooks and Forge's events have all arrived."""
    idle: bool = house.client._json("GET", "/control/forge")["idle"]
    return idle and house.sandbox.parts.webhooks.idle()
