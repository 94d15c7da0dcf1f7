"""Workers of several processes over RabbitMQ and PostgreSQL, some of them killed in the middle of their work."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from common import outbox as outbox_module
from common.db import Database, now, open_database
from common.outbox import Outbox

pytestmark = [pytest.mark.rabbitmq, pytest.mark.postgres]

_WORKER = """
import sys, time
from sqlalchemy import Column, Integer, String, Table, func, insert
from common.amqp import AmqpBus
from common.db import metadata, open_database
from common.outbox import Outbox, Relay, consume, outbox_table

tables = metadata()
table = outbox_table(tables)
effect = Table("effect", tables, Column("id", String(16), primary_key=True))
begun = Table("begun", tables, Column("number", Integer, primary_key=True), Column("id", String(16)))

def main():
    database, bus = open_database(sys.argv[1], "inbound"), AmqpBus(sys.argv[2], "inbound")
    outbox = Outbox(database, table)

    def handler(message):
        with database.write() as tx:
            tx.execute(insert(begun).values(id=message.id))
        time.sleep(0.03)
        with database.write() as tx:
            tx.execute(insert(effect).values(id=message.id))
            outbox.done(tx, message.id)

    consume(bus, outbox, "mail.received", handler, 4, lambda attempts: 0.1)
    Relay(outbox, bus, 16).start()
    time.sleep(600)

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def script() -> dict[str, object]:
    scope: dict[str, object] = {"__name__": "worker"}
    exec(_WORKER, scope)
    return scope


@pytest.fixture
def database(postgres_url: str, script: dict[str, object]) -> Iterator[Database]:
    database = open_database(postgres_url, "inbound")
    engine = database.fresh_engine()
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA inbound"))
        script["tables"].create_all(connection)  # type: ignore[attr-defined]
    engine.dispose()
    yield database
    database.close()


@pytest.fixture
def start(postgres_url: str, rabbitmq_url: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    services = str(Path(outbox_module.__file__).parent.parent)

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", _WORKER, postgres_url, rabbitmq_url]
        environment = {"PYTHONPATH": services, "PATH": "/usr/bin:/bin"}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_workers_that_are_killed_lose_no_message_and_no_effect_happens_twice(
    database: Database, script: dict[str, object], start: Callable[[], subprocess.Popen[bytes]]
) -> None:
    table, effect, begun = script["table"], script["effect"], script["begun"]
    outbox = Outbox(database, table)  # type: ignore[arg-type]
    ids: list[str] = []
    with database.write() as tx:
        for tenant in "abcdefghij":
            ids += outbox.put_all(tx, "mail.received", tenant, [{"n": n} for n in range(60)])

    def count(of: object) -> int:
        with database.read() as tx:
            return int(tx.execute(select(func.count()).select_from(of)).scalar_one())  # type: ignore[arg-type]

    workers = [start(), start()]
    for kills in (60, 180, 320):
        wait_until(lambda kills=kills: count(effect) >= kills)  # type: ignore[misc]
        victim = workers.pop(0)
        victim.kill()
        victim.wait()
        workers.append(start())
    wait_until(lambda: count(table) == 0 or quiet(lambda: count(effect)))
    if count(table):
        # What the killed relays had claimed and not yet published goes out again after five minutes: let them be over.
        with database.write() as tx:
            tx.execute(update(table).values(sent_until=now() - 1))  # type: ignore[arg-type]
    wait_until(lambda: count(table) == 0)
    with database.read() as tx:
        assert sorted(tx.execute(select(effect.c.id)).scalars()) == sorted(ids)  # type: ignore[attr-defined]
    assert count(begun) > 600, "no worker was killed in the middle of a message"


def quiet(value: Callable[[], int]) -> bool:
    before = value()
    time.sleep(3.0)
    return value() == before


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)
