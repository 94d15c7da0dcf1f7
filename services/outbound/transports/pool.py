"""Connections to outgoing servers, kept between mails and reused: opening one costs more round trips than a mail."""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from common.claims import Claim
from common.errors import Permanent
from common.nets import Nets
from outbound.transports.smtp import SLOW, Connection, Refused, SmtpServer, Stale, Taken

IDLE = 30.0
"""Seconds a connection rests before it is closed: servers hang up on resting clients at their own times."""

_MOST_MAILS = 100


class SmtpPool:
    """Connections to any number of servers; threads share it, each connection carries one mail at a time.

    name: how we introduce ourselves, a host name or an address in brackets. timeout: seconds for each answer.
    """

    def __init__(
        self,
        nets: Nets,
        *,
        allow_plain: bool,
        name: str = "[127.0.0.1]",
        timeout: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nets = nets
        self._allow_plain = allow_plain
        self._name = name
        self._timeout = timeout
        self._clock = clock
        self._guard = threading.Lock()
        self._resting: dict[SmtpServer, deque[Connection]] = {}

    def send(
        self,
        server: SmtpServer,
        sender: str,
        recipient: str,
        data: bytes,
        *,
        within: float = 600.0,
        claim: Claim[Any] | None = None,
    ) -> Taken | Refused:
        """Send one mail to one recipient; `data` has CRLF line ends and is 7-bit.

        The mail itself is not begun when it might not be ended `within` so many seconds, or while it is not sure that the
        claim holds: Temporary then. When the claim is about to pass, the connection is cut.
        """
        latest = self._clock() + within - SLOW * 3 * self._timeout

        def in_time() -> bool:
            return self._clock() <= latest and (claim is None or claim.sure())

        connection = self._rested(server)
        if connection is not None:
            try:
                return self._deliver(connection, sender, recipient, data, in_time, claim)
            except Stale:
                pass  # it had been closed over there while it rested: nothing was sent, so try on a new one
        return self._deliver(self._open(server), sender, recipient, data, in_time, claim)

    def check(self, server: SmtpServer, sender: str, found: Callable[[str], None]) -> None:
        """Connect, log in and name the sender, without sending; tells `found` sentence by sentence. Raises as `send`."""
        connection = self._open(server, found)
        try:
            connection.name_sender(sender)
            found(f"The server takes mail from {sender}.")
        finally:
            connection.close()

    def reap(self) -> int:
        """Close connections that have rested too long; returns how many."""
        with self._guard:
            late = [one for line in self._resting.values() for one in line if self._clock() - one.since > IDLE]
            for server in list(self._resting):
                rest = deque(one for one in self._resting[server] if one not in late)
                if rest:
                    self._resting[server] = rest
                else:
                    del self._resting[server]
        for connection in late:
            connection.close()
        return len(late)

    def close(self) -> None:
        """Close all resting connections."""
        with self._guard:
            resting = [one for line in self._resting.values() for one in line]
            self._resting.clear()
        for connection in resting:
            connection.close()

    def _deliver(
        self,
        connection: Connection,
        sender: str,
        recipient: str,
        data: bytes,
        in_time: Callable[[], bool],
        claim: Claim[Any] | None,
    ) -> Taken | Refused:
        try:
            with claim.or_else(connection.cut) if claim else nullcontext():
                result = connection.transact(sender, recipient, data, in_time)
        except BaseException:
            connection.close()
            raise
        self._rest(connection)
        return result

    def _rested(self, server: SmtpServer) -> Connection | None:
        with self._guard:
            line = self._resting.get(server)
            while line:
                connection = line.pop()  # the one used last: the others may grow old and be closed
                if self._clock() - connection.since <= IDLE:
                    return connection
                connection.close()
        return None

    def _rest(self, connection: Connection) -> None:
        if connection.mails >= _MOST_MAILS or not connection.clean:
            connection.close()
            return
        connection.since = self._clock()
        with self._guard:
            self._resting.setdefault(connection.server, deque()).append(connection)

    def _open(self, server: SmtpServer, found: Callable[[str], None] = lambda _: None) -> Connection:
        if server.security == "none" and not self._allow_plain:
            raise Permanent(
                "Mail is not sent without encryption.",
                remedy="Choose TLS or STARTTLS, or have the operator set MAILBRIDGE_ALLOW_PLAIN.",
            )
        return Connection(server, self._nets, self._name, self._timeout, found)
