"""One mailbox, read by one thread: connect, take what is new into the ledger, mark it read, wait to be woken.

The mail is in the ledger before it is marked in the mailbox. What a crash leaves in between is only marked, not read again.
"""

import threading
import time
from typing import Any

from sqlalchemy import Connection, Row

from common import log
from common.consume import backoff
from common.crypto import Vault
from common.db import Database
from common.errors import Fault, Permanent, Temporary
from common.outbox import Outbox
from inbound import store_ledger, store_sources
from inbound.accounts import Accounts
from inbound.config import Config
from inbound.entries import read_elsewhere
from inbound.first_look import start
from inbound.sources import Place, Source
from inbound.sources.grants import Grants
from inbound.sources.opening import account_of, secret_aad, source_for
from inbound.store_sources import Owned
from inbound.tables import data_key, outbox
from inbound.taking import Taking

# While mail is coming in, one may slip in between a look and the IDLE after it, and some servers do not tell of that one.
_BUSY, _LOOK_SOON = 30.0, 5.0
_SAY = 60.0
_RECONCILE = 3600.0  # seconds between full comparisons of the folder with the ledger
_CLOCKS = 600.0  # seconds that the mail server's clock and ours may be apart
_STEADY = 60.0  # seconds that a connection has to last for its end to be the first trouble, not the next
_PERMANENT_PAUSE = 30.0

_log = log.get(__name__)


class NotOurs(Exception):
    """Another fetcher owns the mailbox now: stop, quietly."""


class Watch:
    """Reads the mailbox from `start` until `stop`, or until it is no longer ours."""

    def __init__(self, config: Config, database: Database, me: str, owned: Owned, grants: Grants) -> None:
        self.owned = owned
        self._config = config
        self._database = database
        self._grants = grants
        self._me = me
        self._vault = Vault(config.settings.master_key, data_key)
        post = Outbox(database, outbox)
        self._taking = Taking(database, self._vault, post, self._hold, config.max_mail_bytes)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"mailbox-{owned.mailbox_id}", daemon=True)
        self._good = False
        self._said_at = float("-inf")

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
        account = account_of(row, secret, self._grants.of_mailbox(row, secret))
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
        accounts, taken = Accounts(self._database, source, place, numbered), float("-inf")
        compared: float | None = None
        while not self._stopping.is_set():
            if compared is None or time.monotonic() - compared > _RECONCILE:
                found = accounts.compare().missing
                compared = time.monotonic()
            else:
                found = accounts.news()
            if found:
                accounts.looked_at(self._taking.take(source, row, numbered.id, found, self._stopping.is_set))
                taken = time.monotonic()
            if place.writable:
                self._mark_left_over(source, numbered.id)
            self._say_connected()
            busy = place.wakes and time.monotonic() - taken < _BUSY
            pause = min(_LOOK_SOON, self._config.poll_seconds) if busy else self._config.poll_seconds
            source.wait(pause, self._stopping.is_set)

    @property
    def unaccounted(self) -> int:
        """How many messages the last look showed that the ledger does not have yet."""
        return self._taking.left

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
        there = source.listed(None)
        ours: set[str] = set()
        if row.backlog == "unread":
            ours |= source.unread()
        if connected_at is not None:
            # The server has named the messages anew. What came since we first saw the folder may not be in the ledger yet;
            # what is there already is recognised by its fingerprint.
            ours |= set(source.since(connected_at - _CLOCKS))
        begun = start(place, there, ours)
        show = row.backlog == "unread" and connected_at is None
        headers = source.headers(begun.shown) if show and begun.shown else ()
        with self._database.write() as tx:
            self._hold(tx)
            added = store_sources.add_source(tx, row.id, identity, place.validity, begun.baseline, begun.backlog)
            if not place.ordered:
                store_sources.leave_alone(tx, added.id, begun.alone)
            store_ledger.record(tx, [read_elsewhere(row, added.id, message) for message in headers], {})
        _log.info(
            "source_added", baseline=begun.baseline, backlog=len(begun.backlog), renumbered=connected_at is not None
        )
        return added

    def _mark_left_over(self, source: Source, source_id: str) -> None:
        """Mark read in the mailbox what is in the ledger: this session's mails, and those of one that was cut short."""
        with self._database.read() as tx:
            ids = store_ledger.unmarked(tx, source_id)
        if not ids:
            return
        source.done(ids)
        with self._database.write() as tx:
            self._hold(tx)
            store_ledger.set_marked(tx, source_id, ids)

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


def _pause(fault: Fault, failures: int) -> float:
    """Seconds until the next try."""
    if isinstance(fault, Temporary):
        return max(backoff(failures - 1) if failures > 1 else 0.5, fault.retry_after or 0.0)
    # A wrong password tried too often locks the account.
    return min(900.0, _PERMANENT_PAUSE * 2.0 ** min(failures - 1, 5))
