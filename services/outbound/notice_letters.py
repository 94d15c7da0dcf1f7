"""Letters that a notice of inbound's asks for, to whomever: the rows they are, and the handler of `notice.due` that sends one.

What a kind of letter says, to whom it must not go and who gets it is that kind's own affair (`Kind`).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Row

from common import log
from common.claims import Claim
from common.db import Database
from common.errors import Permanent
from common.ids import new_id
from common.messages import Message
from common.outbox import Outbox
from outbound import decide, store, store_admin_letters, store_events, threads
from outbound.admin_notice import Candidate
from outbound.facts import Recipient
from outbound.marks import Marks
from outbound.sealing import Sealing
from outbound.sending import Attempt, Parcel, Sending, server_of
from outbound.transports.smtp import SmtpServer


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed letter, with what it says as JSON. recipient: None until it is found out."""

    row: Row[Any]
    content: Mapping[str, Any]
    server: SmtpServer
    from_name: str
    from_address: str
    recipient: Candidate | None
    now: float


class Kind(Protocol):
    """What is a kind of letter's own."""

    @property
    def sending(self) -> Sending:
        """By which its letters are sent and counted."""

    def refusal(self, tx: Connection, row: Row[Any], content: Mapping[str, Any], address: str) -> str:
        """Why it does not go there, or ""."""

    def find(self, attempt: Attempt, job: Job) -> Candidate | None:
        """Who gets a letter without a recipient, noted at it; None if it is seen to otherwise."""

    def compose(self, job: Job, recipient: Candidate) -> bytes:
        """The mail as it travels."""


@dataclass(frozen=True, slots=True)
class _Stop:
    """This will not be sent: the state it ends in, with the reason (skipped) or the error (failed)."""

    row: Row[Any]
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes down the letters of a notice, in the transaction of its handler."""

    outbox: Outbox
    sealing: Sealing
    marks: Marks

    def add(self, tx: Connection, message: Message, rows: list[dict[str, Any]]) -> int | None:
        """Add the letters of this notice; how many are to be sent, or None if they are there already."""
        if not store_admin_letters.add(tx, rows):
            return None
        due = [{"letter": row["id"]} for row in rows if row["state"] == "pending"]
        self.outbox.put_all(tx, "notice.due", message.tenant, due)
        return len(due)

    def row(
        self,
        tx: Connection,
        message: Message,
        kind: str,
        content: Mapping[str, Any],
        number: int = 0,
        *,
        sender: Row[Any] | None,
        address: str | None = None,
        why: str = "",
        no: str = "",
    ) -> dict[str, Any]:
        """A letter's row. sender: the outgoing server; address: None while nobody knows who gets it; why: the sentence that
        says why they do; no: why they do not, after all."""
        id, tenant = new_id(), message.tenant
        return {
            "id": id,
            "tenant": tenant,
            "notice": message.id,
            "number": number,
            "kind": kind,
            "content": self.sealing.notice(tx, tenant, id, content),
            **self.to(tx, tenant, id, address),
            "reason": no or why,
            "state": "skipped" if no else "pending",
            # No token of a conversation: an answer to this letter belongs to none.
            "message_id": f"notice-{id}@{threads.domain(sender.from_address)}" if sender is not None else None,
        }

    def to(self, tx: Connection, tenant: str, id: str, address: str | None) -> dict[str, Any]:
        """The columns that say who gets it."""
        if address is None:
            return {"recipient": None, "recipient_hash": ""}
        sealed = self.sealing.recipient(tx, tenant, id, Recipient("address", "", address, None))
        return {"recipient": sealed, "recipient_hash": self.marks.of(tenant, address)}


@dataclass(frozen=True, slots=True)
class NoticeLetters:
    """The handler of `notice.due`; any number of threads may share it. kinds: by what the rows say."""

    database: Database
    outbox: Outbox
    sealing: Sealing
    marks: Marks
    sending: Sending
    kinds: Mapping[str, Kind]

    def on_due(self, message: Message) -> None:
        """Send the letter that the message names, if it is still to be sent."""
        id, since = str(message.body["letter"]), time.monotonic()
        with log.bind(letter=id):
            job = self._claim(message, id)
            if job is None:
                return
            attempt, kind = Attempt(message, id, job.row.attempts), self.kinds[job.row.kind]
            if isinstance(job, _Stop):
                kind.sending.end(attempt, job.state, job.why)
                return
            with kind.sending.held(attempt, since) as claim:
                self._send(attempt, job, kind, claim)

    def _claim(self, message: Message, id: str) -> Job | _Stop | None:
        with self.database.write() as tx:
            if not self.outbox.still_out(tx, message.id):
                return None
            row = self.sending.claim(tx, message, id)
            if row is None:
                return None
            try:
                return self._job(tx, row)
            except Permanent as fault:  # its tenant's key is gone, or the row was altered
                return _Stop(row, "failed", str(fault))

    def _job(self, tx: Connection, row: Row[Any]) -> Job | _Stop:
        now, sender = store_events.clock(tx), store.sender_of(tx, row.tenant)
        if self.sending.too_late(row.attempts, row.created_at, now):
            return _Stop(row, "failed", f"This could not be sent for too long. {row.error or ''}".strip())
        if sender is None:
            return _Stop(row, "skipped", decide.NO_SENDER)
        content = self.sealing.read_notice(tx, row.tenant, row.id, row.content)
        recipient = None
        if row.recipient is not None:
            address = self.sealing.read_recipient(tx, row.tenant, row.id, row.recipient)["address"] or ""
            if why := self.kinds[row.kind].refusal(tx, row, content, address):
                return _Stop(row, "skipped", why)
            recipient = Candidate(address, row.reason)
        server = server_of(tx, self.sealing, sender)
        return Job(row, content, server, sender.from_name, sender.from_address, recipient, now)

    def _send(self, attempt: Attempt, job: Job, kind: Kind, claim: Claim[Attempt]) -> None:
        recipient = job.recipient or kind.find(attempt, job)
        if recipient is None:
            return
        data, mark = kind.compose(job, recipient), self.marks.of(attempt.tenant, recipient.address)
        kind.sending.send(attempt, Parcel(job.server, job.from_address, recipient.address, mark, data), claim)
