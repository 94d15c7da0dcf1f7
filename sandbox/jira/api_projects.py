"""REST: projects, what can be created in them, statuses, and the server itself."""

from typing import Any

from flask import request

from sandbox.jira import beans
from sandbox.jira.api import Answer, Api, Caller, names, number, page
from sandbox.jira.errors import JiraError, bad_request
from sandbox.jira.fields import CUSTOM_FIELDS, PRIORITIES
from sandbox.jira.instants import jira_time
from sandbox.jira.model import Project
from sandbox.jira.site import Site


def add_routes(api: Api) -> None:
    """Every endpoint about projects."""
    api.route("GET", "/project/search")(search)
    api.route("GET", "/project/<project>")(read)
    api.route("GET", "/project/<project>/statuses")(statuses)
    api.route("GET", "/issue/createmeta/<project>/issuetypes")(issue_types)
    api.route("GET", "/issue/createmeta/<project>/issuetypes/<issue_type>")(create_fields)
    api.route("GET", "/serverInfo", anonymous=True)(server_info)


def search(site: Site, caller: Caller) -> Answer:
    """The projects the caller may browse, by name or key."""
    query, keys, ids = request.args.get("query", "").lower(), names("keys"), names("id")
    found = [
        {**beans.project(site, project), "isPrivate": False, "style": "classic", "properties": {}}
        for project in sorted(site.projects, key=lambda project: project.key)
        if site.may(caller.account, "BROWSE_PROJECTS", project)
        and (query in project.name.lower() or query in project.key.lower())
        and (not keys or project.key in keys)
        and (not ids or project.id in ids)
    ]
    return page(site, found, number("startAt", 0, 2**31), number("maxResults", 50, 100)), 200


def read(site: Site, caller: Caller, project: str) -> Answer:
    """One project with its issue types and roles."""
    found = _project(site, caller, project)
    return {
        **beans.project(site, found),
        "lead": beans.user(site, found.lead),
        "issueTypes": [beans.issue_type(site, site.issue_types[kind]) for kind in found.issue_types],
        "roles": {role.name: beans.link(site, 3, f"project/{found.id}/role/{role.id}") for role in site.roles.values()},
        "assigneeType": "UNASSIGNED",
        "style": "classic",
        "isPrivate": False,
        "properties": {},
        "components": [],
        "versions": [],
    }, 200


def statuses(site: Site, caller: Caller, project: str) -> Answer:
    """Per issue type the statuses of its workflow."""
    found = _project(site, caller, project)
    kinds = [site.issue_types[kind] for kind in found.issue_types]
    return [
        {
            "self": beans.link(site, 3, f"issuetype/{kind.id}"), "id": kind.id, "name": kind.name, "subtask": kind.subtask,
            "statuses": [beans.status(site, status) for status in site.statuses.values()],
        }
        for kind in kinds
    ], 200  # fmt: skip


def issue_types(site: Site, caller: Caller, project: str) -> Answer:
    """What can be created in a project."""
    found = _project(site, caller, project)
    kinds = [beans.issue_type(site, site.issue_types[kind]) for kind in found.issue_types]
    start, most = number("startAt", 0, 2**31), number("maxResults", 50, 200)
    part = kinds[start : start + most]
    return {"startAt": start, "maxResults": most, "total": len(kinds), "issueTypes": part}, 200


def create_fields(site: Site, caller: Caller, project: str, issue_type: str) -> Answer:
    """The fields of the create screen."""
    found = _project(site, caller, project)
    if issue_type not in found.issue_types:
        raise bad_request(f"The issue type {issue_type} is not in the project {found.key}.")
    fields = _create_fields(site, found, issue_type)
    start, most = number("startAt", 0, 2**31), number("maxResults", 50, 200)
    return {"startAt": start, "maxResults": most, "total": len(fields), "fields": fields[start : start + most]}, 200


def server_info(site: Site, caller: Caller) -> Answer:
    """What the site says of itself."""
    return {
        "baseUrl": site.base_url,
        "version": "1001.0.0-SNAPSHOT",
        "versionNumbers": [1001, 0, 0],
        "deploymentType": "Cloud",
        "buildNumber": 100000,
        "serverTime": jira_time(site.clock()),
        "serverTitle": "Jira (sandbox)",
        "displayUrl": site.base_url,
    }, 200


def _project(site: Site, caller: Caller, project: str) -> Project:
    found = site.project(project)
    if not site.may(caller.account, "BROWSE_PROJECTS", found):
        raise JiraError(404, f"No project could be found with key '{project}'.")
    return found


def _create_fields(site: Site, project: Project, issue_type: str) -> list[dict[str, Any]]:
    kind = site.issue_types[issue_type]
    fields = [
        _field("summary", "Summary", "string", required=True),
        _field("issuetype", "Issue Type", "issuetype", required=True, allowed=[beans.issue_type(site, kind)]),
        _field("project", "Project", "project", required=True, allowed=[beans.project(site, project)]),
        _field("reporter", "Reporter", "user", required=True, default=True),
        _field("description", "Description", "string"),
        _field("assignee", "Assignee", "user"),
        _field("priority", "Priority", "priority", default=True, allowed=[beans.priority(site, p) for p in PRIORITIES]),
        _field("labels", "Labels", "array", items="string", operations=["add", "set", "remove"]),
        _field("duedate", "Due date", "date"),
        _field("environment", "Environment", "string"),
    ]
    for number_, (name, label) in enumerate(CUSTOM_FIELDS.items()):
        field = _field(name, label, "string")
        field["schema"] = {
            "type": "string", "custom": "com.atlassian.jira.plugin.system.customfieldtypes:textfield",
            "customId": 10050 + number_,
        }  # fmt: skip
        fields.append(field)
    if kind.subtask:
        fields.append(_field("parent", "Parent", "issuelink", required=True))
    return fields


def _field(
    name: str, label: str, kind: str, *, required: bool = False, default: bool = False, items: str | None = None,
    allowed: list[Any] | None = None, operations: list[str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    field: dict[str, Any] = {
        "required": required, "schema": {"type": kind, "system": name}, "name": label, "key": name, "fieldId": name,
        "hasDefaultValue": default, "operations": operations or ["set"],
    }  # fmt: skip
    if items:
        field["schema"]["items"] = items
    if allowed is not None:
        field["allowedValues"] = allowed
    return field
