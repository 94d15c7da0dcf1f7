"""The gauges of the queues say what the broker says."""

import threading
import time

import pytest

from common import metrics
from common.amqp import AmqpBus
from common.amqp_census import QUEUES
from common.amqp_topology import DEAD
from common.messages import Message


def gauge(name: str, queue: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(name, {"queue": queue})


def told() -> tuple[float | None, ...]:
    waiting = "inbound.mail.received"
    return (
        gauge("mailbridge_queue_messages", waiting),
        gauge("mailbridge_queue_consumers", waiting),
        gauge("mailbridge_queue_consumers", "outbound.tenant.changed"),
    )


@pytest.mark.rabbitmq
def test_consumers_and_waiting_messages_of_every_queue_are_counted(rabbitmq_url: str) -> None:
    worker = AmqpBus(rabbitmq_url, "outbound")
    heard = threading.Event()
    worker.consume("tenant.changed", lambda _message: heard.set(), 1)
    worker.publish([Message(f"message-{number}", "mail.received", "tenant", {}) for number in range(3)])
    worker.publish([Message("message-4", "tenant.changed", "tenant", {})])
    assert heard.wait(60)
    another = AmqpBus(rabbitmq_url, "inbound")  # which looks at all queues as soon as it is connected
    another.consume("tenant.changed", lambda _message: None, 1)
    try:
        deadline = time.monotonic() + 60  # a look that came too early is made up for by the next
        while told() != (3, 0, 1):
            assert time.monotonic() < deadline, told()
            time.sleep(0.05)
        assert gauge("mailbridge_queue_messages", DEAD) == 0
    finally:
        another.close(1.0)
        worker.close(1.0)


def test_every_queue_is_looked_at() -> None:
    assert {"inbound.mail.received", "outbound.jira.event", "inbound.tenant.removed", DEAD} <= set(QUEUES)
