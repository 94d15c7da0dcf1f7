"""Logging in to an IMAP server: with a password by LOGIN or PLAIN, with an access token by XOAUTH2."""

import imaplib
from typing import Any

from common.errors import Temporary
from inbound.sources import Account, Bearer, NotNow, imap_faults, xoauth2


def login(client: Any, account: Account) -> None:
    """Log in over an IMAPClient. Raises as the library does for a password, a fault for a token."""
    if account.bearer is not None:
        _login_with_token(client, account, account.bearer)
        return
    # LOGIN takes ASCII only; PLAIN takes UTF-8 (RFC 4616), and some servers take nothing else.
    plain = client.has_capability("AUTH=PLAIN")
    if plain and (client.has_capability("LOGINDISABLED") or not (account.username + account.secret).isascii()):
        client.plain_login(account.username, account.secret)
    else:
        client.login(account.username, account.secret)


def _login_with_token(client: Any, account: Account, bearer: Bearer) -> None:
    token, words = bearer.token(), ""

    def answer(challenge: bytes) -> bytes:
        nonlocal words
        # A challenge says why not, in JSON; the library's own oauth2_login would send the token once more instead of listening.
        if challenge:
            words = xoauth2.said(challenge)
            return b""
        return xoauth2.initial_response(account.username, token)

    try:
        client._command_and_check("authenticate", "XOAUTH2", answer)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        fault = imap_faults.explain("login", error, account, "log in", connected=False)
        if isinstance(fault, Temporary):
            raise fault from error
        if bearer.refused(token):
            raise NotNow(f"{account.host} did not take the access token any more; a new one is had now.") from error
        told = " ".join(part for part in (imap_faults.said(error), words) if part)
        raise xoauth2.refusal(account.host, account.username, bearer.person, told) from error
