"""What Microsoft Graph refuses, as a sentence and a remedy for an admin. Pure; knows no library."""

import json
from collections.abc import Mapping
from typing import Any

from common.errors import Fault
from inbound.sources import NotNow, Unusable

_PASSING = (408, 409, 423, 425, 429)


class Gone(Exception):
    """What was asked for is not there (any more): 404."""


class Expired(Exception):
    """A delta link is too old: 410, begin anew."""


class Refused(NotNow):
    """Graph does not take this very question: what the link says cannot be asked (any more)."""


_PATIENCE = 10.0  # seconds to wait where Graph asks for fewer calls and does not say for how long


def explain(status: int, headers: Mapping[str, str], body: bytes, user: str, what: str) -> Fault:
    """The fault for an answer that is none of 2xx, 404 and 410. what: what we were about to do; user: whose mailbox."""
    words = said(body)
    told = f": {words}" if words else "."
    if status >= 500 or status in _PASSING:
        seconds = _seconds(headers.get("retry-after"))
        return NotNow(
            f"Microsoft Graph answered {status} when asked to {what}{told}",
            retry_after=_PATIENCE if status == 429 and seconds is None else seconds,
        )
    if status == 401:
        return Unusable(
            f"Microsoft Graph does not take the sign-in for {user}{told}", remedy="Sign in again.", field="secret"
        )
    if status == 403:
        return Unusable(
            f"Microsoft Graph does not let Mailbridge {what} of {user}{told}",
            remedy="The consent has to cover Mail.ReadWrite, and for an app its access policy this mailbox: ask an "
            "administrator of Microsoft 365.",
            field="secret",
        )
    return Refused(f"Microsoft Graph answered {status} when asked to {what}{told}")


def said(body: bytes) -> str:
    """The service's own words, as one line."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = found.get("error") if isinstance(found, dict) else None
    if not isinstance(error, dict):
        return ""
    parts = [_line(error[name]) for name in ("code", "message") if error.get(name)]
    return f"{': '.join(parts)[:300].rstrip('.')}." if parts else ""


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; a date there is not worth reading a clock for."""
    return min(float(text), 3600.0) if text is not None and text.isascii() and text.strip().isdigit() else None


def _line(value: object) -> str:
    return "".join(letter for letter in " ".join(str(value).split()) if letter.isprintable())
