"""Where chaos happens: seven processes on a real RabbitMQ, PostgreSQL and Dovecot, kept alive as Kubernetes would."""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg

from common.ids import new_id
from sandbox import story
from sandbox.app import PASSWORD, Sandbox
from sandbox.client import SandboxClient
from sandbox.servers.dovecot import Dovecot
from sandbox.servers.postgres import Postgres
from sandbox.servers.private import NotAvailable
from sandbox.servers.rabbitmq import RabbitMQ
from sandbox.stage import Stage
from scripts.fleet import Fleet, fleet
from tests.running import sandbox_settings

SMTP_TIMEOUT, JIRA_TIMEOUT, SETTLE = 3.0, 3.0, 5.0
_LAST_LINES = 12


@dataclass
class World:
    """Everything a run needs. `down`: processes that an act has ended and will start again itself. last_words: the log's last
    lines of each process that died by itself.

    real_time: let no time pass that has not passed.
    """

    rabbitmq: RabbitMQ
    postgres: Postgres
    vhost: str
    database: str
    dovecot: Dovecot | None
    sandbox: Sandbox
    crew: Fleet
    stage: Stage
    real_time: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)
    down: set[str] = field(default_factory=set)
    died: Counter[str] = field(default_factory=Counter)
    last_words: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement as the superuser; its rows."""
        with psycopg.connect(self.postgres.url(self.database), autocommit=True, connect_timeout=30) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def let_time_pass(self, seconds: float) -> None:
        """As if so many seconds had gone by for messages that are out or postponed."""
        if self.real_time:
            return
        for service in ("connect", "inbound", "outbound"):
            moved = "available_at = available_at - %s, sent_until = sent_until - %s"
            self.sql(f"UPDATE {service}.outbox SET {moved}", seconds, seconds)

    def waiting(self, *, kept: bool = True) -> dict[str, int]:
        """How many messages each topic has in an outbox; {} when everything is done.

        kept: count those too that a broker has confirmed and that only wait to be sent a second time.
        """
        own = "topic IN ('mail.received', 'window.due', 'delivery.due', 'notice.due')"
        which = "true" if kept else f"({own} OR attempts = 0 OR sent_until IS NOT NULL)"
        union = " UNION ALL ".join(
            f"SELECT topic, count(*) FROM {service}.outbox WHERE {which} GROUP BY topic"
            for service in ("connect", "inbound", "outbound")
        )
        return {str(topic): int(count) for topic, count in self.sql(union)}

    def look_after(self) -> None:
        """Start again whatever ends by itself, until `stop_looking`; counts it in `died`."""
        while not self._ended.wait(0.2):
            with self.lock:
                for name, process in list(self.crew.processes.items()):
                    if name not in self.down and process.poll() is not None:
                        self.died[f"{name} ({process.returncode})"] += 1
                        self.last_words += self._tail(name)
                        self.crew.spawn(name)
            time.sleep(0.3)

    def _tail(self, name: str) -> list[str]:
        lines = (self.crew.logs / f"{name}.log").read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return [f"{name}: {line[:1000]}" for line in lines]

    def stop_looking(self) -> None:
        """No process is started again from now on."""
        self._ended.set()


@contextmanager
def world(
    rabbitmq: RabbitMQ, postgres: Postgres, folder: Path, more: Mapping[str, str] = MappingProxyType({})
) -> Iterator[World]:
    """A fresh world on these servers: installed, the mailbox connected, the outgoing server set; all gone at the end.

    more: further settings of the processes.
    """
    name = new_id()
    broker, database = rabbitmq.create_vhost(name), postgres.create_database(name)
    try:
        with (
            _dovecot() as dovecot,
            Sandbox(
                port=0, imap_port=0, smtp_port=0, retry_seconds=1.0, imap_server=dovecot.imap_port if dovecot else None
            ) as sandbox,
        ):
            settings = sandbox_settings(sandbox, settle=SETTLE)
            settings |= {
                "MAILBRIDGE_DATABASE_URL": database,
                "MAILBRIDGE_BROKER_URL": broker,
                "MAILBRIDGE_JIRA_TIMEOUT": str(JIRA_TIMEOUT),
                "MAILBRIDGE_SMTP_TIMEOUT": str(SMTP_TIMEOUT),
                **more,
            }
            with fleet(settings, folder / "logs") as crew:
                client = SandboxClient(sandbox.url)
                stage = Stage(client, crew.url, sandbox.imap_port, sandbox.smtp_port, patience=120)
                for step in (story.install, story.connect_mailbox, story.connect_sender):
                    step(stage)
                client.index_lag("infinite")
                yield World(rabbitmq, postgres, name, name, dovecot, sandbox, crew, stage)
    finally:
        rabbitmq.delete_vhost(name)
        postgres.drop_database(name)


@contextmanager
def _dovecot() -> Iterator[Dovecot | None]:
    """A Dovecot of this world's own; None where there is none, and the sandbox's own IMAP server stands in."""
    with tempfile.TemporaryDirectory(prefix="mailbridge-chaos-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)  # the server's account passes through
        try:
            server = Dovecot(Path(name) / "dovecot", password=PASSWORD)
        except NotAvailable:
            yield None
            return
        with server:
            yield server
