"""What the bus over RabbitMQ promises beyond the contract, against a real broker that is cut, blocked and restarted."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest
from structlog.testing import capture_logs

from common.amqp import AmqpBus
from common.amqp_topology import queue_arguments
from common.env import BadSetting
from common.errors import Temporary
from common.ids import new_id
from common.messages import TOPICS, Message
from sandbox.servers.ports import free_port
from sandbox.servers.rabbitmq import RabbitMQ

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(900)]  # rabbitmqctl can take a minute


@pytest.fixture
def vhost(rabbitmq_url: str) -> str:
    return unquote(rabbitmq_url.rsplit("/", 1)[1])


@pytest.fixture
def connect(rabbitmq_url: str) -> Iterator[Callable[..., AmqpBus]]:
    made: list[AmqpBus] = []

    def connect(service: str = "inbound", url: str = rabbitmq_url, patience: float = 30.0) -> AmqpBus:
        bus = AmqpBus(url, service, patience=patience)
        made.append(bus)
        return bus

    yield connect
    for bus in made:
        bus.close(1.0)


def messages(count: int, topic: str = "mail.received") -> list[Message]:
    return [Message(new_id(), topic, "tenant", {"n": n}) for n in range(count)]


def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)


def well(bus: AmqpBus) -> bool:
    try:
        bus.check()
    except Temporary:
        return False
    return True


def trouble(bus: AmqpBus) -> str:
    try:
        bus.check()
    except Temporary as fault:
        return str(fault)
    return ""


def depth(rabbitmq: RabbitMQ, vhost: str, queue: str) -> int:
    said = rabbitmq.api(
        "POST", f"/api/queues/{vhost}/{queue}/get", {"count": 100, "ackmode": "ack_requeue_true", "encoding": "auto"}
    )
    return len(said)


def test_every_receiver_s_queue_is_a_quorum_queue_bound_from_the_start(
    connect: Callable[..., AmqpBus], rabbitmq: RabbitMQ, vhost: str
) -> None:
    bus = connect("connect")
    eventually(lambda: well(bus))
    queues = {queue["name"]: queue for queue in rabbitmq.api("GET", f"/api/queues/{vhost}")}
    assert set(queues) == {f"{to}.{topic.name}" for topic in TOPICS.values() for to in topic.receivers} | {
        "mailbridge.dead"
    }
    assert {queue["type"] for queue in queues.values()} == {"quorum"}
    assert all(queue["durable"] and "x-delivery-limit" not in queue["arguments"] for queue in queues.values())


def test_a_message_outlives_everything_but_its_handling(
    connect: Callable[..., AmqpBus], rabbitmq: RabbitMQ, vhost: str
) -> None:
    connect().publish(messages(1))
    [raw] = rabbitmq.api(
        "POST",
        f"/api/queues/{vhost}/inbound.mail.received/get",
        {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"},
    )
    assert raw["properties"]["delivery_mode"] == 2 and raw["properties"]["content_type"] == "application/json"


@pytest.mark.parametrize(
    "payload", ["", "not json", "[]", json.dumps({"id": 1, "topic": "x", "tenant": "t", "body": {}})]
)
def test_what_cannot_be_decoded_goes_to_the_dead_letters_and_the_next_message_is_handled(
    connect: Callable[..., AmqpBus], rabbitmq: RabbitMQ, vhost: str, payload: str
) -> None:
    bus, got = connect(), list[Message]()
    bus.consume("mail.received", got.append, 1)
    eventually(lambda: well(bus))
    raw = {"properties": {}, "routing_key": "mail.received", "payload": payload, "payload_encoding": "string"}
    assert rabbitmq.api("POST", f"/api/exchanges/{vhost}/mailbridge/publish", raw) == {"routed": True}
    [good] = messages(1)
    bus.publish([good])
    eventually(lambda: got == [good])
    eventually(lambda: depth(rabbitmq, vhost, "mailbridge.dead") == 1)


def test_a_message_that_no_queue_takes_is_temporary_and_the_queue_is_made_again(
    connect: Callable[..., AmqpBus], rabbitmq: RabbitMQ, vhost: str
) -> None:
    bus = connect()
    bus.publish(messages(1))
    rabbitmq.api("DELETE", f"/api/queues/{vhost}/outbound.mail.handled")
    with pytest.raises(Temporary, match=r"no queue for mail\.handled"):
        bus.publish([*messages(3), *messages(1, "mail.handled")])
    bus.publish(messages(1))
    eventually(lambda: published(bus, messages(1, "mail.handled")))


def published(bus: AmqpBus, some: list[Message]) -> bool:
    try:
        bus.publish(some)
    except Temporary:
        return False
    return True


def test_connections_that_are_cut_lose_nothing(connect: Callable[..., AmqpBus], rabbitmq: RabbitMQ, vhost: str) -> None:
    bus, worker, got, lock = connect(), connect(), Counter[str](), threading.Lock()

    def handler(message: Message) -> None:
        time.sleep(0.002)
        with lock:
            got[message.id] += 1

    worker.consume("mail.received", handler, 4)
    sent = messages(600)
    for start in range(0, 600, 50):
        eventually(partial(published, bus, sent[start : start + 50]))
        if start in (100, 300):
            rabbitmq.cut_connections(vhost)
    eventually(lambda: len(got) == 600)
    assert set(got) == {message.id for message in sent}
    eventually(lambda: well(worker))


def test_a_restart_of_the_broker_in_mid_stream_loses_nothing(
    connect: Callable[..., AmqpBus], rabbitmq: RabbitMQ, vhost: str
) -> None:
    bus, worker, got, lock = connect(patience=10.0), connect(), Counter[str](), threading.Lock()

    def handler(message: Message) -> None:
        with lock:
            got[message.id] += 1

    worker.consume("mail.received", handler, 4)
    sent = messages(400)
    eventually(lambda: well(bus))
    for start in range(0, 200, 20):
        bus.publish(sent[start : start + 20])
    restart = threading.Thread(target=lambda: (rabbitmq.ctl("stop_app"), rabbitmq.ctl("start_app")))
    restart.start()
    outages = 0
    for start in range(200, 400, 20):
        while not published(bus, sent[start : start + 20]):
            outages += 1
            time.sleep(0.2)
        if start == 200:
            eventually(lambda: not well(bus) or not restart.is_alive())
    restart.join()
    eventually(lambda: set(got) == {message.id for message in sent})
    assert outages > 0, "the broker was never away while we published"
    eventually(lambda: well(bus) and well(worker))


def test_a_publish_held_up_by_the_disk_alarm_ends_in_temporary_and_consuming_goes_on(
    connect: Callable[..., AmqpBus], rabbitmq: RabbitMQ
) -> None:
    bus, worker, got = connect(patience=2.0), connect(), list[Message]()
    before, later = messages(3), messages(2)
    eventually(lambda: well(bus))  # the first connection may take longer than this bus is patient
    connect().publish(before)
    rabbitmq.ctl("set_disk_free_limit", "9000GB")
    try:
        begun = time.monotonic()
        with pytest.raises(Temporary) as caught:
            bus.publish(later)
        assert time.monotonic() - begun < 20 and caught.value.maybe_done
        eventually(lambda: "disk or memory" in trouble(bus))
        worker.consume("mail.received", got.append, 1)
        eventually(lambda: len(got) == 3)
    finally:
        rabbitmq.ctl("set_disk_free_limit", "50MB")
    eventually(lambda: published(bus, later))
    eventually(lambda: {message.id for message in got} == {message.id for message in before + later})
    eventually(lambda: well(bus))


def test_without_a_broker_a_publish_fails_at_once_and_the_bus_is_unwell(connect: Callable[..., AmqpBus]) -> None:
    bus = connect(url=f"amqp://guest:guest@127.0.0.1:{free_port()}/%2F")
    eventually(lambda: not published(bus, messages(1)))
    begun = time.monotonic()
    with pytest.raises(Temporary, match="cannot be reached"):
        bus.publish(messages(1))
    assert time.monotonic() - begun < 10, "it was ready to wait for thirty seconds"
    with pytest.raises(Temporary):
        bus.check()


def test_a_refused_password_is_told_without_the_password(connect: Callable[..., AmqpBus], rabbitmq_url: str) -> None:
    bus = connect(url=rabbitmq_url.replace("guest:guest", "guest:not-this-one"))
    eventually(lambda: not published(bus, messages(1)))
    with pytest.raises(Temporary) as caught:
        bus.check()
    assert "not-this-one" not in str(caught.value)


def test_tls_is_spoken_and_the_certificate_checked(
    connect: Callable[..., AmqpBus], rabbitmq: RabbitMQ, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = connect(url=rabbitmq.tls_url(vhost))
    eventually(lambda: not published(stranger, messages(1)))
    with pytest.raises(Temporary, match=r"(?i)certificate"):
        stranger.check()
    monkeypatch.setenv("SSL_CERT_FILE", str(rabbitmq.certificate))
    friend, got = connect(url=rabbitmq.tls_url(vhost)), list[Message]()
    friend.consume("mail.received", got.append, 1)
    sent = messages(5)
    friend.publish(sent)
    eventually(lambda: len(got) == 5)


def test_a_bus_that_is_closed_while_it_connects_ends_soon_and_quietly(connect: Callable[..., AmqpBus]) -> None:
    with capture_logs() as lines:
        for n in range(20):
            bus = connect()
            time.sleep(0.0015 * n)
            begun = time.monotonic()
            bus.close(0.0)
            assert time.monotonic() - begun < 15
    assert lines == []


@pytest.mark.parametrize("url", ["http://x", "amqp:/x", "", "amqp://host/?heartbeat=often"])
def test_a_bad_url_is_refused_with_the_setting_s_name(url: str) -> None:
    with pytest.raises(BadSetting, match="MAILBRIDGE_BROKER_URL"):
        AmqpBus(url, "inbound")


def test_a_topic_that_does_not_exist_is_a_mistake(connect: Callable[..., AmqpBus]) -> None:
    with pytest.raises(ValueError, match=r"no\.such"):
        connect().publish([Message("id", "no.such", "t", {})])


@pytest.mark.parametrize(
    ("version", "limit"),
    [("3.10.8", None), ("3.13.7", None), ("4.0.2", -1), ("4.2.0-rc.1", -1), ("10.0", -1), ("", None)],
)
def test_the_delivery_limit_is_off_on_every_broker(version: str, limit: int | None) -> None:
    arguments: dict[str, Any] = queue_arguments(version)
    assert arguments.get("x-delivery-limit") == limit
    assert arguments["x-queue-type"] == "quorum"
