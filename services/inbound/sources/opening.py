"""From a mailbox's settings to a source that reads it. Each kind of source is named here once."""

from typing import Any

from common.crypto import Vault
from common.db import Database
from common.http import Http
from common.nets import Nets
from inbound.config import Config
from inbound.sources import Account, Bearer, Source
from inbound.sources.grants import Grants
from inbound.sources.graph import GraphSource
from inbound.sources.imap import ImapSource
from inbound.sources.oauth import Providers
from inbound.sources.pop3 import Pop3Source
from inbound.tables import data_key

_TOKEN_OCTETS = 2**20
_LIST_OCTETS = 4 * 2**20  # a page of a list, however small mails have to be

KINDS = ("imap", "pop3", "graph")
PUSH = "push"
"""The kind of mailbox that nobody fetches from."""


def secret_aad(mailbox_id: str) -> str:
    """What a mailbox's sealed secret is bound to."""
    return f"mailbox {mailbox_id}"


def grants_for(config: Config, database: Database, *, most: float = float("inf")) -> Grants:
    """Access tokens for the mailboxes of this database. most: seconds that nobody waits longer than for each answer."""
    vault, blank = Vault(config.settings.master_key, data_key), config.imap_timeout
    return Grants(database, vault, providers_for(config), secret_aad, timeout=blank, most=most)


def providers_for(config: Config) -> Providers:
    """Microsoft and Google, through Nets."""
    http = Http(Nets(config.settings.allow_networks), config.imap_timeout, limit=_TOKEN_OCTETS)
    return Providers(http, config.oauth)


def account_of(row: Any, secret: str, bearer: Bearer | None = None) -> Account:
    """The account of a row of the table `mailbox` (or of anything with the same names)."""
    return Account(
        host=row.host,
        port=row.port,
        security=row.security,
        username=row.username,
        secret="" if bearer else secret,
        folder=row.folder,
        validate_certificate=row.validate_certificate,
        check_identity=row.check_identity,
        bearer=bearer,
        timeout=row.timeout,
    )


def source_for(kind: str, account: Account, config: Config) -> Source:
    """A source of this kind, not connected yet."""
    nets, settings = Nets(config.settings.allow_networks), config.settings
    timeout = account.timeout or config.imap_timeout
    if kind == "imap":
        return ImapSource(account, nets, timeout=timeout, allow_plain=settings.allow_plain)
    if kind == "pop3":
        return Pop3Source(account, nets, timeout=timeout, allow_plain=settings.allow_plain)
    if kind == "graph":
        most = max(config.max_mail_bytes, _LIST_OCTETS)
        http = Http(nets, config.imap_timeout, limit=most)
        return GraphSource(account, http, config.oauth.graph_url, timeout=timeout, most=most)
    raise ValueError(f"no source of the kind {kind!r}")
