"""One mailbox, read by one thread: connect, take what is new into the ledger, mark it read, wait to be woken.

The mail is in the ledger before it is marked in the mailbox. What a crash leaves in between is only marked, not read again.
"""

import hashlib
import threading
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from common import log, metrics
from common.consume import backoff
from common.crypto import Vault
from common.db import Database
from common.errors import Fault, Permanent, Temporary
from common.ids import new_id
from common.outbox import Outbox
from inbound import store_ledger, store_sources
from inbound.config import Config
from inbound.parse import parse
from inbound.sources import Message, Place, Source
from inbound.sources.opening import account_of, secret_aad, source_for
from inbound.store_sources import Owned
from inbound.tables import data_key, outbox

READ_ELSEWHERE = "Read elsewhere: somebody had read it before the mailbox was connected."
SEEN_BEFORE = "Seen before: the same mail is in the ledger already."

# While mail is coming in, one may slip in between a look and the IDLE after it, and some servers do not tell of that one.
_BUSY, _LOOK_SOON = 30.0, 5.0
_SAY = 60.0
_RECONCILE = 3600.0  # seconds between full comparisons of the folder with the ledger
_CLOCKS = 600.0  # seconds that the mail server's clock and ours may be apart
_STEADY = 60.0  # seconds that a connection has to last for its end to be the first trouble, not the next
_PERMANENT_PAUSE = 30.0
_STUMBLES = 2
_UNFETCHABLE = "The mail server broke off each time this message was fetched, so it was left in the mailbox."
_READ_BACKLOG = 200  # how many of the read mails at connection time get a row; the baseline covers the rest

_log = log.get(__name__)


def raw_aad(mail_id: str) -> str:
    """What a mail's sealed octets are bound to."""
    return f"mail {mail_id}"


class NotOurs(Exception):
    """Another fetcher owns the mailbox now: stop, quietly."""


