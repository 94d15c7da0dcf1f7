"""The events that follow what was written, as Jira tells them by webhook; the index learns of it with them."""

from typing import Any

from sandbox.jira import beans, hook_beans
from sandbox.jira.model import Attachment, Change, Comment, Event, Issue
from sandbox.jira.site import Site


def issue_event(
    site: Site,
    name: str,
    issue: Issue,
    who: str,
    trace: str | None,
    items: list[dict[str, Any]],
    kind: str = "issue_created",
) -> None:
    """An issue was created or changed: by these items of its changelog."""
    now = site.clock()
    issue.updated = max(now, issue.updated)
    change = Change(str(next(site.changelog_ids)), who, now, items)
    if name == "jira:issue_updated":  # the webhook of a creation carries a changelog, the issue's history has none
        issue.changes.append(change)
    site.index.put(issue, now)
    body = {
        "timestamp": _ms(now),
        "webhookEvent": name,
        "issue_event_type_name": kind,
        "user": beans.user(site, who, 2),
        "issue": hook_beans.issue(site, issue),
        "changelog": {"id": change.id, "items": items},
    }
    site.emit(_event(site, name, body, issue, trace))


def deletion(site: Site, issue: Issue, who: str, trace: str | None) -> Event:
    """What tells that this issue is gone; made while it is still there."""
    body = {
        "timestamp": _ms(site.clock()),
        "webhookEvent": "jira:issue_deleted",
        "user": beans.user(site, who, 2),
        "issue": hook_beans.issue(site, issue),
    }
    return _event(site, "jira:issue_deleted", body, issue, trace)


def attachment_event(site: Site, issue: Issue, attachment: Attachment, trace: str | None) -> None:
    """A file was attached."""
    body = {
        "timestamp": _ms(attachment.created),
        "webhookEvent": "attachment_created",
        "attachment": beans.attachment(site, attachment, 2),
    }
    site.emit(_event(site, "attachment_created", body, issue, trace))


def comment_event(site: Site, name: str, issue: Issue, comment: Comment, who: str, trace: str | None) -> None:
    """A comment was added, changed or deleted."""
    site.index.put(issue, site.clock())
    body = {
        "timestamp": _ms(site.clock()),
        "webhookEvent": name,
        "comment": hook_beans.comment(site, issue, comment),
        "issue": hook_beans.short_issue(site, issue),
        "eventType": "primaryAction",
    }
    site.emit(_event(site, name, body, issue, trace, who))


def _event(
    site: Site, name: str, body: dict[str, Any], issue: Issue, trace: str | None, who: str | None = None
) -> Event:
    return Event(name, body, issue.key, site.project(issue.project).key, trace, who)


def _ms(instant: float) -> int:
    return int(instant * 1000)
