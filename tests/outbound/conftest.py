"""A worker of outbound over the local bus, with a Jira, a connect and a mail server on the wire."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from common import migrations
from common.bus import Handler
from common.crypto import Vault
from common.db import open_database
from common.env import Settings
from common.ids import new_id
from common.local import Hub, LocalBus
from common.messages import TOPICS, Message
from outbound import store, store_deliveries
from outbound.config import Config
from outbound.sealing import Sealing
from outbound.tables import data_key, outbox, window
from outbound.worker import Worker
from tests.outbound.jira_fake import FakeJira
from tests.outbound.mailserver import Postbox

TENANT = "tenantaaaaaaaaaa"
MASTER = b"m" * 32


class WatchedBus:
    """A local bus that notes which messages a handler has returned from."""

    def __init__(self, bus: LocalBus, finished: set[str]) -> None:
        self._bus, self._finished = bus, finished
        self.publish, self.check, self.close = bus.publish, bus.check, bus.close
        self.may_forget = bus.may_forget

    def consume(self, topic: str, handler: Handler, concurrency: int) -> None:
        def watched(message: Message) -> None:
            handler(message)
            self._finished.add(message.id)

        self._bus.consume(topic, watched, concurrency)


class Rig:
    """The worker and its surroundings; `wait` for a condition instead of sleeping."""

    def __init__(self, url: str, jira: FakeJira, postbox: Postbox) -> None:
        self.jira, self.postbox = jira, postbox
        self.hub = Hub(pause=0.05)
        self.database = open_database(url, "outbound")
        migrations.upgrade(self.database, "outbound")
        self.sealing = Sealing(Vault(MASTER, data_key))
        self.config = Config(settings=settings(jira.url), role_key=b"r" * 32, smtp_timeout=10.0)
        self.workers: list[Worker] = []
        self.published: set[str] = set()
        self.finished: set[str] = set()

    def start(self, **changes: Any) -> Worker:
        config = dataclasses.replace(self.config, **changes)
        worker = Worker(config, self.database, WatchedBus(self.hub.bus("outbound"), self.finished))
        worker.start()
        self.workers.append(worker)
        return worker

    def set_sender(self, tenant: str = TENANT, **changes: Any) -> None:
        values = {
            "host": "127.0.0.1", "port": self.postbox.port, "security": "none", "username": "", "secret": None,
            "from_name": "Help desk", "from_address": "help@company.test", "window_seconds": 0.0,
            "validate_certificate": True, "state": "new", "last_error": None,
        }  # fmt: skip
        with self.database.write() as tx:
            store.put_sender(tx, tenant, {**values, **changes})

    def publish(self, topic: str, body: dict[str, Any], *, id: str | None = None, tenant: str = TENANT) -> Message:
        message = Message(id or new_id(), topic, tenant, body)
        self.published.add(message.id)
        self.hub.bus(TOPICS[topic].sender).publish([message])
        return message

    def event(self, kind: str, *, tenant: str = TENANT, **changes: Any) -> Message:
        body = {
            "kind": kind, "issue_id": "10001", "issue_key": "HELP-1", "comment_id": None, "comment_updated": None,
            "changelog_id": None, "actor": "alice", "at": time.time(), "fields": [], "fingerprint": new_id(), **changes,
        }  # fmt: skip
        return self.publish("jira.event", body, tenant=tenant)

    def deliveries(self, tenant: str = TENANT) -> list[Any]:
        with self.database.read() as tx:
            return list(store_deliveries.page(tx, tenant, limit=200))

    def states(self) -> dict[str, str]:
        """State by address (or account id), of the newest delivery to each."""
        found = {}
        for row in reversed(self.deliveries()):
            with self.database.read() as tx:
                who = self.sealing.read_recipient(tx, TENANT, row.id, row.recipient)
            found[who["address"] or who["account"]] = row.state
        return found

    def reasons(self) -> dict[str, str]:
        found = {}
        for row in reversed(self.deliveries()):
            with self.database.read() as tx:
                who = self.sealing.read_recipient(tx, TENANT, row.id, row.recipient)
            found[who["address"] or who["account"]] = row.reason
        return found

    def wait(self, condition: Callable[[], Any], seconds: float = 60.0) -> Any:
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, (self.states(), self.jira.paths())
            time.sleep(0.02)
        return value

    def idle(self) -> bool:
        """Nothing waits in the outbox."""
        with self.database.read() as tx:
            return tx.execute(select(func.count()).select_from(outbox)).scalar_one() == 0

    def settle(self) -> None:
        """Wait until all that was published has been dealt with."""
        self.wait(lambda: self.published <= self.finished)
        self.wait(self.idle)

    def close_windows(self) -> None:
        """What has been published is in its windows, and these are told now."""
        self.wait(lambda: self.published <= self.finished)
        with self.database.write() as tx:
            tx.execute(update(outbox).where(outbox.c.topic == "window.due").values(available_at=0.0))

    def settle_windows(self) -> None:
        """Wait until every window is done."""

        def open_ones() -> int:
            with self.database.read() as tx:
                return int(tx.execute(select(func.count()).where(window.c.state != "done")).scalar_one())

        self.wait(lambda: open_ones() == 0)

    def close(self) -> None:
        for worker in self.workers:
            worker.stop(30.0)
        self.database.close()
        self.jira.close()
        self.postbox.close()


def settings(url: str) -> Settings:
    return Settings(
        database_url="", broker_url=None, master_key=MASTER, base_url="http://127.0.0.1:8080", connect_url=url,
        health_port=0, log_level="info", allow_networks=("127.0.0.0/8",), allow_plain=True, jira_timeout=20.0,
        jira_parallel=8, jira_settle=0.0,
    )  # fmt: skip


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(f"sqlite:///{tmp_path}", FakeJira(), Postbox())
    yield rig
    rig.close()


@pytest.fixture
def rig_on_either(database_url: str) -> Iterator[Rig]:
    """On SQLite and on PostgreSQL."""
    rig = Rig(database_url, FakeJira(), Postbox())
    yield rig
    rig.close()
