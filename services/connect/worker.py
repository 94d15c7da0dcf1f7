"""The worker of connect: `python -m connect.worker` carries the outbox to the bus, asks for untold events, and sweeps."""

import os
from collections.abc import Callable, Mapping

from common import log, process
from common.bus import Bus, open_bus
from common.db import Database, open_database
from common.env import Env, read_or_exit
from common.http import Http
from common.jira import JiraSites
from common.migrations import check_current
from common.nets import Nets
from common.outbox import Outbox, Relay
from connect.attach import Check
from connect.config import Config
from connect.look import Looker
from connect.lookup_check import DailyCheck, LookupJira
from connect.own_site import OwnSite
from connect.poll import Poll
from connect.silence import Silence
from connect.store import Store
from connect.store_forge import ForgeStore
from connect.store_lookup import LookupStore
from connect.store_polled import PolledStore
from connect.store_site import SiteStore
from connect.sweep import Sweep
from connect.tables import outbox
from connect.vending import OwnCredentials


class Worker:
    """Relay, polling and sweep over one database and bus; `stop` leaves both open."""

    def __init__(self, config: Config, database: Database, bus: Bus) -> None:
        settings = config.settings
        self._database = database
        self._bus = bus
        self._relay = Relay(Outbox(database, outbox), bus, 2 * settings.jira_parallel)
        store = Store(database, settings.master_key)
        http = Http(Nets(settings.allow_networks), settings.jira_timeout)
        lookups = LookupStore(database, settings.master_key)
        daily = DailyCheck(lookups, LookupJira(http, settings), store)
        jira = JiraSites(http, OwnCredentials(config, store), settings)
        sites = SiteStore(database, settings.master_key)
        own = OwnSite(config.jira_site, sites, Check(http, settings))
        silence = Silence(store, ForgeStore(database, settings.master_key), jira)
        self._sweep = Sweep(store, jira, (own.once, daily.once, silence.once)).rounds()
        polled = PolledStore(database)
        self._poll = Poll(polled, sites, jira, Looker(store, polled), config.jira_poll).rounds()

    def start(self) -> None:
        """Begin; returns at once."""
        self._relay.start()
        self._sweep.start()
        self._poll.start()

    def stop(self, grace: float = 10.0) -> None:
        """Stop after the work in hand, `grace` seconds at most."""
        self._sweep.stop(grace / 3)
        self._poll.stop(grace / 3)
        self._relay.stop(grace / 3)

    def alive(self) -> bool:
        """True while sweep and polling go on; the relay survives whatever happens to it."""
        return self._sweep.alive() and self._poll.alive()

    def checks(self) -> Mapping[str, Callable[[], object]]:
        """What must hold for /readyz."""
        return {"database": lambda: check_current(self._database, "connect"), "bus": self._bus.check}


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    config = read_or_exit(lambda: Config.read(Env(os.environ)))
    settings = config.settings
    log.configure(settings.log_level)  # opening the bus may have something to say already
    database = read_or_exit(lambda: open_database(settings.database_url, "connect"))
    bus = read_or_exit(lambda: open_bus(settings.broker_url, "connect"))
    worker = read_or_exit(lambda: Worker(config, database, bus))
    process.run("connect.worker", [worker], settings, worker.checks())


if __name__ == "__main__":
    main()
