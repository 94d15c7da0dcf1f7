"""The port between services: publish with a confirm, consume with an acknowledgement.

Adapters: `amqp.py` (RabbitMQ, between processes) and `local.py` (threads of one process).
tests/common/test_bus_contract.py holds both to it.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from common.env import BadSetting
from common.messages import Message

GIVING_BACK = 8.0  # seconds of a worker's grace that are for taking leave: of the broker, and of what is in hand

Handler = Callable[[Message], None]
Settled = Callable[[Sequence[Message]], None]


class Bus(Protocol):
    """One service's end of the bus; safe to use from many threads."""

    @property
    def may_forget(self) -> bool:
        """True if a settled message can still be lost: with the broker's disk, before its receiver has handled it."""
        ...

    def publish(self, messages: Sequence[Message], settled: Settled | None = None) -> None:
        """Returns when each message is with every service that receives its topic, whether or not that service runs.
        Raises Temporary when that is not certain of one of them: publish all of them again (receivers know the ids).

        settled: called, from any thread, with messages that would outlive this process from now on. A broker's confirm says
        so, before `publish` returns; inside one process only the receivers' handling does. Until then the sender keeps them.
        """
        ...

    def consume(self, topic: str, handler: Handler, concurrency: int) -> None:
        """From now on call `handler`, in up to `concurrency` threads at a time, with this service's copies of the topic.
        A handler that returns is acknowledged; one that raises is given the message again after a pause."""
        ...

    def check(self) -> None:
        """Raises Temporary while messages can be neither published nor consumed."""
        ...

    def close(self, grace: float) -> None:
        """Begin no further message, wait up to `grace` seconds for the handlers at work, give all others back."""
        ...


def open_bus(url: str | None, service: str) -> Bus:
    """The bus of a process that runs apart from the others; raises BadSetting without an amqp(s) URL.
    The one process that is all services takes `local.Hub` instead."""
    if url is None:
        raise BadSetting(
            "MAILBRIDGE_BROKER_URL is not set: a process of its own reaches the others over RabbitMQ only. "
            "Set it to amqp://user:password@host/vhost, or run everything in one process by python -m standalone."
        )
    from common.amqp import AmqpBus  # here, so that the one process of everything needs no client of a broker

    return AmqpBus(url, service)
