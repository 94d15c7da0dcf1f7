"""The handler of `mail.received`: claim, gather, decide, apply, record.

The claim is committed before the mail is parsed, so that a mail that kills its reader is counted and set aside. Whatever the
end, it is written together with the outbox row's: a mail is final, or it will be tried again.
"""

import random
import time
from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Row

from common import log, metrics
from common.budget import Budget
from common.claims import CLAIM, Claim, Claims
from common.credentials import Credentials
from common.crypto import Vault
from common.db import Database
from common.errors import Permanent, Temporary
from common.jira import JiraSites
from common.messages import Message
from common.outbox import Outbox
from inbound import store_ledger
from inbound.config import Config
from inbound.handling import answer, gather
from inbound.handling.contents import person
from inbound.handling.decide import decide
from inbound.handling.deliver import ClaimLost, Delivered, Delivery, Held, Job, Later, record
from inbound.handling.gather import Papers, Sheets
from inbound.handling.plan import Plan
from inbound.handling.work import End, Postpone, Work
from inbound.store_ledger import Busy, Claimed, Quarantined, Unwanted

IN_HAND = 50 * 1024 * 1024
"""Octets of mail that a process works on at a time: a mail takes several times its size while it is at work."""

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 600.0

_log = log.get(__name__)


class Vendor(Protocol):
    """What `common.credentials.Vendor` offers; see there."""

    def get(self, tenant: str) -> Credentials: ...


