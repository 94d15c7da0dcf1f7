"""By which way a person with an account is reached by mail: where their address comes from, else Jira itself. Pure.

In this order: what Jira shows of them with the issue; Atlassian's e-mail API, where this app is approved for it; their
profile; what the look-up user sees. Who is reached by none of these gets the mail from Jira (POST /issue/{key}/notify),
so that nobody is left out silently. The property of an issue is no source: whoever may edit the issue can write it, and
could have an account's mail, restricted comments among it, sent elsewhere.
"""

from dataclasses import dataclass
from typing import Literal

Source = Literal["profile", "own", "email-api", "lookup", ""]
ApiState = Literal["works", "refused", "unknown"]

PROBED = 86_400.0
"""Seconds after which an app that was refused the e-mail API tries again: an approval is not told."""

UNSURE = 600.0
"""Seconds after which the e-mail API is tried again when it gave no plain answer."""

BY_JIRA = "Jira tells nobody this person's address, so Jira sends it for Mailbridge."

_SENTENCES: dict[str, str] = {
    "profile": "Their profile shows the address.",
    "own": "Mailbridge calls this Jira as them.",
    "email-api": "Atlassian's e-mail API told the address.",
    "lookup": "The look-up user sees the address.",
}


@dataclass(frozen=True, slots=True)
class Reach:
    """An account's address and where it comes from; None: nobody tells it."""

    address: str | None
    source: Source = ""


def sentence(source: str) -> str:
    """Where an address comes from, for the list of deliveries."""
    return _SENTENCES.get(source, "")


def may_try(scheme: str, state: ApiState, checked_at: float | None, now: float) -> bool:
    """True if the e-mail API may be asked: never by an account's API token, and not again soon where it was refused."""
    if scheme == "token":
        return False
    if state == "works" or checked_at is None:
        return True
    return now - checked_at > (PROBED if state == "refused" else UNSURE)
