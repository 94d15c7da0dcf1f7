"""What polling asks Jira and how events are read from its answers. Pure.

An issue tells by `updated` that something happened to it, and by its changelog and comments what. The events that come
of it have the fingerprints that webhooks about the same would have. What polling cannot see: deletions, an edit of a
comment behind the newest ones that were read, and all but the last of several edits of one comment.
Source: Atlassian's OpenAPI file of the REST API v3; JQL, "Advanced search reference" (relative dates).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connect.events import JiraEvent, changes, fingerprint, instant_of

FIELDS = ("created", "updated", "creator")
"""Of each issue that a search finds; all that is needed of one that nobody touched since it was made."""

_LEAST_MILLISECONDS = 1e11


@dataclass(frozen=True, slots=True)
class Found:
    """An issue that a search found; instants in milliseconds since 1970."""

    id: str
    key: str | None
    created: int
    updated: int
    creator: str | None

    @property
    def untouched(self) -> bool:
        """True if nothing happened to it but its creation."""
        return self.updated <= self.created


def query(start: float, now: float) -> str:
    """The JQL of what changed since `start`, oldest first.

    A relative date: an absolute one would be read in the account's own time zone. Its least unit is the minute, so a
    little more is found than was asked for.
    """
    return f'updated >= "-{max(1, math.ceil((now - start) / 60))}m" ORDER BY updated ASC'


def found(issue: Mapping[str, Any]) -> Found | None:
    """One issue of a search's answer; None if it lacks its id or its times."""
    fields = _object(issue.get("fields"))
    id, created, updated = issue.get("id"), instant_of(fields.get("created")), instant_of(fields.get("updated"))
    if not isinstance(id, str) or not id or created is None or updated is None:
        return None
    return Found(id, _text(issue.get("key")), created, updated, _account(fields.get("creator")))


def explained(issue: Found, told: Iterable[tuple[float, str | None]], within: int) -> bool:
    """True if an event that is known happened when the issue was last updated, give or take `within` milliseconds.

    told: of each event of the issue its instant (seconds since 1970) and its comment's `updated`, if it has one.
    """
    instants = (instant_of(updated) or round(at * 1000) for at, updated in told)
    return any(abs(instant - issue.updated) <= within for instant in instants)


def events(
    issue: Found, start: float, changelog: Iterable[Mapping[str, Any]], comments: Iterable[Mapping[str, Any]]
) -> list[JiraEvent]:
    """What happened to the issue since `start` (seconds since 1970), in order; entries that cannot be read are passed over.

    changelog: entries {"id", "author", "created", "items"}; comments: Jira's, in any order.
    """
    begin = math.floor(start * 1000)
    happened = [
        *([_created(issue)] if issue.created >= begin else ()),
        *(event for entry in changelog for event in _changed(issue, entry, begin)),
        *(event for comment in comments for event in _commented(issue, comment, begin)),
    ]
    return sorted(happened, key=lambda event: event.at)


def _created(issue: Found) -> JiraEvent:
    return _event("issue_created", issue, issue.created, issue.creator)


def _changed(issue: Found, entry: Mapping[str, Any], begin: int) -> Iterable[JiraEvent]:
    id, at = _id(entry.get("id")), _instant(entry.get("created"))
    # What was set as the issue was made belongs to its creation: a webhook tells both in one event.
    if id is None or at is None or at < begin or at <= issue.created:
        return
    yield _event("issue_updated", issue, at, _account(entry.get("author")), changelog=entry)


def _commented(issue: Found, comment: Mapping[str, Any], begin: int) -> Iterable[JiraEvent]:
    created, updated = _instant(comment.get("created")), _instant(comment.get("updated"))
    if _id(comment.get("id")) is None or created is None:
        return
    if created >= begin:
        yield _event("comment_created", issue, created, _account(comment.get("author")), comment=comment)
    if updated is not None and updated > created and updated >= begin:
        who = _account(comment.get("updateAuthor"))
        yield _event("comment_updated", issue, updated, who, comment=comment)


def _event(
    kind: str,
    issue: Found,
    at: int,
    actor: str | None,
    *,
    changelog: Mapping[str, Any] | None = None,
    comment: Mapping[str, Any] | None = None,
) -> JiraEvent:
    comment_id, changelog_id = _id((comment or {}).get("id")), _id((changelog or {}).get("id"))
    updated = _text((comment or {}).get("updated"))
    return JiraEvent(
        kind=kind,
        issue_id=issue.id,
        issue_key=issue.key,
        comment_id=comment_id,
        comment_updated=updated,
        changelog_id=changelog_id,
        actor=actor,
        at=at / 1000,
        fields=changes(changelog or {}),
        fingerprint=fingerprint(
            kind, issue.id, comment_id=comment_id, changelog_id=changelog_id, updated=updated, at=at
        ),
    )


def _instant(value: Any) -> int | None:
    """Milliseconds of an ISO instant, or of a number: Jira's example of /changelog/bulkfetch gives seconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return instant_of(value)
    if not 0 <= value < 1e15:  # also refuses NaN
        return None
    return int(value if value >= _LEAST_MILLISECONDS else value * 1000)


def _account(person: Any) -> str | None:
    return _text(_object(person).get("accountId"))


def _id(value: Any) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 255 else None
