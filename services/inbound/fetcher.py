"""`python -m inbound.fetcher`: reads the mailboxes. Any number of fetchers share them; see `store_sources` for how."""

import os
import threading
import time
from collections.abc import Callable, Mapping

from common import log, metrics, migrations, process
from common.bus import open_bus
from common.db import Database, open_database
from common.env import Env, read_or_exit
from common.errors import Temporary
from common.outbox import Outbox, Relay
from inbound import store_ledger, store_sources
from inbound.config import Config
from inbound.fetching import fetcher_name
from inbound.fetching.watch import Watch
from inbound.mailboxes.expiring import Expiring
from inbound.sources.opening import grants_for
from inbound.store_sources import Owned
from inbound.tables import outbox

_SWEEP = 1.0
_SHORTEST = 0.2
_BEAT = 2.0
_GAUGES = 15.0
_DEAF = 60.0

_log = log.get(__name__)


def main() -> None:
    """The process: fetcher and relay, until a signal."""
    env = Env(os.environ)
    config = read_or_exit(lambda: Config.read(env))
    log.configure(config.settings.log_level)  # opening the bus may have something to say already
    database = read_or_exit(lambda: open_database(config.settings.database_url, "inbound"))
    bus = read_or_exit(lambda: open_bus(config.settings.broker_url, "inbound"))
    relay = Relay(Outbox(database, outbox), bus, config.unfinished)
    fetcher = Fetcher(config, database)
    process.run("inbound-fetcher", (relay, fetcher), config.settings, {**fetcher.checks(), "bus": bus.check})


class Fetcher:
    """Owns its share of the mailboxes and reads each in a thread of its own."""

    def __init__(self, config: Config, database: Database) -> None:
        self.id = fetcher_name.new_name()
        self._config = config
        self._database = database
        self._grants = grants_for(config, database)
        self._expiring = Expiring(database)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fetcher", daemon=True)
        self._watches: dict[str, Watch] = {}
        self._ending: list[Watch] = []
        self._beaten_at = self._gauged_at = self._looked_at = float("-inf")

    def start(self) -> None:
        """Begin; returns at once. New mailboxes are picked up within a second or two."""
        self._looked_at = time.monotonic()
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Finish the batches in hand within `grace` seconds, and leave the mailboxes to others."""
        end = time.monotonic() + grace
        self._stopping.set()
        self._database.committed.ring()
        self._thread.join(max(0.0, end - time.monotonic()))
        for watch in self._watches.values():
            watch.ask_to_stop()
        for watch in [*self._watches.values(), *self._ending]:
            watch.join(end - time.monotonic())
        try:
            with self._database.write() as tx:
                store_sources.leave(tx, self.id)
        except Temporary:
            _log.warning("fetcher_left_without_a_word")  # the others find out by the heartbeat

    def alive(self) -> bool:
        """False if the thread that looks after all others has died."""
        return self._thread.is_alive() or self._stopping.is_set()

    def checks(self) -> Mapping[str, Callable[[], None]]:
        """For /readyz."""
        return {"database": self._check_database, "fetcher": self._check_looking}

    def _run(self) -> None:
        troubled = False
        while not self._stopping.is_set():
            heard = self._database.committed.rings
            try:
                self._look()
                troubled = False
            except Temporary as fault:
                if not troubled:
                    _log.warning("fetcher_waits", reason=str(fault))
                troubled = True
            except Exception:
                # A bug, or tables that are behind: loud once, and no reason to give up all mailboxes.
                if not troubled:
                    _log.exception("fetcher_broke")
                troubled = True
            self._stopping.wait(_SHORTEST)
            self._database.committed.wait(heard, _SWEEP)

    def _look(self) -> None:
        clock = time.monotonic()
        if clock - self._beaten_at > _BEAT:
            with self._database.write() as tx:
                store_sources.beat(tx, self.id)
            self._beaten_at = clock
        with self._database.read() as tx:
            share = store_sources.share(tx, self.id, self._gone)
            asked = store_sources.asked(tx, self.id)
        owned = {one.mailbox_id: one for one in share.owned}
        self._keep(owned)
        if share.surplus or share.orphans:
            with self._database.write() as tx:
                store_sources.give_back(tx, self.id, share.surplus)
                taken = [id for id, owner in share.orphans if store_sources.take(tx, self.id, id, owner)]
            _log.info("mailboxes_shared", taken=len(taken), given_back=len(share.surplus))
            with self._database.read() as tx:
                self._keep({one.mailbox_id: one for one in store_sources.share(tx, self.id, self._gone).owned})
        for id in asked.intersection(self._watches):
            self._watches[id].compare()
        if clock - self._gauged_at > _GAUGES:
            self._show()
            self._gauged_at = clock
        self._looked_at = clock

    def _keep(self, owned: Mapping[str, Owned]) -> None:
        """Watch these mailboxes, as they are set up now, and no others."""
        for id, watch in list(self._watches.items()):
            if owned.get(id) != watch.owned or not watch.alive():
                watch.ask_to_stop()
                self._ending.append(self._watches.pop(id))
        self._ending = [watch for watch in self._ending if watch.alive()]
        still = {watch.owned.mailbox_id for watch in self._ending}
        for id, one in owned.items():
            # The old connection ends first: two readers of one mailbox would only get in each other's way.
            if id not in self._watches and id not in still:
                self._watches[id] = Watch(self._config, self._database, self.id, one, self._grants)
                self._watches[id].start()

    def _gone(self, other: str) -> bool:
        return fetcher_name.is_gone(other, self.id, fetcher_name.started)

    def _show(self) -> None:
        self._expiring.look()
        with self._database.read() as tx:
            mails, mailboxes = store_ledger.states(tx), store_sources.states(tx)
        for state in ("received", "delivering", "handled", "ignored", "held", "failed"):
            count, oldest = mails.get(state, (0, 0.0))
            metrics.LEDGER_STATE.labels(state).set(count)
            if state in store_ledger.OPEN:
                metrics.LEDGER_OLDEST.labels(state).set(oldest)
        for state in ("new", "connected", "trouble", "disabled"):
            metrics.MAILBOX_STATE.labels(state).set(mailboxes.get(state, 0))
        metrics.UNACCOUNTED.set(sum(watch.unaccounted for watch in self._watches.values()))

    def _check_database(self) -> None:
        migrations.check_current(self._database, "inbound")

    def _check_looking(self) -> None:
        silent = time.monotonic() - self._looked_at
        if silent > _DEAF:
            raise Temporary(f"The fetcher has not looked after its mailboxes for {silent:.0f} seconds.")


if __name__ == "__main__":
    main()
