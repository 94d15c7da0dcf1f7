"""From a mailbox's settings to a source that reads it. Each kind of source is named here once."""

from typing import Any

from common.nets import Nets
from inbound.config import Config
from inbound.sources import Account, Source
from inbound.sources.imap import ImapSource

KINDS = ("imap",)


def secret_aad(mailbox_id: str) -> str:
    """What a mailbox's sealed secret is bound to."""
    return f"mailbox {mailbox_id}"


def account_of(row: Any, secret: str) -> Account:
    """The account of a row of the table `mailbox` (or of anything with the same names)."""
    return Account(
        host=row.host,
        port=row.port,
        security=row.security,
        username=row.username,
        secret=secret,
        folder=row.folder,
        validate_certificate=row.validate_certificate,
        check_identity=row.check_identity,
    )


def source_for(kind: str, account: Account, config: Config) -> Source:
    """A source of this kind, not connected yet."""
    if kind != "imap":
        raise ValueError(f"no source of the kind {kind!r}")
    nets = Nets(config.settings.allow_networks)
    return ImapSource(account, nets, timeout=config.imap_timeout, allow_plain=config.settings.allow_plain)
