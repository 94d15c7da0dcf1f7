"""What a call by Forge changes about what is known of its installation. Pure.

Calls overtake each other, and a few still come while an app is being removed: what is older than what is known changes
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connect.invocation import Invocation

# Seconds after the call before an uninstallation in which that installation's other calls are left-overs.
_ECHO = 900.0
# How often it is noted that nothing is new.
_OFTEN = 60.0


@dataclass(frozen=True, slots=True)
class Known:
    """An installation and its tenant as they are stored; instants in seconds since 1970."""

    installation_id: str
    cloud_id: str
    api_base_url: str
    environment: str | None
    app_version: str | None
    token_at: float | None
    refused_at: float | None
    heard_at: float
    scheme: str
    state: str
    base_url: str
    changed_at: float
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class News:
    """New values of the installation and of its tenant, by column, and a newer token; `nothing`: no need to write."""

    site: Mapping[str, Any]
    tenant: Mapping[str, Any]
    token: str | None = field(repr=False)
    nothing: bool


def what_is_new(known: Known, call: Invocation, token: str | None, now: float) -> News | None:
    """What to write, None if the call is a left-over of an installation that is gone.

    token: the system token that the call brought, if any; it counts when no newer call brought one.
    """
    same = known.installation_id == call.installation_id
    if same and known.state == "removed" and call.issued_at < known.changed_at + _ECHO:
        return None
    in_order = known.token_at is None or call.issued_at >= known.token_at
    if not same and not in_order:
        return None
    site = _changed(known, call, ("installation_id", "cloud_id", "api_base_url", "environment", "app_version"))
    tenant = _tenant(known, call, same)
    newer = token if in_order and token != known.token else None
    late = now - known.heard_at >= _OFTEN
    if token is not None and in_order:
        # The same token told again after Jira refused it gets one more try: Forge still thinks that it is good.
        again = known.refused_at is not None and call.issued_at > known.refused_at
        if newer is not None or again:
            site |= {"token_at": call.issued_at, "refused_at": None}
        elif late:
            site["token_at"] = call.issued_at
    return News(site, tenant, newer, nothing=not (site or tenant or newer or late))


def _tenant(known: Known, call: Invocation, same: bool) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if known.scheme != "forge":
        values["scheme"] = "forge"
    if known.state != "enabled":
        values["state"] = "enabled"
    if call.site_url is not None and call.site_url != known.base_url:
        values |= {"base_url": call.site_url, "display_url": call.site_url}
    if values.get("scheme") or known.state == "removed" or not same:
        values["account_id"] = None  # another app user than before: it is learnt anew
    return values


def _changed(known: Known, call: Invocation, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(call, name) for name in names if getattr(call, name) != getattr(known, name)}
