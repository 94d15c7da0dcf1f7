"""The relay: a thread that carries due rows of the outbox to the bus.

It waits for the bell of its process, for a notification of another (PostgreSQL) and a second at most. It holds no lock while
it publishes. Without database or broker it tries again with growing pauses, and says so once.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from common import log, metrics
from common.bus import Bus
from common.errors import Temporary
from common.messages import Message

if TYPE_CHECKING:
    from common.outbox import Outbox

SWEEP = 1.0  # seconds between looks when nobody rings
BREATH = 0.05  # seconds after a batch, so that the next one gathers what handlers end meanwhile
HOUSEKEEPING = 10.0  # seconds between looks at overdue rows and at the depths
LONGEST_PAUSE = 15.0  # seconds between tries while the database or the broker is away

_log = log.get(__name__)


class Relay:
    """Carries one outbox's rows to the bus. `limit`: how many rows of a tenant and topic may be unfinished at a time
    (2 × the calls to Jira that a tenant may have in parallel), one number or by tenant."""

    def __init__(self, outbox: "Outbox", bus: Bus, limit: Callable[[str], int] | int) -> None:
        self._outbox = outbox
        self._bus = bus
        self._limit: Callable[[str], int] = limit if callable(limit) else lambda _: limit
        self._settled = outbox.confirmed if bus.may_forget else outbox.settled
        self._after: dict[str, str] = {}
        self._bell = outbox.database.committed
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._housekeeping_at = 0.0
        self._troubled = False  # and said so
        self._failures = 0  # turns in a row that failed
        self._unpublished: dict[str, str] = {}  # by topic why its last messages could not be published

    def start(self) -> None:
        """Begin; returns at once."""
        self._outbox.database.listen()
        self._thread = threading.Thread(target=self._run, name=f"relay-{self._outbox.database.service}", daemon=True)
        self._thread.start()

    def stop(self, grace: float = 10.0) -> None:
        """Stop after the batch in hand, `grace` seconds at most."""
        self._stopping.set()
        self._bell.ring()
        if self._thread is not None:
            self._thread.join(grace)

    def _run(self) -> None:
        while not self._stopping.is_set():
            heard = self._bell.rings
            try:
                carried = self.carry()
            except Temporary as fault:
                self._pause(str(fault))
            except Exception as error:
                # A bug or a schema that is behind: loud, but the relay of a service must not die of it.
                _log.exception("relay_failed", service=self._outbox.database.service)
                self._pause(repr(error))
            else:
                if not self._unpublished:
                    self._resume()
                if carried:
                    self._stopping.wait(BREATH)
                else:
                    self._bell.wait(heard, SWEEP)

    def carry(self) -> int:
        """Publish what is due and has room; returns how many messages. Raises Temporary if none of them could be."""
        if time.monotonic() >= self._housekeeping_at:
            self._keep_house()
        messages = self._outbox.claim(self._limit, self._after)
        carried = 0
        # A topic of its own each: one that the broker refuses must not hold up the others.
        for topic in dict.fromkeys(message.topic for message in messages):
            carried += self._publish(topic, [message for message in messages if message.topic == topic])
        if messages and not carried:
            raise Temporary(next(iter(self._unpublished.values())))
        return carried

    def _publish(self, topic: str, messages: list[Message]) -> int:
        try:
            self._bus.publish(messages, self._settled)
        except Temporary as fault:
            self._unpublished[topic] = str(fault)
            self._tell(str(fault))
            self._outbox.give_back(messages, random.uniform(0.5, 1.5))
            return 0
        self._unpublished.pop(topic, None)
        return len(messages)

    def _keep_house(self) -> None:
        self._outbox.release_overdue()
        for topic, depth in self._outbox.depths().items():
            metrics.OUTBOX_DEPTH.labels(topic).set(depth.rows)
            metrics.OUTBOX_OLDEST.labels(topic).set(depth.oldest)
        self._housekeeping_at = time.monotonic() + HOUSEKEEPING

    def _pause(self, reason: str) -> None:
        self._tell(reason)
        self._failures += 1
        self._stopping.wait(min(LONGEST_PAUSE, 0.5 * 2 ** min(self._failures, 10)) * random.uniform(0.5, 1.0))

    def _tell(self, reason: str) -> None:
        if not self._troubled:
            self._troubled = True
            _log.warning("relay_stopped", service=self._outbox.database.service, reason=reason)

    def _resume(self) -> None:
        self._failures = 0
        if self._troubled:
            self._troubled = False
            _log.info("relay_resumed", service=self._outbox.database.service)
