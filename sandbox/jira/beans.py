"""The site's things as JSON, in the shapes of REST v3 (ADF, `version` 3); what webhooks (v2: wiki markup) share with it."""

from typing import Any
from urllib.parse import quote

from sandbox.jira import adf
from sandbox.jira.fields import CUSTOM_FIELDS, PRIORITIES
from sandbox.jira.instants import jira_time
from sandbox.jira.model import Attachment, Comment, Issue, IssueType, Project, Status
from sandbox.jira.site import Site

Json = dict[str, Any]
_SIZES = ("48x48", "24x24", "16x16", "32x32")
_CATEGORIES = {
    "new": (2, "blue-gray", "To Do"),
    "indeterminate": (4, "yellow", "In Progress"),
    "done": (3, "green", "Done"),
}


def link(site: Site, version: int, path: str) -> str:
    """The `self` of a thing."""
    return f"{site.base_url}/rest/api/{version}/{path}"


def user(site: Site, account_id: str, version: int = 3) -> Json:
    """A user; the e-mail address only over REST and only when the profile shows it."""
    person = site.users[account_id]
    bean: Json = {
        "self": link(site, version, f"user?accountId={account_id}"),
        "accountId": account_id,
        "avatarUrls": {size: f"{site.base_url}/avatar/{size}.png" for size in _SIZES},
        "displayName": person.name,
        "active": person.active,
        "timeZone": person.time_zone,
        "accountType": person.kind,
    }
    if version == 3 and person.email_shown and person.email:
        bean["emailAddress"] = person.email
    return bean


def user_or_none(site: Site, account_id: str | None, version: int = 3) -> Json | None:
    """A user, or null for nobody."""
    return None if account_id is None or account_id not in site.users else user(site, account_id, version)


def issue(site: Site, found: Issue, account: str, wanted: list[str], properties: list[str]) -> Json:
    """An issue for REST: `wanted` are names, `*all`, `*navigable` or `-name`; `properties` are keys or `*all`."""
    everything = issue_fields(site, found, account, 3)
    bean: Json = {
        "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
        "id": found.id,
        "self": link(site, 3, f"issue/{found.id}"),
        "key": found.key,
        "fields": {name: value for name, value in everything.items() if _asked(name, wanted)},
    }
    if properties:
        bean["properties"] = {
            key: value for key, value in found.properties.items() if key in properties or "*all" in properties
        }
    return bean


def issue_fields(site: Site, found: Issue, account: str, version: int) -> Json:
    """All fields of an issue."""
    document = (lambda doc: doc) if version == 3 else adf.wiki
    fields: Json = {
        "summary": found.summary,
        "description": document(found.description),
        "issuetype": issue_type(site, site.issue_types[found.issue_type], version),
        "project": project(site, site.project(found.project), version),
        "status": status(site, site.statuses[found.status], version),
        "priority": priority(site, found.priority, version),
        "resolution": None,
        "resolutiondate": None,
        "created": jira_time(found.created),
        "updated": jira_time(found.updated),
        "reporter": user_or_none(site, found.reporter, version),
        "creator": user_or_none(site, found.creator, version),
        "assignee": user_or_none(site, found.assignee, version),
        "labels": list(found.labels),
        "components": [],
        "versions": [],
        "fixVersions": [],
        "issuelinks": [],
        "subtasks": [],
        "attachment": [attachment(site, file, version) for file in found.attachments],
        "watches": {
            "self": link(site, version, f"issue/{found.key}/watchers"),
            "watchCount": len(found.watchers),
            "isWatching": account in found.watchers,
        },
        "votes": {"self": link(site, version, f"issue/{found.key}/votes"), "votes": 0, "hasVoted": False},
        "environment": document(found.environment),
        "duedate": found.due_date,
        "timetracking": {},
        "security": None,
        **{name: found.custom.get(name) for name in CUSTOM_FIELDS},
    }
    if found.parent and found.parent in site.issues:
        parent = site.issues[found.parent]
        fields["parent"] = {"id": parent.id, "key": parent.key, "self": link(site, version, f"issue/{parent.id}"),
                            "fields": {"summary": parent.summary}}  # fmt: skip
    if version == 3:
        seen = [entry for entry in found.comments if site.sees_comment(account, found, entry)]
        fields["comment"] = {
            "comments": [comment(site, found, entry) for entry in seen],
            "self": link(site, 3, f"issue/{found.id}/comment"),
            "maxResults": len(seen),
            "total": len(seen),
            "startAt": 0,
        }
    return fields


