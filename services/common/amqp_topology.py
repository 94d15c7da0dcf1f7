"""The exchanges and queues of the bus, declared by every process each time it connects, so that nothing is unroutable.

exchange mailbridge (topic) ──<topic>──▶ queue <service>.<topic> for each receiver of each topic (quorum, durable)
                                             └─ rejected as undecodable ─▶ exchange and queue mailbridge.dead
"""

from collections.abc import Callable
from typing import Any

from common.messages import TOPICS

EXCHANGE = "mailbridge"
DEAD = "mailbridge.dead"


def declare_topology(channel: Any, server: dict[str, Any], done: Callable[[], None]) -> None:
    """Declare the exchanges, every receiver's queues and their bindings; `done` is called when the broker has them all."""
    arguments = queue_arguments(str(server.get("version", "")))
    channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
    channel.exchange_declare(DEAD, exchange_type="fanout", durable=True)
    channel.queue_declare(DEAD, durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_bind(DEAD, DEAD)
    for topic in TOPICS.values():
        for receiver in topic.receivers:
            queue = queue_name(receiver, topic.name)
            channel.queue_declare(queue, durable=True, arguments=arguments)
            channel.queue_bind(queue, EXCHANGE, routing_key=topic.name)
    # Declarations without a callback are not answered one by one: this one's answer says that all before it stood.
    channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True, callback=lambda _frame: done())


def queue_arguments(version: str) -> dict[str, Any]:
    """Arguments of our queues on a broker of that version.

    Without a delivery limit: with one, a few killed workers would dead-letter messages that were never touched. Quorum
    queues of RabbitMQ 3 have none unless asked; those of 4 have one of 20 unless -1 is asked for, which 3 refuses.
    A queue made by 3 keeps its arguments after an upgrade: set a policy {"delivery-limit": -1} on `.*` there.
    """
    arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-dead-letter-exchange": DEAD}
    major = version.partition(".")[0]
    if major.isdigit() and int(major) >= 4:
        arguments["x-delivery-limit"] = -1
    return arguments


def queue_name(service: str, topic: str) -> str:
    """The queue that holds the service's copies of the topic."""
    return f"{service}.{topic}"
