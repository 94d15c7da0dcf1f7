"""The `fields` of a create or edit request: read, checked as Jira checks them, and named when they are wrong."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.jira import adf
from sandbox.jira.errors import JiraError, bad_field
from sandbox.jira.model import IssueType, Project
from sandbox.jira.site import Site

TOO_LONG = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
PRIORITIES = {"1": "Highest", "2": "High", "3": "Medium", "4": "Low", "5": "Lowest"}
CUSTOM_FIELDS = {"customfield_10050": "Customer e-mail"}


@dataclass(frozen=True)
class Target:
    """Where an issue is created."""

    project: Project
    issue_type: IssueType


def target(site: Site, fields: dict[str, Any]) -> Target:
    """Project and issue type of a new issue; raises JiraError naming what is missing."""
    wanted = fields.get("project")
    if not isinstance(wanted, dict):
        raise bad_field("project", "Specify a valid project ID or key")
    try:
        project = site.project(str(wanted.get("id") or wanted.get("key") or ""))
    except JiraError:
        raise bad_field("project", "Specify a valid project ID or key") from None
    kind = fields.get("issuetype")
    if not isinstance(kind, dict):
        raise bad_field("issuetype", "Specify an issue type")
    for type_id in project.issue_types:
        issue_type = site.issue_types[type_id]
        if str(kind.get("id", "")) == type_id or ("id" not in kind and kind.get("name") == issue_type.name):
            return Target(project, issue_type)
    raise bad_field("issuetype", "Specify a valid issue type")


def read(site: Site, fields: dict[str, Any], project: Project) -> dict[str, Any]:
    """Attribute of Issue → value for every given field; raises one JiraError that names all the bad ones."""
    values: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, value in fields.items():
        if name in ("project", "issuetype"):
            continue
        try:
            if name in CUSTOM_FIELDS:
                custom[name] = _text(name, value)
            elif name in _READERS:
                attribute, reader = _READERS[name]
                values[attribute] = reader(site, project, name, value)
            else:
                errors[name] = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        except JiraError as error:
            errors.update(error.errors)
    if errors:
        raise JiraError(400, errors=errors)
    if custom:
        values["custom"] = custom
    return values


def _summary(_site: Site, _project: Project, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise bad_field(name, "You must specify a summary of the issue.")
    if "\n" in value or "\r" in value:
        raise bad_field(name, "The summary is invalid because it contains newline characters.")
    if len(value) > 255:
        raise bad_field(name, "Summary can't exceed 255 characters.")
    return value.strip()


def _document(_site: Site, _project: Project, name: str, value: Any) -> Any:
    if value is None:
        return None
    if adf.problem(value):
        raise bad_field(name, "Operation value must be an Atlassian Document (see the Atlassian Document Format)")
    if adf.characters(value) > adf.LIMIT:
        raise bad_field(name, TOO_LONG)
    return value


def _reporter(site: Site, _project: Project, name: str, value: Any) -> str | None:
    account = _account(name, value)
    if account is not None and (account not in site.users or not site.users[account].active):
        raise bad_field(name, "The reporter specified is not a user.")
    return account


def _assignee(site: Site, project: Project, name: str, value: Any) -> str | None:
    account = _account(name, value)
    if account is not None and not site.may(account, "ASSIGNABLE_USER", project):
        raise bad_field(name, f"User '{account}' cannot be assigned issues.")
    return account


def _account(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("accountId", value.get("id")), str | None):
        raise bad_field(name, "data was not an object")
    account: str | None = value.get("accountId", value.get("id"))
    return account


def _labels(_site: Site, _project: Project, name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise bad_field(name, "data was not an array of strings")
    for label in value:
        if " " in label:
            raise bad_field(name, f"The label '{label}' contains spaces which is invalid.")
        if len(label) > 255:
            raise bad_field(name, f"The label '{label}' exceeds the maximum length allowed of 255 characters.")
    return list(dict.fromkeys(value))


def _priority(_site: Site, _project: Project, name: str, value: Any) -> str:
    if isinstance(value, dict):
        for priority, label in PRIORITIES.items():
            if str(value.get("id", "")) == priority or value.get("name") == label:
                return priority
    raise bad_field(name, "Specify a valid 'id' or 'name' for the priority")


def _parent(site: Site, _project: Project, name: str, value: Any) -> str:
    try:
        return site.issue(str((value or {}).get("id") or (value or {}).get("key") or "")).id
    except (JiraError, AttributeError):
        raise bad_field(name, "Could not find issue by id or key.") from None


def _date(_site: Site, _project: Project, name: str, value: Any) -> str | None:
    if value is None or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value)):
        return value
    raise bad_field(name, "Error parsing date string. Expected format: yyyy-MM-dd")


def _text(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise bad_field(name, "Operation value must be a string")
    if value is not None and len(value) > 255:
        raise bad_field(name, "The entered text is too long. It exceeds the allowed limit of 255 characters.")
    return value


_Reader = Callable[[Site, Project, str, Any], Any]
_READERS: dict[str, tuple[str, _Reader]] = {
    "summary": ("summary", _summary),
    "description": ("description", _document),
    "environment": ("environment", _document),
    "reporter": ("reporter", _reporter),
    "assignee": ("assignee", _assignee),
    "labels": ("labels", _labels),
    "priority": ("priority", _priority),
    "parent": ("parent", _parent),
    "duedate": ("due_date", _date),
}
