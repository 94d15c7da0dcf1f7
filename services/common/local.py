"""The bus inside one process: a hub with a queue for each receiving service and topic, worked off by threads.

What is published before its consumers exist waits in the hub. Nothing outlives the process: the outbox sends it again.
"""

import heapq
import threading
import time
from collections import deque
from collections.abc import Sequence

from common import log
from common.bus import Handler
from common.errors import Temporary
from common.messages import TOPICS, Message

PAUSE = 1.0  # seconds before a message whose handler raised is given out again

_log = log.get(__name__)


class Hub:
    """The queues that the buses of one process share."""

    def __init__(self, pause: float = PAUSE) -> None:
        self.pause = pause
        self.queues = {(topic.name, to): _Queue() for topic in TOPICS.values() for to in topic.receivers}

    def bus(self, service: str) -> "LocalBus":
        """The end of the bus that belongs to `service`."""
        return LocalBus(self, service)


class LocalBus:
    """Keeps the promises of `common.bus.Bus` within one process."""

    def __init__(self, hub: Hub, service: str) -> None:
        self._hub = hub
        self._service = service
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    def publish(self, messages: Sequence[Message]) -> None:
        """Put each message into the queue of every receiver; see Bus."""
        if self._closing.is_set():
            raise Temporary("The bus is closed.")
        for message in messages:
            data = message.encode()  # as on the wire: nobody shares a body with anybody
            for receiver in TOPICS[message.topic].receivers:
                self._hub.queues[message.topic, receiver].put(data)

    def consume(self, topic: str, handler: Handler, concurrency: int) -> None:
        """Start `concurrency` threads; see Bus."""
        queue = self._hub.queues[topic, self._service]
        for number in range(concurrency):
            name = f"{self._service}-{topic}-{number}"
            thread = threading.Thread(target=self._work, args=(queue, handler), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def check(self) -> None:
        """See Bus."""
        if self._closing.is_set():
            raise Temporary("The bus is closed.")

    def close(self, grace: float) -> None:
        """See Bus. What was not begun stays in the hub."""
        self._closing.set()
        for queue in self._hub.queues.values():
            queue.stir()
        deadline = time.monotonic() + grace
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, queue: "_Queue", handler: Handler) -> None:
        while (data := queue.take(self._closing)) is not None:
            try:
                handler(Message.decode(data))
            except Exception:
                _log.exception("message_given_back", service=self._service)
                queue.put(data, self._hub.pause)


class _Queue:
    """First in, first out, but what was given back waits out its pause."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._ready: deque[bytes] = deque()
        self._later: list[tuple[float, bytes]] = []

    def put(self, data: bytes, pause: float = 0.0) -> None:
        with self._condition:
            if pause:
                heapq.heappush(self._later, (time.monotonic() + pause, data))
            else:
                self._ready.append(data)
            self._condition.notify()

    def stir(self) -> None:
        """Let waiting threads look at their `closing` again."""
        with self._condition:
            self._condition.notify_all()

    def take(self, closing: threading.Event) -> bytes | None:
        """The next one, waited for as long as it takes; None once `closing` is set."""
        with self._condition:
            while not closing.is_set():
                while self._later and self._later[0][0] <= time.monotonic():
                    self._ready.append(heapq.heappop(self._later)[1])
                if self._ready:
                    return self._ready.popleft()
                self._condition.wait(self._later[0][0] - time.monotonic() if self._later else None)
            return None
