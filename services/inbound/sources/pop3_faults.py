"""What went wrong between us and a POP3 server, as a sentence and a remedy for an admin. Pure; knows no library."""

from common.errors import Fault
from inbound.sources import Account, NotNow, Unusable, imap_faults
from inbound.sources.refusals import remedy

_PASSING = ("[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]", "TOO MANY", "TRY AGAIN", "TEMPORAR", "LOCKED", "IN USE")

NO_NAMES = "The server gives its messages no lasting names (UIDL), so nobody could tell a new message from an old one."


def refused(words: str, account: Account, what: str) -> Fault:
    """The server said no. what: what we were about to do; "log in" is about the account."""
    text = _line(words)
    if any(sign in words.upper() for sign in _PASSING):
        return NotNow(f"{account.host} does not serve us just now: {text}")
    if what == "log in":
        return Unusable(
            f"{account.host} refused the user name or the password of {account.username}: {text}",
            remedy=remedy(text, account.host, "POP3"),
            field="secret",
        )
    if what == "connect" and "STLS" in words.upper():
        return Unusable(
            f"{account.host}:{account.port} offers no STARTTLS: {text}",
            remedy="Choose TLS with port 995.",
            field="security",
        )
    return NotNow(f"{account.host} refused to {what}: {text}")


def nonsense(words: str, account: Account, what: str) -> Fault:
    """The answer is not what POP3 allows."""
    if what == "connect":
        return Unusable(
            f"{account.host}:{account.port} does not speak like a POP3 server: {_line(words)}",
            remedy="Check host, port and encryption: POP3 is usually at port 995 (TLS) or 110 (STARTTLS).",
            field="port",
        )
    return NotNow(f"{account.host} answered something strange when asked to {what}: {_line(words)}")


def network(error: OSError, account: Account, what: str) -> Fault:
    """The connection could not be made, or broke."""
    return imap_faults.network(error, imap_faults.said(error), account, what, tls=995, plain=110)


def no_names(words: str) -> Unusable:
    """A server without UIDL."""
    return Unusable(f"{NO_NAMES} It said: {_line(words)}", remedy="Connect the mailbox by IMAP instead.", field="kind")


def _line(words: str) -> str:
    return " ".join(words.split())[:300].rstrip(".") + "."
