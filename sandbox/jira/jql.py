"""A small JQL: comparisons joined by AND, OR, NOT and parentheses, with ORDER BY. What is not understood is a JqlError."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.jira.jql_clauses import Clause, JqlError, check_field, holds, sort_value
from sandbox.jira.model import Issue
from sandbox.jira.site import Site

__all__ = ["JqlError", "Query", "parse", "sort_value"]

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<operator>!=|>=|<=|!~|=|>|<|~)|(?P<mark>[(),])"""
    r"""|(?P<word>issue\.property\[[^\]]+\](?:\.[\w.]+)?|[^\s"'()=!<>~,]+))"""
)


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
            descending = self._take("desc")
            if not descending:
                self._take("asc")
            found.append((field, descending))
            if not self._take(","):
                return tuple(found)

    def at(self, word: str) -> bool:
        return self.rest().lower() == word

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
        return lambda site, issue, who, now: holds(clause, site, issue, who, now)

    def _clause(self) -> Clause:
        field = self._next("a field name")
        if not field.lower().startswith("issue.property"):
            field = field.lower()
        check_field(field)
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
