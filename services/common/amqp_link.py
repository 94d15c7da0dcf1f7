"""One connection to RabbitMQ on a thread of its own, made again for ever.

The only module that imports pika. Its callbacks run on the link's thread; everybody else goes through `call`.
"""

import random
import threading
from collections.abc import Callable
from typing import Any

import pika
from pika.adapters.select_connection import IOLoop

from common import log
from common.amqp_topology import EXCHANGE, declare_topology
from common.env import BadSetting
from common.errors import Temporary
from common.messages import Message

HEARTBEAT = 30  # seconds; a peer that is silent for twice as long is gone
BLOCKED = 20.0  # seconds under the broker's alarm before the connection is given up (pika's default waits for ever)
HURRY = 3.0  # seconds that a connection may hold up the end
LONGEST_PAUSE = 15.0  # seconds between tries to connect

_log = log.get(__name__)


class Link:
    """Keeps a connection. `up(connection, channel)` is called when it stands and the topology is declared, `down(reason)`
    whenever it is lost or could not be made; both on the link's thread."""

    def __init__(self, url: str, name: str, up: Callable[[Any, Any], None], down: Callable[[str], None]) -> None:
        self._parameters = _parameters(url, name)
        self._name = name
        self._up = up
        self._down = down
        self._loop: Any = IOLoop()
        self._lock = threading.Lock()  # the loop must not be closed while somebody calls into it
        self._connection: Any = None
        self._failures = 0
        self._stopping = False
        self._ended = False
        self.trouble = "The connection to the broker is being made."
        self.lost = False  # True from a failure on until the connection stands again
        self._thread = threading.Thread(target=self._run, name=f"amqp-{name}", daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], None]) -> bool:
        """Let the link's thread call `function` soon, in the order of calls; False once the link has ended."""
        with self._lock:
            if not self._ended:
                self._loop.add_callback_threadsafe(function)
            return not self._ended

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        """Let the link's thread call `function` after so many seconds; to be called on that thread."""
        self._loop.call_later(seconds, function)

    def check(self) -> None:
        """Raises Temporary while the connection does not stand or the broker holds it up."""
        if self.trouble:
            raise Temporary(self.trouble)

    def stop(self) -> None:
        """Close the connection in an orderly way, after everything that was given to `call`."""
        self.call(self._begin_stop)
        self._thread.join(10.0)

    def _run(self) -> None:
        self._connect()
        while not self._ended:
            try:
                self._loop.start()
            except Exception as error:
                # A bug, ours or pika's: this connection's state cannot be trusted, the thread must live on.
                _log.exception("broker_link_failed", link=self._name)
                with self._lock:
                    self._loop.close()
                    self._loop = IOLoop()
                self._failed(self._connection, error)
        self._loop.close()

    def _connect(self) -> None:
        if self._stopping:
            self._end()
            return
        try:
            self._connection = pika.SelectConnection(
                self._parameters,
                on_open_callback=self._opened,
                on_open_error_callback=self._failed,
                on_close_callback=self._failed,
                custom_ioloop=self._loop,
            )
        except Exception as error:
            self._connection = None
            self._failed(None, error)

    def _opened(self, connection: Any) -> None:
        if self._stopping:
            connection.close()
            return
        connection.add_on_connection_blocked_callback(self._blocked)
        connection.add_on_connection_unblocked_callback(self._unblocked)
        connection.channel(on_open_callback=self._declare)

    def _declare(self, channel: Any) -> None:
        channel.add_on_close_callback(self._channel_closed)
        declare_topology(channel, self._connection.server_properties or {}, lambda: self._stands(channel))

    def _stands(self, channel: Any) -> None:
        if self.lost:
            _log.info("broker_connected", link=self._name)
        self._failures = 0
        self.lost = False
        self.trouble = ""
        self._up(self._connection, channel)

    def _blocked(self, connection: Any, method: Any) -> None:
        self.trouble = "The broker takes no messages just now: its disk or memory is short."
        _log.warning("broker_blocked", link=self._name)

    def _unblocked(self, connection: Any, method: Any) -> None:
        self.trouble = ""
        _log.info("broker_unblocked", link=self._name)

    def _channel_closed(self, channel: Any, reason: BaseException) -> None:
        if self._connection is not None and self._connection.is_open:
            self._connection.close(200, f"channel closed: {reason}"[:200])

    def _failed(self, connection: Any, reason: BaseException) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        self.trouble = f"The broker cannot be reached: {reason!r}."
        if not self.lost and not self._stopping:
            _log.warning("broker_lost", link=self._name, reason=repr(reason))
        self.lost = True
        self._down(self.trouble)
        if self._stopping:
            self._end()
            return
        self._failures += 1
        pause = min(LONGEST_PAUSE, 0.5 * 2 ** min(self._failures - 1, 10)) * random.uniform(0.5, 1.0)
        self._loop.call_later(pause, self._connect)

    def _begin_stop(self) -> None:
        self._stopping = True
        if self._connection is None:
            self._end()
        elif self._connection.is_open:
            self._connection.close()
            self._loop.call_later(HURRY, self._end)  # a broker that stands still never says farewell
        else:
            # It is being made or closed already: pika fails when a connection is closed before it is open.
            self._loop.call_later(HURRY, self._end)

    def _end(self) -> None:
        with self._lock:
            self._ended = True
        self._loop.stop()


def check_url(url: str) -> None:
    """Raises BadSetting unless `url` is one that pika can read."""
    if not url.startswith(("amqp://", "amqps://")):
        raise BadSetting("MAILBRIDGE_BROKER_URL: give amqp://user:password@host/vhost or amqps://….")
    try:
        pika.URLParameters(url)
    except (ValueError, TypeError) as error:
        raise BadSetting(f"MAILBRIDGE_BROKER_URL cannot be read: {error}.") from error


def publish(channel: Any, message: Message) -> None:
    """Give a message to the channel: persistent, and to come back if no queue takes it."""
    properties = pika.BasicProperties(
        content_type="application/json", delivery_mode=2, message_id=message.id, type=message.topic
    )
    channel.basic_publish(EXCHANGE, message.topic, message.encode(), properties, mandatory=True)


def accepted(frame: Any) -> bool:
    """True if the broker's confirm is an ack, False if it is a nack."""
    return isinstance(frame.method, pika.spec.Basic.Ack)


def _parameters(url: str, name: str) -> pika.URLParameters:
    parameters = pika.URLParameters(url)
    parameters.heartbeat = HEARTBEAT
    parameters.blocked_connection_timeout = BLOCKED
    parameters.socket_timeout = 10.0
    parameters.stack_timeout = 15.0
    parameters.connection_attempts = 1  # the link has its own pauses
    parameters.client_properties = {"connection_name": f"mailbridge {name}"}
    return parameters
