"""connect and outbound between the stand-in Jira and a mail server: real webhooks in, real mail out, strict about Jira's API."""

import dataclasses
import os
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from common import migrations
from common.db import open_database
from common.env import Env
from common.http import Http
from common.jira import Jira, JiraSites
from common.local import Hub
from common.nets import Nets
from common.serve import Server
from common.vendor import Vendor
from connect import tables as connect_tables
from connect.app import create_app
from connect.config import Config as ConnectConfig
from connect.worker import Worker as ConnectWorker
from outbound import store, store_deliveries
from outbound import tables as outbound_tables
from outbound.config import Config
from outbound.reach import BY_JIRA
from outbound.worker import ROLE, Worker
from sandbox.app import Sandbox
from sandbox.client import SandboxClient
from sandbox.jira.seed import ALICE, BOB, CLEO, DORA
from tests.outbound.mailserver import Postbox

CAROL, DAVE = "carol@customer.example", "dave@customer.example"


class House:
    """Everything that runs; `issue` is made as inbound makes one from Carol's mail with Dave in copy."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = SandboxClient(sandbox.url)
        self.postbox = Postbox()
        keys = {
            name: b64encode(os.urandom(32)).decode() for name in ("MASTER_KEY", "ROLE_KEY_INBOUND", "ROLE_KEY_OUTBOUND")
        }
        plain = {
            "ALLOW_PLAIN": "true",
            "ALLOW_NETWORKS": "127.0.0.0/8",
            "CONNECT_KEYS_URL": sandbox.url + "/install-keys",
        }
        values = {f"MAILBRIDGE_{name}": value for name, value in {**keys, **plain}.items()}
        connect = ConnectConfig.read(Env(values))
        self.databases = [open_database(f"sqlite:///{folder}", name) for name in ("connect", "outbound")]
        for database in self.databases:
            migrations.upgrade(database, database.service)
        self.web = Server(lambda environ, start: self.app(environ, start), "127.0.0.1", 0)
        self.web.start()
        self.url = f"http://127.0.0.1:{self.web.port}"
        settings = dataclasses.replace(connect.settings, base_url=self.url, connect_url=self.url)
        connect = dataclasses.replace(connect, settings=settings)
        self.app = create_app(connect, database=self.databases[0])
        config = dataclasses.replace(Config.read(Env(values)), settings=settings)
        hub = Hub(pause=0.1)
        self.workers = [
            ConnectWorker(connect, self.databases[0], hub.bus("connect")),
            Worker(config, self.databases[1], hub.bus("outbound")),
        ]
        for worker in self.workers:
            worker.start()
        self.client.install(self.url)
        with self.databases[0].read() as tx:
            self.tenant = tx.execute(connect_tables.tenant.select()).one().id
        assert config.role_key is not None
        vendor = Vendor(Http(Nets.everything()), self.url, ROLE, config.role_key)
        self.jira: Jira = JiraSites(Http(Nets.everything()), vendor, settings).site(self.tenant)
        values = {
            "host": "127.0.0.1", "port": self.postbox.port, "security": "none", "username": "", "secret": None,
            "from_name": "Support", "from_address": "support@sandbox.test", "window_seconds": 0.0,
            "validate_certificate": True, "state": "new", "last_error": None,
        }  # fmt: skip
        with self.databases[1].write() as tx:
            store.put_sender(tx, self.tenant, values)

    def issue(self, reporter: str | None = BOB) -> str:
        person = {"name": "Carol", "address": CAROL}
        mailed = {
            "mail": "m1", "from": person, "cc": [{"name": "Dave", "address": DAVE}], "root": "root@customer.example",
            "mailbox": "support@sandbox.test",
        }  # fmt: skip
        fields: dict[str, Any] = {"project": {"key": "SUP"}, "issuetype": {"id": "10010"}, "summary": "Printer"}
        fields |= {"reporter": {"id": reporter}} if reporter else {}
        return str(self.jira.create_issue(fields, {"mailbridge": mailed})["key"])

    def got(self, expected: set[str], seconds: float = 60.0) -> None:
        """Wait until exactly these people have mail, and nothing is left to send."""
        end = time.monotonic() + seconds
        while set(self.postbox.recipients()) != expected or not self.quiet():
            assert time.monotonic() < end, (self.postbox.recipients(), self.reasons())
            time.sleep(0.02)

    def quiet(self) -> bool:
        tables = (connect_tables.outbox, outbound_tables.outbox)
        for database, table in zip(self.databases, tables, strict=True):
            with database.read() as tx:
                # Of tenant.changed the copy for inbound waits: nobody is there to take it.
                waiting = select(func.count()).where(table.c.topic != "tenant.changed")
                if tx.execute(waiting).scalar_one():
                    return False
        return True

    def reasons(self) -> list[tuple[str, str]]:
        with self.databases[1].read() as tx:
            return [(row.state, row.reason) for row in store_deliveries.page(tx, self.tenant, limit=100)]

    def close(self) -> None:
        for worker in reversed(self.workers):
            worker.stop(30.0)
        self.web.stop()
        for database in self.databases:
            database.close()
        self.postbox.close()
        self.client.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Sandbox(0, 0, 0) as sandbox:
        house = House(tmp_path, sandbox)
        yield house
        house.close()
        assert house_violations(sandbox) == []


def house_violations(sandbox: Sandbox) -> list[Any]:
    client = SandboxClient(sandbox.url)
    try:
        return list(client.violations())
    finally:
        client.close()


def test_an_agents_comment_is_mail_and_a_plain_api_call_is_all_it_takes(house: House) -> None:
    key = house.issue()
    house.got({"bob@acme.example"})
    house.client.comment(key, ALICE, "Please pull the plug.")
    house.got({"bob@acme.example", CAROL, DAVE})
    mail = house.postbox.mails(CAROL)[0]
    assert mail["Subject"] == f"Re: [{key}] Printer"
    assert mail["In-Reply-To"] == "<root@customer.example>"
    assert mail["Reply-To"] == "support@sandbox.test"
    assert "Please pull the plug." in mail.get_body(("plain",)).get_content()


def test_an_internal_comment_reaches_agents_only(house: House) -> None:
    key = house.issue(reporter=BOB)
    house.got({"bob@acme.example"})
    house.client.comment(key, ALICE, "They did it themselves.", internal=True)
    house.got({"bob@acme.example"})
    deadline = time.monotonic() + 60
    while len(house.postbox.mails("bob@acme.example")) < 2:
        assert time.monotonic() < deadline, house.reasons()
        time.sleep(0.02)
    assert "themselves" in house.postbox.mails("bob@acme.example")[1].get_body(("plain",)).get_content()


def test_a_comment_for_a_role_reaches_its_members_only(house: House) -> None:
    key = house.issue(reporter=BOB)
    house.got({"bob@acme.example"})
    role = {"type": "role", "value": "Administrators", "identifier": "Administrators"}
    house.client.comment(key, ALICE, "Budget.", visibility=role)
    deadline = time.monotonic() + 60
    while len(house.reasons()) < 4:
        assert time.monotonic() < deadline, house.reasons()
        time.sleep(0.02)
    house.got({"bob@acme.example"})
    assert len(house.postbox.mails("bob@acme.example")) == 1


def test_a_changed_status_is_told(house: House) -> None:
    key = house.issue()
    house.got({"bob@acme.example"})
    house.client.change(key, ALICE, status="Done")
    house.got({"bob@acme.example", CAROL, DAVE})
    assert "Status: " in house.postbox.mails(CAROL)[0].get_body(("plain",)).get_content()


@pytest.mark.parametrize("approved", [True, False])
def test_a_hidden_address_is_told_to_approved_apps_only(house: House, approved: bool) -> None:
    house.sandbox.parts.site.email_api_apps = None if approved else frozenset()
    key = house.issue(reporter=DORA)
    house.client.comment(key, ALICE, "Hello")
    house.got({CAROL, DAVE, "dora@acme.example"} if approved else {CAROL, DAVE})
    by_jira = [one for one in house.reasons() if one[1].endswith(BY_JIRA)]
    assert {state for state, _ in by_jira} == (set() if approved else {"sent"})
    letters = house.client.inbox("dora@acme.example")
    assert len(letters) == len(by_jira)
    assert approved or ("Hello" in letters[-1]["text"] and "not to Mailbridge" in letters[-1]["text"])


def test_a_portal_customer_reads_what_is_public_and_nothing_else(house: House) -> None:
    key = house.issue(reporter=CLEO)
    house.client.comment(key, ALICE, "Between us.", internal=True)
    house.client.comment(key, ALICE, "For everyone.")
    house.got({CAROL, DAVE, "cleo@customer.example"})
    for mail in house.postbox.mails():
        text = mail.get_body(("plain",)).get_content()
        assert "Between us." not in text