class Desk:
    """Works on one mail at a time; any number of threads may share it."""

    def __init__(
        self, config: Config, database: Database, outbox: Outbox, vault: Vault, vendor: Vendor, sites: JiraSites
    ) -> None:
        self._config = config
        self._database = database
        self._outbox = outbox
        self._vault = vault
        self._vendor = vendor
        self._sites = sites
        self._budget = Budget(IN_HAND)
        self.claims: Claims[Work] = Claims(self._renew)

    def handle(self, message: Message) -> None:
        """Bring the mail to its end or postpone it. An exception that escapes is a bug, after which it is tried again."""
        mail_id, octets = str(message.body["mail"]), message.body.get("size")
        with log.bind(mail=mail_id), self._budget.taken(octets if isinstance(octets, int) else 0):
            since = time.monotonic()
            found = self._claim(message, mail_id)
            if found is None:
                return
            row, sheets = found
            work = Work(message, row)
            try:
                with self.claims.held(work, since, self._config.work_seconds) as claim:
                    self._record(work, self._attempt(work, sheets, claim))
            except ClaimLost:
                _log.warning("claim_lost")
            except Temporary as fault:  # the database was away when the end was to be recorded: that is nobody's bug
                with self._database.write() as tx:
                    store_ledger.postpone(tx, mail_id, row.attempts, f"To be tried again. {fault}")
                raise
            except Exception:
                with self._database.write() as tx:
                    store_ledger.let_go(tx, mail_id, row.attempts)
                raise

    def give_back(self) -> None:
        """What is still in hand may be taken by others at once; to be called last, right before the process ends.

        A write to Jira that is on its way is a step that was intended: whoever takes the mail looks it up first.
        """
        for work in self.claims.left():
            row = work.row
            with self._database.write() as tx:
                if store_ledger.postpone(tx, row.id, row.attempts, "Given back by a worker that was told to stop."):
                    self._outbox.postpone(tx, work.message.id, 0.0)
            _log.warning("mail_given_back", mail=row.id)

    def _renew(self, items: Sequence[Work]) -> list[Work]:
        with self._database.write() as tx:
            ours = store_ledger.renew_all(tx, [(work.row.id, work.row.attempts) for work in items], CLAIM)
        return [work for work in items if (work.row.id, work.row.attempts) in ours]

    def _claim(self, message: Message, mail_id: str) -> tuple[Row[Any], Sheets | Permanent] | None:
        """The claimed mail, with what there is about it or why that cannot be had; None if it is not to be handled now."""
        with self._database.write() as tx:
            wanted = self._outbox.is_out
            claim = store_ledger.claim(tx, mail_id, CLAIM, self._config.attempts, wanted, message=message.id)
            if isinstance(claim, Claimed):
                return claim.mail, self._sheets(tx, claim.mail)
            if isinstance(claim, Busy):
                self._outbox.postpone(tx, message.id, claim.seconds + 0.1)
            elif not isinstance(claim, Unwanted):
                self._outbox.done(tx, message.id)
        if isinstance(claim, Quarantined):
            _log.error("mail_quarantined")
            metrics.MAIL_HANDLED.labels("failed").inc()
        return None

    def _sheets(self, tx: Connection, row: Row[Any]) -> Sheets | Permanent:
        try:
            return gather.sheets(tx, self._vault, row)
        except Permanent as fault:
            return fault

    def _attempt(self, work: Work, sheets: Sheets | Permanent, claim: Claim[Work]) -> End | Postpone:
        try:
            if isinstance(sheets, Permanent):
                raise sheets
            return self._handle(work, sheets, claim)
        except Temporary as fault:
            age = time.time() - max(work.row.received_at, work.row.record.get("retried_at", 0.0))
            if age > self._config.give_up_after:
                return End("failed", f"Given up after {age / 86_400:.0f} days. The last reason: {fault}")
            return Postpone(max(_pause(work.row.attempts), fault.retry_after or 0.0), f"To be tried again. {fault}")
        except Permanent as fault:
            return End("failed", f"{fault} {fault.remedy}".strip())

    def _handle(self, work: Work, sheets: Sheets, claim: Claim[Work]) -> End | Postpone:
        papers = gather.papers(sheets)
        work.read = {"sender": papers.sender, "subject": papers.subject, "message_id": papers.mail.message_id[:1000]}
        if problem := work.row.record.get("problem"):
            return self._too_large(work, papers) if work.row.record.get("limit") else End("held", str(problem))
        credentials = self._vendor.get(work.row.tenant)
        jira = self._sites.site(work.row.tenant)
        job = Job(
            mail_id=work.row.id,
            tenant=work.row.tenant,
            fence=work.row.attempts,
            mail=papers.mail,
            raw=papers.raw,
            claim=claim,
            settle=self._config.settings.jira_settle,
        )
        delivery, steps = Delivery(self._database, jira, job), list(papers.steps)
        if not steps:
            decision = decide(self._database, jira, credentials, work, papers)
            if not isinstance(decision, Plan):
                return decision
            steps = delivery.plan(decision.steps, record=work.record(), config_version=papers.rule.version)
        outcome = delivery.run(steps)
        if isinstance(outcome, Later):
            return Postpone(outcome.seconds, outcome.why)
        if isinstance(outcome, Held):
            return End("held", outcome.why)
        return _delivered(work, papers, outcome)

    def _too_large(self, work: Work, papers: Papers) -> End:
        try:
            keys = self._vendor.get(work.row.tenant).thread_keys if papers.mailbox.answer_oversized else ()
        except Permanent as fault:  # the app was removed: nobody is written to any more
            reason = str(work.row.record["problem"])
            work.say(reason, f"The sender was not told. {fault}")
            return End("held", reason)
        return answer.held(work, papers, keys, time.time())

    def _record(self, work: Work, ending: End | Postpone) -> None:
        row, message = work.row, work.message
        if isinstance(ending, Postpone):
            with self._database.write() as tx:
                if not store_ledger.postpone(tx, row.id, row.attempts, ending.why, **work.read):
                    raise ClaimLost
                self._outbox.postpone(tx, message.id, ending.seconds)
            _log.info("mail_postponed", seconds=round(ending.seconds, 1), reason=ending.why)
            return
        work.say(ending.reason or "")
        values = {"outcome": ending.outcome, "reason": ending.reason, **ending.values, "record": work.record()}
        values |= work.read
        with self._database.write() as tx:
            if not store_ledger.finish(tx, row.id, row.attempts, ending.state, **values):
                raise ClaimLost
            record(tx, row.tenant, ending.done)
            if ending.tell is not None:
                topic, body = ending.tell
                self._outbox.put(tx, topic, row.tenant, body)
            self._outbox.done(tx, message.id)
        metrics.MAIL_HANDLED.labels(ending.outcome if ending.state == "handled" else ending.state).inc()
        if ending.state == "handled":
            metrics.MAIL_LAG.observe(max(0.0, time.time() - _waiting_since(row)))
        _log.info("mail_ended", state=ending.state, outcome=ending.outcome, issue=ending.values.get("issue_key"))


def _delivered(work: Work, papers: Papers, outcome: Delivered) -> End:
    work.say(*outcome.notes)
    mail = papers.mail
    where = {
        "issue_id": outcome.issue_id,
        "issue_key": outcome.issue_key,
        "comment_id": outcome.comment_id,
    }
    handled = {
        **where,
        "mail": work.row.id,
        "kind": outcome.kind,
        "message_id": mail.message_id[:1000],
        "references": [text[:1000] for text in mail.references[-50:]],
        "subject": papers.subject,
        "from": person(mail.sender) if mail.sender else None,
        "cc": outcome.cc,
        "mailbox": papers.address,
        "sub_addresses": bool(papers.mailbox.sub_addresses),
    }
    why = work.record()["facts"].get("why")
    reason = " ".join(outcome.notes) or why
    return End("handled", reason, outcome.kind, where, ("mail.handled", handled), outcome.unrecorded)


def _waiting_since(row: Row[Any]) -> float:
    """When a mail began to wait for us: when an admin tried it again, it arrived in the mailbox, or it came to the ledger."""
    return float(row.record.get("retried_at") or row.record.get("arrived_at") or row.received_at)


def _pause(attempts: int) -> float:
    """Seconds until the next try: 5, 10, 20 … to ten minutes, a third more or less."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts - 1, 10)) * random.uniform(0.7, 1.3)
