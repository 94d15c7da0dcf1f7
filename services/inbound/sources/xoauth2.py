"""Logging in to IMAP and POP3 with an access token: XOAUTH2. Pure.

Sources: developers.google.com/gmail/imap/xoauth2-protocol, and Microsoft's page on IMAP, POP and SMTP with OAuth: the initial
response is base64("user=" user ^A "auth=Bearer " token ^A ^A); a refusal comes as a challenge with JSON in base64, to be
answered by an empty line.
"""

import base64
import binascii
import json
from typing import Any

from inbound.sources import Unusable


def initial_response(user: str, token: str) -> bytes:
    """What XOAUTH2 begins with, before base64."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()


def said(challenge: bytes) -> str:
    """The server's words in its challenge, JSON that may still be in base64; "" if it says nothing that can be read."""
    try:
        text = challenge if challenge.lstrip()[:1] == b"{" else base64.b64decode(challenge, validate=True)
        found: Any = json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    parts = [
        f"{name} {_line(found[name])}" for name in ("status", "error", "error_description", "scope") if found.get(name)
    ]
    return ", ".join(parts)


def refusal(host: str, user: str, person: str | None, words: str) -> Unusable:
    """What to tell an admin when a mail server does not take a fresh token. words: the server's own."""
    remedy = (
        f"Check that the user name is the mailbox that {person or 'the app'} may read, that IMAP or POP is switched on for it, "
        "and that the consent covers it; then sign in again."
    )
    told = f": {words.rstrip('.')}." if words else "."
    return Unusable(f"{host} did not take the sign-in for {user}{told}", remedy=remedy, field="secret")


def _line(value: object) -> str:
    line = " ".join(str(value).split())
    return "".join(letter for letter in line if letter.isprintable())[:200]
