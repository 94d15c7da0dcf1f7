"""What inbound and connect tell outbound: a mail became part of an issue, a mail of ours bounced, a tenant is gone.

Each handler may be given the same message again: the second time changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common import log, metrics
from common.db import Database
from common.jira import JiraSites
from common.messages import Message
from outbound import store, store_admin_letters, store_deliveries, store_events, store_people, suppress
from outbound.marks import Marks
from outbound.sealing import Sealing

REMOVED = "Mailbridge was removed from this Jira."

_MOST_REFERENCES = 10
_LONGEST_ID = 255
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Intake:
    """The handlers of `mail.handled`, `mail.bounced`, `tenant.changed` and `tenant.removed`."""

    database: Database
    sealing: Sealing
    marks: Marks
    sites: JiraSites

    def on_handled(self, message: Message) -> None:
        """Remember the mail's Message-ID and what it refers to, and the mailbox: our mail continues that conversation.

        `sub_addresses` in the body (not sent by every inbound) says that the mailbox takes `box+anything`.
        """
        body = message.body
        issue_id, mailbox = _text(body, "issue_id"), _text(body, "mailbox")
        if not issue_id.isdigit() or len(issue_id) > 20:
            _log.error("handled_without_issue", message=message.id)
            return
        ids = [*_ids(body.get("references"))[-_MOST_REFERENCES:], *_ids(body.get("message_id"))]
        sub_addresses = body.get("sub_addresses") is True
        if suppress.unmailable(mailbox):
            mailbox = ""
        with self.database.write() as tx:
            store.add_thread(tx, message.tenant, issue_id, dict.fromkeys(ids), mailbox, sub_addresses=sub_addresses)

    def on_bounced(self, message: Message) -> None:
        """Record the bounce at its delivery, and write to the address no more if it is lasting.

        Without a delivery, proven by a valid token, nothing is recorded: anyone can write a mail that looks like a
        bounce. For the same reason the address suppressed is the one we wrote to, whatever address the bounce names.
        """
        id = _text(message.body, "delivery")
        recipients = message.body.get("recipients")
        told = [one for one in recipients if isinstance(one, Mapping)] if isinstance(recipients, list) else []
        bounced = suppress.after_bounce(told)
        with self.database.write() as tx:
            row = store_deliveries.bounced(tx, message.tenant, id, bounced.error) if id else None
            if row is not None and bounced.lasting and row.recipient_hash:
                store.suppress(tx, message.tenant, row.recipient_hash, bounced.error)
        if row is not None:
            metrics.DELIVERIES.labels("bounced").inc()
        _log.info("bounce_recorded" if row is not None else "bounce_without_delivery", lasting=bounced.lasting)

    def on_changed(self, message: Message) -> None:
        """Ask for the tenant's credentials anew."""
        self.sites.forget(message.tenant)

    def on_removed(self, message: Message) -> None:
        """Stop sending: what is unsent stays so, the outgoing server is forgotten, what is sealed can't be read again."""
        with self.database.write() as tx:
            for letters in (store_deliveries.LETTERS, store_admin_letters.LETTERS):
                letters.stop_all(tx, message.tenant, REMOVED)
            store_events.close_all(tx, message.tenant, REMOVED)
            store.drop_sender(tx, message.tenant)
            store.forget_conversations(tx, message.tenant)
            store_people.forget_people(tx, message.tenant)
            self.sealing.erase(tx, message.tenant)
        self.sites.forget(message.tenant)
        _log.info("tenant_stopped")


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _ids(value: object) -> list[str]:
    """Message-IDs without brackets, from one text or a list."""
    texts = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    ids = [text.strip().strip("<>") for text in texts if isinstance(text, str)]
    return [id for id in ids if id and len(id) <= _LONGEST_ID]
