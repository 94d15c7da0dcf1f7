"""What the headers of an answer of Jira say about its rate limits: how long to wait, how much is left. Pure.

Headers (names in lower case here): `Retry-After` (seconds); `X-RateLimit-Remaining`, `X-RateLimit-Reset` (ISO 8601),
`X-RateLimit-NearLimit`; `RateLimit` (`"policy";r=left;t=seconds`, several with commas between). Those with the prefix
`Beta-` announce limits that are not enforced: nobody waits for them. Source: Atlassian, "Rate limiting".
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

LIMITED = ("ratelimit-reason", "ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-reset")
"""Headers by which a 503 is told to be a limit, not an outage."""

_LONGEST_WAIT = 86_400.0
_PART = re.compile(r"([rt])=(\d{1,9})(?:\.\d+)?")


def wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, a day at most; None if nothing says how long. Retry-After has the first word: never before it."""
    for said in (_retry_after(headers), _reset(headers, now), _spent(headers)):
        if said is not None and not math.isnan(said):
            return min(max(said, 0.0), _LONGEST_WAIT)
    return None


def near(headers: Mapping[str, str]) -> bool:
    """True if Jira says that this tenant comes close to a limit."""
    return headers.get("x-ratelimit-nearlimit", "").strip().lower() == "true"


def remaining(headers: Mapping[str, str]) -> int | None:
    """The least that is left of any limit that the answer names, or None."""
    left = [one["r"] for one in _parts(headers) if "r" in one]
    told = headers.get("x-ratelimit-remaining", "").strip()
    if told.isascii() and told.isdigit() and len(told) < 10:
        left.append(int(told))
    return min(left) if left else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers["retry-after"])
    except (KeyError, ValueError):
        return None


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    try:
        reset = datetime.fromisoformat(headers["x-ratelimit-reset"])
        return reset.replace(tzinfo=reset.tzinfo or UTC).timestamp() - now
    except (KeyError, ValueError, OverflowError):
        return None


def _spent(headers: Mapping[str, str]) -> float | None:
    """The longest wait of the limits that are used up; of all, where none is said to be."""
    parts = [one for one in _parts(headers) if "t" in one]
    spent = [one for one in parts if one.get("r") == 0] or parts
    return float(max(one["t"] for one in spent)) if spent else None


def _parts(headers: Mapping[str, str]) -> list[dict[str, int]]:
    limits = headers.get("ratelimit", "").split(",")
    return [{name: int(number) for name, number in _PART.findall(one)} for one in limits]
