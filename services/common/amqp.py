"""The bus between processes: RabbitMQ. Keeps the promises of `common.bus.Bus`.

Publishing and consuming have a connection each, for RabbitMQ holds publishing connections under a disk or memory alarm and
consumers must go on then. TLS by amqps:// with the system's certificates.
"""

import threading
from collections.abc import Sequence

from common.amqp_consumer import Consumer
from common.amqp_link import check_url
from common.amqp_publisher import Publisher
from common.bus import Handler, Settled
from common.messages import Message

PATIENCE = 30.0  # seconds a publish may take before it counts as failed


class AmqpBus:
    """One process's end of the bus. Connects in the background and again for ever; raises BadSetting for a bad URL."""

    may_forget = True

    def __init__(self, url: str, service: str, *, patience: float = PATIENCE) -> None:
        check_url(url)
        self._url = url
        self._service = service
        self._publisher = Publisher(url, service, patience)
        self._consumer: Consumer | None = None
        self._lock = threading.Lock()

    def publish(self, messages: Sequence[Message], settled: Settled | None = None) -> None:
        """Returns when the broker has confirmed every message; see Bus."""
        self._publisher.publish(messages)
        if settled is not None:
            settled(messages)

    def consume(self, topic: str, handler: Handler, concurrency: int) -> None:
        """See Bus. The handlers run in threads of their own, the acknowledgements on the connection's."""
        with self._lock:
            if self._consumer is None:
                self._consumer = Consumer(self._url, self._service)
        self._consumer.consume(topic, handler, concurrency)

    def check(self) -> None:
        """See Bus."""
        self._publisher.check()
        if self._consumer is not None:
            self._consumer.check()

    def close(self, grace: float) -> None:
        """See Bus."""
        if self._consumer is not None:
            self._consumer.close(grace)
        self._publisher.close()
