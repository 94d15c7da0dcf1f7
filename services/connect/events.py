"""A body that Jira sent about an issue or a comment, read into one small JiraEvent without any of its text. Pure.

Bodies are Jira's webhook bodies (Atlassian, "Webhooks"; version 2 shapes). Which issue a comment belongs to is not
promised by Jira and may be missing. An event has the same fingerprint whichever way it came: a webhook of Connect or of
an administrator, a Forge event, a look at the issue itself (`polled_events.py`).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

KINDS = {
    "jira:issue_created": "issue_created",
    "jira:issue_updated": "issue_updated",
    "jira:issue_deleted": "issue_deleted",
    "comment_created": "comment_created",
    "comment_updated": "comment_updated",
    "comment_deleted": "comment_deleted",
}

_MOST_CHANGES = 100
_LONGEST_VALUE = 255
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadEvent(ValueError):
    """The body is not an event; `str()` names the field."""


@dataclass(frozen=True, slots=True)
class Change:
    """One changed field: its id, and ids of the values, None where Jira has only text for them."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class JiraEvent:
    """What happened, to what, by whom, when (seconds since 1970). `fingerprint` is the same for every copy of it."""

    kind: str
    issue_id: str | None
    issue_key: str | None
    comment_id: str | None
    comment_updated: str | None
    changelog_id: str | None
    actor: str | None
    at: float
    fields: tuple[Change, ...]
    fingerprint: str

    def to_json(self) -> dict[str, Any]:
        """The body of the message `jira.event`."""
        changes = [{"field": change.field, "from": change.before, "to": change.after} for change in self.fields]
        return {**asdict(self), "fields": changes}


def read_webhook(body: Any) -> JiraEvent | None:
    """The event, None if it is of a kind that nobody here asked for; raises BadEvent."""
    kind = kind_of(body, "webhookEvent", KINDS)
    if kind is None:
        return None
    milliseconds = body.get("timestamp")
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        raise BadEvent("timestamp is missing: give milliseconds since 1970.")
    return event_of(kind, body, _actor(kind, body), milliseconds)


def kind_of(body: Any, field: str, kinds: Mapping[str, str]) -> str | None:
    """Which of our kinds this field of a body names, None for none of them; raises BadEvent."""
    if not isinstance(body, dict):
        raise BadEvent("The body is not a JSON object.")
    name = body.get(field)
    if not isinstance(name, str):
        raise BadEvent(f"{field} is missing: it names what happened.")
    return kinds.get(name)


def event_of(kind: str, body: Mapping[str, Any], actor: str | None, milliseconds: float) -> JiraEvent:
    """The event of this kind from `issue`, `comment` and `changelog` of a body; raises BadEvent."""
    if not 0 <= milliseconds < 1e15:
        raise BadEvent("timestamp is no instant: give milliseconds since 1970.")
    issue, comment, changelog = (_object(body, part) for part in ("issue", "comment", "changelog"))
    issue_id, comment_id, changelog_id = (_id(part) for part in (issue, comment, changelog))
    if kind.startswith("issue") and issue_id is None:
        raise BadEvent("issue.id is missing.")
    if kind.startswith("comment") and comment_id is None:
        raise BadEvent("comment.id is missing.")
    updated = text_of(comment.get("updated"))
    return JiraEvent(
        kind=kind,
        issue_id=issue_id,
        issue_key=text_of(issue.get("key")),
        comment_id=comment_id,
        comment_updated=updated,
        changelog_id=changelog_id,
        actor=actor,
        at=milliseconds / 1000,
        fields=changes(changelog),
        fingerprint=fingerprint(
            kind, issue_id, comment_id=comment_id, changelog_id=changelog_id, updated=updated, at=milliseconds
        ),
    )


def fingerprint(
    kind: str,
    issue_id: str | None,
    *,
    comment_id: str | None = None,
    changelog_id: str | None = None,
    updated: str | None = None,
    at: float = 0.0,
) -> str:
    """What every copy of an event shares, whichever way it came.

    updated: the comment's, in any form of ISO 8601; at: milliseconds since 1970, used only where nothing better tells
    two events of one object apart.
    """
    # An issue is created and deleted once, and so is a comment, which is one of a kind without its issue: some copies
    # name that and others don't.
    if kind == "comment_updated":
        instant = instant_of(updated)
        parts: tuple[object, ...] = (comment_id, updated or int(at) if instant is None else instant)
    elif kind.startswith("comment"):
        parts = (comment_id,)
    elif kind == "issue_updated":
        parts = (issue_id, changelog_id or int(at))
    else:
        parts = (issue_id,)
    return hashlib.sha256("\n".join((kind, *map(str, parts))).encode()).hexdigest()[:40]


def instant_of(text: Any) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 instant, None if it is none; without an offset it is taken for UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // timedelta(milliseconds=1)
    except (TypeError, ValueError, OverflowError):
        return None


def _actor(kind: str, body: Mapping[str, Any]) -> str | None:
    """Who did it. Jira does not say who deleted a comment."""
    person, comment = _object(body, "user"), _object(body, "comment")
    if not person and kind == "comment_created":
        person = _object(comment, "author")
    if not person and kind == "comment_updated":
        person = _object(comment, "updateAuthor")
    return text_of(person.get("accountId"))


def changes(changelog: Mapping[str, Any]) -> tuple[Change, ...]:
    """What an entry of a changelog changed, without what people wrote."""
    items = changelog.get("items")
    # Only `from` and `to`, which are ids: what people wrote stands in `fromString` and `toString`.
    return tuple(
        Change(field, text_of(item.get("from")), text_of(item.get("to")))
        for item in (items[:_MOST_CHANGES] if isinstance(items, list) else ())
        if isinstance(item, dict) and (field := text_of(item.get("fieldId")) or text_of(item.get("field")))
    )


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name)
    if part is not None and not isinstance(part, dict):
        raise BadEvent(f"{name} is not a JSON object.")
    return part or {}


def _id(part: Mapping[str, Any]) -> str | None:
    value = part.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_of(value)


def text_of(value: Any) -> str | None:
    """The text, if it is one of a length that ids, keys and names have."""
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_VALUE else None
