"""`python -m inbound.worker`: turns mails of the ledger into issues and comments. Any number of workers share the work."""

import os
import time
from collections.abc import Callable, Mapping

from common import log, migrations, process
from common.bus import GIVING_BACK, Bus, open_bus
from common.crypto import Vault
from common.db import Database, open_database
from common.env import BadSetting, Env, read_or_exit
from common.errors import Temporary
from common.http import Http
from common.jira import JiraSites
from common.messages import Message
from common.nets import Nets
from common.outbox import Outbox, Relay, consume
from common.vendor import Vendor
from inbound import store
from inbound.config import Config
from inbound.handling.desk import Desk
from inbound.privacy.erasing import Erasing
from inbound.privacy.housekeeping import Housekeeping
from inbound.tables import data_key, outbox

ROLE = "inbound-worker"

_log = log.get(__name__)


def main() -> None:
    """The process: worker and relay, until a signal."""
    env = Env(os.environ)
    config = read_or_exit(lambda: Config.read(env))
    log.configure(config.settings.log_level)  # opening the bus may have something to say already
    database = read_or_exit(lambda: open_database(config.settings.database_url, "inbound"))
    bus = read_or_exit(lambda: open_bus(config.settings.broker_url, "inbound"))
    worker = read_or_exit(lambda: Worker(config, database, bus))
    process.run("inbound-worker", (worker,), config.settings, worker.checks())


class Worker:
    """Takes `mail.received` from the bus and does it; also carries the service's outbox to the bus.

    Raises BadSetting when the role key is missing: without it connect vends no credentials.
    """

    def __init__(self, config: Config, database: Database, bus: Bus) -> None:
        if config.role_key is None:
            raise BadSetting("MAILBRIDGE_ROLE_KEY is not set: give the key that connect has for inbound's worker.")
        settings = config.settings
        self._config = config
        self._database = database
        self._bus = bus
        self._outbox = Outbox(database, outbox)
        self._relay = Relay(self._outbox, bus, config.unfinished)
        # connect's address is the operator's, a Jira's comes from an installation.
        self._vendor = Vendor(Http(Nets.everything()), settings.connect_url, ROLE, config.role_key)
        self._sites = JiraSites(Http(Nets(settings.allow_networks), settings.jira_timeout), self._vendor, settings)
        vault = Vault(settings.master_key, data_key)
        self._desk = Desk(config, database, self._outbox, vault, self._vendor, self._sites)
        self._erasing = Erasing(database, self._outbox, vault, settings.master_key)
        self._house = Housekeeping(database, config.keep_days).rounds()

    def start(self) -> None:
        """Begin; returns at once."""
        self._desk.claims.start()
        self._relay.start()
        consume(self._bus, self._outbox, "mail.received", self._desk.handle, self._config.concurrency)
        consume(self._bus, self._outbox, "erasure.due", self._erasing.on_due, 1)
        self._house.start()
        self._bus.consume("tenant.changed", self._on_changed, 1)
        self._bus.consume("tenant.removed", self._on_removed, 1)

    def stop(self, grace: float) -> None:
        """Finish the mails in hand within `grace` seconds; what is not finished by then is given back."""
        end = time.monotonic() + grace
        self._relay.stop(min(5.0, grace / 4))
        self._bus.close(max(0.0, end - time.monotonic() - min(GIVING_BACK, grace / 3)))
        self._house.stop(1.0)
        self._desk.claims.stop()
        try:
            self._desk.give_back()
        except Temporary as fault:
            _log.warning("mails_not_given_back", reason=str(fault))  # their claims pass by themselves

    def checks(self) -> Mapping[str, Callable[[], None]]:
        """For /readyz."""
        return {"database": lambda: migrations.check_current(self._database, "inbound"), "bus": self._bus.check}

    def _on_changed(self, message: Message) -> None:
        self._sites.forget(message.tenant)

    def _on_removed(self, message: Message) -> None:
        """The app was removed from this Jira: its mailboxes are read no more. Doing it twice is doing it once."""
        self._sites.forget(message.tenant)
        with self._database.write() as tx:
            stopped = store.disable_mailboxes(tx, message.tenant)
        _log.info("tenant_removed", tenant=message.tenant, mailboxes=stopped)


if __name__ == "__main__":
    main()
