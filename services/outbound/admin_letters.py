"""Letters to whoever has to do something about a mailbox: one a recipient, by the tenant's outgoing server, once.

A notice becomes its letters in one transaction. To whom: the addresses that the tenant named, else one letter to the person who
connected the mailbox, else to the account of an API token. Whom that is, is asked of Jira when the letter is due, so that
a Jira that cannot be asked just then delays it and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from common import log, metrics
from common.db import Database
from common.errors import Fault, Permanent
from common.messages import Message
from common.vendor import Vendor
from outbound import admin_notice, decide, mime, render, store, threads
from outbound.addresses import Addresses
from outbound.admin_notice import AdminNotice, Candidate, Refusals
from outbound.notice_letters import Desk, Job
from outbound.sending import Attempt, Sending
from outbound.store_admin_letters import LETTERS

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class AdminLetters:
    """The handler of `admin.notice`, and the kinds of letters that come of it; any number of threads may share it."""

    database: Database
    desk: Desk
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
            due = self.desk.add(tx, message, rows)
        if due is None:
            return
        for row in rows:
            metrics.ADMIN_LETTERS.labels(row["state"]).inc()
        _log.info("admin_notice", mailbox=notice.mailbox, notice=notice.kind, letters=due)
        if not due:
            _log.error("admin_not_told", mailbox=notice.mailbox, notice=notice.kind, reason=rows[0]["reason"])

    def refusal(self, tx: Connection, row: Row[Any], content: Mapping[str, Any], address: str) -> str:
        """Why we do not write there, or ""."""
        return self._refusals(tx, row.tenant, admin_notice.read(content), [address]).of(address)

    def find(self, attempt: Attempt, job: Job) -> Candidate | None:
        """Who is to be told, noted at the letter; None if that cannot be found out now, or there is nobody."""
        tenant, notice = attempt.tenant, admin_notice.read(job.content)
        try:
            candidates = self._candidates(tenant, notice)
        except Fault as fault:
            retry = getattr(fault, "retry_after", None) or 0.0
            self.sending.put_off(attempt, fault, max(attempt.pause, retry))
            return None
        with self.database.write() as tx:
            refusals = self._refusals(tx, tenant, notice, [one.address for one in candidates])
            found = admin_notice.first(candidates, refusals)
            if isinstance(found, Candidate):
                values = {**self.desk.to(tx, tenant, attempt.id, found.address), "reason": found.why}
                return found if LETTERS.change(tx, attempt.id, attempt.number, **values) else None
        _log.error("admin_not_told", mailbox=notice.mailbox, notice=notice.kind, reason=found)
        self.sending.end(attempt, "skipped", found)
        return None

    def compose(self, job: Job, recipient: Candidate) -> bytes:
        """The letter as it travels."""
        notice = admin_notice.read(job.content)
        letter = self.renderer.notice(
            {
                "headline": admin_notice.headline(notice),
                "reason": notice.reason,
                "remedy": admin_notice.advice(notice),
                "comfort": admin_notice.comfort(notice),
                "why": recipient.why,
                "link": self._link(job.row.tenant),
            }
        )
        envelope = mime.Envelope(job.from_name, job.from_address, "", recipient.address)
        heads = threads.alone(job.row.message_id)
        return mime.message(envelope, admin_notice.subject(notice), letter, heads, job.now)

    # --- making

    def _letters(self, tx: Connection, message: Message, notice: AdminNotice) -> list[dict[str, Any]]:
        sender = store.sender_of(tx, message.tenant)
        told = self._told(tx, sender) if sender is not None else []
        if not told:
            no = decide.NO_SENDER if sender is None else ""
            return [self.desk.row(tx, message, notice.kind, notice.to_json(), sender=sender, no=no)]
        refusals = self._refusals(tx, message.tenant, notice, told)
        content, why = notice.to_json(), admin_notice.TOLD
        return [
            self.desk.row(
                tx, message, notice.kind, content, number, sender=sender, address=one, why=why, no=refusals.of(one)
            )
            for number, one in enumerate(told)
        ]

    def _told(self, tx: Connection, sender: Row[Any]) -> list[str]:
        try:
            return self.desk.sealing.read_told(tx, sender.tenant, sender.told)
        except Permanent as fault:  # then somebody else is told
            _log.error("told_unreadable", tenant=sender.tenant, reason=str(fault))
            return []

    # --- to whom

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
        mark = self.desk.marks.of
        marks = [mark(tenant, address) for address in addresses]
        own = store.own_addresses(tx, tenant) | frozenset(notice.own)
        return Refusals(own, store.suppressions(tx, tenant, marks), lambda address: mark(tenant, address))

    def _link(self, tenant: str) -> str:
        try:
            credentials = self.vendor.get(tenant)
        except Fault:
            return ""  # the letter does not wait for its link
        return admin_notice.link(credentials.scheme, credentials.site_url, credentials.app_key, self.base_url)
