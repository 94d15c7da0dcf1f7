"""What to do when a mail server refuses a login: by its own words, by its provider, or what always helps. Pure.

Gmail says "Application-specific password required: https://support.google.com/…", others that IMAP is switched off; a link
that a server sends is worth more than any advice of ours and is passed on.
"""

import re

from inbound.sources.presets import of_host

_LINK = re.compile(r"https?://[^\s<>\"'\]]+")
_APP_PASSWORD = ("application-specific password", "application specific password", "app password", "app-password")
_CONSENT = (
    "aadsts65001",
    "consent",
    "insufficient scope",
    "insufficient_scope",
    "not authorized for the requested scope",
)
_OFF = re.compile(
    r"\b(imap|pop3?)\b[^.]{0,40}\b(disabled|not enabled|switched off|turned off|not allowed|blocked)"
    r"|\b(disabled|not enabled)\b[^.]{0,20}\b(imap|pop3?)\b"
    r"|\b(enable|turn on|activate)\b[^.]{0,30}\b(imap|pop3?)\b",
    re.IGNORECASE,
)


def remedy(words: str, host: str, protocol: str = "IMAP") -> str:
    """What an admin can do. words: what the server answered; protocol: "IMAP" or "POP3"."""
    advice = _advice(words, host, protocol)
    link = _LINK.search(words)
    return f"{advice} The provider's own page: {link[0].rstrip('.,;:)')}" if link else advice


def _advice(words: str, host: str, protocol: str) -> str:
    said = words.lower()
    preset = of_host(host)
    name = preset.name if preset else "the provider"
    if any(sign in said for sign in _APP_PASSWORD):
        return f"Make an app password in the account's security settings at {name} and enter that one."
    if _OFF.search(said):
        return f"Switch {protocol} on in the account's settings at {name}, then try again."
    if any(sign in said for sign in _CONSENT):
        return "Sign in again and agree to all that is asked; where users may not agree, an administrator has to."
    if preset:
        return preset.remedy
    return f"Check both. Some providers want an app password, or {protocol} switched on in the account's settings."
