"""What common/bus.py promises, held by both adapters: the one inside a process and the one over a real RabbitMQ."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Protocol

import pytest
from structlog.testing import capture_logs

from common.amqp import AmqpBus
from common.bus import Bus
from common.errors import Temporary
from common.ids import new_id
from common.local import Hub
from common.messages import Message


class Buses(Protocol):
    """Makes ends of one bus."""

    def __call__(self, service: str) -> Bus: ...


@pytest.fixture(params=["local", pytest.param("amqp", marks=pytest.mark.rabbitmq)])
def buses(request: pytest.FixtureRequest) -> Iterator[Buses]:
    made: list[Bus] = []
    hub = Hub(pause=0.2)
    url: str = request.getfixturevalue("rabbitmq_url") if request.param == "amqp" else ""

    def make(service: str) -> Bus:
        bus: Bus = hub.bus(service) if request.param == "local" else AmqpBus(url, service)
        made.append(bus)
        return bus

    yield make
    for bus in made:
        bus.close(1.0)


def message(topic: str = "mail.received", **body: Any) -> Message:
    return Message(new_id(), topic, "tenant", body)


def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.01)


class Inbox:
    """A handler that keeps what it gets, by service."""

    def __init__(self) -> None:
        self.got: list[Message] = []

    def __call__(self, message: Message) -> None:
        self.got.append(message)


def test_each_receiver_gets_each_message_once_with_its_body(buses: Buses) -> None:
    inbound, outbound, connect = buses("inbound"), buses("outbound"), buses("connect")
    first, second, other = Inbox(), Inbox(), Inbox()
    inbound.consume("tenant.changed", first, 2)
    outbound.consume("tenant.changed", second, 2)
    outbound.consume("jira.event", other, 2)
    sent = [message("tenant.changed", number=n, text="Grüße") for n in range(300)]
    connect.publish(sent)
    eventually(lambda: len(first.got) >= 300 and len(second.got) >= 300)
    key = lambda m: m.id  # noqa: E731
    assert sorted(first.got, key=key) == sorted(sent, key=key) == sorted(second.got, key=key)
    assert other.got == []


def test_more_messages_than_confirms_are_awaited_at_a_time_are_published_at_once(buses: Buses) -> None:
    bus, inbox = buses("inbound"), Inbox()
    sent = [message(n=n) for n in range(1800)]
    bus.publish(sent)
    bus.consume("mail.received", inbox, 2)
    eventually(lambda: len(inbox.got) >= 1800)
    assert Counter(m.id for m in inbox.got) == Counter(m.id for m in sent)


def test_publishing_nothing_is_fine(buses: Buses) -> None:
    buses("inbound").publish([])


def test_consumers_of_one_service_share_its_copies(buses: Buses) -> None:
    one, two, publisher = buses("inbound"), buses("inbound"), buses("inbound")
    meeting = threading.Barrier(2, timeout=60)
    seen: list[tuple[str, str]] = []

    def handler(name: str) -> Callable[[Message], None]:
        def take(message: Message) -> None:
            if name not in [who for who, _ in seen]:
                meeting.wait()  # passes only if both are at work on different messages
            seen.append((name, message.id))

        return take

    one.consume("mail.received", handler("one"), 1)
    two.consume("mail.received", handler("two"), 1)
    sent = [message() for _ in range(20)]
    publisher.publish(sent)
    eventually(lambda: len(seen) >= 20)
    assert {name for name, _ in seen} == {"one", "two"}
    assert Counter(id for _, id in seen) == Counter(m.id for m in sent)


def test_what_is_published_before_its_consumer_exists_is_delivered(buses: Buses) -> None:
    buses("connect").publish([message("jira.event", n=1)])
    inbox = Inbox()
    buses("outbound").consume("jira.event", inbox, 1)
    eventually(lambda: [m.body for m in inbox.got] == [{"n": 1}])


def test_a_message_is_settled_once_and_not_before_it_would_outlive_the_process(
    buses: Buses, request: pytest.FixtureRequest
) -> None:
    connect, inbound, outbound = buses("connect"), buses("inbound"), buses("outbound")
    settled: list[str] = []
    held, other = threading.Event(), Inbox()

    def hold(_message: Message) -> None:
        held.wait(60)

    inbound.consume("tenant.changed", hold, 2)
    outbound.consume("tenant.changed", other, 2)
    sent = [message("tenant.changed") for _ in range(10)]
    connect.publish(sent, lambda messages: settled.extend(m.id for m in messages))
    eventually(lambda: len(other.got) == 10)
    kept_by_broker = "amqp" in request.node.name
    assert len(settled) == (10 if kept_by_broker else 0)
    held.set()
    eventually(lambda: len(settled) == 10)
    assert Counter(settled) == Counter(m.id for m in sent)


def test_a_sender_that_cannot_note_the_settling_does_not_stop_the_receivers() -> None:
    hub, inbox = Hub(), Inbox()
    hub.bus("outbound").consume("jira.event", inbox, 1)

    def fail(_messages: Sequence[Message]) -> None:
        raise faults.pop()

    faults = [Temporary("the database is away"), ZeroDivisionError("a mistake")]
    for _ in range(2):
        hub.bus("connect").publish([message("jira.event")], fail)
    hub.bus("connect").publish([message("jira.event")])
    eventually(lambda: len(inbox.got) == 3)


def test_a_handler_that_raises_is_given_the_message_again_after_a_pause(buses: Buses) -> None:
    bus, times = buses("inbound"), []

    def refuse_twice(_message: Message) -> None:
        times.append(time.monotonic())
        if len(times) < 3:
            raise ValueError("not now")

    bus.consume("mail.received", refuse_twice, 1)
    bus.publish([message()])
    eventually(lambda: len(times) == 3)
    assert all(later - earlier > 0.15 for earlier, later in pairwise(times))


def test_a_fault_that_passes_is_told_in_a_sentence_and_a_mistake_with_its_trace(buses: Buses) -> None:
    inbound = buses("inbound")
    faults: list[Exception] = [Temporary("the database is away"), ZeroDivisionError("a mistake")]

    def handler(message: Message) -> None:
        if faults:
            raise faults.pop(0)
        done.set()

    done = threading.Event()
    with capture_logs() as lines:
        inbound.consume("mail.received", handler, 1)
        inbound.publish([message()])
        assert done.wait(60)
    told = [line for line in lines if line["event"] == "message_given_back"]
    assert [(line["log_level"], line.get("reason"), "exc_info" in line) for line in told] == [
        ("warning", "the database is away", False),
        ("error", None, True),
    ]


def test_no_more_handlers_work_at_a_time_than_asked_for(buses: Buses) -> None:
    bus, lock, now, most, done = buses("inbound"), threading.Lock(), [0], [0], [0]
    three = threading.Barrier(3, timeout=60)

    def handler(_message: Message) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        three.wait()  # three do work together
        time.sleep(0.005)
        with lock:
            now[0] -= 1
            done[0] += 1

    bus.consume("mail.received", handler, 3)
    bus.publish([message() for _ in range(30)])
    eventually(lambda: done[0] == 30)
    assert most[0] == 3


def test_many_threads_publish_at_once(buses: Buses) -> None:
    bus, inbox = buses("inbound"), Inbox()
    bus.consume("mail.received", inbox, 4)
    sent = [[message(thread=t, n=n) for n in range(50)] for t in range(8)]
    threads = [threading.Thread(target=bus.publish, args=(part,)) for part in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: len(inbox.got) >= 400)
    assert Counter(m.id for m in inbox.got) == Counter(m.id for part in sent for m in part)


def test_closing_waits_for_the_handler_at_work_and_gives_back_what_was_not_begun(buses: Buses) -> None:
    first, begun, finished, release = buses("inbound"), [], [], threading.Event()

    def slow(message: Message) -> None:
        begun.append(message.id)
        release.wait(60)
        finished.append(message.id)

    first.consume("mail.received", slow, 1)
    sent = [message() for _ in range(5)]
    first.publish(sent)
    eventually(lambda: len(begun) == 1)
    closer = threading.Thread(target=first.close, args=(20.0,))
    closer.start()
    rest = Inbox()
    second = buses("inbound")
    second.consume("mail.received", rest, 1)
    eventually(lambda: len(rest.got) == 4)  # already while the other is still at work
    release.set()
    closer.join(20)
    assert finished == begun
    assert sorted(begun + [m.id for m in rest.got]) == sorted(m.id for m in sent)
    probe = message()
    second.publish([probe])
    eventually(lambda: probe in rest.got)
    assert begun[0] not in [m.id for m in rest.got], "a finished message came again"


def test_closing_does_not_wait_longer_than_the_grace_and_the_unfinished_message_comes_again(buses: Buses) -> None:
    first, begun, release = buses("connect"), threading.Event(), threading.Event()
    first.close(0.0)
    worker = buses("inbound")

    def stuck(_message: Message) -> None:
        begun.set()
        release.wait(60)
        raise ValueError("interrupted")

    worker.consume("mail.received", stuck, 1)
    sent = message()
    worker.publish([sent])
    assert begun.wait(60)
    start = time.monotonic()
    worker.close(0.3)
    assert time.monotonic() - start < 20
    release.set()
    again = Inbox()
    buses("inbound").consume("mail.received", again, 1)
    eventually(lambda: again.got == [sent])


def test_a_closed_bus_refuses_with_temporary(buses: Buses) -> None:
    bus = buses("inbound")
    eventually(lambda: _well(bus))
    bus.close(0.0)
    with pytest.raises(Temporary):
        bus.publish([message()])
    with pytest.raises(Temporary):
        bus.check()


def _well(bus: Bus) -> bool:
    try:
        bus.check()
    except Temporary:
        return False
    return True
