"""What tests of the inbound service need around it: settings, a migrated database, mailboxes in it, and patience."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select

from common import migrations
from common.crypto import Vault
from common.db import Database, open_database
from common.env import Env
from inbound import store
from inbound.config import Config
from inbound.sources.opening import secret_aad
from inbound.tables import data_key, mail, mailbox
from tests.inbound.mailserver import PASSWORD, USER, MailServer

T = TypeVar("T")
TENANT = "aaaaaaaaaaaatest"
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def config(**environment: str) -> Config:
    """A config as for the sandbox; further settings by name without the prefix MAILBRIDGE_."""
    values = {"MASTER_KEY": KEY, "ROLE_KEY": KEY, "ALLOW_PLAIN": "true", "ALLOW_NETWORKS": "127.0.0.0/8", **environment}
    return Config.read(Env({f"MAILBRIDGE_{name}": value for name, value in values.items()}))


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """An empty database with the tables of the service."""
    found = open_database(url, "inbound")
    migrations.upgrade(found, "inbound")
    try:
        yield found
    finally:
        found.close()


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """The same on SQLite in a folder of its own."""
    with opened(f"sqlite:///{folder}") as found:
        yield found


def add_mailbox(database: Database, config: Config, server: MailServer | None, **changes: Any) -> str:
    """A mailbox of TENANT that reads the server's folder; returns its id."""
    fields = {
        "name": "Support",
        "kind": "imap",
        "host": "127.0.0.1",
        "port": server.port if server else 1,
        "security": "none",
        "username": USER,
        "folder": server.folder if server else "INBOX",
        "address": USER,
        "validate_certificate": True,
        "authserv_id": None,
        "sub_addresses": True,
        "project": {"id": "10000", "key": "SUP", "name": "Support"},
        "issue_type": {"id": "10001", "name": "Task"},
        "default_reporter": None,
        "backlog": "unread",
        "enabled": True,
        **changes,
    }
    secret = fields.pop("secret", PASSWORD)
    vault = Vault(config.settings.master_key, data_key)
    with database.write() as tx:
        id = store.add_mailbox(tx, TENANT, fields, b"")
        sealed = vault.seal(tx, TENANT, secret.encode(), secret_aad(id))
        store.set_secret(tx, id, sealed)
    return id


def mails(database: Database) -> list[Row[Any]]:
    """The whole ledger, oldest first."""
    with database.read() as tx:
        return list(tx.execute(select(mail).order_by(mail.c.received_at)))


def wait_for(what: Callable[[], T], seconds: float = 45.0) -> T:
    """The first true value of `what`, tried until the time is up."""
    until = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)
    return value


def mailbox_row(tx: Connection, id: str) -> Row[Any]:
    """All columns of a mailbox."""
    return tx.execute(select(mailbox).where(mailbox.c.id == id)).one()
