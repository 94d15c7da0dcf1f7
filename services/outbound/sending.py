"""A letter on its way to the tenant's outgoing server, whatever it is about: claimed, handed over, recorded.

The intent (state `sending`, the Message-ID long fixed) stands before the sending and the result after it. A worker that
dies in between leaves a claim that passes within a minute; then the mail is sent again with the same Message-ID. A worker that
lives and cannot renew its claim cuts its connection to the server before the claim passes.
"""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row

from common import log, metrics, trace
from common.claims import CLAIM, Claim, Claims
from common.db import Database
from common.errors import Fault, Permanent, Temporary
from common.messages import Message
from common.outbox import Outbox
from outbound import store, suppress
from outbound.sealing import Sealing
from outbound.store_letters import Letters
from outbound.transports.pool import SmtpPool
from outbound.transports.smtp import Refused, SmtpServer

_AGAIN = 1.0
_LONGEST_PAUSE = 3600.0
_MENDING = 300.0
"""Seconds between tries while the settings are wrong: who has mended them waits no longer to see it."""
_log = log.get(__name__)


def _nothing(tx: Connection) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a thread is sending: the message that asked for it, and which attempt at which letter. settled: done in the
    transaction that ends the letter."""

    message: Message
    id: str
    number: int
    settled: Callable[[Connection], None] = field(default=_nothing, compare=False, repr=False)

    @property
    def tenant(self) -> str:
        return self.message.tenant

    @property
    def pause(self) -> float:
        """Seconds until the next attempt."""
        return min(_LONGEST_PAUSE, 15.0 * 2.0 ** min(self.number - 1, 10)) * random.uniform(0.7, 1.3)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A letter that is ready: by which server, from and to which address, the mark of that, and its octets."""

    server: SmtpServer
    from_address: str
    address: str
    mark: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """seconds: for which one attempt may take; attempts, give_up_after (seconds): what a letter is tried for."""

    seconds: float
    attempts: int
    give_up_after: float


