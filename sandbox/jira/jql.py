"""A small JQL: comparisons joined by AND, OR, NOT and parentheses, with ORDER BY.

Fields: project, key/issuekey/id, summary, description, text, status, statusCategory, issuetype, priority, assignee,
reporter, creator, labels, created, updated, and issue.property[key].path. What is not known is a sentence in JqlError.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.jira import adf
from sandbox.jira.fields import PRIORITIES
from sandbox.jira.instants import jql_time
from sandbox.jira.model import Issue
from sandbox.jira.site import Site

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<operator>!=|>=|<=|!~|=|>|<|~)|(?P<mark>[(),])"""
    r"""|(?P<word>issue\.property\[[^\]]+\](?:\.[\w.]+)?|[^\s"'()=!<>~,]+))"""
)
_TIMES = ("created", "updated")


class JqlError(Exception):
    """The query is not understood; `str()` is Jira's kind of sentence."""


@dataclass(frozen=True)
class Clause:
    """field operator values; `values` are texts, None stands for EMPTY."""

    field: str
    operator: str
    values: tuple[str | None, ...]


@dataclass(frozen=True)
class Query:
    """A parsed query: what matches, in which order, and whether it is bounded."""

    matches: Callable[[Site, Issue, str, float], bool]
    order: tuple[tuple[str, bool], ...]  # field, descending
    bounded: bool


def parse(text: str) -> Query:
    """Raises JqlError."""
    tokens = _tokens(text)
    parser = _Parser(tokens)
    condition = parser.any_of() if tokens and not parser.at("order") else None
    order = parser.order()
    if parser.rest():
        raise JqlError(f"Error in the JQL Query: Expecting operator but got '{parser.rest()}'.")
    if condition is None:
        return Query(lambda _site, _issue, _who, _now: True, order, bounded=False)
    return Query(condition, order, bounded=True)


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


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def any_of(self) -> Callable[[Site, Issue, str, float], bool]:
        parts = [self._all_of()]
        while self._take("or"):
            parts.append(self._all_of())
        return lambda site, issue, who, now: any(part(site, issue, who, now) for part in parts)

    def order(self) -> tuple[tuple[str, bool], ...]:
        if not self._take("order"):
            return ()
        if not self._take("by"):
            raise JqlError("Error in the JQL Query: Expecting 'by' after 'order'.")
        found = []
        while True:
            field = self._next("a field name").lower()
            descending = self._take("desc") or (self._take("asc") and False)
            found.append((field, descending))
            if not self._take(","):
                return tuple(found)

    def at(self, word: str) -> bool:
        return (
            self._at < len(self._tokens) and self._tokens[self._at] == ("word", word)
        ) or self.rest().lower() == word

    def rest(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _all_of(self) -> Callable[[Site, Issue, str, float], bool]:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return lambda site, issue, who, now: all(part(site, issue, who, now) for part in parts)

    def _one(self) -> Callable[[Site, Issue, str, float], bool]:
        if self._take("not"):
            inner = self._one()
            return lambda site, issue, who, now: not inner(site, issue, who, now)
        if self._take("("):
            inner = self.any_of()
            if not self._take(")"):
                raise JqlError("Error in the JQL Query: Expecting ')' before the end of the query.")
            return inner
        clause = self._clause()
        return lambda site, issue, who, now: _holds(clause, site, issue, who, now)

    def _clause(self) -> Clause:
        field = self._next("a field name")
        if not field.lower().startswith("issue.property"):
            field = field.lower()
        _known(field)
        if self._take("is"):
            operator = "not in" if self._take("not") else "in"
            self._empty()
            return Clause(field, operator, (None,))
        operator = "in" if self._take("in") else ""
        if not operator and self._take("not"):
            if not self._take("in"):
                raise JqlError("Error in the JQL Query: Expecting 'in' after 'not'.")
            operator = "not in"
        if operator:
            return Clause(field, operator, self._list())
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if kind != "operator":
            raise JqlError(f"Error in the JQL Query: Expecting operator but got '{text}'.")
        self._at += 1
        return Clause(field, text, (self._value(),))

    def _list(self) -> tuple[str | None, ...]:
        if not self._take("("):
            raise JqlError("Error in the JQL Query: Expecting '(' after 'in'.")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        if not self._take(")"):
            raise JqlError("Error in the JQL Query: Expecting ')' after the list.")
        return tuple(values)

    def _value(self) -> str | None:
        kind = self._tokens[self._at][0] if self._at < len(self._tokens) else ""
        text = self._next("a value")
        if kind == "string":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if self._take("("):  # a function such as currentUser()
            if not self._take(")") or text.lower() not in ("currentuser", "now"):
                raise JqlError(f"Unable to find JQL function '{text}()'.")
            return f"{text.lower()}()"
        return None if text.lower() in ("empty", "null") else text

    def _empty(self) -> None:
        if not (self._take("empty") or self._take("null")):
            raise JqlError("Error in the JQL Query: 'is' takes only EMPTY.")

    def _take(self, word: str) -> bool:
        if self._at < len(self._tokens):
            kind, text = self._tokens[self._at]
            if kind in ("word", "mark") and text.lower() == word:
                self._at += 1
                return True
        return False

    def _next(self, wanted: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] in ("operator", "mark"):
            raise JqlError(f"Error in the JQL Query: Expecting {wanted} but got '{self.rest()}'.")
        self._at += 1
        return self._tokens[self._at - 1][1]


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise JqlError(f"Error in the JQL Query: The character '{text[at]}' is not understood.")
        kind = str(match.lastgroup)
        found.append((kind, match.group(kind)))
        at = match.end()
    return found


_FIELDS = {
    "project", "key", "issuekey", "id", "issue", "summary", "description", "text", "status", "statuscategory",
    "issuetype", "type", "priority", "assignee", "reporter", "creator", "labels", *_TIMES,
}  # fmt: skip


def _known(field: str) -> None:
    if field not in _FIELDS and not field.startswith("issue.property["):
        raise JqlError(f"Field '{field}' does not exist or you do not have permission to view it.")


def _holds(clause: Clause, site: Site, issue: Issue, who: str, now: float) -> bool:
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
