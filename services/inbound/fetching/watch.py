"""One mailbox, read by one thread: connect, take what is new into the ledger, do with it what is due, wait to be woken.

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
from inbound import store_ledger, store_notices, store_sources, telling
from inbound.config import Config
from inbound.fetching.accounts import Accounts
from inbound.fetching.backlog import numbered
from inbound.fetching.marks import GoesOn, Marks
from inbound.fetching.taking import Taking
from inbound.fetching.tidying import READ_ONLY, tidy
from inbound.sources import Place, Source
from inbound.sources.grants import Grants
from inbound.sources.opening import account_of, secret_aad, source_for
from inbound.store_sources import Owned
from inbound.tables import data_key, outbox

# While mail is coming in, one may slip in between a look and the IDLE after it, and some servers do not tell of that one.
_BUSY, _LOOK_SOON = 30.0, 5.0
_SAY = 60.0
_RECONCILE = 3600.0  # seconds between full comparisons of the folder with the ledger
_AGAIN = 60.0  # the same while something is left that could not be brought into the ledger
_STEADY = 60.0  # seconds that a connection has to last for its end to be the first trouble, not the next
_PERMANENT_PAUSE = 30.0
_LONGEST_WAIT = 30.0  # seconds between looks whether the database is back: with hundreds of mailboxes, a few a second
TROUBLE = 3600.0
"""Seconds for which a mailbox cannot be read before an admin is told by mail."""

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
        self._post = Outbox(database, outbox)
        self._taking = Taking(database, self._vault, self._post, self._take_hold, config.max_mail_bytes)
        self._marks = Marks(database, self._vault, self._hold)
        self._stopping = threading.Event()
        self._asked = threading.Event()
        self._left = 0  # messages that the last comparison could not bring into the ledger
        self._thread = threading.Thread(target=self._run, name=f"mailbox-{owned.mailbox_id}", daemon=True)
        self._good = False
        self._troubled = True  # for all we know: whoever read it before may have had trouble
        self._said_at = float("-inf")

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Stop after the batch in hand; returns at once."""
        self._stopping.set()

    def compare(self) -> None:
        """Compare the folder with the ledger soon; returns at once."""
        self._asked.set()

    def join(self, seconds: float) -> None:
        """Wait for the end."""
        self._thread.join(max(0.0, seconds))

    def alive(self) -> bool:
        """False once it has ended, for whatever reason."""
        return self._thread.is_alive()

    def _run(self) -> None:
        failures = away = 0
        with log.bind(mailbox=self.owned.mailbox_id):
            while not self._stopping.is_set():
                self._good, began = False, time.monotonic()
                fault = self._until_fault()
                if fault is None:
                    return
                away = away + 1 if self._database_is_away() else 0
                if away:
                    # It is not the mailbox's trouble: nobody is told, and it is read soon after the database is back.
                    if away == 1:
                        _log.info("mailbox_waits_for_the_database", reason=str(fault))
                    self._stopping.wait(min(_LONGEST_WAIT, backoff(away)))
                    continue
                steady = self._good and time.monotonic() - began > _STEADY
                failures = 1 if steady else failures + 1
                # A connection that was good broke: the admin hears of it only if it does not come back at once.
                self._enter(fault, hide=self._good and failures == 1 and isinstance(fault, Temporary))
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

    def _database_is_away(self) -> bool:
        try:
            self._database.now()
        except Temporary:
            return True
        return False

    def _session(self) -> None:
        with self._database.read() as tx:
            row = store_sources.settings(tx, self.owned.mailbox_id)
            secret = self._vault.unseal(tx, row.tenant, row.secret, secret_aad(row.id)).decode()
        account = account_of(row, secret, self._grants.of_mailbox(row, secret))
        source = source_for(row.kind, account, self._config)
        identity = store_sources.place_of(row.id, row.kind, account)
        goes_on = self._marks.find(row, identity, _RECONCILE)
        try:
            place = source.open(goes_on.mark if goes_on else "")
            known = numbered(self._database, self._hold, source, place, row, identity)
            self._good = True
            self._say_connected(now=True)
            _log.info("mailbox_connected", idle=place.wakes)
            self._follow(source, place, row, known, goes_on)
        finally:
            source.close()

    def _follow(
        self, source: Source, place: Place, row: Row[Any], known: Row[Any], goes_on: GoesOn | None = None
    ) -> None:
        accounts = Accounts(self._database, source, place, known)
        taken = time.monotonic()  # a new connection counts as busy: mail may have come while it was made
        compared = time.monotonic() - goes_on.age if goes_on else None
        while not self._stopping.is_set():
            every = _AGAIN if self._left else _RECONCILE
            if compared is None or self._asked.is_set() or time.monotonic() - compared > every:
                found = self._compare(accounts, source, row, known)
                compared = time.monotonic()
            elif found := accounts.news():
                accounts.looked_at(self._taking.take(source, row, known.id, found, self._stopping.is_set))
            if found:
                taken = time.monotonic()
            self._marks.keep(row, known.id, accounts.mark, now=bool(found))
            if place.writable:
                tidy(self._database, self._hold, source, row, known.id)
            # Only now it is well again: that a connection was made says little.
            remark = None if place.writable or row.strategy == "read" else READ_ONLY
            self._say_connected(remark, now=self._troubled, well=True)
            busy = place.wakes and time.monotonic() - taken < _BUSY
            pause = min(_LOOK_SOON, self._config.poll_seconds) if busy else self._config.poll_seconds
            source.wait(pause, self._interrupted)

    def _compare(self, accounts: Accounts, source: Source, row: Row[Any], known: Row[Any]) -> tuple[str, ...]:
        """Take everything that should be in the ledger and is not, and write down whether anything is left."""
        with self._database.read() as tx:
            asked = store_sources.asked_at(tx, row.id)
        first = second = accounts.compare()
        if first.missing:
            accounts.looked_at(self._taking.take(source, row, known.id, first.missing, self._stopping.is_set))
            second = accounts.compare()
        found = first.after(second)
        with self._database.write() as tx:
            self._hold(tx)
            if gone := {*first.gone, *second.gone}:
                store_sources.advance(tx, known.id, gone)
                store_ledger.gone(tx, known.id, gone)
            if not self._stopping.is_set():
                store_sources.set_reconciled(tx, row.id, found, asked)
        self._left = int(found["unaccounted"])
        self._asked.clear()
        return first.missing

    def _interrupted(self) -> bool:
        return self._stopping.is_set() or self._asked.is_set()

    @property
    def unaccounted(self) -> int:
        """How many messages the last look showed that the ledger does not have yet."""
        return max(self._taking.left, self._left)

    def _say_connected(self, remark: str | None = None, *, now: bool = False, well: bool = False) -> None:
        """Let an admin see when the mailbox was last looked at; once a minute is enough. well: it was read, too."""
        if now or time.monotonic() - self._said_at > _SAY:
            self._said_at = time.monotonic()
            with self._database.write() as tx:
                if store_sources.set_state(tx, self._me, self.owned, "connected", remark) and well:
                    store_notices.well(tx, self.owned.mailbox_id)
            self._troubled = self._troubled and not well

    def _hold(self, tx: Connection) -> None:
        if not store_sources.hold(tx, self._me, self.owned):
            raise NotOurs

    def _take_hold(self, tx: Connection) -> None:
        """For a batch of mail: whoever reads a large backlog with many interruptions is reading all the same."""
        self._hold(tx)
        store_notices.well(tx, self.owned.mailbox_id)

    def _enter(self, fault: Fault, *, hide: bool) -> None:
        """Write down why it cannot be read; an admin is told once that lasts."""
        sentence = f"{fault} {fault.remedy if isinstance(fault, Permanent) else ''}".strip()
        _log.warning("mailbox_trouble", reason=sentence)
        if hide:
            return
        self._troubled = True
        try:
            with self._database.write() as tx:
                ours = store_sources.set_state(tx, self._me, self.owned, "trouble", sentence)
                if ours and store_notices.in_trouble(tx, self.owned.mailbox_id, TROUBLE):
                    row, remedy = store_notices.mailbox_of(tx, self.owned.mailbox_id), getattr(fault, "remedy", "")
                    telling.tell(tx, self._post, row, "trouble", str(fault), remedy)
        except Temporary:
            _log.warning("mailbox_state_not_stored")


def _pause(fault: Fault, failures: int) -> float:
    """Seconds until the next try."""
    if isinstance(fault, Temporary):
        return max(backoff(failures - 1) if failures > 1 else 0.5, fault.retry_after or 0.0)
    # A wrong password tried too often locks the account.
    return min(900.0, _PERMANENT_PAUSE * 2.0 ** min(failures - 1, 5))
