"""Consuming: handlers in threads of their own, acknowledgements on the connection's thread, prefetch by concurrency.

A lost connection gives everything unacknowledged back to the broker; what a handler is just doing is then done twice, which
handlers must stand anyway.
"""

import math
import threading
import time
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from common import amqp_census, log
from common.amqp_link import Link
from common.amqp_topology import queue_name
from common.bus import Handler
from common.errors import Temporary
from common.messages import Message

PAUSE = 1.0  # seconds before a message whose handler raised is given back

_log = log.get(__name__)


class Consumer:
    """All subscriptions of a process over one connection, a channel each."""

    def __init__(self, url: str, service: str) -> None:
        self._service = service
        self._subscriptions: list[_Subscription] = []
        self._connection: Any = None
        self._closing = False
        self._link = Link(url, f"{service} consumer", self._up, self._down)

    def consume(self, topic: str, handler: Handler, concurrency: int) -> None:
        """Start `concurrency` threads and the subscription, now or as soon as the connection stands."""
        subscription = _Subscription(self._link, queue_name(self._service, topic), handler, concurrency)
        self._link.call(lambda: self._add(subscription))

    def check(self) -> None:
        """Raises Temporary while the connection does not stand."""
        self._link.check()

    def close(self, grace: float) -> None:
        """Stop taking, give back what was not begun, wait for the handlers at work, then close the connection, which
        gives back the rest."""
        stopped = threading.Event()
        if self._link.call(lambda: self._stop(stopped)):
            stopped.wait(5.0)
        deadline = time.monotonic() + grace
        for subscription in self._subscriptions:
            subscription.join(deadline)
        self._link.stop()

    def _add(self, subscription: "_Subscription") -> None:
        self._subscriptions.append(subscription)
        if self._connection is not None:
            subscription.open(self._connection)

    def _up(self, connection: Any, channel: Any) -> None:
        self._connection = connection
        if not self._closing:
            for subscription in self._subscriptions:
                subscription.open(connection)
            amqp_census.watch(self._link, connection)

    def _down(self, reason: str) -> None:
        self._connection = None

    def _stop(self, stopped: threading.Event) -> None:
        self._closing = True
        for subscription in self._subscriptions:
            subscription.stop()
        stopped.set()


class _Subscription:
    """One queue, its channel while there is a connection, and its threads. `_channel` is touched on the link's thread only."""

    def __init__(self, link: Link, queue: str, handler: Handler, concurrency: int) -> None:
        self._link = link
        self._queue = queue
        self._handler = handler
        self._concurrency = concurrency
        self._channel: Any = None
        self._closing = False
        self._inbox: SimpleQueue[tuple[Any, int, Message] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{queue}-{number}", daemon=True) for number in range(concurrency)
        ]
        for thread in self._threads:
            thread.start()

    def open(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._opened)

    def stop(self) -> None:
        """Take no more, give back what was not begun, let the threads end after what they have in hand."""
        self._closing = True
        if self._channel is not None and self._channel.is_open:
            for tag in self._channel.consumer_tags:
                self._channel.basic_cancel(tag)
        while True:
            try:
                item = self._inbox.get_nowait()
            except Empty:
                break
            if item is not None:
                self._answer(item[0], "basic_nack", item[1])
        for _ in self._threads:
            self._inbox.put(None)

    def join(self, deadline: float) -> None:
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _opened(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._closed)
        channel.add_on_cancel_callback(lambda _frame: channel.close())  # the queue was deleted, or lost its leader
        channel.basic_qos(prefetch_count=math.ceil(self._concurrency * 1.25))
        channel.basic_consume(self._queue, self._on_message)

    def _closed(self, channel: Any, reason: BaseException) -> None:
        # One channel closed alone: take the connection down with it, so that everything is declared and opened anew.
        if channel.connection.is_open and not self._closing:
            _log.warning("broker_channel_closed", queue=self._queue, reason=repr(reason))
            channel.connection.close()

    def _on_message(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        tag = int(method.delivery_tag)
        if self._closing:
            self._answer(channel, "basic_nack", tag)
            return
        try:
            message = Message.decode(body)
        except ValueError as error:
            _log.error("message_undecodable", queue=self._queue, reason=str(error), size=len(body))
            channel.basic_reject(tag, requeue=False)  # to the dead-letter queue
            return
        self._inbox.put((channel, tag, message))

    def _work(self) -> None:
        while (item := self._inbox.get()) is not None:
            channel, tag, message = item
            if not channel.is_open:
                continue  # the broker gives it out again over the next connection
            try:
                self._handler(message)
            except Exception as error:
                self._tell(error, message)
                self._link.call(partial(self._give_back, channel, tag))
            else:
                self._link.call(partial(self._answer, channel, "basic_ack", tag))

    def _tell(self, error: Exception, message: Message) -> None:
        facts = {"queue": self._queue, "message": message.id}
        if isinstance(error, Temporary):  # the database is away, say: a sentence is enough for that, each time
            _log.warning("message_given_back", reason=str(error), **facts)
        else:
            _log.exception("message_given_back", **facts)

    def _give_back(self, channel: Any, tag: int) -> None:
        self._link.later(PAUSE, partial(self._answer, channel, "basic_nack", tag))

    def _answer(self, channel: Any, method: str, tag: int) -> None:
        if channel.is_open:
            getattr(channel, method)(tag)
