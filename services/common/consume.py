"""How a worker takes messages: an internal message belongs to an outbox row of ours, and a failure postpones that row."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from common import log, metrics, trace
from common.bus import Bus, Handler
from common.errors import Temporary
from common.messages import Message, internal

if TYPE_CHECKING:
    from common.outbox import Outbox

_log = log.get(__name__)


def backoff(attempts: int, chance: float | None = None) -> float:
    """Seconds to wait after so many attempts: 2, 4, 8 … to 15 minutes, half of it up to chance (0 to 1; None: drawn)."""
    share = random.random() if chance is None else chance
    return min(900.0, 2.0 ** min(max(attempts, 1), 10)) * (0.5 + 0.5 * share)


def consume(
    bus: Bus,
    outbox: "Outbox",
    topic: str,
    handler: Handler,
    concurrency: int,
    backoff: Callable[[int], float] = backoff,
) -> None:
    """Let up to `concurrency` threads call `handler` with the topic's messages.

    Internal topic: the handler ends the row in its own transaction, and passes over a message whose row is not out any more
    (`Outbox.is_out`); when it raises, the row is postponed by `backoff(attempts)`, by a Temporary's `retry_after` at least.
    Another service's topic: a handler that raises is given the message again by the bus.
    """

    def take(message: Message) -> None:
        attempts = max(message.attempts, 1)
        with log.bind(tenant=message.tenant, topic=topic), _span(message, attempts):
            try:
                handler(message)
            except Exception as error:
                trace.note(error=str(error) or type(error).__name__)
                delay = max(backoff(attempts), _asked(error))
                _tell(error, message, attempts, delay)
                with outbox.database.write() as tx:
                    outbox.postpone(tx, message.id, delay, failed=True)

    def receive(message: Message) -> None:
        with _span(message, None):
            handler(message)

    bus.consume(topic, take if internal(topic) else receive, concurrency)


def _span(message: Message, attempts: int | None) -> AbstractContextManager[None]:
    facts = {"message": message.id, "tenant": message.tenant, **({"attempts": attempts} if attempts else {})}
    return trace.span(f"handle {message.topic}", "consumer", parent=message.body.get(trace.FIELD), facts=facts)


def _asked(error: Exception) -> float:
    return (error.retry_after or 0.0) if isinstance(error, Temporary) else 0.0


def _tell(error: Exception, message: Message, attempts: int, delay: float) -> None:
    facts = {"message": message.id, "attempts": attempts, "delay": round(delay, 1)}
    temporary = isinstance(error, Temporary)
    metrics.HANDLER_FAULTS.labels(message.topic, "temporary" if temporary else "bug").inc()
    if temporary:
        _log.warning("handler_postponed", reason=str(error), **facts)
    else:
        _log.exception("handler_failed", **facts)
