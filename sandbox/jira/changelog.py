"""Changelogs: what a field was and what it is now, by id and in words, and an issue's history as REST tells it."""

from typing import Any

from sandbox.jira import adf, beans, fields
from sandbox.jira.instants import jira_time
from sandbox.jira.model import Attachment, Change, Issue
from sandbox.jira.site import Site

_MOST_EXPANDED = 100
_FIELD_NAMES = {"due_date": "duedate", "issue_type": "issuetype"}


def item(site: Site, attribute: str, before: Any, after: Any) -> dict[str, Any]:
    """The change of an attribute of Issue."""
    name = _FIELD_NAMES.get(attribute, attribute)
    (old, old_text), (new, new_text) = _shown(site, attribute, before), _shown(site, attribute, after)
    return {
        "field": name, "fieldtype": "jira", "fieldId": name,
        "from": old, "fromString": old_text, "to": new, "toString": new_text,
    }  # fmt: skip


def custom_item(name: str, before: Any, after: Any) -> dict[str, Any]:
    """The change of a custom field."""
    return {
        "field": fields.CUSTOM_FIELDS[name], "fieldtype": "custom", "fieldId": name,
        "from": None, "fromString": before, "to": None, "toString": after,
    }  # fmt: skip


def attached(attachment: Attachment) -> dict[str, Any]:
    """A new attachment."""
    return {
        "field": "Attachment", "fieldtype": "jira", "fieldId": "attachment",
        "from": None, "fromString": None, "to": attachment.id, "toString": attachment.filename,
    }  # fmt: skip


def entry(site: Site, change: Change) -> dict[str, Any]:
    """One entry of an issue's history."""
    return {
        "id": change.id,
        "author": beans.user(site, change.author),
        "created": jira_time(change.at),
        "items": change.items,
    }


def recent(site: Site, issue: Issue) -> dict[str, Any]:
    """What `expand=changelog` adds to an issue: its history, newest first."""
    found = [entry(site, change) for change in reversed(issue.changes)][:_MOST_EXPANDED]
    return {"startAt": 0, "maxResults": len(found), "total": len(issue.changes), "histories": found}


def _shown(site: Site, attribute: str, value: Any) -> tuple[str | None, str | None]:
    """How a changelog shows a value: its id (None for plain texts) and its words."""
    if value is None:
        return None, None
    if attribute in ("description", "environment"):
        return None, adf.wiki(value)
    if attribute in ("assignee", "reporter"):
        return value, site.users[value].name
    if attribute == "status":
        return value, site.statuses[value].name
    if attribute == "priority":
        return value, fields.PRIORITIES[value]
    if attribute == "labels":
        return None, " ".join(value)
    if attribute == "parent":
        return value, site.issues[value].key
    return None, str(value)
