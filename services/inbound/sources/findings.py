"""What *Test connection* tells an admin about a mailbox that can be read. Pure."""

from datetime import UTC, datetime

from inbound.sources import Account, Finding
from inbound.sources.tls import Certificate

_GMAIL = ("gmail.com", "googlemail.com")


def finding(
    account: Account,
    folders: tuple[str, ...],
    unread: int | None,
    total: int,
    wakes: bool,
    certificate: Certificate | None,
    remarks: tuple[str, ...] = (),
) -> Finding:
    """The facts and a sentence for each; the remarks after them."""
    sentences = (
        f"Connected to {account.host} and logged in as {account.username}.",
        f"The folder {account.folder} has {total} {'message' if total == 1 else 'messages'}, {unread} of them unread.",
        "The server tells of new mail at once (IDLE)."
        if wakes
        else "The server has no IDLE, so new mail is looked for at intervals.",
        _about(account, certificate),
        *remarks,
    )
    expires_at = certificate.expires_at if certificate else None
    return Finding(sentences, folders, unread, total, wakes, expires_at)


def pop3_finding(account: Account, total: int, expires: tuple[str, ...], certificate: Certificate | None) -> Finding:
    """The same of a POP3 mailbox. expires: what the server says about deleting by itself (EXPIRE of RFC 2449)."""
    sentences = [
        f"Connected to {account.host} and logged in as {account.username}.",
        f"The mailbox has {total} {'message' if total == 1 else 'messages'}; POP3 does not tell which of them were read.",
        "POP3 does not tell of new mail, so it is looked for at intervals.",
        _about(account, certificate),
    ]
    if account.host.lower().endswith(_GMAIL):
        sentences.append(
            "Gmail decides by its own setting what becomes of messages that were fetched by POP (Settings, Forwarding and "
            "POP/IMAP): it may archive or delete them. Choose to keep Gmail's copy in the inbox there."
        )
    if expires and expires[0].isdigit():
        days = int(expires[0])
        when = f"{days} days after they came" if days else "once they were fetched"
        sentences.append(f"The server says that it deletes messages by itself {when}, whatever is set here.")
    else:
        sentences.append("The provider may delete messages that were fetched by POP: see its own settings.")
    expires_at = certificate.expires_at if certificate else None
    return Finding(tuple(sentences), ("INBOX",), None, total, False, expires_at)


def _about(account: Account, certificate: Certificate | None) -> str:
    if account.security == "none":
        return "The connection is not encrypted."
    if certificate is None:
        return (
            "The connection is encrypted, but the certificate is not checked: anybody between here and the server could read "
            "the password and the mail."
        )
    until = datetime.fromtimestamp(certificate.expires_at, UTC)
    about = f"The certificate is for {', '.join(certificate.names[:3])} and valid until {until:%d %B %Y}"
    if not account.check_identity:
        return f"{about}; whether it is for {account.host} is not checked, so another server with any valid one could answer."
    return f"{about}."
