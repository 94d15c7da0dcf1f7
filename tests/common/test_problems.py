"""Problems: field names from nested validation messages, faults as 502 and 503."""

from typing import Any

import pytest
from werkzeug.exceptions import NotFound, UnprocessableEntity

from common.errors import Fault, Permanent, Temporary
from common.problems import Problem, from_bug, from_fault, from_http


def validation(messages: Any) -> UnprocessableEntity:
    error = UnprocessableEntity()
    error.data = {"messages": messages}  # type: ignore[attr-defined]
    return error


MESSAGES: dict[str, tuple[Any, dict[str, list[str]]]] = {
    "a field": ({"json": {"name": ["Missing."]}}, {"name": ["Missing."]}),
    "a nested field": ({"json": {"project": {"id": ["Not a number."]}}}, {"project.id": ["Not a number."]}),
    "an item of a list": ({"json": {"cc": {3: ["Not an address."]}}}, {"cc.3": ["Not an address."]}),
    "the schema as a whole": ({"json": {"_schema": ["Invalid input type."]}}, {"_schema": ["Invalid input type."]}),
    "a nested schema": ({"json": {"project": {"_schema": ["Invalid."]}}}, {"project": ["Invalid."]}),
    "the body": ({"json": ["Invalid JSON body."]}, {"body": ["Invalid JSON body."]}),
    "query and body": ({"query": {"limit": ["Too many."]}, "json": {"a": ["No."]}}, {"limit": ["Too many."], "a": ["No."]}),
    "one sentence": ({"json": {"name": "Missing."}}, {"name": ["Missing."]}),
    "nothing": ({}, {}),
    "something else": ("odd", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_validation_messages_become_fields_with_sentences(name: str) -> None:
    messages, errors = MESSAGES[name]
    problem = from_http(validation(messages))
    assert (problem.status, problem.errors) == (422, errors)


def test_a_status_has_a_title_and_a_sentence() -> None:
    problem = from_http(NotFound())
    assert (problem.title, problem.detail) == ("Not Found", "There is nothing at this address.")


FAULTS = {
    "temporary": (Temporary("Jira is busy."), 503, "Jira is busy. Try again in a moment.", {"Retry-After": "5"}),
    "with a time": (Temporary("Jira is busy.", retry_after=29.6), 503, "Jira is busy. Try again in a moment.", {"Retry-After": "30"}),
    "permanent": (Permanent("Jira refused.", remedy="Reinstall.", status=403), 502, "Jira refused. Reinstall.", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_escapes_a_view_is_the_other_sides(name: str) -> None:
    fault, status, detail, headers = FAULTS[name]
    assert isinstance(fault, Fault)
    problem = from_fault(fault)
    assert (problem.status, problem.detail, problem.headers) == (status, detail, headers)


def test_a_bug_is_not_told() -> None:
    problem = from_bug(RuntimeError("secret"))
    assert problem.status == 500
    assert "secret" not in problem.detail


def test_a_problem_without_words_still_has_a_title() -> None:
    assert Problem(418).title == "I'm a Teapot"
    assert Problem(599).title == "Error"
