"""All three services in one process: SQLite (or PostgreSQL), the in-process bus, one HTTP port.

`python -m standalone` is how a newcomer, a small site and most tests run Mailbridge. It is assembly only, built from the same
parts as the seven processes, and the only module that sees all three. Being the only process, it takes back at its start what
a killed predecessor had in hand: outbox rows on their way, claims on mails and deliveries.
"""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from common import health, log, migrations, process
from common.db import Database, open_database
from common.env import BadSetting, Env, Settings, read_or_exit
from common.local import Hub
from common.outbox import Outbox
from common.serve import Server
from connect import app as connect_app
from connect import setup_link
from connect import tables as connect_tables
from connect import worker as connect_worker
from connect.config import Config as ConnectConfig
from connect.store_login import LoginStore
from inbound import app as inbound_app
from inbound import fetcher as inbound_fetcher
from inbound import store as inbound_store
from inbound import tables as inbound_tables
from inbound import worker as inbound_worker
from inbound.config import Config as InboundConfig
from outbound import app as outbound_app
from outbound import store as outbound_store
from outbound import tables as outbound_tables
from outbound import worker as outbound_worker
from outbound.config import Config as OutboundConfig

#: Which service answers a path; the first prefix that fits wins. The ingress has the same table.
PATHS = (("/api/inbound", "inbound"), ("/api/outbound", "outbound"), ("/u/", "outbound"), ("/", "connect"))
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Worker(process.Part, Protocol):
    """What the three services' workers and the fetcher have in common."""

    def checks(self) -> Mapping[str, health.Check]: ...


def main() -> NoReturn:
    """Read the environment, put everything together, run until SIGTERM; exit 2 with a sentence on a bad setting."""
    config = read_or_exit(lambda: Config.read(Env(os.environ)))
    databases = read_or_exit(lambda: open_databases(config.settings.database_url))
    log.configure(config.settings.log_level)
    prepare(databases)
    link = setup_link.first_link(config.connect, LoginStore(databases["connect"]))
    if link is not None:
        print(setup_link.sentence(link), flush=True)
    parts, checks = assemble(config, databases)
    process.run("standalone", parts, config.settings, checks, health_host="127.0.0.1")


@dataclass(frozen=True, slots=True)
class Config:
    """What the three services read, and where this process listens."""

    settings: Settings
    host: str
    port: int
    connect: ConnectConfig
    inbound: InboundConfig
    outbound: OutboundConfig

    @classmethod
    def read(cls, env: Env) -> "Config":
        """Read everything at once; raises BadSetting, also when a broker is set."""
        settings = Settings.read(env)
        if settings.broker_url is not None:
            raise BadSetting(
                "MAILBRIDGE_BROKER_URL is set, but standalone runs everything in one process and uses no broker: "
                "unset it, or start the seven processes instead."
            )
        return cls(
            settings=settings,
            host=env.text("MAILBRIDGE_HOST", "127.0.0.1"),
            port=env.integer("MAILBRIDGE_PORT", 8080, most=65_535),
            connect=ConnectConfig.read(env, login=True),
            inbound=InboundConfig.read(env),
            outbound=OutboundConfig.read(env),
        )


def open_databases(url: str) -> Mapping[str, Database]:
    """One database a service, by name; raises BadSetting."""
    return {service: open_database(url, service) for service in ("connect", "inbound", "outbound")}


def prepare(databases: Mapping[str, Database]) -> None:
    """Bring each schema up to date and take back what a predecessor that died had in hand."""
    outboxes = {"connect": connect_tables.outbox, "inbound": inbound_tables.outbox, "outbound": outbound_tables.outbox}
    for service, database in databases.items():
        migrations.upgrade(database, service)
        Outbox(database, outboxes[service]).clear_sent()
    for store, database in ((inbound_store, databases["inbound"]), (outbound_store, databases["outbound"])):
        with database.write() as tx:
            store.release_claims(tx)


def assemble(config: Config, databases: Mapping[str, Database]) -> tuple[list[process.Part], dict[str, health.Check]]:
    """The parts in the order in which they start, and what readiness asks of each."""
    hub = Hub()
    workers: list[Worker] = [
        connect_worker.Worker(config.connect, databases["connect"], hub.bus("connect")),
        outbound_worker.Worker(config.outbound, databases["outbound"], hub.bus("outbound")),
        inbound_worker.Worker(config.inbound, databases["inbound"], hub.bus("inbound")),
        inbound_fetcher.Fetcher(config.inbound, databases["inbound"]),
    ]
    checks = {f"{type(part).__module__}: {name}": check for part in workers for name, check in part.checks().items()}
    apps: dict[str, WsgiApp] = {
        "connect": connect_app.create_app(config.connect, database=databases["connect"]),
        "inbound": inbound_app.create_app(config.inbound, database=databases["inbound"]),
        "outbound": outbound_app.create_app(config.outbound, database=databases["outbound"]),
    }
    web = Server(router(apps, checks), config.host, config.port, threads=16)
    return [web, *workers], checks


def router(apps: Mapping[str, WsgiApp], checks: Mapping[str, health.Check]) -> WsgiApp:
    """One WSGI application from three: by path, unchanged; health and metrics speak for the whole process."""
    whole = health.wsgi_app(checks)

    def route(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path in health.PATHS:
            return whole(environ, start_response)
        service = next(service for prefix, service in PATHS if path.startswith(prefix) or prefix == "/")
        return apps[service](environ, start_response)

    return route


if __name__ == "__main__":
    threading.current_thread().name = "main"
    main()