class Watch:
    """Reads the mailbox from `start` until `stop`, or until it is no longer ours."""

    def __init__(self, config: Config, database: Database, me: str, owned: Owned) -> None:
        self.owned = owned
        self._config = config
        self._database = database
        self._me = me
        self._vault = Vault(config.settings.master_key, data_key)
        self._outbox = Outbox(database, outbox)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"mailbox-{owned.mailbox_id}", daemon=True)
        self._good = False
        self._said_at = float("-inf")
        self.unaccounted = 0  # messages that the last look showed and the ledger does not have yet
        self._stumbles = 0  # faults in a row while fetching, without a message in between

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Stop after the batch in hand; returns at once."""
        self._stopping.set()

    def join(self, seconds: float) -> None:
        """Wait for the end."""
        self._thread.join(max(0.0, seconds))

    def alive(self) -> bool:
        """False once it has ended, for whatever reason."""
        return self._thread.is_alive()

    def _run(self) -> None:
        failures = 0
        with log.bind(mailbox=self.owned.mailbox_id):
            while not self._stopping.is_set():
                self._good, began = False, time.monotonic()
                fault = self._until_fault()
                if fault is None:
                    return
                steady = self._good and time.monotonic() - began > _STEADY
                failures = 1 if steady else failures + 1
                # A connection that was good broke: the admin hears of it only if it does not come back at once.
                self._tell(fault, hide=self._good and failures == 1 and isinstance(fault, Temporary))
                self._stopping.wait(_pause(fault, failures))

    def _until_fault(self) -> Fault | None:
        try:
            self._session()
        except NotOurs:
            _log.info("mailbox_lost")
        except Fault as fault:
            return fault
        except Exception as error:
            _log.exception("mailbox_reader_broke")
            return Temporary(f"Mailbridge stumbled over this mailbox: {type(error).__name__}.")
        return None

    def _session(self) -> None:
        with self._database.read() as tx:
            row = store_sources.settings(tx, self.owned.mailbox_id)
            secret = self._vault.unseal(tx, row.tenant, row.secret, secret_aad(row.id)).decode()
        account = account_of(row, secret)
        source = source_for(row.kind, account, self._config)
        try:
            place = source.open()
            numbered = self._numbered(source, place, row, store_sources.place_of(row.id, row.kind, account))
            self._good = True
            self._say_connected(now=True)
            _log.info("mailbox_connected", idle=place.wakes)
            self._follow(source, place, row, numbered)
        finally:
            source.close()

    def _follow(self, source: Source, place: Place, row: Row[Any], numbered: Row[Any]) -> None:
        high, taken = numbered.baseline, float("-inf")
        reconciled: float | None = None
        while not self._stopping.is_set():
            if reconciled is None or time.monotonic() - reconciled > _RECONCILE:
                found = self._missing(source, numbered)
                reconciled = time.monotonic()
            else:
                found = source.numbers(high)
            self.unaccounted = len(found)
            if found:
                high = max(high, *self._take(source, row, numbered.id, found))
                taken = time.monotonic()
            if place.writable:
                self._mark_left_over(source, numbered.id)
            self._say_connected()
            busy = place.wakes and time.monotonic() - taken < _BUSY
            pause = min(_LOOK_SOON, self._config.poll_seconds) if busy else self._config.poll_seconds
            source.wait(pause, self._stopping.is_set)

    def _say_connected(self, *, now: bool = False) -> None:
        """Let an admin see when the mailbox was last looked at; once a minute is enough."""
        if now or time.monotonic() - self._said_at > _SAY:
            self._said_at = time.monotonic()
            with self._database.write() as tx:
                store_sources.set_state(tx, self._me, self.owned, "connected", None)

    # --- from which message on

    def _numbered(self, source: Source, place: Place, row: Row[Any], identity: str) -> Row[Any]:
        """The source's row; made at the first connection, with what of the mail already there is ours."""
        with self._database.read() as tx:
            known = store_sources.find_source(tx, identity, place.validity)
            connected_at = store_sources.first_connected(tx, identity)
        if known is not None:
            return known
        unread = source.unread() if row.backlog == "unread" else frozenset()
        baseline = place.next_number - 1
        there = tuple(number for number in source.numbers(0) if number <= baseline)
        backlog = unread.intersection(there)
        if connected_at is not None:
            # The server has numbered the folder anew. What came since we first saw it may not be in the ledger yet;
            # what is there already is recognised by its fingerprint.
            backlog |= frozenset(source.since(connected_at - _CLOCKS)).intersection(there)
        read = [number for number in there if number not in backlog][-_READ_BACKLOG:]
        record_read = row.backlog == "unread" and connected_at is None and read
        headers = source.headers(read) if record_read else ()
        with self._database.write() as tx:
            self._hold(tx)
            added = store_sources.add_source(tx, row.id, identity, place.validity, baseline, backlog)
            store_ledger.record(tx, [_read_elsewhere(row, added.id, message) for message in headers], {})
        _log.info("source_added", baseline=baseline, backlog=len(backlog), renumbered=connected_at is not None)
        return added

    def _missing(self, source: Source, numbered: Row[Any]) -> tuple[int, ...]:
        """Everything that should be in the ledger and is not: also what an unusual server shows late."""
        with self._database.read() as tx:
            backlog = store_sources.find_backlog(tx, numbered.id)
        wanted = {*source.numbers(numbered.baseline), *backlog}
        with self._database.read() as tx:
            there = store_ledger.known(tx, numbered.id, (str(number) for number in wanted))
        return tuple(sorted(number for number in wanted if str(number) not in there))

    # --- taking

    def _take(self, source: Source, row: Row[Any], source_id: str, numbers: Sequence[int]) -> list[int]:
        """Bring these messages into the ledger, batch by batch; returns the numbers that were looked at.

        A message at which the connection breaks again and again would keep all later ones out: they are taken one by one
        then, and the one that breaks it is at last recorded without its content.
        """
        rest = list(numbers)
        while rest and not self._stopping.is_set():
            if self._stumbles >= 2 * _STUMBLES:
                self._record(row, source_id, [Message(rest[0], 0, b"", _UNFETCHABLE)])
                self._stumbles, part = _STUMBLES, rest[:1]
            else:
                part = rest[:1] if self._stumbles >= _STUMBLES else rest
                self._take_part(source, row, source_id, part)
            rest = rest[len(part) :]
        self._stumbles = 0 if not rest else self._stumbles
        return [number for number in numbers if number not in rest]

    def _take_part(self, source: Source, row: Row[Any], source_id: str, numbers: Sequence[int]) -> None:
        try:
            for batch in source.messages(numbers, self._config.max_mail_bytes):
                new = self._record(row, source_id, batch)
                metrics.MAIL_RECEIVED.inc(new)
                self.unaccounted -= len(batch)
                _log.info("batch_recorded", messages=len(batch), new=new)
                self._stumbles = min(self._stumbles, _STUMBLES)
                if self._stopping.is_set():
                    return
        except Fault:
            self._stumbles += 1
            raise

    def _record(self, row: Row[Any], source_id: str, batch: Sequence[Message]) -> int:
        prints = {message.number: _fingerprint(message) for message in batch}
        with self._database.write() as tx:
            self._hold(tx)
            there = store_ledger.known(tx, source_id, (str(message.number) for message in batch))
            earlier = store_ledger.seen_before(tx, row.id, (text for text in prints.values() if text))
            rows, sealed = [], {}
            for message in batch:
                if str(message.number) in there:
                    continue
                fingerprint = prints[message.number]
                entry = ledger_entry(row, source_id, message, fingerprint, earlier.get(fingerprint or ""))
                rows.append(entry)
                if entry["state"] == "received":
                    sealed[entry["id"]] = self._vault.seal(tx, row.tenant, message.raw, raw_aad(entry["id"]))
                    if fingerprint:
                        earlier[fingerprint] = entry["id"]
            new = set(store_ledger.record(tx, rows, sealed))
            bodies = [{"mail": id, "size": len(octets)} for id, octets in sealed.items() if id in new]
            self._outbox.put_all(tx, "mail.received", row.tenant, bodies)
            numbers = [message.number for message in batch]
            store_sources.advance(tx, source_id, max(numbers), numbers)
        return len(new)

    def _mark_left_over(self, source: Source, source_id: str) -> None:
        """Mark read in the mailbox what is in the ledger: this session's mails, and those of one that was cut short."""
        with self._database.read() as tx:
            numbers = store_ledger.unmarked(tx, source_id)
        if not numbers:
            return
        source.done(numbers)
        with self._database.write() as tx:
            self._hold(tx)
            store_ledger.set_marked(tx, source_id, numbers)

    def _hold(self, tx: Connection) -> None:
        if not store_sources.hold(tx, self._me, self.owned):
            raise NotOurs

    def _tell(self, fault: Fault, *, hide: bool) -> None:
        sentence = f"{fault} {fault.remedy if isinstance(fault, Permanent) else ''}".strip()
        _log.warning("mailbox_trouble", reason=sentence)
        if hide:
            return
        try:
            with self._database.write() as tx:
                store_sources.set_state(tx, self._me, self.owned, "trouble", sentence)
        except Temporary:
            _log.warning("mailbox_state_not_stored")


