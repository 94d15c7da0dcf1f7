"""Many events of one window become few items: what a person reads is what happened, not how often it was saved. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from outbound.audience import FIELDS
from outbound.facts import Change, Comment, Event, Issue, Item

_NOT_TOLD = {
    "comment_updated": "Nobody is told of an edited comment.",
    "comment_deleted": "Nobody is told of a deleted comment.",
    "issue_deleted": "Nobody is told of a deleted issue.",
}


@dataclass(frozen=True, slots=True)
class Batch:
    """The items of a window in order of time, and for each event that became none the reason, by event id."""

    items: tuple[Item, ...]
    notes: Mapping[str, str]


def collect(events: Sequence[Event], issue: Issue, comments: Mapping[str, Comment]) -> Batch:
    """Put a window's events together; `comments` are those of the events that still exist, by id.

    One person's changes become one item with the first value before and the last after; a comment is told once.
    """
    items: list[Item] = []
    notes = untold(events)
    for event in sorted(events, key=lambda event: (event.at, event.id)):
        if event.id in notes:
            continue
        item = _item(event, issue, comments)
        if isinstance(item, str):
            notes[event.id] = item
        elif (place := _place(items, item)) is not None:
            items[place] = _join(items[place], item)
        else:
            items.append(item)
    kept = [item for item in items if item.kind != "issue_updated" or item.changes]
    for item in items:
        if item not in kept:
            notes.update(dict.fromkeys(item.events, "The changes took each other back."))
    return Batch(tuple(kept), notes)


def untold(events: Sequence[Event]) -> dict[str, str]:
    """The reasons, by event id, for those events that become no item whatever Jira says about their issue."""
    notes: dict[str, str] = {}
    for event in events:
        if event.kind in ("issue_created", "comment_created"):
            continue
        if event.kind != "issue_updated":
            notes[event.id] = _NOT_TOLD.get(event.kind, "Mailbridge does not know this kind of event.")
        elif not _told_changes(event):
            notes[event.id] = "No field has changed that people are told of."
    return notes


def _item(event: Event, issue: Issue, comments: Mapping[str, Comment]) -> Item | str:
    if event.kind == "issue_created":
        return Item("issue_created", event.at, event.actor, _created_by(issue), events=(event.id,))
    if event.kind == "comment_created":
        comment = comments.get(event.comment_id or "")
        if comment is None:
            return "The comment was deleted, or can't be read any more, before anybody was told."
        actor = event.actor or (comment.author.id if comment.author else None)
        return Item("comment_created", event.at, actor, _written_by(comment), comment, events=(event.id,))
    return Item("issue_updated", event.at, event.actor, changes=_told_changes(event), events=(event.id,))


def _told_changes(event: Event) -> tuple[Change, ...]:
    return tuple(change for change in event.changes if change.field in FIELDS)


def _place(items: Sequence[Item], item: Item) -> int | None:
    """Where the same comment, the same creation or the same person's changes stand already."""
    for place, other in enumerate(items):
        same_comment = other.comment is None or item.comment is None or other.comment.id == item.comment.id
        same_actor = other.actor == item.actor or item.kind != "issue_updated"
        if other.kind == item.kind and same_comment and same_actor:
            return place
    return None


def _join(first: Item, then: Item) -> Item:
    changes = {change.field: change for change in first.changes}
    for change in then.changes:
        before = changes[change.field].before if change.field in changes else change.before
        back = change.field in changes and before == change.after and changes[change.field].after is not None
        changes[change.field] = Change(change.field, before, change.after)
        if back:  # of mere text neither value has an id: then nothing says that it is the old one again
            del changes[change.field]
    return replace(first, changes=tuple(changes.values()), events=first.events + then.events)


def _created_by(issue: Issue) -> str:
    if issue.mailed and issue.mailed.sender:
        return issue.mailed.sender.name or issue.mailed.sender.address
    return issue.creator.name if issue.creator else ""


def _written_by(comment: Comment) -> str:
    if comment.mailed and comment.mailed.sender:
        return comment.mailed.sender.name or comment.mailed.sender.address
    return comment.author.name if comment.author else ""
