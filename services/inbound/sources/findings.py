"""What *Test connection* tells an admin about a mailbox that can be read. Pure."""

from datetime import UTC, datetime

from inbound.sources import Account, Finding
from inbound.sources.tls import Certificate


def finding(
    account: Account,
    folders: tuple[str, ...],
    unread: int | None,
    total: int,
    wakes: bool,
    certificate: Certificate | None,
) -> Finding:
    """The facts and a sentence for each."""
    sentences = (
        f"Connected to {account.host} and logged in as {account.username}.",
        f"The folder {account.folder} has {total} {'message' if total == 1 else 'messages'}, {unread} of them unread.",
        "The server tells of new mail at once (IDLE)."
        if wakes
        else "The server has no IDLE, so new mail is looked for at intervals.",
        _about(account, certificate),
    )
    expires_at = certificate.expires_at if certificate else None
    return Finding(sentences, folders, unread, total, wakes, expires_at)


def _about(account: Account, certificate: Certificate | None) -> str:
    if account.security == "none":
        return "The connection is not encrypted."
    if certificate is None:
        return "The connection is encrypted, but the certificate is not checked."
    until = datetime.fromtimestamp(certificate.expires_at, UTC)
    return f"The certificate is for {', '.join(certificate.names[:3])} and valid until {until:%d %B %Y}."
