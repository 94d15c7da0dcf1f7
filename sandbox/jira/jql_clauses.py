"""What one JQL comparison means: the values an issue has for a field, and whether they fit.

Fields: project, key/issuekey/id, summary, description, text, status, statusCategory, issuetype, priority, assignee,
reporter, creator, labels, created, updated, and issue.property[key].path.
"""

import re
from dataclasses import dataclass
from typing import Any

from sandbox.jira import adf
from sandbox.jira.fields import PRIORITIES
from sandbox.jira.instants import jql_time
from sandbox.jira.model import Issue
from sandbox.jira.site import Site

_TIMES = ("created", "updated")
_FIELDS = {
    "project", "key", "issuekey", "id", "issue", "summary", "description", "text", "status", "statuscategory",
    "issuetype", "type", "priority", "assignee", "reporter", "creator", "labels", *_TIMES,
}  # fmt: skip


class JqlError(Exception):
    """The query is not understood; `str()` is Jira's kind of sentence."""


@dataclass(frozen=True)
class Clause:
    """field operator values; `values` are texts, None stands for EMPTY."""

    field: str
    operator: str
    values: tuple[str | None, ...]


def check_field(field: str) -> None:
    """Raises JqlError for a field that JQL does not have here."""
    if field not in _FIELDS and not field.startswith("issue.property["):
        raise JqlError(f"Field '{field}' does not exist or you do not have permission to view it.")


def holds(clause: Clause, site: Site, issue: Issue, who: str, now: float) -> bool:
    """Whether the clause is true of an issue; `who` is currentUser(). Raises JqlError for a date that is none."""
    if clause.field in _TIMES:
        return _compare_times(clause, getattr(issue, clause.field), now)
    have = [None if value is None else value.lower() for value in _values(site, issue, clause.field)] or [None]
    want = [_wanted(value, who) for value in clause.values]
    if clause.operator in ("=", "in"):
        return any(value in want for value in have)
    if clause.operator in ("!=", "not in"):
        return not any(value in want for value in have)
    if clause.operator in ("~", "!~"):
        words = re.findall(r"\w+", want[0] or "")
        text = " ".join(value or "" for value in have)
        found = all(re.search(rf"\b{re.escape(word)}", text) for word in words)
        return found == (clause.operator == "~")
    return any(_ordered(clause.operator, value, want[0]) for value in have if value is not None)


def sort_value(site: Site, issue: Issue, field: str) -> Any:
    """What ORDER BY compares."""
    if field in _TIMES:
        return getattr(issue, field)
    if field in ("key", "issuekey"):
        project, number = issue.key.rsplit("-", 1)
        return project, int(number)
    if field == "id":
        return int(issue.id)
    return tuple(value or "" for value in _values(site, issue, field))


def _compare_times(clause: Clause, instant: float, now: float) -> bool:
    value = clause.values[0]
    bound = now if value == "now()" else jql_time(value or "", now)
    if bound is None:
        raise JqlError(
            f"Date value '{value}' for field '{clause.field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
            "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
        )
    return _ordered(clause.operator, instant, bound)


def _ordered(operator: str, left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str) and _numeric(left) and _numeric(right):
        left, right = float(left), float(right)
    if operator == ">":
        return bool(left > right)
    if operator == ">=":
        return bool(left >= right)
    if operator == "<":
        return bool(left < right)
    if operator == "<=":
        return bool(left <= right)
    return bool(left == right) == (operator == "=")


def _numeric(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _wanted(value: str | None, who: str) -> str | None:
    return who.lower() if value == "currentuser()" else None if value is None else value.lower()


def _values(site: Site, issue: Issue, field: str) -> tuple[str | None, ...]:
    if field.startswith("issue.property["):
        return _property_values(issue, field)
    project, kind = site.project(issue.project), site.issue_types[issue.issue_type]
    status = site.statuses[issue.status]
    values: dict[str, tuple[str | None, ...]] = {
        "project": (project.key, project.id, project.name),
        "key": (issue.key, issue.id),
        "id": (issue.id, issue.key),
        "summary": (issue.summary,),
        "description": (adf.plain(issue.description),),
        "text": (issue.summary, adf.plain(issue.description), *(adf.plain(entry.body) for entry in issue.comments)),
        "status": (status.name, status.id),
        "statuscategory": (status.category,),
        "issuetype": (kind.name, kind.id),
        "priority": (PRIORITIES[issue.priority], issue.priority),
        "assignee": (issue.assignee,),
        "reporter": (issue.reporter,),
        "creator": (issue.creator,),
        "labels": tuple(issue.labels),
    }
    return values[{"issuekey": "key", "issue": "key", "type": "issuetype"}.get(field, field)]


def _property_values(issue: Issue, field: str) -> tuple[str | None, ...]:
    match = re.fullmatch(r"issue\.property\[([^\]]+)\](?:\.([\w.]+))?", field)
    if match is None:
        return ()
    key, path = match.groups()
    value = issue.properties.get(key.strip("\"'"))
    for part in (path or "").split(".") if path else []:
        value = value.get(part) if isinstance(value, dict) else None
    values = value if isinstance(value, list) else [value]
    return tuple(str(entry) for entry in values if isinstance(entry, str | int | float))
