"""One mail to one person: claimed, rendered, sent, recorded.

The intent (state `sending`, the Message-ID long fixed) stands before the sending and the result after it. A worker that
dies in between leaves a claim that passes within a minute; then the mail is sent again with the same Message-ID. A worker that
lives and cannot renew its claim cuts its connection to the server before the claim passes.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from common import log, metrics, trace
from common.claims import CLAIM, Claim, Claims
from common.db import Database
from common.errors import Fault, Permanent, Temporary
from common.messages import Message
from common.outbox import Outbox
from outbound import decide, mime, render, store, store_deliveries, store_events, suppress, threads
from outbound.marks import Marks
from outbound.notices import Notice, Notices
from outbound.sealing import Sealing
from outbound.store_deliveries import Claimed
from outbound.transports.pool import SmtpPool
from outbound.transports.smtp import Refused, SmtpServer

_TURN = 3.0
_PATIENCE = 600.0
"""Seconds for which a mail waits behind an older one to the same person about the same issue."""
_AGAIN = 1.0
_EARLIER = 40
_LONGEST_PAUSE = 3600.0
_MENDING = 300.0
"""Seconds between tries while the settings are wrong: who has mended them waits no longer to see it."""
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    """All that one sending needs, read when it was claimed."""

    claimed: Claimed
    server: SmtpServer
    from_name: str
    from_address: str
    name: str
    address: str
    content: dict[str, Any]
    earlier: tuple[str, ...]
    mailbox: str | None
    sub_addresses: bool
    now: float


@dataclass(frozen=True, slots=True)
class _Stop:
    """This will not be sent: the state it ends in, with the reason (skipped) or the error (failed)."""

    claimed: Claimed
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class InHand:
    """What a thread is sending: the message that asked for it, and which attempt at which delivery."""

    message: Message
    id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The handler of `delivery.due`; any number of threads may share it."""

    database: Database
    outbox: Outbox
    sealing: Sealing
    marks: Marks
    renderer: render.Renderer
    pool: SmtpPool
    notices: Notices
    sending_seconds: float
    attempts: int
    give_up_after: float
    claims: Claims[InHand] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "claims", Claims(self._renew))

    def on_due(self, message: Message) -> None:
        """Send the delivery that the message names, if it is still to be sent and its turn."""
        id, since = str(message.body["delivery"]), time.monotonic()
        with log.bind(delivery=id):
            job = self._claim(message, id)
            if isinstance(job, _Stop):
                self._end(message, job.claimed, job.state, job.why)
            elif job is not None:
                item = InHand(message, id, job.claimed.attempts)
                with self.claims.held(item, since, self.sending_seconds) as claim:
                    if isinstance(job, Notice):
                        self.notices.send(message, job, _pause(job.claimed.attempts, None))
                    else:
                        self._send(message, job, claim)

    def give_back(self) -> None:
        """What is still being sent may be sent by others at once; to be called last, right before the process ends."""
        for item in self.claims.left():
            with self.database.write() as tx:
                store_deliveries.release(tx, item.id, item.attempt, "Given back by a worker that was told to stop.")
                self.outbox.postpone(tx, item.message.id, 0.0)
            _log.warning("delivery_given_back", delivery=item.id)

    def _renew(self, items: Sequence[InHand]) -> list[InHand]:
        with self.database.write() as tx:
            ours = store_deliveries.renew_all(tx, [(item.id, item.attempt) for item in items], CLAIM)
        return [item for item in items if (item.id, item.attempt) in ours]

    def _send(self, message: Message, job: _Job, claim: Claim[InHand]) -> None:
        data = self._compose(job)
        try:
            with trace.span("SMTP: send a mail", "client", facts={"server.address": job.server.host}):
                result = self.pool.send(
                    job.server, job.from_address, job.address, data, within=self.sending_seconds, claim=claim
                )
        except Temporary as fault:
            self._later(message, job.claimed, fault, _pause(job.claimed.attempts, fault.retry_after))
        except Permanent as fault:
            # The server or its settings, not this mail: all of the tenant's mail waits until a person has mended it.
            self._later(message, job.claimed, fault, min(_pause(job.claimed.attempts, None), _MENDING), trouble=True)
        else:
            if isinstance(result, Refused):
                self._refused(message, job, result)
            else:
                self._keep(lambda: self._sent(message, job), claim)

    def _keep(self, record: Callable[[], None], claim: Claim[InHand]) -> None:
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

    def _compose(self, job: _Job) -> bytes:
        claimed, content = job.claimed, job.content
        heads = threads.headers(claimed.message_id, job.earlier, job.mailbox, sub_addresses=job.sub_addresses)
        letter = self.renderer.letter(
            content,
            claimed.items,
            claimed.reasons,
            linked=claimed.kind == "account",
            answerable=job.mailbox is not None,
        )
        envelope = mime.Envelope(letter.author or job.from_name, job.from_address, job.name, job.address)
        issue = content["issue"]
        subject = threads.subject(issue["key"], issue["summary"], reply=bool(heads.in_reply_to))
        return mime.message(envelope, subject, letter, heads, job.now)

    def _claim(self, message: Message, id: str) -> _Job | Notice | _Stop | None:
        with self.database.write() as tx:
            if not self.outbox.still_out(tx, message.id):
                return None
            if store_deliveries.waits_for_older(tx, id, _PATIENCE):
                self.outbox.postpone(tx, message.id, _TURN)
                return None
            claimed = store_deliveries.claim(tx, id, CLAIM)
            if claimed is None:
                left = store_deliveries.claim_left(tx, id)
                if left is None:
                    self.outbox.done(tx, message.id)
                else:
                    self.outbox.postpone(tx, message.id, max(left, 0.0) + 1.0)
                return None
            try:
                return self._job(tx, claimed)
            except Permanent as fault:  # its tenant's key is gone, or the row was altered
                return _Stop(claimed, "failed", str(fault))

    def _job(self, tx: Connection, claimed: Claimed) -> _Job | Notice | _Stop:
        tenant, now = claimed.tenant, store_events.clock(tx)
        if claimed.attempts > self.attempts or now - claimed.created_at > self.give_up_after:
            who = "Jira" if claimed.kind == "notify" else "The outgoing server"
            return _Stop(claimed, "failed", f"{who} did not take this mail for too long.")
        sender = store.sender_of(tx, tenant)
        if sender is None:
            return _Stop(claimed, "skipped", decide.NO_SENDER)
        if claimed.content is None:
            return _Stop(claimed, "failed", "What the mail was to say is gone.")
        recipient = self.sealing.read_recipient(tx, tenant, claimed.id, claimed.recipient)
        if claimed.kind == "notify":
            content = self.sealing.read_content(tx, tenant, claimed.window_id, claimed.content)
            return Notice(claimed, recipient["account"] or "", content)
        address = recipient["address"] or ""
        refused = store.suppressions(tx, tenant, [claimed.recipient_hash])
        if why := suppress.why_not(address, refused, claimed.recipient_hash):
            return _Stop(claimed, "skipped", why)
        content = self.sealing.read_content(tx, tenant, claimed.window_id, claimed.content)
        rows = store.threads_of(tx, tenant, claimed.issue_id, _EARLIER)
        mailbox = _mailbox(rows, content, sender, store.own_addresses(tx, tenant))
        return _Job(
            claimed=claimed,
            server=self._server(tx, sender),
            from_name=sender.from_name,
            from_address=sender.from_address,
            name=recipient["name"] or "",
            address=address,
            content=content,
            earlier=self._earlier(tx, claimed, rows, content),
            mailbox=mailbox,
            sub_addresses=bool(rows) and rows[-1].mailbox == mailbox and bool(rows[-1].sub_addresses),
            now=now,
        )

    def _earlier(
        self, tx: Connection, claimed: Claimed, rows: Sequence[Row[Any]], content: dict[str, Any]
    ) -> tuple[str, ...]:
        """Message-IDs of the conversation as this person knows it, oldest first."""
        ours = store_deliveries.earlier_ids(tx, claimed.tenant, claimed.issue_id, claimed.recipient_hash, _EARLIER)
        known = sorted([*((row.message_id, row.at) for row in rows), *ours], key=lambda one: one[1])
        return tuple(dict.fromkeys([*([content["root"]] if content["root"] else []), *(id for id, _ in known)]))

    def _server(self, tx: Connection, sender: Row[Any]) -> SmtpServer:
        password = self.sealing.read_password(tx, sender.tenant, sender.secret) if sender.secret else ""
        return SmtpServer(
            sender.host, sender.port, sender.security, sender.username, password, sender.validate_certificate
        )

    def _sent(self, message: Message, job: _Job) -> None:
        claimed = job.claimed
        with self.database.write() as tx:
            sent_at = store_deliveries.sent(tx, claimed.id, claimed.attempts)
            store_events.drop_content(tx, claimed.window_id)
            store.sender_state(tx, claimed.tenant, "connected", None)
            self.outbox.done(tx, message.id)
        if sent_at is not None:
            happened_at = max(job.content["items"][index]["at"] for index in claimed.items)
            metrics.DELIVERIES.labels("sent").inc()
            metrics.EVENT_LAG.observe(max(0.0, sent_at - happened_at))
        _log.info("delivery_sent", attempts=claimed.attempts, event_kind=claimed.event)

    def _refused(self, message: Message, job: _Job, refused: Refused) -> None:
        error = log.redact(f"{refused.code} {refused.answer}")  # servers repeat the address in their answers
        self._end(message, job.claimed, "failed", error)
        if refused.recipient and suppress.no_such_address(refused.code, refused.status):
            reason = f"The server of this address refused it: {error}"
            with self.database.write() as tx:
                store.suppress(tx, job.claimed.tenant, job.claimed.recipient_hash, reason)

    def _later(self, message: Message, claimed: Claimed, fault: Fault, pause: float, *, trouble: bool = False) -> None:
        error = log.redact(str(fault))
        _log.warning("delivery_postponed", reason=error, attempts=claimed.attempts, delay=round(pause, 1))
        with self.database.write() as tx:
            store_deliveries.release(tx, claimed.id, claimed.attempts, error)
            if trouble:
                store.sender_state(tx, claimed.tenant, "trouble", str(fault))
            self.outbox.postpone(tx, message.id, pause)

    def _end(self, message: Message, claimed: Claimed, state: str, why: str) -> None:
        with self.database.write() as tx:
            reason, error = (why, None) if state == "skipped" else (None, why)
            store_deliveries.ended(tx, claimed.id, claimed.attempts, state, error, reason)
            store_events.drop_content(tx, claimed.window_id)
            self.outbox.done(tx, message.id)
        metrics.DELIVERIES.labels(state).inc()
        _log.warning("delivery_not_sent", state=state, reason=why)


def _mailbox(rows: Sequence[Row[Any]], content: dict[str, Any], sender: Row[Any], own: frozenset[str]) -> str | None:
    """Where a reply becomes a comment: the mailbox that the newest mail came to, or the sender if it is a mailbox."""
    newest = next((row.mailbox for row in reversed(rows) if row.mailbox), None)
    mailbox = newest or content["mailbox"]
    if mailbox and not suppress.unmailable(mailbox):
        return str(mailbox)
    return str(sender.from_address) if sender.from_address.lower() in own else None


def _pause(attempts: int, asked: float | None) -> float:
    pause = min(_LONGEST_PAUSE, 15.0 * 2.0 ** min(attempts - 1, 10)) * random.uniform(0.7, 1.3)
    return max(pause, asked or 0.0)