def ledger_entry(
    row: Row[Any], source_id: str, message: Message, fingerprint: str | None, earlier: str | None
) -> dict[str, Any]:
    """A new row of the ledger. fingerprint: of the octets, None without them; earlier: the mail that has the same one."""
    values = _row(row, source_id, message)
    record: dict[str, Any] = {"explanation": []}
    if message.arrived_at is not None and message.arrived_at > row.created_at:
        record["arrived_at"] = message.arrived_at  # what was there before the mailbox was set up did not wait for us
    if message.problem:
        record["problem"] = message.problem
        values["marked"] = not message.raw  # nothing was had of it: in the mailbox it stays unread
    if earlier is not None:
        record = {"explanation": [SEEN_BEFORE], "earlier": earlier}
        ended = {"state": "ignored", "outcome": "none", "reason": SEEN_BEFORE, "handled_at": time.time()}
        return {**values, **ended, "fingerprint": fingerprint, "record": record}
    return {**values, "fingerprint": fingerprint, "record": record}


def _read_elsewhere(row: Row[Any], source_id: str, message: Message) -> dict[str, Any]:
    mail = parse(message.raw)
    ended = {"state": "ignored", "outcome": "none", "reason": READ_ELSEWHERE, "handled_at": time.time()}
    read = {
        "sender": mail.sender.address.lower()[:320] if mail.sender else None,
        "subject": mail.subject[:1000],
        "message_id": mail.message_id[:1000],
    }
    record = {"explanation": [READ_ELSEWHERE]}
    return {**_row(row, source_id, message), **ended, **read, "record": record, "marked": True}


def _row(row: Row[Any], source_id: str, message: Message) -> dict[str, Any]:
    return {
        "id": new_id(),
        "tenant": row.tenant,
        "mailbox_id": row.id,
        "source_id": source_id,
        "remote_id": str(message.number),
        "fingerprint": None,
        "size": message.size or len(message.raw),
        "state": "received",
        "outcome": None,
        "reason": None,
        "attempts": 0,
        "unfinished": 0,
        "handled_at": None,
        "sender": None,
        "subject": None,
        "message_id": None,
        "record": {},
        "marked": False,
    }


def _fingerprint(message: Message) -> str | None:
    return hashlib.sha256(message.raw).hexdigest() if message.whole and message.raw else None


def _pause(fault: Fault, failures: int) -> float:
    """Seconds until the next try."""
    if isinstance(fault, Temporary):
        return max(backoff(failures - 1) if failures > 1 else 0.5, fault.retry_after or 0.0)
    # A wrong password tried too often locks the account.
    return min(900.0, _PERMANENT_PAUSE * 2.0 ** min(failures - 1, 5))
