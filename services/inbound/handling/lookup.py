"""Whether a write whose answer never came has happened all the same. Asks Jira itself, never its search index, whose lag
has no bound. Used no sooner than `jira_settle` after the intent, when nothing of it can be under way any more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.jira import Jira
from inbound.handling.contents import PROPERTY

MISSES = 100
"""So many keys in a row that no issue has end the walk over keys; also the most that one call takes."""

_MOST_PAGES = 200
_COMMENTS = (100, 1000)
_CLOCKS = 300.0  # seconds that Jira's clock and ours may be apart


@dataclass(frozen=True, slots=True)
class Found:
    """It happened: what Jira calls it."""

    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Missing:
    """It did not happen. high: the highest issue number that the look has seen, or None."""

    high: int | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """Neither can be said; why, as a sentence."""

    why: str


def issue(jira: Jira, mail_id: str, project_key: str, above: int) -> Found | Missing | Unclear:
    """Walk the project's keys above the highest one known at the time of the intent."""
    high = above
    for page in range(_MOST_PAGES):
        first = above + 1 + page * MISSES
        keys = [f"{project_key}-{number}" for number in range(first, first + MISSES)]
        issues = jira.bulk_fetch(keys, ["project"], [PROPERTY])
        for one in issues:
            if _made_by(mail_id, (one.get("properties") or {}).get(PROPERTY)):
                return Found({"issue": str(one["id"]), "issue_key": str(one["key"])})
        if not issues:
            return Missing(high)
        high = max(high, *(number_of(str(one["key"])) for one in issues))
    return Unclear(
        f"More than {_MOST_PAGES * MISSES} issues came into {project_key} meanwhile: too many to look through."
    )


def comment(jira: Jira, mail_id: str, issue_id: str, since: float) -> Found | Missing | Unclear:
    """Look at the issue's newest comments, back to the time of the intent (seconds since 1970)."""
    for count in _COMMENTS:
        newest = jira.newest_comments(issue_id, count)
        for one in jira.comments_by_id(entry["id"] for entry in newest):
            properties = {entry.get("key"): entry.get("value") for entry in one.get("properties") or []}
            if _made_by(mail_id, properties.get(PROPERTY)):
                return Found({"comment": str(one["id"])})
        if len(newest) < count or _instant(newest[-1].get("created")) < since - _CLOCKS:
            return Missing()
    return Unclear(f"The issue has more than {_COMMENTS[-1]} comments since then: too many to look through.")


def attachment(jira: Jira, issue_id: str, filename: str, size: int, since: float) -> Found | Missing | Unclear:
    """Look for a file of this name (which was unique in the issue) and size that came since the intent.

    By whom does not matter: the account that we call as may be a person's, or another one by now.
    """
    fields = jira.issue(issue_id, ["attachment"]).get("fields") or {}
    for one in fields.get("attachment") or []:
        same = one.get("filename") == filename and one.get("size") == size
        if same and _instant(one.get("created")) >= since - _CLOCKS:
            return Found({"attachment": str(one["id"])})
    return Missing()


def number_of(key: str) -> int:
    """The number in an issue key; 0 if there is none."""
    text = key.rpartition("-")[2]
    return int(text) if text.isdigit() else 0


def _made_by(mail_id: str, value: object) -> bool:
    return isinstance(value, Mapping) and value.get("mail") == mail_id


def _instant(text: object) -> float:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return float("inf")
