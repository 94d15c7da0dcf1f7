"""Events of Jira: stored once, collected in a window per issue, and told when it closes (gather, decide, apply)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row

from common import log, metrics, thread_tokens
from common.db import Database
from common.errors import Permanent, Temporary
from common.ids import new_id
from common.jira import JiraSites
from common.messages import Message
from common.outbox import Outbox
from common.thread_tokens import ThreadKey
from common.vendor import Vendor
from outbound import (
    batch,
    decide,
    gather,
    jira_event,
    render,
    store,
    store_deliveries,
    store_events,
    store_people,
    threads,
)
from outbound.addresses import Addresses
from outbound.facts import Issue, Item, Known, Recipient
from outbound.gather import Gathered
from outbound.lookups import Lookups
from outbound.marks import Marks
from outbound.sealing import Sealing
from outbound.store_events import Window

DEFAULT_SECONDS = 5.0
"""How long a window is open where no sender says otherwise: people wait for comments."""

_TURN = 2.0
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Windows:
    """The handlers of `jira.event` and `window.due`; any number of threads may share it."""

    database: Database
    outbox: Outbox
    sealing: Sealing
    marks: Marks
    sites: JiraSites
    vendor: Vendor
    lookups: Lookups
    addresses: Addresses
    give_up_after: float

    def on_event(self, message: Message) -> None:
        """Store the event once and put it into its issue's window."""
        try:
            event = jira_event.read(message.id, message.body, 0.0)
        except ValueError as error:
            _log.error("event_unreadable", message=message.id, reason=str(error))
            return
        place = event.issue_id or (f"comment-{event.comment_id}" if event.comment_id else None)
        fingerprint = str(message.body.get("fingerprint") or message.id)[:200]
        with self.database.write() as tx:
            new = store_events.add_event(tx, message.id, message.tenant, fingerprint, event.kind, message.body)
            if not new:
                return
            if place is None:
                store_events.annotate(tx, {event.id: "Jira did not say which issue this is about."})
                return
            seconds = self._seconds(tx, message.tenant) if event.issue_id else 0.0
            self._join(tx, message.tenant, place, [message.id], seconds)

    def on_due(self, message: Message) -> None:
        """Tell what has collected in a window."""
        id = str(message.body["window"])
        with self.database.write() as tx:
            if not self.outbox.still_out(tx, message.id):
                return
            if not store_events.is_next(tx, id):  # it stays open meanwhile: what comes now is told together
                self.outbox.postpone(tx, message.id, _TURN)
                return
            window = store_events.take(tx, id)
            if window is None:
                self.outbox.done(tx, message.id)
                return
            sender = store.sender_of(tx, window.tenant)
            known = self._known(tx, window, sender and sender.from_address)
        with log.bind(issue=window.place):
            try:
                self._tell(window, known, message.id, can_send=sender is not None)
            except (Temporary, Permanent) as fault:
                if not self._gives_up(window, fault):
                    raise
                _log.error("window_given_up", window=window.id, reason=str(fault))
                note = f"Nobody could be told: {fault}"
                self._end(window, message.id, note, dict.fromkeys((event.id for event in window.events), note))

    def _tell(self, window: Window, known: Known, message_id: str, *, can_send: bool) -> None:
        if window.place.startswith("comment-"):
            self._find_place(window, message_id)
            return
        untold = batch.untold(window.events)
        events = [event for event in window.events if event.id not in untold]
        if not events:
            self._end(window, message_id, "There was nothing to tell.", untold)
            return
        known = replace(known, poster=self.vendor.get(window.tenant).account_id)
        facts = gather.gather(self.sites, self.lookups, self.addresses, window.tenant, window.place, events, known)
        with self.database.read() as tx:
            refusals = self._refusals(tx, window.tenant, facts, can_send=can_send)
        recipients = decide.decide(
            facts.considered, facts.batch.items, facts.issue, facts.known, facts.people, refusals
        )
        self._apply(window, message_id, facts, recipients)

    def _find_place(self, window: Window, message_id: str) -> None:
        """A comment whose issue the webhook did not name: look it up and move its events there."""
        comment_id = window.place.removeprefix("comment-")
        issue_id = gather.find_issue(self.sites.site(window.tenant), comment_id)
        ids = [event.id for event in window.events]
        if issue_id is None:
            note = "The comment was deleted before anybody was told."
            self._end(window, message_id, note, dict.fromkeys(ids, note))
            return
        with self.database.write() as tx:
            if store_events.finish(tx, window.id):
                self._join(tx, window.tenant, issue_id, ids, self._seconds(tx, window.tenant))
            self.outbox.done(tx, message_id)

    def _apply(self, window: Window, message_id: str, facts: Gathered, recipients: Sequence[Recipient]) -> None:
        """One transaction: the window's end, a delivery a recipient, and what wakes those that are to be sent."""
        credentials = self.vendor.get(window.tenant)
        issue, items = facts.issue, facts.batch.items
        with self.database.write() as tx:
            sender = store.sender_of(tx, window.tenant)
            rows = [
                self._row(tx, window, issue, items, recipient, credentials.thread_keys[0], sender)
                for recipient in recipients
            ]
            due = [{"delivery": row["id"]} for row in rows if row["state"] == "pending"]
            content = None
            if due:
                told = render.content(items, issue, credentials.site_url, facts.names)
                content = self.sealing.content(tx, window.tenant, window.id, told)
            self.outbox.done(tx, message_id)
            if not store_events.finish(tx, window.id, None if items else "There was nothing to tell.", content):
                return  # another worker was faster
            store_deliveries.add(tx, rows)
            self.outbox.put_all(tx, "delivery.due", window.tenant, due)
            store_events.annotate(tx, {**facts.batch.notes, **batch.untold(window.events)})
            people = {
                self.marks.of(window.tenant, one.address): self.sealing.participant(tx, window.tenant, issue.id, one)
                for one in facts.newcomers
            }
            store.add_participants(tx, window.tenant, issue.id, people)
            self._note_people(tx, window.tenant, facts.people)
        for row in rows:
            metrics.DELIVERIES.labels(row["state"]).inc()
        _log.info(
            "window_told", issue_key=issue.key, items=len(items), deliveries=len(due), skipped=len(rows) - len(due)
        )

    def _row(
        self,
        tx: Connection,
        window: Window,
        issue: Issue,
        items: Sequence[Item],
        recipient: Recipient,
        key: ThreadKey,
        sender: Row[Any] | None,
    ) -> dict[str, Any]:
        id = new_id()
        message_id = None
        if sender is not None and recipient.address and not recipient.no:
            token = thread_tokens.make(key, issue.id, id, recipient.address)
            message_id = f"{token}@{threads.domain(sender.from_address)}"
        due = message_id is not None or (sender is not None and recipient.kind == "notify")
        why = " ".join([*recipient.reasons, *([recipient.way] if recipient.way else [])])
        return {
            "id": id,
            "tenant": window.tenant,
            "window_id": window.id,
            "issue_id": issue.id,
            "issue_key": issue.key,
            "recipient": self.sealing.recipient(tx, window.tenant, id, recipient),
            "recipient_hash": self._mark(window.tenant, recipient),
            "kind": recipient.kind,
            "event": items[recipient.considered[0]].kind,
            "items": list(recipient.items),
            "reasons": list(recipient.reasons),
            "reason": recipient.no or (why if due else decide.NO_SENDER),
            "state": "pending" if due else "skipped",
            "message_id": message_id,
        }

    def _mark(self, tenant: str, recipient: Recipient) -> str:
        """By which mails to one person are kept in order: by their address, else by their account."""
        if recipient.address:
            return self.marks.of(tenant, recipient.address)
        return self.marks.of(tenant, f"account {recipient.account_id}") if recipient.kind == "notify" else ""

    def _note_people(self, tx: Connection, tenant: str, people: decide.People) -> None:
        """Note what is new, or was last seen a day ago, about the people whom this concerns."""
        known, clock = store_people.people_of(tx, tenant, list(people.addresses)), store_events.clock(tx)
        rows = {}
        for id, address in people.addresses.items():
            mark, source = self.marks.of(tenant, address) if address else "", people.sources.get(id, "")
            row = known.get(id)
            if row and (row.address_hash, row.source) == (mark, source) and clock - row.seen_at < store_people.FRESH:
                continue
            rows[id] = (self.sealing.person(tx, tenant, id, address) if address else None, mark, source)
        store_people.put_people(tx, tenant, rows)

    def _known(self, tx: Connection, window: Window, sender: str | None) -> Known:
        sealed = store.participants_of(tx, window.tenant, window.place)
        people = tuple(self.sealing.read_participant(tx, window.tenant, window.place, one) for one in sealed)
        own = store.own_addresses(tx, window.tenant)
        return Known(people, own | {sender.lower()} if sender else own)

    def _refusals(self, tx: Connection, tenant: str, facts: Gathered, *, can_send: bool) -> decide.Refusals:
        written = [one.candidate.address.address for one in facts.considered if one.candidate.address]
        addresses = [*written, *(address for address in facts.people.addresses.values() if address)]
        marks = [self.marks.of(tenant, address) for address in addresses]
        suppressed = store.suppressions(tx, tenant, marks)
        return decide.Refusals(suppressed, lambda address: self.marks.of(tenant, address), can_send)

    def _seconds(self, tx: Connection, tenant: str) -> float:
        sender = store.sender_of(tx, tenant)
        return float(sender.window_seconds) if sender else DEFAULT_SECONDS

    def _join(self, tx: Connection, tenant: str, place: str, events: list[str], seconds: float) -> None:
        opened = store_events.join(tx, tenant, place, events, seconds)
        if opened:
            self.outbox.put(tx, "window.due", tenant, {"window": opened}, delay=seconds)

    def _gives_up(self, window: Window, fault: Temporary | Permanent) -> bool:
        if isinstance(fault, Permanent) and fault.status == 404:
            return True  # the issue is gone, or the app
        with self.database.read() as tx:
            return store_events.clock(tx) - window.opened_at > self.give_up_after

    def _end(self, window: Window, message_id: str, note: str, notes: Mapping[str, str]) -> None:
        with self.database.write() as tx:
            if store_events.finish(tx, window.id, note):
                store_events.annotate(tx, notes)
            self.outbox.done(tx, message_id)
