"""How many consumers and waiting messages each queue has, by the broker's word: looked at every 15 seconds, into the gauges.

Every consuming process looks at all queues, so that one without any consumer is seen as long as another process lives.
"""

from functools import partial
from typing import Any

from common import metrics
from common.amqp_link import Link
from common.amqp_topology import DEAD, queue_name
from common.messages import TOPICS

LOOK = 15.0  # seconds between looks

QUEUES = (*(queue_name(receiver, topic.name) for topic in TOPICS.values() for receiver in topic.receivers), DEAD)


def watch(link: Link, connection: Any) -> None:
    """Look now and again for as long as this connection stands; to be called on the link's thread."""
    if not connection.is_open:
        return
    # A channel of its own for each look: a queue that cannot be asked closes it, and must close nothing else.
    connection.channel(on_open_callback=_ask)
    link.later(LOOK, partial(watch, link, connection))


def _ask(channel: Any) -> None:
    for queue in QUEUES:
        channel.queue_declare(queue, passive=True, callback=partial(_note, channel, queue))


def _note(channel: Any, queue: str, frame: Any) -> None:
    metrics.QUEUE_CONSUMERS.labels(queue).set(frame.method.consumer_count)
    metrics.QUEUE_MESSAGES.labels(queue).set(frame.method.message_count)
    if queue == QUEUES[-1]:
        channel.close()
