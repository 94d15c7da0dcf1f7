"""What went wrong between us and a mail server, as a sentence and a remedy for an admin. Pure; knows no library."""

import re
import ssl

from common.errors import Fault, Temporary
from inbound.sources import Account, NotNow, Unreadable, Unusable
from inbound.sources.refusals import remedy

FETCH = "fetch messages"
"""The one thing to do during which a refusal says something about a message, not about the mailbox."""

# OpenSSL's X509_V_ERR_…: CERT_NOT_YET_VALID, CERT_HAS_EXPIRED; HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH.
_WRONG_TIME, _WRONG_NAME = (9, 10), (62, 64)
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[THROTTLED]", "[SERVERBUG]", "TOO MANY", "TRY AGAIN", "TEMPORAR")


def explain(kind: str, error: Exception, account: Account, what: str, *, connected: bool) -> Fault:
    """The fault for an exception.

    kind: "login" and "capability" (refused for that), "broken" (the connection), "nonsense" (an answer that cannot be
    understood) or "refused" (any other refusal); an OSError tells by itself. what: what we were about to do.
    connected: whether the login had been made.
    """
    words, server = said(error), f"{account.host}:{account.port}"
    told = f": {words}" if words else "."
    if isinstance(error, OSError):
        return network(error, words, account, what)
    busy = words.upper().startswith("* BYE") or any(sign in words.upper() for sign in _PASSING)
    if kind in ("login", "refused", "broken") and busy:
        return NotNow(f"{account.host} does not serve us just now: {words}")
    if kind == "login":
        return Unusable(
            f"{account.host} refused the user name or the password of {account.username}: {words}",
            remedy=remedy(words, account.host),
            field="secret",
        )
    if kind == "capability":
        return Unusable(
            f"{server} lacks what is needed to {what}: {words}",
            remedy="Choose TLS with port 993 if the server offers no STARTTLS.",
            field="security",
        )
    if kind == "nonsense" or (kind == "refused" and what == FETCH):
        return Unreadable(words)
    if kind == "broken" and (connected or "unexpected response" not in words):
        return Temporary(f"The connection to {server} broke{told}")
    if not connected:
        return Unusable(
            f"{server} does not speak like an IMAP server{told}",
            remedy="Check host, port and encryption: IMAP is usually at port 993 (TLS) or 143 (STARTTLS).",
            field="port",
        )
    return NotNow(f"{account.host} refused to {what}: {words}")


def said(error: Exception) -> str:
    """A library's or a server's words as one line that is safe to show; "" where there are none."""
    text = error.args[0] if error.args and isinstance(error.args[0], str | bytes) else str(error)
    if error.args == (None,):  # a greeting of another protocol leaves the library without words
        return ""
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    line = re.sub(r"^b'(.*)'$", r"\1", " ".join(text.split()))
    return line[:300].rstrip(".") + "."


def network(error: OSError, words: str, account: Account, what: str, *, tls: int = 993, plain: int = 143) -> Fault:
    """The connection could not be made, or broke. tls, plain: the protocol's usual ports."""
    server = f"{account.host}:{account.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error, account.host)
    if isinstance(error, ssl.SSLError):
        return Unusable(
            f"{server} does not answer in TLS: {words}",
            remedy=f"Choose STARTTLS for port {plain}, or TLS for port {tls}.",
            field="security",
        )
    if isinstance(error, TimeoutError):
        return Temporary(f"{server} did not answer in time when asked to {what}.")
    return Temporary(f"The connection to {server} failed: {words}")


def _certificate(error: ssl.SSLCertVerificationError, host: str) -> Unusable:
    words = error.verify_message.rstrip(".")
    if error.verify_code in _WRONG_NAME:
        told = f"The certificate of {host} is not valid for this host: {words}."
        remedy = (
            "Enter the name that the certificate is for. Where the server has no such name, inside a network of your own, "
            "switch off that the certificate must be for this server's name."
        )
    elif error.verify_code in _WRONG_TIME:
        told = f"The certificate of {host} is not valid today: {words}."
        remedy = (
            "Have the server's certificate renewed; if it was, see whether the clock of Mailbridge's machine is right."
        )
    else:
        told = f"The certificate of {host} is of no authority that is trusted here: {words}."
        remedy = (
            "Have the server send a certificate of a known authority, with its intermediate ones. For a server of your own with "
            "a certificate of your own, switch the check of the certificate off."
        )
    return Unusable(told, remedy=remedy, field="validate_certificate")
