"""The relay between the outbox and the bus, on SQLite and on a real PostgreSQL, with the in-process bus."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from common import metrics
from common.bus import Handler, Settled
from common.db import Database, open_database
from common.errors import Temporary
from common.local import Hub, LocalBus
from common.messages import Message
from common.outbox import Outbox, Relay, consume
from common.relay import SWEEP
from tests.common import outboxes
from tests.common.outboxes import table, tables


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with outboxes.opened(database_url) as opened:
        yield opened


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database, table)


class Shaky:
    """A bus that raises what `faults` says, one after the other, before it passes messages on to a local bus."""

    may_forget = False

    def __init__(self, *faults: Exception) -> None:
        self.hub = Hub()
        self.faults = list(faults)
        self.refused: set[str] = set()
        self.published: list[Message] = []
        self._bus: LocalBus = self.hub.bus("inbound")

    def publish(self, messages: Sequence[Message], settled: Settled | None = None) -> None:
        if self.faults:
            raise self.faults.pop(0)
        if self.refused & {message.topic for message in messages}:
            raise Temporary("refused")
        self.published += messages
        self._bus.publish(messages, settled)

    def consume(self, topic: str, handler: Handler, concurrency: int) -> None:
        self._bus.consume(topic, handler, concurrency)

    def check(self) -> None:
        self._bus.check()

    def close(self, grace: float) -> None:
        self._bus.close(grace)


@pytest.fixture
def bus() -> Iterator[Shaky]:
    bus = Shaky()
    yield bus
    bus.close(2.0)


@pytest.fixture
def start(outbox: Outbox, bus: Shaky) -> Iterator[Callable[[int], Relay]]:
    started: list[Relay] = []

    def start(limit: int = 16) -> Relay:
        relay = Relay(outbox, bus, limit)
        started.append(relay)
        relay.start()
        return relay

    yield start
    for relay in started:
        relay.stop()


def put(outbox: Outbox, tenant: str, count: int = 1, topic: str = "mail.received") -> list[str]:
    with outbox.database.write() as tx:
        return outbox.put_all(tx, topic, tenant, [{"n": n} for n in range(count)])


def put_or_not(outbox: Outbox) -> bool:
    try:
        put(outbox, "t", topic="mail.handled")
    except Temporary:
        return False
    return True


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> float:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() < begun + seconds, "it did not come to pass in time"
        time.sleep(0.005)
    return time.monotonic() - begun


def ending(outbox: Outbox, handled: list[Message]) -> Handler:
    def handler(message: Message) -> None:
        with outbox.database.write() as tx:
            outbox.done(tx, message.id)
        handled.append(message)

    return handler


def test_a_committed_message_is_on_the_bus_before_the_next_sweep(
    outbox: Outbox, bus: Shaky, start: Callable[[], Relay]
) -> None:
    start()
    waits = []
    for _ in range(5):
        ids = put(outbox, "t", topic="mail.handled")
        waits.append(eventually(lambda ids=ids: ids[0] in [message.id for message in bus.published]))  # type: ignore[misc]
    assert sorted(waits)[1] < SWEEP / 2, "by sweeps alone all but the first would take a whole one"


def test_a_message_of_another_process_is_carried_too_and_promptly_on_postgresql(
    outbox: Outbox, bus: Shaky, start: Callable[[], Relay], database_url: str
) -> None:
    start()
    other = open_database(database_url, "inbound")
    waits = []
    for n in range(5):
        put(Outbox(other, table), "t", topic="mail.handled")
        waits.append(eventually(lambda n=n: len(bus.published) == n + 1))  # type: ignore[misc]
    other.close()
    if outbox.database.postgresql:
        assert sorted(waits)[1] < SWEEP / 2, "by sweeps alone all but the first would take a whole one"


def test_a_row_for_another_service_stays_until_that_service_has_handled_its_message(
    outbox: Outbox, bus: Shaky, start: Callable[[int], Relay]
) -> None:
    got: list[Message] = []
    release = threading.Event()

    def store(message: Message) -> None:
        got.append(message)
        release.wait(20)

    start(8)
    put(outbox, "t", 20, topic="mail.handled")
    bus.hub.bus("outbound").consume("mail.handled", store, 2)
    eventually(lambda: len(got) == 2)
    assert outbox.depths()["mail.handled"].rows == 20, "a crash now must lose nothing"
    assert len(bus.published) == 8, "and the limit holds for them too"
    release.set()
    eventually(lambda: outbox.depths()["mail.handled"].rows == 0)
    assert len({message.id for message in got}) == 20


def test_a_handled_message_makes_room_for_the_next_without_waiting_for_a_sweep(
    outbox: Outbox, bus: Shaky, start: Callable[[int], Relay]
) -> None:
    handled: list[Message] = []
    consume(bus, outbox, "mail.received", ending(outbox, handled), 4)
    put(outbox, "t", 40)
    start(1)
    assert eventually(lambda: len(handled) == 40, 60) < 30, "40 sweeps would be 40 seconds"
    assert Counter(m.id for m in handled).most_common(1)[0][1] == 1


def test_a_tenant_s_flood_does_not_stand_in_front_of_another_tenant(
    outbox: Outbox, bus: Shaky, start: Callable[[int], Relay]
) -> None:
    handled: list[Message] = []
    put(outbox, "flood", 3000)
    consume(bus, outbox, "mail.received", ending(outbox, handled), 2)
    start(4)
    eventually(lambda: len(handled) > 20)
    put(outbox, "other", 1)
    before = len(handled)
    eventually(lambda: "other" in [message.tenant for message in handled])
    assert [message.tenant for message in handled].index("other") - before < 30
    assert len(handled) < 2000


def test_a_broker_outage_costs_nothing_and_is_told_once(outbox: Outbox, bus: Shaky, start: Callable[[], Relay]) -> None:
    bus.faults += [Temporary("the broker is away") for _ in range(3)]
    put(outbox, "t", 3, topic="mail.handled")
    with capture_logs() as lines:
        start()
        eventually(lambda: len(bus.published) == 3)
        eventually(lambda: "relay_resumed" in [line["event"] for line in lines])
    assert Counter(line["event"] for line in lines if line["event"].startswith("relay")) == {
        "relay_stopped": 1,
        "relay_resumed": 1,
    }


def test_a_topic_that_the_broker_refuses_does_not_hold_up_the_others(
    outbox: Outbox, bus: Shaky, start: Callable[[], Relay]
) -> None:
    bus.refused.add("mail.bounced")
    put(outbox, "t", 3, topic="mail.bounced")
    with capture_logs() as lines:
        start()
        for n in range(1, 4):
            put(outbox, "t", topic="mail.handled")
            assert eventually(lambda n=n: len(bus.published) == n, 60) < 15  # type: ignore[misc]
        bus.refused.clear()
        eventually(lambda: len(bus.published) == 6)
    assert [line["event"] for line in lines].count("relay_stopped") == 1


def test_a_mistake_in_the_program_is_loud_and_the_relay_lives_on(
    outbox: Outbox, bus: Shaky, start: Callable[[], Relay]
) -> None:
    bus.faults.append(ZeroDivisionError("a mistake"))
    [first] = put(outbox, "t", topic="mail.handled")
    with capture_logs() as lines:
        start()
        eventually(lambda: "relay_failed" in [line["event"] for line in lines])
        [second] = put(outbox, "t", topic="mail.handled")
        eventually(lambda: second in [message.id for message in bus.published])
    assert first not in [message.id for message in bus.published], "it goes out again when its five minutes are over"


def test_stopping_ends_the_thread_soon(outbox: Outbox, start: Callable[[], Relay]) -> None:
    waits = []
    for _ in range(5):
        relay = start()
        begun = time.monotonic()
        relay.stop()
        waits.append(time.monotonic() - begun)
    assert min(waits) < SWEEP / 2
    assert not [thread for thread in threading.enumerate() if thread.name == "relay-inbound"]


def test_the_depths_are_measured(outbox: Outbox, start: Callable[[], Relay]) -> None:
    with outbox.database.write() as tx:
        outbox.put_all(tx, "mail.bounced", "t", [{}] * 3, delay=100)
    start()
    eventually(lambda: metrics.REGISTRY.get_sample_value("mailbridge_outbox_depth", {"topic": "mail.bounced"}) == 3)


@pytest.mark.postgres
def test_a_database_that_was_away_is_used_again(postgres_url: str) -> None:
    database = open_database(postgres_url, "inbound")
    bus = Shaky()
    outbox = Outbox(database, table)
    relay = Relay(outbox, bus, 16)
    with capture_logs() as lines:
        relay.start()  # without tables the claim fails
        eventually(lambda: lines)
        engine = database.fresh_engine()
        with engine.begin() as connection:
            connection.execute(text("CREATE SCHEMA inbound"))
            tables.create_all(connection)
        engine.dispose()
        put(outbox, "t", topic="mail.handled")
        eventually(lambda: len(bus.published) == 1)
        with database.write() as tx:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'app'"
            tx.execute(text(cut + " AND datname = current_database()"))
        eventually(lambda: put_or_not(outbox))  # the very moment in which a connection is cut may cost a try
        eventually(lambda: len(bus.published) >= 2)
    relay.stop()
    bus.close(1.0)
    database.close()
