"""The site as the page shows it, from what is stored about it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connect.descriptor import NAME, SCOPES

_APPROVE = "Approve the update of Mailbridge in Jira's Manage apps."


@dataclass(frozen=True, slots=True)
class Way:
    """How events come: webhook, forge or polling; instants in seconds since 1970; every: seconds between two searches."""

    way: str
    heard_at: float | None
    polled_at: float | None
    every: float
    problem: str | None


@dataclass(frozen=True, slots=True)
class Access:
    """To the e-mail API. state: works, refused or unknown; checked_at: seconds since 1970, None if it was never asked."""

    state: str
    checked_at: float | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What is stored. checked: of an API token, what the last check found; notice: what needs attention soon."""

    scheme: str
    site: str
    state: str
    account_id: str | None
    events: Way
    email_api: Access
    scopes: Sequence[Mapping[str, Any]] = ()
    email: str | None = None
    token_expires_at: float | None = None
    checked: Mapping[str, Any] | None = None
    checked_at: float | None = None
    notice: str | None = None
    webhook: Mapping[str, Any] | None = None


def view(seen: Seen) -> dict[str, Any]:
    """The answer of GET /api/connect/site."""
    checked = seen.checked or {}
    problem = checked.get("problem")
    app = None if seen.account_id is None else {"account_id": seen.account_id, "name": NAME}
    return {
        "scheme": seen.scheme,
        "site": seen.site,
        "state": "trouble" if problem and seen.state == "enabled" else seen.state,
        "problem": problem,
        "notice": seen.notice,
        "account": checked.get("account") if seen.scheme == "token" else app,
        "email": seen.email,
        "token_expires_at": seen.token_expires_at,
        "rights": checked.get("rights") or [],
        "checked_at": seen.checked_at,
        "scopes": seen.scopes,
        "events": seen.events,
        "webhook": seen.webhook,
        "email_api": seen.email_api,
    }


def connect_scopes() -> list[dict[str, Any]]:
    """Those of the descriptor. Jira does not tell an app which of them an installation of an older one has."""
    return [{"name": name, "granted": None, "why": why, "remedy": _APPROVE} for name, why in SCOPES.items()]
