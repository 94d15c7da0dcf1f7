"""Publishing with confirms: callers in many threads, one connection, confirms in flight by the hundred.

(One confirm at a time gives a tenth of the throughput.)
"""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

from common.amqp_link import Link, accepted, publish
from common.amqp_topology import declare_topology
from common.errors import Temporary
from common.messages import TOPICS, Message

WINDOW = 500  # messages the broker may owe us a confirm for


class Publisher:
    """`publish` blocks its caller only; everything else happens on the link's thread."""

    def __init__(self, url: str, service: str, patience: float) -> None:
        self._patience = patience
        self._channel: Any = None
        self._tag = 0
        self._waiting: deque[tuple[_Batch, Message]] = deque()
        self._unconfirmed: dict[int, tuple[_Batch, Message]] = {}  # in the order of their tags
        self._returned: set[str] = set()
        self._link = Link(url, f"{service} publisher", self._up, self._down)

    def publish(self, messages: Sequence[Message]) -> None:
        """Returns when the broker has confirmed every message. Raises Temporary (`maybe_done`) when one was refused or
        returned, when the connection is lost, or after `patience` seconds."""
        for message in messages:
            if message.topic not in TOPICS:
                raise ValueError(f"no such topic: {message.topic}")
        if not messages:
            return
        batch = _Batch(len(messages))
        if not self._link.call(lambda: self._take(batch, messages)):
            raise Temporary("The bus is closed.")
        if not batch.ended.wait(self._patience):
            batch.end(f"The broker did not confirm within {self._patience:g} seconds.")
        if batch.fault:
            raise Temporary(batch.fault, maybe_done=True)

    def check(self) -> None:
        """Raises Temporary while nothing can be published."""
        self._link.check()

    def close(self) -> None:
        """Close the connection; whoever waits for a confirm gets Temporary."""
        self._link.stop()

    def _take(self, batch: "_Batch", messages: Sequence[Message]) -> None:
        if self._link.lost:
            batch.end(self._link.trouble)  # no sense in waiting: the caller has a clock of its own
            return
        self._waiting.extend((batch, message) for message in messages)
        self._send()

    def _send(self) -> None:
        while self._channel is not None and self._waiting and len(self._unconfirmed) < WINDOW:
            batch, message = self._waiting.popleft()
            if batch.ended.is_set():
                continue
            self._tag += 1
            self._unconfirmed[self._tag] = batch, message
            publish(self._channel, message)

    def _up(self, connection: Any, channel: Any) -> None:
        self._tag = 0
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=lambda _frame: self._ready(channel))

    def _ready(self, channel: Any) -> None:
        self._channel = channel
        self._send()

    def _down(self, reason: str) -> None:
        self._channel = None
        owed = [*self._unconfirmed.values(), *self._waiting]
        self._unconfirmed.clear()
        self._waiting.clear()
        self._returned.clear()
        for batch, _ in owed:
            batch.end(reason)

    def _on_return(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self._returned.add(properties.message_id)  # its confirm follows, as if all were well
        if len(self._returned) == 1:  # somebody deleted a queue: make it again for the next try
            declare_topology(channel, channel.connection.server_properties or {}, lambda: None)

    def _on_confirm(self, frame: Any) -> None:
        last = int(frame.method.delivery_tag)
        tags = [last]
        if frame.method.multiple:
            tags = [tag for tag in self._unconfirmed if tag <= last]
        for tag in tags:
            batch, message = self._unconfirmed.pop(tag, (None, None))
            if batch is None or message is None:
                continue
            if not accepted(frame):
                batch.end("The broker refused a message.")
            elif message.id in self._returned:
                self._returned.discard(message.id)
                batch.end(f"The broker has no queue for {message.topic}.")
            else:
                batch.confirm()
        self._send()


class _Batch:
    """What one caller waits for: so many confirms, or the first fault."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self._lock = threading.Lock()
        self.fault = ""
        self.ended = threading.Event()

    def confirm(self) -> None:
        with self._lock:
            self._missing -= 1
            if self._missing == 0:
                self.ended.set()

    def end(self, fault: str) -> None:
        with self._lock:
            if not self.ended.is_set():
                self.fault = fault
                self.ended.set()