def comment(site: Site, found: Issue, entry: Comment, *, with_properties: bool = False) -> Json:
    """A comment for REST."""
    bean: Json = {
        "self": link(site, 3, f"issue/{found.id}/comment/{entry.id}"),
        "id": entry.id,
        "author": user_or_none(site, entry.author),
        "body": entry.body,
        "updateAuthor": user_or_none(site, entry.update_author),
        "created": jira_time(entry.created),
        "updated": jira_time(entry.updated),
        "jsdPublic": not entry.internal,
    }
    if entry.visibility:
        bean["visibility"] = dict(entry.visibility)
    if with_properties:
        bean["properties"] = [{"key": key, "value": value} for key, value in entry.properties.items()]
    return bean


def attachment(site: Site, file: Attachment, version: int = 3) -> Json:
    """An attachment's metadata."""
    bean: Json = {
        "self": link(site, version, f"attachment/{file.id}"),
        "id": file.id,
        "filename": file.filename,
        "author": user_or_none(site, file.author, version),
        "created": jira_time(file.created),
        "size": len(file.content),
        "mimeType": file.content_type,
        "content": link(site, version, f"attachment/content/{file.id}"),
    }
    if file.content_type.startswith("image/"):
        bean["thumbnail"] = link(site, version, f"attachment/thumbnail/{file.id}")
    return bean


def project(site: Site, found: Project, version: int = 3) -> Json:
    """A project, as it stands in an issue."""
    return {
        "self": link(site, version, f"project/{found.id}"),
        "id": found.id,
        "key": found.key,
        "name": found.name,
        "projectTypeKey": found.type,
        "simplified": False,
        "avatarUrls": {},
    }


def issue_type(site: Site, kind: IssueType, version: int = 3) -> Json:
    """An issue type."""
    return {
        "self": link(site, version, f"issuetype/{kind.id}"),
        "id": kind.id,
        "description": "",
        "iconUrl": f"{site.base_url}/images/icons/{quote(kind.name.lower())}.png",
        "name": kind.name,
        "subtask": kind.subtask,
        "avatarId": 10318,
        "hierarchyLevel": -1 if kind.subtask else 0,
    }


def status(site: Site, found: Status, version: int = 3) -> Json:
    """A status with its category."""
    number, colour, name = _CATEGORIES[found.category]
    return {
        "self": link(site, version, f"status/{found.id}"),
        "description": "",
        "iconUrl": f"{site.base_url}/images/icons/status.png",
        "name": found.name,
        "id": found.id,
        "statusCategory": {
            "self": link(site, version, f"statuscategory/{number}"),
            "id": number,
            "key": found.category,
            "colorName": colour,
            "name": name,
        },
    }


def priority(site: Site, number: str, version: int = 3) -> Json:
    """A priority."""
    return {
        "self": link(site, version, f"priority/{number}"),
        "iconUrl": f"{site.base_url}/images/icons/{PRIORITIES[number].lower()}.svg",
        "name": PRIORITIES[number],
        "id": number,
    }


def _asked(name: str, wanted: list[str]) -> bool:
    if f"-{name}" in wanted:
        return False
    if not wanted or "*all" in wanted or name in wanted:
        return True
    if "*navigable" in wanted:
        return name not in ("comment", "attachment")
    return all(entry.startswith("-") for entry in wanted)
