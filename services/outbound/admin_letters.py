"""Letters to whoever has to do something about a mailbox: one a recipient, by the tenant's outgoing server, once.

A notice becomes its letters in one transaction. To whom: the addresses that the tenant named, else one letter to the person who
connected the mailbox, else to the account of an API token. Whom that is, is asked of Jira when the letter is due, so that
a Jira that cannot be asked just then delays it and nothing else.
"""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from common import log, metrics
from common.claims import Claim
from common.db import Database
from common.errors import Fault, Permanent
from common.ids import new_id
from common.messages import Message
from common.outbox import Outbox
from common.vendor import Vendor
from outbound import admin_notice, decide, mime, render, store, store_admin_letters, store_events, threads
from outbound.addresses import Addresses
from outbound.admin_notice import AdminNotice, Candidate, Refusals
from outbound.facts import Recipient
from outbound.marks import Marks
from outbound.sealing import Sealing
from outbound.sending import Attempt, Parcel, Sending, server_of
from outbound.store_admin_letters import LETTERS
from outbound.transports.smtp import SmtpServer

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    """A claimed letter. recipient: None until it is found out."""

    row: Row[Any]
    notice: AdminNotice
    server: SmtpServer
    from_name: str
    from_address: str
    recipient: Candidate | None
    now: float


