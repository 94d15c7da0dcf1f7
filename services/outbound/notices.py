"""A mail that Jira sends for us, to somebody whose address nobody tells: POST /issue/{key}/notify, once if it can be told.

Jira gives no key by which a request repeated is one request, and no way to ask whether it was done. So that each request
is counted before it goes out (`asked`), and no longer once its outcome is known: one whose outcome never came is
repeated once, and after the second nobody asks again (docs/decisions/0008). Whose notification settings or rights
forbid it is Jira's to know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common import log, metrics
from common.db import Database
from common.errors import Permanent, Temporary
from common.jira import JiraSites
from common.messages import Message
from common.outbox import Outbox
from outbound import render, store_deliveries, store_events, threads
from outbound.store_deliveries import Claimed

MOST_UNKNOWN = 2
"""Requests with an unknown outcome, after which Jira is not asked again."""

MAYBE_SENT = "Jira was asked twice and never answered: this may have been sent, even twice, or not at all."
MAYBE_TWICE = "Jira did not answer the first request: this may have been sent twice."

_UNKNOWN_PAUSE = 120.0
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """A claimed delivery that Jira is to send, with what it says."""

    claimed: Claimed
    account_id: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notices:
    """Asks Jira; any number of threads may share it. pause: seconds before an attempt after so many."""

    database: Database
    outbox: Outbox
    sites: JiraSites
    renderer: render.Renderer

    def send(self, message: Message, notice: Notice, pause: float) -> None:
        """Ask once. `pause`: seconds after which to try again what Jira has certainly not done."""
        claimed = notice.claimed
        if claimed.asked >= MOST_UNKNOWN:
            self._end(message, claimed, MAYBE_SENT)
            return
        with self.database.write() as tx:
            if not store_deliveries.ask(tx, claimed.id, claimed.attempts):
                return  # the claim has passed: somebody else is at it
        issue = notice.content["issue"]
        letter = self.renderer.letter(
            notice.content, claimed.items, claimed.reasons, linked=True, answerable=False, by_jira=True
        )
        subject = threads.subject(issue["key"], issue["summary"], reply=False)
        try:
            self.sites.site(claimed.tenant).notify(
                claimed.issue_id, subject, letter.text, letter.html, notice.account_id
            )
        except Temporary as fault:
            self._put_off(message, claimed, fault, pause)
        except Permanent as fault:
            self._end(message, claimed, f"Jira did not send it: {fault} {fault.remedy}".strip())
        else:
            self._sent(message, notice)

    def _put_off(self, message: Message, claimed: Claimed, fault: Temporary, pause: float) -> None:
        if fault.maybe_done and claimed.asked + 1 >= MOST_UNKNOWN:
            self._end(message, claimed, MAYBE_SENT)
            return
        wait = max(pause, fault.retry_after or 0.0, _UNKNOWN_PAUSE if fault.maybe_done else 0.0)
        error = log.redact(str(fault))
        _log.warning("notice_postponed", reason=error, attempts=claimed.attempts, unknown=fault.maybe_done)
        with self.database.write() as tx:
            if not fault.maybe_done:
                store_deliveries.unask(tx, claimed.id, claimed.attempts)
            store_deliveries.LETTERS.release(tx, claimed.id, claimed.attempts, error)
            self.outbox.postpone(tx, message.id, wait)

    def _sent(self, message: Message, notice: Notice) -> None:
        claimed = notice.claimed
        with self.database.write() as tx:
            doubt = MAYBE_TWICE if claimed.asked else None
            sent_at = store_deliveries.LETTERS.sent(tx, claimed.id, claimed.attempts, doubt)
            store_events.drop_content(tx, claimed.window_id)
            self.outbox.done(tx, message.id)
        if sent_at is not None:
            metrics.DELIVERIES.labels("sent").inc()
            at = max(notice.content["items"][index]["at"] for index in claimed.items)
            metrics.EVENT_LAG.observe(max(0.0, sent_at - at))
        _log.info("notice_sent", attempts=claimed.attempts, event_kind=claimed.event)

    def _end(self, message: Message, claimed: Claimed, error: str) -> None:
        error = log.redact(error)
        with self.database.write() as tx:
            store_deliveries.LETTERS.ended(tx, claimed.id, claimed.attempts, "failed", error)
            store_events.drop_content(tx, claimed.window_id)
            self.outbox.done(tx, message.id)
        metrics.DELIVERIES.labels("failed").inc()
        _log.warning("notice_not_sent", reason=error)
