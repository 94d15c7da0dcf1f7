"""The worker carries events to outbound and sweeps: old rows go, the app's account is learnt."""

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from common.db import Database, open_database
from common.errors import Temporary
from common.http import Http
from common.jira import JiraSites
from common.local import Hub
from common.messages import Message
from common.nets import Nets
from connect.sweep import Sweep
from connect.tables import event, nonce
from connect.vending import OwnCredentials
from connect.worker import Worker
from tests.connect.conftest import Connect
from tests.connect.jira_side import Atlassian
from tests.connect.test_events import COMMENTED, UPDATED
from tests.wire import Wire


def sweep(connect: Connect) -> Sweep:
    http = Http(Nets(connect.config.settings.allow_networks), 20.0)
    return Sweep(connect.store, JiraSites(http, OwnCredentials(connect.config, connect.store), connect.config.settings))


def count(database: Database, table: object) -> int:
    with database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def test_what_happens_in_jira_reaches_the_others_over_the_bus(connect: Connect) -> None:
    hub = Hub()
    got: list[Message] = []
    arrived = threading.Event()

    def take(message: Message) -> None:
        got.append(message)
        if {one.topic for one in got} == {"jira.event", "tenant.changed"}:
            arrived.set()

    outbound = hub.bus("outbound")
    for topic in ("jira.event", "tenant.changed", "tenant.removed"):
        outbound.consume(topic, take, 1)
    worker = Worker(connect.config, connect.database, hub.bus("connect"))
    worker.start()
    try:
        site = connect.installed()
        assert site.webhook(COMMENTED).status_code == 204
        assert arrived.wait(60)
        for check in worker.checks().values():
            check()
        assert worker.alive()
    finally:
        worker.stop(30.0)
        outbound.close(1.0)
    assert not worker.alive()
    [message] = [one for one in got if one.topic == "jira.event"]
    assert message.tenant == connect.tenant(site).id
    assert message.body["comment_id"] == "10200"


def test_the_worker_is_unready_while_the_schema_is_behind(connect: Connect, tmp_path: Path) -> None:
    empty = open_database(f"sqlite:///{tmp_path}/empty", "connect")
    checks = Worker(connect.config, empty, Hub().bus("connect")).checks()
    with pytest.raises(Temporary, match=r"connect\.migrate"):
        checks["database"]()
    empty.close()


def test_old_events_and_nonces_go(connect: Connect) -> None:
    site = connect.installed()
    site.webhook(UPDATED)
    site.webhook(COMMENTED)
    connect.store.use_nonce("old")
    connect.store.use_nonce("new")
    with connect.database.write() as tx:
        old = time.time() - 31 * 86_400
        tx.execute(update(event).where(event.c.kind == "issue_updated").values(received_at=old))
        tx.execute(update(nonce).where(nonce.c.value == "old").values(seen_at=old))
    sweep(connect).once()
    assert (count(connect.database, event), count(connect.database, nonce)) == (1, 1)
    assert not connect.store.use_nonce("new")


def test_the_account_that_the_app_acts_as_is_learnt_and_vended(connect: Connect, wire: Wire) -> None:
    site = connect.installed()
    assert connect.tenant(site).account_id is None
    sweep(connect).once()
    assert connect.tenant(site).account_id == "the-app"
    source = OwnCredentials(connect.config, connect.store)
    assert source.get(connect.tenant(site).id).account_id == "the-app"
    wire.calls.clear()
    sweep(connect).once()
    assert wire.calls == []


def test_a_jira_that_does_not_answer_is_asked_again_later_only(
    connect: Connect, wire: Wire, atlassian: Atlassian
) -> None:
    connect.installed()
    atlassian.jira_down = True
    sweeper = sweep(connect)
    wire.calls.clear()
    sweeper.once()
    sweeper.once()
    assert len(wire.calls) == 1
