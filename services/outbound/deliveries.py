"""One mail to one person about an issue: claimed in its turn, rendered, and sent by `sending`, or by Jira (`notices`)."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from common import log, metrics
from common.claims import Claim
from common.db import Database
from common.errors import Permanent
from common.messages import Message
from common.outbox import Outbox
from outbound import decide, mime, render, store, store_deliveries, store_events, suppress, threads
from outbound.notices import Notice, Notices
from outbound.sealing import Sealing
from outbound.sending import Attempt, Parcel, Sending, server_of
from outbound.store_deliveries import Claimed
from outbound.transports.smtp import SmtpServer

_TURN = 3.0
_PATIENCE = 600.0
"""Seconds for which a mail waits behind an older one to the same person about the same issue."""
_EARLIER = 40


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
class Deliveries:
    """The handler of `delivery.due`; any number of threads may share it."""

    database: Database
    outbox: Outbox
    sealing: Sealing
    renderer: render.Renderer
    sending: Sending
    notices: Notices

    def on_due(self, message: Message) -> None:
        """Send the delivery that the message names, if it is still to be sent and its turn."""
        id, since = str(message.body["delivery"]), time.monotonic()
        with log.bind(delivery=id):
            job = self._claim(message, id)
            if job is None:
                return
            attempt = _attempt(message, job.claimed)
            if isinstance(job, _Stop):
                self.sending.end(attempt, job.state, job.why)
                return
            with self.sending.held(attempt, since) as claim:
                if isinstance(job, Notice):
                    self.notices.send(message, job, attempt.pause)
                else:
                    self._send(attempt, job, claim)

    def _send(self, attempt: Attempt, job: _Job, claim: Claim[Attempt]) -> None:
        mark = job.claimed.recipient_hash
        parcel = Parcel(job.server, job.from_address, job.address, mark, self._compose(job))
        happened_at = max(job.content["items"][index]["at"] for index in job.claimed.items)
        self.sending.send(
            attempt, parcel, claim, lambda sent_at: metrics.EVENT_LAG.observe(max(0.0, sent_at - happened_at))
        )

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
            row = self.sending.claim(tx, message, id, store_deliveries.CONTENT)
            if row is None:
                return None
            claimed = store_deliveries.claimed(row)
            try:
                return self._job(tx, claimed)
            except Permanent as fault:  # its tenant's key is gone, or the row was altered
                return _Stop(claimed, "failed", str(fault))

    def _job(self, tx: Connection, claimed: Claimed) -> _Job | Notice | _Stop:
        tenant, now = claimed.tenant, store_events.clock(tx)
        if self.sending.too_late(claimed.attempts, claimed.created_at, now):
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
            server=server_of(tx, self.sealing, sender),
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


def _attempt(message: Message, claimed: Claimed) -> Attempt:
    return Attempt(message, claimed.id, claimed.attempts, lambda tx: store_events.drop_content(tx, claimed.window_id))


def _mailbox(rows: Sequence[Row[Any]], content: dict[str, Any], sender: Row[Any], own: frozenset[str]) -> str | None:
    """Where a reply becomes a comment: the mailbox that the newest mail came to, or the sender if it is a mailbox."""
    newest = next((row.mailbox for row in reversed(rows) if row.mailbox), None)
    mailbox = newest or content["mailbox"]
    if mailbox and not suppress.unmailable(mailbox):
        return str(mailbox)
    return str(sender.from_address) if sender.from_address.lower() in own else None