@dataclass(frozen=True, slots=True)
class _Stop:
    """This will not be sent: the state it ends in, with the reason (skipped) or the error (failed)."""

    row: Row[Any]
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class AdminLetters:
    """The handlers of `admin.notice` and `notice.due`; any number of threads may share it."""

    database: Database
    outbox: Outbox
    sealing: Sealing
    marks: Marks
    renderer: render.Renderer
    sending: Sending
    vendor: Vendor
    addresses: Addresses
    base_url: str

    def on_admin_notice(self, message: Message) -> None:
        """Make the letters of a notice; the second time this changes nothing."""
        try:
            notice = admin_notice.read(message.body)
        except ValueError as error:
            _log.error("admin_notice_unreadable", message=message.id, reason=str(error))
            return
        with self.database.write() as tx:
            rows = self._letters(tx, message, notice)
            if not store_admin_letters.add(tx, rows):
                return
            due = [{"letter": row["id"]} for row in rows if row["state"] == "pending"]
            self.outbox.put_all(tx, "notice.due", message.tenant, due)
        for row in rows:
            metrics.ADMIN_LETTERS.labels(row["state"]).inc()
        _log.info("admin_notice", mailbox=notice.mailbox, notice=notice.kind, letters=len(due))
        if not due:
            _log.error("admin_not_told", mailbox=notice.mailbox, notice=notice.kind, reason=rows[0]["reason"])

    def on_due(self, message: Message) -> None:
        """Send the letter that the message names, if it is still to be sent."""
        id, since = str(message.body["letter"]), time.monotonic()
        with log.bind(letter=id):
            job = self._claim(message, id)
            if job is None:
                return
            attempt = Attempt(message, id, job.row.attempts)
            if isinstance(job, _Stop):
                self.sending.end(attempt, job.state, job.why)
                return
            with self.sending.held(attempt, since) as claim:
                self._send(attempt, job, claim)

    # --- making

    def _letters(self, tx: Connection, message: Message, notice: AdminNotice) -> list[dict[str, Any]]:
        sender = store.sender_of(tx, message.tenant)
        if sender is None:
            return [self._row(tx, message, notice, 0, no=decide.NO_SENDER)]
        told = self._told(tx, sender)
        if not told:
            return [self._row(tx, message, notice, 0, sender=sender)]
        refusals = self._refusals(tx, message.tenant, notice, told)
        return [
            self._row(tx, message, notice, number, sender, Candidate(one, admin_notice.TOLD), refusals.of(one))
            for number, one in enumerate(told)
        ]

    def _told(self, tx: Connection, sender: Row[Any]) -> list[str]:
        try:
            return self.sealing.read_told(tx, sender.tenant, sender.told)
        except Permanent as fault:  # then somebody else is told
            _log.error("told_unreadable", tenant=sender.tenant, reason=str(fault))
            return []

    def _row(
        self,
        tx: Connection,
        message: Message,
        notice: AdminNotice,
        number: int,
        sender: Row[Any] | None = None,
        recipient: Candidate | None = None,
        no: str = "",
    ) -> dict[str, Any]:
        id, tenant = new_id(), message.tenant
        return {
            "id": id,
            "tenant": tenant,
            "notice": message.id,
            "number": number,
            "kind": notice.kind,
            "content": self.sealing.notice(tx, tenant, id, notice.to_json()),
            **self._to(tx, tenant, id, recipient),
            "reason": no or (recipient.why if recipient else ""),
            "state": "skipped" if no else "pending",
            # No token of a conversation: an answer to this letter belongs to none.
            "message_id": f"notice-{id}@{threads.domain(sender.from_address)}" if sender is not None else None,
        }

    def _to(self, tx: Connection, tenant: str, id: str, recipient: Candidate | None) -> dict[str, Any]:
        if recipient is None:
            return {"recipient": None, "recipient_hash": ""}
        who = Recipient("address", "", recipient.address, None)
        mark = self.marks.of(tenant, recipient.address)
        return {"recipient": self.sealing.recipient(tx, tenant, id, who), "recipient_hash": mark}

    # --- sending

    def _claim(self, message: Message, id: str) -> _Job | _Stop | None:
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

    def _job(self, tx: Connection, row: Row[Any]) -> _Job | _Stop:
        now, sender = store_events.clock(tx), store.sender_of(tx, row.tenant)
        if self.sending.too_late(row.attempts, row.created_at, now):
            return _Stop(row, "failed", f"This could not be sent for too long. {row.error or ''}".strip())
        if sender is None:
            return _Stop(row, "skipped", decide.NO_SENDER)
        notice = admin_notice.read(self.sealing.read_notice(tx, row.tenant, row.id, row.content))
        recipient = None
        if row.recipient is not None:
            address = self.sealing.read_recipient(tx, row.tenant, row.id, row.recipient)["address"] or ""
            if why := self._refusals(tx, row.tenant, notice, [address]).of(address):
                return _Stop(row, "skipped", why)
            recipient = Candidate(address, row.reason)
        server = server_of(tx, self.sealing, sender)
        return _Job(row, notice, server, sender.from_name, sender.from_address, recipient, now)

    def _send(self, attempt: Attempt, job: _Job, claim: Claim[Attempt]) -> None:
        recipient = job.recipient or self._find(attempt, job)
        if recipient is None:
            return
        data = self._compose(job, recipient)
        mark = self.marks.of(attempt.tenant, recipient.address)
        self.sending.send(attempt, Parcel(job.server, job.from_address, recipient.address, mark, data), claim)

    def _find(self, attempt: Attempt, job: _Job) -> Candidate | None:
        """Who is to be told, noted at the letter; None if that cannot be found out now, or there is nobody."""
        tenant = attempt.tenant
        try:
            candidates = self._candidates(tenant, job.notice)
        except Fault as fault:
            retry = getattr(fault, "retry_after", None) or 0.0
            self.sending.put_off(attempt, fault, max(attempt.pause, retry))
            return None
        with self.database.write() as tx:
            refusals = self._refusals(tx, tenant, job.notice, [one.address for one in candidates])
            found = admin_notice.first(candidates, refusals)
            if isinstance(found, Candidate):
                values = {**self._to(tx, tenant, attempt.id, found), "reason": found.why}
                return found if LETTERS.change(tx, attempt.id, attempt.number, **values) else None
        _log.error("admin_not_told", mailbox=job.notice.mailbox, notice=job.notice.kind, reason=found)
        self.sending.end(attempt, "skipped", found)
        return None

    def _candidates(self, tenant: str, notice: AdminNotice) -> list[Candidate]:
        """In the order in which they are to be told; raises while Jira or connect cannot be asked."""
        found = []
        email = self.vendor.get(tenant).email
        if notice.account and (address := self._address(tenant, notice.account)):
            found.append(Candidate(address, admin_notice.PERSON))
        if email:
            found.append(Candidate(email, admin_notice.CALLER))
        return found

    def _address(self, tenant: str, account: str) -> str | None:
        try:
            return self.addresses.of(tenant, [account], {})[account].address
        except Permanent as fault:  # Jira will never tell: others may be told
            _log.warning("admin_address_not_told", reason=str(fault))
            return None

    def _refusals(self, tx: Connection, tenant: str, notice: AdminNotice, addresses: list[str]) -> Refusals:
        marks = [self.marks.of(tenant, address) for address in addresses]
        own = store.own_addresses(tx, tenant) | frozenset(notice.own)
        return Refusals(own, store.suppressions(tx, tenant, marks), lambda address: self.marks.of(tenant, address))

    def _compose(self, job: _Job, recipient: Candidate) -> bytes:
        letter = self.renderer.notice(
            {
                "headline": admin_notice.headline(job.notice),
                "reason": job.notice.reason,
                "remedy": admin_notice.advice(job.notice),
                "comfort": admin_notice.comfort(job.notice),
                "why": recipient.why,
                "link": self._link(job.row.tenant),
            }
        )
        envelope = mime.Envelope(job.from_name, job.from_address, "", recipient.address)
        heads = threads.alone(job.row.message_id)
        return mime.message(envelope, admin_notice.subject(job.notice), letter, heads, job.now)

    def _link(self, tenant: str) -> str:
        try:
            credentials = self.vendor.get(tenant)
        except Fault:
            return ""  # the letter does not wait for its link
        return admin_notice.link(credentials.scheme, credentials.site_url, credentials.app_key, self.base_url)
