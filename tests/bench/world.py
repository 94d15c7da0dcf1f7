"""Where it is measured: RabbitMQ, PostgreSQL and Dovecot of our own, the sandbox and the seven processes, each a process apart."""

import contextlib
import imaplib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from sandbox import story
from sandbox.client import SandboxClient
from sandbox.servers.dovecot import PASSWORD, Dovecot
from sandbox.servers.postgres import Postgres
from sandbox.servers.rabbitmq import RabbitMQ
from sandbox.story import MAILBOX, PROJECT, Stage
from scripts.fleet import ROOT, Fleet, fleet
from tests.bench.machine import cpu_seconds

WINDOW = 0.0  # seconds that events are gathered: nothing, so that what is measured is Mailbridge


@dataclass
class World:
    """Everything runs and Mailbridge is set up: mailbox, outgoing server, project."""

    stage: Stage
    fleet: Fleet
    dovecot: Dovecot
    database_url: str
    broker_url: str
    smtp_port: int

    def pids(self, *names: str) -> list[int]:
        """Process ids of these of the seven."""
        return [self.fleet.processes[name].pid for name in names]

    def cpu(self, *names: str) -> float:
        """Processor seconds that these of the seven have used so far."""
        return cpu_seconds(*self.pids(*names))

    def put(self, mails: list[bytes], user: str = MAILBOX) -> None:
        """Put mails into a mailbox, as a mail server does."""
        with imaplib.IMAP4("127.0.0.1", self.dovecot.imap_port) as imap:
            imap.login(user, PASSWORD)
            for mail in mails:
                imap.append("INBOX", "", "", mail)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of Mailbridge's database."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def wait(self, query: str, count: int, seconds: float) -> None:
        """Until a query that counts says `count`; raises AssertionError when the time is over."""
        deadline = time.monotonic() + seconds
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            while (row := connection.execute(query).fetchone()) is None or row[0] < count:
                assert time.monotonic() < deadline, f"{query}: {row} instead of {count} after {seconds:g} s"
                time.sleep(0.05)

    def restart(self, *names: str, **settings: str) -> None:
        """Start these of the seven anew, with these settings besides."""
        self.fleet._settings |= settings
        for name in names:
            self.fleet.processes[name].terminate()
            self.fleet.processes[name].wait(30)
        for name in names:
            self.fleet.spawn(name)
        for name in names:
            self.fleet.wait_ready(name)

    @property
    def agent(self) -> str:
        """The account that comments."""
        return self.stage.agent

    @contextlib.contextmanager
    def without_webhooks(self) -> Iterator[None]:
        """Jira tells nobody what happens in it meanwhile, so that outbound stands still."""
        self.stage.sandbox.fault("webhook_lost")
        try:
            yield
        finally:
            self.stage.sandbox.clear_faults()

    @contextlib.contextmanager
    def asleep(self, name: str) -> Iterator[None]:
        """One of the seven stands still meanwhile."""
        process = self.fleet.processes[name]
        process.send_signal(19)  # SIGSTOP
        try:
            yield
        finally:
            process.send_signal(18)  # SIGCONT


@contextlib.contextmanager
def world(say: Callable[[str], None]) -> Iterator[World]:
    """Started, set up, and stopped at the end whatever happens. Raises NotAvailable when a server is not installed."""
    folder = Path(tempfile.mkdtemp(prefix="mailbridge-bench-"))
    folder.chmod(0o711)
    with contextlib.ExitStack() as ending:
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        say("starting RabbitMQ, PostgreSQL, Dovecot and the sandbox")
        postgres = ending.enter_context(Postgres(folder / "postgres"))
        rabbitmq = ending.enter_context(RabbitMQ(folder / "rabbitmq"))
        dovecot = ending.enter_context(Dovecot(folder / "dovecot"))
        ports = ending.enter_context(_sandbox(folder / "sandbox"))
        database, broker = postgres.create_database("bench"), rabbitmq.create_vhost("bench")
        environment = {
            "PATH": os.environ["PATH"],
            "MAILBRIDGE_DATABASE_URL": database,
            "MAILBRIDGE_BROKER_URL": broker,
            "MAILBRIDGE_CONNECT_KEYS_URL": ports["url"] + "/install-keys",
            "MAILBRIDGE_CONNECT_ALL_JS": ports["url"] + "/connect/all.js",
            "MAILBRIDGE_ALLOW_PLAIN": "true",
            "MAILBRIDGE_ALLOW_NETWORKS": "127.0.0.0/8",
        }
        say("starting the seven processes")
        crew = ending.enter_context(fleet(environment, folder / "logs"))
        stage = Stage(SandboxClient(ports["url"]), crew.url, dovecot.imap_port, ports["smtp_port"], window=WINDOW)
        story.install(stage)
        story.connect_sender(stage)
        here = World(stage, crew, dovecot, database, broker, ports["smtp_port"])
        _connect(here)
        yield here


def _connect(world: World) -> None:
    """As the story does, but with Dovecot's mailbox."""
    api = world.stage.api()
    project = next(one for one in api.get("/api/connect/projects", query=PROJECT) if one["key"] == PROJECT)
    kind = next(one for one in api.get(f"/api/connect/projects/{PROJECT}/issue-types") if not one["subtask"])
    mailbox = {
        "name": "Bench", "kind": "imap", "host": "127.0.0.1", "port": world.dovecot.imap_port, "security": "none",
        "username": MAILBOX, "secret": PASSWORD, "folder": "INBOX", "address": MAILBOX, "validate_certificate": True,
        "authserv_id": "mx.sandbox.test", "sub_addresses": True, "project": project, "default_reporter": None,
        "issue_type": {"id": kind["id"], "name": kind["name"]}, "enabled": True, "backlog": "none",
    }  # fmt: skip
    made = api.post("/api/inbound/mailboxes", mailbox)
    world.stage.wait(
        "the mailbox to be connected",
        lambda: api.get(f"/api/inbound/mailboxes/{made['id']}")["state"] == "connected",
    )


@contextlib.contextmanager
def _sandbox(folder: Path) -> Iterator[dict[str, Any]]:
    folder.mkdir()
    ready = folder / "ready.json"
    command = [
        sys.executable,
        "-m",
        "tests.bench.jira",
        "--lenient",
        "--port",
        "0",
        "--imap-port",
        "0",
        "--smtp-port",
        "0",
    ]
    with (folder / "log").open("wb") as output:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'services'}:{ROOT}"}
        process = subprocess.Popen(
            [*command, "--ready-file", str(ready)], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield json.loads(ready.read_text())
    finally:
        process.terminate()
        process.wait(20)