class Sending:
    """Sends the letters of one table; any number of threads may share it.

    name: what the log calls one of them. count: counts those that reached a state.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        pool: SmtpPool,
        letters: Letters,
        limits: Limits,
        name: str,
        count: metrics.Counter,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._pool = pool
        self._letters = letters
        self._limits = limits
        self._name = name
        self._count = count
        self.claims: Claims[Attempt] = Claims(self._renew)

    def claim(self, tx: Connection, message: Message, id: str, *more: ColumnElement[Any]) -> Row[Any] | None:
        """The letter's columns and `more`, claimed for one attempt. None if there is nothing to do, or not yet: then the
        message is seen to."""
        row = self._letters.claim(tx, id, CLAIM, *more)
        if row is None:
            left = self._letters.claim_left(tx, id)
            if left is None:
                self._outbox.done(tx, message.id)
            else:
                self._outbox.postpone(tx, message.id, max(left, 0.0) + 1.0)
        return row

    def too_late(self, attempts: int, created_at: float, now: float) -> bool:
        """True if it was tried often and long enough."""
        return attempts > self._limits.attempts or now - created_at > self._limits.give_up_after

    def held(self, attempt: Attempt, since: float) -> AbstractContextManager[Claim[Attempt]]:
        """The claim is renewed for the block. since: the monotonic clock before it was made."""
        return self.claims.held(attempt, since, self._limits.seconds)

    def send(
        self,
        attempt: Attempt,
        parcel: Parcel,
        claim: Claim[Attempt],
        sent: Callable[[float], None] | None = None,
    ) -> None:
        """Hand it over and record what came of it; `sent` is called with the instant, by the database's clock."""
        try:
            with trace.span("SMTP: send a mail", "client", facts={"server.address": parcel.server.host}):
                result = self._pool.send(
                    parcel.server,
                    parcel.from_address,
                    parcel.address,
                    parcel.data,
                    within=self._limits.seconds,
                    claim=claim,
                )
        except Temporary as fault:
            self.put_off(attempt, fault, max(attempt.pause, fault.retry_after or 0.0))
        except Permanent as fault:
            # The server or its settings, not this mail: all of the tenant's mail waits until a person has mended it.
            self.put_off(attempt, fault, min(attempt.pause, _MENDING), trouble=True)
        else:
            if isinstance(result, Refused):
                self._refused(attempt, parcel, result)
            else:
                self._keep(lambda: self._sent(attempt, sent), claim)

    def put_off(self, attempt: Attempt, fault: Fault, pause: float, *, trouble: bool = False) -> None:
        """Try again `pause` seconds from now. trouble: the outgoing server's settings are to blame."""
        error = log.redact(str(fault))
        _log.warning(f"{self._name}_postponed", reason=error, attempts=attempt.number, delay=round(pause, 1))
        with self._database.write() as tx:
            self._letters.release(tx, attempt.id, attempt.number, error)
            if trouble:
                store.sender_state(tx, attempt.tenant, "trouble", str(fault))
            self._outbox.postpone(tx, attempt.message.id, pause)

    def end(self, attempt: Attempt, state: str, why: str) -> None:
        """It will not be sent: skipped with this reason, or failed with this error."""
        with self._database.write() as tx:
            reason, error = (why, None) if state == "skipped" else (None, why)
            self._letters.ended(tx, attempt.id, attempt.number, state, error, reason)
            attempt.settled(tx)
            self._outbox.done(tx, attempt.message.id)
        self._count.labels(state).inc()
        _log.warning(f"{self._name}_not_sent", state=state, reason=why)

    def give_back(self) -> None:
        """What is still being sent may be sent by others at once; to be called last, right before the process ends."""
        for item in self.claims.left():
            with self._database.write() as tx:
                told = "Given back by a worker that was told to stop."
                self._letters.release(tx, item.id, item.number, told)
                self._outbox.postpone(tx, item.message.id, 0.0)
            _log.warning(f"{self._name}_given_back", letter=item.id)

    def _renew(self, items: Sequence[Attempt]) -> list[Attempt]:
        with self._database.write() as tx:
            ours = self._letters.renew_all(tx, [(item.id, item.number) for item in items], CLAIM)
        return [item for item in items if (item.id, item.number) in ours]

    def _keep(self, record: Callable[[], None], claim: Claim[Attempt]) -> None:
        """Record what the server has answered. While the database is away nobody else sends this letter: it is tried again
        for as long as that is sure."""
        while True:
            try:
                return record()
            except Temporary as fault:
                if not claim.sure():
                    raise
                _log.warning("sending_not_recorded", reason=str(fault))
            time.sleep(_AGAIN)

    def _sent(self, attempt: Attempt, sent: Callable[[float], None] | None) -> None:
        with self._database.write() as tx:
            sent_at = self._letters.sent(tx, attempt.id, attempt.number)
            attempt.settled(tx)
            store.sender_state(tx, attempt.tenant, "connected", None)
            self._outbox.done(tx, attempt.message.id)
        if sent_at is not None:
            self._count.labels("sent").inc()
            if sent is not None:
                sent(sent_at)
        _log.info(f"{self._name}_sent", attempts=attempt.number)

    def _refused(self, attempt: Attempt, parcel: Parcel, refused: Refused) -> None:
        error = log.redact(f"{refused.code} {refused.answer}")  # servers repeat the address in their answers
        self.end(attempt, "failed", error)
        if refused.recipient and suppress.no_such_address(refused.code, refused.status):
            reason = f"The server of this address refused it: {error}"
            with self._database.write() as tx:
                store.suppress(tx, attempt.tenant, parcel.mark, reason)


def server_of(tx: Connection, sealing: Sealing, sender: Row[Any]) -> SmtpServer:
    """The tenant's outgoing server with its password; raises Permanent where that cannot be unsealed."""
    password = sealing.read_password(tx, sender.tenant, sender.secret) if sender.secret else ""
    return SmtpServer(sender.host, sender.port, sender.security, sender.username, password, sender.validate_certificate)
