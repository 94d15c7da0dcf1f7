"""Jira's shapes, and the events connect sends."""

from typing import Any

import pytest

from outbound import jira_event, jira_read
from outbound.facts import Address, Change, Restriction

USER = {"accountId": "1", "displayName": "Ann", "accountType": "customer", "active": False, "emailAddress": "a@x.test"}


def test_an_issue() -> None:
    raw = {
        "id": "10001",
        "key": "HELP-1",
        "fields": {
            "summary": "Fire",
            "status": {"name": "Done"},
            "resolution": None,
            "assignee": USER,
            "reporter": None,
            "project": {"id": "7"},
        },
        "properties": {
            "mailbridge": {"from": {"name": "C", "address": "c@x.test"}, "cc": [{"address": "d@x.test"}, {}]}
        },
    }
    issue = jira_read.issue(raw, [USER, {}])
    assert (issue.id, issue.key, issue.summary, issue.project) == ("10001", "HELP-1", "Fire", "7")
    assert issue.values["status"] == "Done"
    assert issue.values["assignee"] == "Ann"
    assert issue.values["resolution"] == ""
    assert issue.assignee is not None
    assert (issue.assignee.kind, issue.assignee.active, issue.assignee.address) == ("customer", False, "a@x.test")
    assert issue.reporter is None
    assert len(issue.watchers) == 1
    assert issue.mailed is not None
    assert (issue.mailed.sender, issue.mailed.cc) == (Address("C", "c@x.test"), (Address("", "d@x.test"),))


RESTRICTIONS = [
    ({}, "none"),
    ({"jsdPublic": True}, "none"),
    ({"jsdPublic": False}, "internal"),
    ({"properties": [{"key": "sd.public.comment", "value": {"internal": True}}]}, "internal"),
    ({"properties": [{"key": "sd.public.comment", "value": {"internal": False}}]}, "none"),
    ({"visibility": {"type": "role", "value": "Administrators"}}, "role"),
    ({"visibility": {"type": "group", "value": "staff"}}, "group"),
    ({"visibility": {"type": "new", "value": "x"}}, "unknown"),
    ({"visibility": {"value": "x"}}, "unknown"),
    ({"visibility": {"type": "role", "value": "x"}, "jsdPublic": False}, "unknown"),
]


@pytest.mark.parametrize(("raw", "kind"), RESTRICTIONS)
def test_who_may_read_a_comment(raw: dict[str, Any], kind: str) -> None:
    assert jira_read.comment({"id": "1", **raw}).restriction.kind == kind


def test_a_restriction_names_its_group() -> None:
    found = jira_read.comment({"visibility": {"type": "group", "value": "staff", "identifier": "g-1"}}).restriction
    assert found == Restriction("group", "staff", "g-1")


@pytest.mark.parametrize("odd", [{}, {"fields": None}, {"fields": {"assignee": "x", "status": []}}, {"properties": []}])
def test_odd_issues_are_survived(odd: dict[str, Any]) -> None:
    assert jira_read.issue(odd, []).assignee is None


@pytest.mark.parametrize("odd", [None, "x", [], {}, 5])
def test_no_property_is_not_ours(odd: object) -> None:
    assert jira_read.mailed(odd) is None


def test_a_property_without_people_is_still_ours() -> None:
    mailed = jira_read.mailed({"mail": "m1", "from": "x", "cc": "y"})
    assert mailed is not None
    assert mailed.sender is None
    assert mailed.cc == ()


def test_the_issue_of_a_comment() -> None:
    assert jira_read.issue_of_comment({"self": "https://s/rest/api/3/issue/10010/comment/1"}) == "10010"
    assert jira_read.issue_of_comment({}) is None


def test_an_event() -> None:
    body = {
        "kind": "issue_updated", "issue_id": "10001", "comment_id": None, "actor": "alice", "at": 5,
        "fields": [{"field": "status", "from": "1", "to": None}, "x"], "new": 1,
    }  # fmt: skip
    read = jira_event.read("e1", body, 9.0)
    assert read.changes == (Change("status", "1", None),)
    assert (read.at, read.issue_id, read.actor) == (5.0, "10001", "alice")


@pytest.mark.parametrize("bad", [{}, {"kind": None}, {"kind": 5}])
def test_an_event_without_a_kind_is_none(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="kind"):
        jira_event.read("e1", bad, 9.0)


@pytest.mark.parametrize("id", ["../10001", "x", "", None, True, "1" * 30, 5.5])
def test_ids_that_are_none_are_dropped(id: object) -> None:
    assert jira_event.read("e1", {"kind": "k", "issue_id": id, "at": "x"}, 9.0).issue_id is None
