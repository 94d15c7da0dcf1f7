"""Polling and the administrator's webhook against the stand-in Jira, which refuses what Jira would not understand."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from common.db import Database
from common.http import Http
from common.jira import JiraSites
from common.nets import Nets
from common.serve import Server
from connect.app import create_app
from connect.attach import Check
from connect.config import Config, JiraSite
from connect.look import UNDER_WAY, Looker
from connect.own_site import OwnSite
from connect.poll import Poll
from connect.store import Store
from connect.store_polled import PolledStore
from connect.store_site import SiteStore
from connect.tables import event, polled
from connect.vending import OwnCredentials
from sandbox.app import Sandbox
from sandbox.client import SandboxClient
from sandbox.jira.seed import ALICE, BOB


@dataclass
class House:
    """connect without its threads, and the stand-in Jira."""

    sandbox: SandboxClient
    config: Config
    database: Database

    def __post_init__(self) -> None:
        key = self.config.settings.master_key
        self.store, self.sites = Store(self.database, key), SiteStore(self.database, key)
        settings = self.config.settings
        http = Http(Nets(settings.allow_networks), 20.0)
        self.jira = JiraSites(http, OwnCredentials(self.config, self.store), settings)
        self.check = Check(http, settings)
        self.poll = self.a_poll(UNDER_WAY)

    def a_poll(self, under_way: float) -> Poll:
        polls = PolledStore(self.database)
        return Poll(polls, self.sites, self.jira, Looker(self.store, polls, under_way=under_way), 60.0)

    def attach(self) -> str:
        """Attach the stand-in by Alice's token, as the environment does; returns the tenant."""
        token = self.sandbox.new_token(ALICE)
        OwnSite(JiraSite(self.sandbox.url, token["email"], token["token"]), self.sites, self.check).once()
        return self.sites.own_tenant()

    def round(self) -> None:
        """The next turn, whenever it would be."""
        with self.database.write() as tx:
            tx.execute(update(polled).values(due_at=0.0))
        self.poll.once()

    def events(self, tenant: str) -> list[dict[str, Any]]:
        with self.database.read() as tx:
            rows = tx.execute(select(event.c.body).where(event.c.tenant == tenant)).scalars()
            return sorted(rows, key=lambda body: body["at"])

    def calls(self, since: int) -> list[str]:
        return [f"{call['method']} {call['path']}" for call in self.sandbox.calls(since)]


@pytest.fixture
def house(config: Config, database: Database) -> Iterator[House]:
    with Sandbox(port=0, imap_port=0, smtp_port=0, retry_seconds=0.02) as running:
        client = SandboxClient(running.url)
        yield House(client, replace(config, keys_url=running.url + "/install-keys"), database)
        assert client.violations() == []
        client.close()


def an_issue(house: House, tenant: str) -> str:
    fields = {"project": {"key": "TEST"}, "issuetype": {"name": "Task"}, "summary": "Printer on fire"}
    return str(house.jira.site(tenant).create_issue(fields, {})["key"])


def kinds(events: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(one["kind"], one["actor"]) for one in events]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_people_do_is_polled(house: House) -> None:
    tenant = house.attach()
    site = house.sites.site(tenant)
    assert site is not None and site.checked is not None and site.checked["problem"] is None
    assert site.checked["account"]["account_id"] == ALICE
    house.round()
    key = an_issue(house, tenant)
    house.round()
    house.sandbox.comment(key, BOB, "It burns.")
    house.sandbox.comment(key, ALICE, "I know.")
    house.sandbox.change(key, ALICE, summary="Printer still on fire")
    house.round()
    assert kinds(house.events(tenant)) == [
        ("issue_created", ALICE), ("comment_created", BOB), ("comment_created", ALICE), ("issue_updated", ALICE),
    ]  # fmt: skip
    [changed] = [one for one in house.events(tenant) if one["kind"] == "issue_updated"]
    assert [change["field"] for change in changed["fields"]] == ["summary"] and changed["issue_key"] == key
    before = max(call["number"] for call in house.sandbox.calls())
    house.round()
    assert house.calls(before) == ["POST /rest/api/3/search/jql"]


def test_the_webhook_tells_the_same_events(house: House) -> None:
    tenant = house.attach()
    house.round()
    app = create_app(house.config, database=house.database)
    server = Server(app, "127.0.0.1", 0)
    server.start()
    try:
        site = house.sites.site(tenant)
        assert site is not None
        url = f"http://127.0.0.1:{server.port}/connect/hooks/{site.hook.name}"
        hook = house.sandbox.add_webhook(
            url=url, secret=site.hook.secret, events=["jira:issue_created", "jira:issue_updated", "comment_created"]
        )
        key = an_issue(house, tenant)
        house.sandbox.comment(key, BOB, "It burns.")
        house.sandbox.change(key, BOB, summary="Printer still on fire")
        until(lambda: len(house.events(tenant)) == 3)
        told = {one["fingerprint"] for one in house.events(tenant)}
        house.sandbox.remove_webhook(str(hook["id"]))
    finally:
        server.stop(1.0)
    with house.database.write() as tx:  # as if they had not been told
        tx.execute(delete(event))
    house.sites.unheard(tenant)
    house.round()
    assert {one["fingerprint"] for one in house.events(tenant)} == told


def test_a_connect_app_is_repaired_by_what_it_may_ask(house: House) -> None:
    server = Server(lambda environ, start: app(environ, start), "127.0.0.1", 0)
    server.start()
    url = f"http://127.0.0.1:{server.port}"
    app = create_app(
        replace(house.config, settings=replace(house.config.settings, base_url=url)), database=house.database
    )
    try:
        house.sandbox.install(url)
    finally:
        server.stop(1.0)
    [tenant] = house.store.without_account()
    house.round()
    key = an_issue(house, tenant)
    house.sandbox.comment(key, BOB, "It burns.")
    house.sandbox.change(key, BOB, summary="Printer still on fire")
    before = max(call["number"] for call in house.sandbox.calls())
    house.round()
    assert house.events(tenant) == []
    assert house.calls(before) == ["POST /rest/api/3/search/jql"]  # a webhook may still be under way
    before += 1
    house.poll = house.a_poll(0.0)
    house.round()
    assert kinds(house.events(tenant))[1:] == [("comment_created", BOB), ("issue_updated", BOB)]
    id = house.events(tenant)[0]["issue_id"]
    assert house.calls(before) == [
        "POST /rest/api/3/search/jql", f"GET /rest/api/3/issue/{id}/changelog", f"GET /rest/api/3/issue/{id}/comment",
    ]  # fmt: skip
