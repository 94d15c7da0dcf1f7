"""What happened on the site, as Forge tells it: one webhook's event becomes none, one or two product events.

Shapes: contracts/samples/forge/*.json. Issues and comments are as in webhooks (v2, wiki markup); a comment event carries the
whole issue, an attachment event none; created and edited comments are the same event.
"""

from typing import Any

from sandbox.jira import beans, hook_beans
from sandbox.jira.model import Event
from sandbox.jira.site import Site

Body = dict[str, Any]
MOST = 200_000  # bytes; larger events are not delivered at all
_COMMENTS = {
    "comment_created": "avi:jira:commented:issue",
    "comment_updated": "avi:jira:commented:issue",
    "comment_deleted": "avi:jira:deleted:comment",
}


def product_events(site: Site, event: Event) -> list[Body]:
    """The bodies, each with its `eventType`; the caller holds the site's lock."""
    if event.name == "jira:issue_created":
        return [_issue_event(site, event, "avi:jira:created:issue")]
    if event.name == "jira:issue_deleted":
        return [_issue_event(site, event, "avi:jira:deleted:issue")]
    if event.name == "jira:issue_updated":
        return _updated(site, event)
    if event.name in _COMMENTS:
        return [_comment_event(site, event, _COMMENTS[event.name])]
    if event.name == "attachment_created":
        head = _head(event, "avi:jira:created:attachment", None)
        return [{**head, "attachment": event.body["attachment"]}]
    return []


def _updated(site: Site, event: Event) -> list[Body]:
    body = _issue_event(site, event, "avi:jira:updated:issue")
    changelog = event.body["changelog"]
    body["changelog"] = changelog
    body["jiraEventTypeName"] = event.body["issue_event_type_name"]
    changed = {item["fieldId"]: item for item in changelog["items"] if item.get("fieldId")}
    if "status" in changed:
        ids = [changed["status"][name] for name in ("from", "to")]
        statuses = [beans.status(site, site.statuses[one], 2) for one in ids if one in site.statuses]
        body["associatedStatuses"] = {"statuses": statuses}
    if "assignee" not in changed:
        return [body]
    assigned = _issue_event(site, event, "avi:jira:assigned:issue")
    return [body, {**assigned, "changelog": changelog}]


def _issue_event(site: Site, event: Event, name: str) -> Body:
    actor = str(event.body["user"]["accountId"])
    return {
        **_head(event, name, actor),
        "issue": event.body["issue"],
        "associatedUsers": {"users": [_person(site, actor)]},
    }


def _comment_event(site: Site, event: Event, name: str) -> Body:
    actor = event.actor or str(event.body["comment"]["updateAuthor"]["accountId"])
    issue = site.issues.get(str(event.body["issue"]["id"]))
    body = {
        **_head(event, name, actor),
        "issue": event.body["issue"] if issue is None else hook_beans.issue(site, issue),
        "comment": event.body["comment"],
    }
    if name != "avi:jira:deleted:comment":
        body["associatedUsers"] = {"users": [_person(site, actor)]}
    return body


def _head(event: Event, name: str, actor: str | None) -> Body:
    head = {"eventType": name, "timestamp": str(event.body["timestamp"])}
    return head if actor is None else {**head, "atlassianId": actor}


def _person(site: Site, account: str) -> Body:
    bean = beans.user(site, account, 2)
    return {name: bean[name] for name in ("accountId", "accountType", "displayName", "active", "timeZone")}
