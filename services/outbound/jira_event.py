"""The body of a `jira.event`, as connect sends it, read into an Event. Pure; unknown fields are ignored."""

from collections.abc import Mapping
from typing import Any

from outbound.facts import Change, Event


def read(id: str, body: Mapping[str, Any], received_at: float) -> Event:
    """The event; raises ValueError when it has no kind. A missing time is the time of receipt."""
    kind = body.get("kind")
    if not isinstance(kind, str) or not kind:
        raise ValueError("a jira.event without its kind")
    at = body.get("at")
    fields = body.get("fields")
    return Event(
        id=id,
        kind=kind[:30],
        at=float(at) if isinstance(at, int | float) and not isinstance(at, bool) else received_at,
        issue_id=_number(body.get("issue_id")),
        comment_id=_number(body.get("comment_id")),
        actor=_text(body.get("actor")) or None,
        changes=tuple(
            Change(_text(field.get("field")), _text(field.get("from")) or None, _text(field.get("to")) or None)
            for field in (fields if isinstance(fields, list | tuple) else ())
            if isinstance(field, Mapping)
        ),
    )


def _number(value: object) -> str | None:
    """Ids of issues and comments are whole numbers; anything else could not be asked for."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdigit() and len(text) <= 20 else None


def _text(value: object) -> str:
    return value[:1000] if isinstance(value, str) else ""
