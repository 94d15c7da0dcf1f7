"""`python -m outbound.worker`: takes in events and notices, closes windows, sends mail."""

import os
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from common import log, metrics, migrations
from common.bus import GIVING_BACK, Bus, open_bus
from common.crypto import Vault
from common.db import Database, open_database
from common.env import BadSetting, Env, read_or_exit
from common.errors import Temporary
from common.http import Http
from common.jira import JiraSites
from common.nets import Nets
from common.outbox import Outbox, Relay, consume
from common.process import run
from common.vendor import Vendor
from outbound import admin_notice, sender_notice, store_admin_letters, store_deliveries
from outbound.addresses import Addresses
from outbound.admin_letters import AdminLetters
from outbound.asking import Asking
from outbound.config import Config
from outbound.deliveries import Deliveries
from outbound.erasure import Erasure
from outbound.housekeeping import Housekeeping
from outbound.intake import Intake
from outbound.lookups import Lookups
from outbound.marks import Marks
from outbound.notice_letters import Desk, Kind, NoticeLetters
from outbound.notices import Notices
from outbound.render import Renderer
from outbound.sealing import Sealing
from outbound.sender_letters import SenderLetters
from outbound.sending import Limits, Sending
from outbound.tables import data_key, outbox
from outbound.transports.pool import SmtpPool
from outbound.windows import Windows

ROLE = "outbound-worker"

_log = log.get(__name__)


class Worker:
    """All threads of one worker process. Raises BadSetting without a role key."""

    def __init__(self, config: Config, database: Database, bus: Bus) -> None:
        settings = config.settings
        if config.role_key is None:
            raise BadSetting("MAILBRIDGE_ROLE_KEY is not set: the worker asks connect for Jira's credentials with it.")
        nets = Nets(settings.allow_networks)
        vendor = Vendor(Http(Nets.everything(), settings.jira_timeout), settings.connect_url, ROLE, config.role_key)
        sites = JiraSites(Http(nets, settings.jira_timeout), vendor, settings)
        sealing, marks = Sealing(Vault(settings.master_key, data_key)), Marks(settings.master_key)
        rows = Outbox(database, outbox)
        self._config = config
        self._database = database
        self._bus = bus
        self._outbox = rows
        self._pool = SmtpPool(
            nets,
            allow_plain=settings.allow_plain,
            name=own_name(settings.base_url),
            timeout=config.smtp_timeout,
        )
        self._relay = Relay(rows, bus, 2 * settings.jira_parallel)
        self._house = Housekeeping(database, self._pool, config.retention).rounds()
        self._asking = Asking(settings.jira_parallel)
        addresses = Addresses(sites, vendor, database, self._asking)
        self._windows = Windows(
            database, rows, sealing, marks, sites, vendor,
            Lookups(sites, self._asking), addresses, config.give_up_after,
        )  # fmt: skip
        renderer, limits = Renderer(), Limits(config.sending_seconds, config.attempts, config.give_up_after)
        self._sending = {
            name: Sending(database, rows, self._pool, letters, limits, name, count)
            for name, letters, count in (
                ("delivery", store_deliveries.LETTERS, metrics.DELIVERIES),
                ("admin_letter", store_admin_letters.LETTERS, metrics.ADMIN_LETTERS),
                ("sender_letter", store_admin_letters.LETTERS, metrics.SENDER_LETTERS),
            )
        }
        notices = Notices(database, rows, sites, renderer)
        self._deliveries = Deliveries(database, rows, sealing, renderer, self._sending["delivery"], notices)
        desk = Desk(rows, sealing, marks)
        to_admins, to_senders = self._sending["admin_letter"], self._sending["sender_letter"]
        self._admins = AdminLetters(database, desk, renderer, to_admins, vendor, addresses, settings.base_url)
        self._senders = SenderLetters(database, desk, renderer, to_senders)
        kinds: dict[str, Kind] = {sender_notice.OVERSIZED: self._senders}
        kinds |= dict.fromkeys(admin_notice.KINDS, self._admins)
        self._letters = NoticeLetters(database, rows, sealing, marks, to_admins, kinds)
        self._intake = Intake(database, sealing, marks, sites)
        self._erasure = Erasure(database, sealing, marks)

    def start(self) -> None:
        """Begin to consume and to relay; returns at once, whether or not the database can be had just now."""
        many = self._config.concurrency
        for topic, handler, threads in (
            ("jira.event", self._windows.on_event, 2),
            ("window.due", self._windows.on_due, many),
            ("delivery.due", self._deliveries.on_due, many),
            ("admin.notice", self._admins.on_admin_notice, 1),
            ("mail.notice", self._senders.on_mail_notice, 1),
            ("notice.due", self._letters.on_due, 2),
            ("mail.handled", self._intake.on_handled, 1),
            ("mail.bounced", self._intake.on_bounced, 1),
            ("person.erased", self._erasure.on_erased, 1),
            ("tenant.changed", self._intake.on_changed, 1),
            ("tenant.removed", self._intake.on_removed, 1),
        ):
            consume(self._bus, self._outbox, topic, handler, threads)
        for sending in self._sending.values():
            sending.claims.start()
        self._relay.start()
        self._house.start()

    def stop(self, grace: float) -> None:
        """End what is in hand within `grace` seconds; what is not begun or not ended by then is given back."""
        end = time.monotonic() + grace
        self._relay.stop(min(5.0, grace / 4))
        self._bus.close(max(0.0, end - time.monotonic() - min(GIVING_BACK, grace / 3)))
        self._asking.close()
        self._house.stop(1.0)
        self._pool.close()
        for sending in self._sending.values():
            sending.claims.stop()
            try:
                sending.give_back()
            except Temporary as fault:
                _log.warning("letters_not_given_back", reason=str(fault))  # their claims pass by themselves

    def checks(self) -> dict[str, Callable[[], None]]:
        """What must hold for this process to be ready."""
        return {
            "database": lambda: migrations.check_current(self._database, "outbound"),
            "bus": self._bus.check,
        }


def main() -> None:
    """Read the environment, open what there is to open, work until told to stop."""
    env = Env(os.environ)
    config = read_or_exit(lambda: Config.read(env))
    log.configure(config.settings.log_level)  # opening the bus may have something to say already
    database = read_or_exit(lambda: open_database(config.settings.database_url, "outbound"))
    bus = read_or_exit(lambda: open_bus(config.settings.broker_url, "outbound"))
    worker = read_or_exit(lambda: Worker(config, database, bus))
    run("outbound-worker", [worker], config.settings, worker.checks())


def own_name(base_url: str) -> str:
    """How we introduce ourselves to mail servers: our public host name, or an address in brackets (RFC 5321, 4.1.3)."""
    host = urlsplit(base_url).hostname or ""
    return host if any(letter.isalpha() for letter in host) and ":" not in host else "[127.0.0.1]"


if __name__ == "__main__":
    main()
