"""The body of an event that Forge sent about an issue or a comment, read into a JiraEvent without any of its text. Pure.

An event has no identifier of its own: its fingerprint is the one that a webhook about the same thing has
(`events.fingerprint`), so that retries, and Connect and Forge at once, come to one event. Source: Atlassian, Forge's
"Jira events".
"""

from typing import Any

from connect.events import BadEvent, JiraEvent, event_of, instant_of, kind_of, text_of

_KINDS = {
    "avi:jira:created:issue": "issue_created",
    "avi:jira:updated:issue": "issue_updated",
    # Told beside `updated` or instead of it, with the same change log: one event comes of both.
    "avi:jira:assigned:issue": "issue_updated",
    "avi:jira:deleted:issue": "issue_deleted",
    "avi:jira:commented:issue": "comment_created",  # or an edit
    "avi:jira:deleted:comment": "comment_deleted",
}
# Milliseconds between a comment's creation and its `updated` that are no edit.
_SAME_MOMENT = 1000


def read_forge(body: Any) -> JiraEvent | None:
    """The event, None if it is of a kind that nobody here asked for; raises BadEvent."""
    kind = kind_of(body, "eventType", _KINDS)
    if kind is None:
        return None
    if kind == "comment_created" and _edited(body.get("comment")):
        kind = "comment_updated"
    return event_of(kind, body, text_of(body.get("atlassianId")), _milliseconds(body.get("timestamp")))


def _edited(comment: Any) -> bool:
    """One event tells both of a new comment and of a changed one: they differ in `created` and `updated`."""
    parts = comment if isinstance(comment, dict) else {}
    created, updated = instant_of(parts.get("created")), instant_of(parts.get("updated"))
    return created is not None and updated is not None and abs(updated - created) > _SAME_MOMENT


def _milliseconds(value: Any) -> float:
    """Forge writes the number as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        return int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise BadEvent("timestamp is missing: give milliseconds since 1970, as text.")
