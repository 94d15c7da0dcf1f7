"""Letters to senders whose mail was not taken: one a notice, by the tenant's outgoing server, and one a day to an address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from common import log, metrics
from common.db import Database
from common.messages import Message
from outbound import decide, mime, render, sender_notice, store, store_admin_letters, threads
from outbound.admin_notice import Candidate
from outbound.notice_letters import Desk, Job
from outbound.sender_notice import SenderNotice
from outbound.sending import Attempt, Sending

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class SenderLetters:
    """The handler of `mail.notice`, and the kind of letters that comes of it; any number of threads may share it."""

    database: Database
    desk: Desk
    renderer: render.Renderer
    sending: Sending

    def on_mail_notice(self, message: Message) -> None:
        """Make the letter of a notice; the second time this changes nothing."""
        try:
            notice = sender_notice.read(message.body)
        except ValueError as error:
            _log.error("mail_notice_unreadable", message=message.id, reason=str(error))
            return
        with self.database.write() as tx:
            row = self._letter(tx, message, notice)
            due = self.desk.add(tx, message, [row])
        if due is None:
            return
        metrics.SENDER_LETTERS.labels(row["state"]).inc()
        _log.info("mail_notice", notice=sender_notice.OVERSIZED, letters=due, reason=row["reason"])

    def refusal(self, tx: Connection, row: Row[Any], content: Mapping[str, Any], address: str) -> str:
        """Why we do not write there, or ""."""
        return self._refusal(tx, row.tenant, sender_notice.stored(content), address)

    def find(self, attempt: Attempt, job: Job) -> Candidate | None:
        """Nobody: each of these letters has its recipient from the beginning."""
        self.sending.end(attempt, "failed", "The letter names nobody.")
        return None

    def compose(self, job: Job, recipient: Candidate) -> bytes:
        """The letter as it travels: an answer to the mail, that is answered at the mailbox."""
        notice = sender_notice.stored(job.content)
        envelope = mime.Envelope(job.from_name, job.from_address, "", recipient.address)
        heads = threads.answering(job.row.message_id, notice.references, notice.message_id, notice.mailbox)
        letter = self.renderer.refusal(sender_notice.words(notice))
        return mime.message(envelope, sender_notice.subject(notice), letter, heads, job.now, answers=True)

    def _letter(self, tx: Connection, message: Message, notice: SenderNotice) -> dict[str, Any]:
        tenant, sender = message.tenant, store.hold_sender(tx, message.tenant)
        if sender is None:
            no = decide.NO_SENDER
        else:
            # Held: what another thread makes for this address at this moment is seen by one of the two.
            mark, kind = self.desk.marks.of(tenant, notice.to), sender_notice.OVERSIZED
            lately = store_admin_letters.answered(tx, tenant, mark, kind, sender_notice.ONCE_IN)
            no = sender_notice.LATELY if lately else self._refusal(tx, tenant, notice, notice.to)
        content, why = notice.to_json(), sender_notice.WHY
        return self.desk.row(
            tx, message, sender_notice.OVERSIZED, content, sender=sender, address=notice.to, why=why, no=no
        )

    def _refusal(self, tx: Connection, tenant: str, notice: SenderNotice, address: str) -> str:
        mark = self.desk.marks.of(tenant, address)
        own, suppressed = store.own_addresses(tx, tenant), store.suppressions(tx, tenant, [mark])
        return sender_notice.refusal(notice, address, own, suppressed, mark)
