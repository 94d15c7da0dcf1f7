"""The bus inside one process: a hub with a queue for each receiving service and topic, worked off by threads.

What is published before its consumers exist waits in the hub. Nothing outlives the process: a message counts as settled
when every receiver has handled it, and until then it stays in its sender's outbox, which sends it again after a crash.
"""

import heapq
import threading
import time
from collections import deque
from collections.abc import Sequence
from itertools import count

from common import log
from common.bus import Handler, Settled
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

    may_forget = False  # what is settled was handled

    def __init__(self, hub: Hub, service: str) -> None:
        self._hub = hub
        self._service = service
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    def publish(self, messages: Sequence[Message], settled: Settled | None = None) -> None:
        """Put each message into the queue of every receiver; see Bus."""
        if self._closing.is_set():
            raise Temporary("The bus is closed.")
        for message in messages:
            receivers = TOPICS[message.topic].receivers
            parcel = _Parcel(message, len(receivers), settled)
            for receiver in receivers:
                self._hub.queues[message.topic, receiver].put(parcel)

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
        while (parcel := queue.take(self._closing)) is not None:
            try:
                handler(Message.decode(parcel.data))
            except Exception as error:
                if isinstance(error, Temporary):
                    _log.warning("message_given_back", service=self._service, reason=str(error))
                else:
                    _log.exception("message_given_back", service=self._service)
                queue.put(parcel, self._hub.pause)
                continue
            try:
                parcel.handled()
            except Temporary as fault:
                _log.warning("message_not_settled", service=self._service, reason=str(fault))  # so it will come again
            except Exception:
                _log.exception("message_not_settled", service=self._service)  # a mistake; this thread has more to do


class _Parcel:
    """A message on its way to so many receivers."""

    def __init__(self, message: Message, receivers: int, settled: Settled | None) -> None:
        self.data = message.encode()  # as on the wire: nobody shares a body with anybody
        self._message = message
        self._missing = receivers
        self._settled = settled
        self._lock = threading.Lock()

    def handled(self) -> None:
        """One more receiver has handled it; after the last one it is settled."""
        with self._lock:
            self._missing -= 1
            last = self._missing == 0
        if last and self._settled is not None:
            self._settled([self._message])


class _Queue:
    """First in, first out, but what was given back waits out its pause."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._ready: deque[_Parcel] = deque()
        self._later: list[tuple[float, int, _Parcel]] = []
        self._number = count()

    def put(self, parcel: _Parcel, pause: float = 0.0) -> None:
        with self._condition:
            if pause:
                heapq.heappush(self._later, (time.monotonic() + pause, next(self._number), parcel))
            else:
                self._ready.append(parcel)
            self._condition.notify()

    def stir(self) -> None:
        """Let waiting threads look at their `closing` again."""
        with self._condition:
            self._condition.notify_all()

    def take(self, closing: threading.Event) -> _Parcel | None:
        """The next one, waited for as long as it takes; None once `closing` is set."""
        with self._condition:
            while not closing.is_set():
                while self._later and self._later[0][0] <= time.monotonic():
                    self._ready.append(heapq.heappop(self._later)[-1])
                if self._ready:
                    return self._ready.popleft()
                self._condition.wait(self._later[0][0] - time.monotonic() if self._later else None)
            return None
