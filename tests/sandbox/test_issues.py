"""Issues over REST: what is created is read back, and what is wrong is named as Jira names it."""

from typing import Any

import pytest

from sandbox import contract
from sandbox.app import Sandbox
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.documents import doc

ALICE = "712020:aaaaaaaa-0000-4000-8000-000000000001"
BOB = "712020:aaaaaaaa-0000-4000-8000-000000000002"
ERIK = "712020:aaaaaaaa-0000-4000-8000-000000000004"


def test_an_issue_is_created_and_read_back_with_its_property(jira: JiraCaller) -> None:
    made = jira(
        "POST", "/issue",
        json={
            "fields": {"project": {"key": "SUP"}, "issuetype": {"id": "10010"}, "summary": "Printer", "description": doc("It burns."),
                       "reporter": {"accountId": BOB}, "labels": ["mail"]},
            "properties": [{"key": "mailbridge", "value": {"mail": "m1"}}],
        },
    )  # fmt: skip
    assert made.status_code == 201
    assert set(made.json()) == {"id", "key", "self"}
    read = jira("GET", f"/issue/{made.json()['key']}?properties=mailbridge").json()
    assert read["fields"]["description"] == doc("It burns.")
    assert read["fields"]["reporter"]["accountId"] == BOB
    assert read["properties"] == {"mailbridge": {"mail": "m1"}}
    assert contract.response_problems("POST", "/rest/api/3/issue", 201, made.json()) == []


def test_fields_and_properties_come_only_when_asked_for(jira: JiraCaller) -> None:
    key = jira.create()["key"]
    read = jira("GET", f"/issue/{key}?fields=summary,status").json()
    assert set(read["fields"]) == {"summary", "status"}
    assert "properties" not in read
    assert "description" not in jira("GET", f"/issue/{key}?fields=-description").json()["fields"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"project": {"key": "NOPE"}}, "project"),
        ({"project": None}, "project"),
        ({"issuetype": {"name": "Epic"}}, "issuetype"),
        ({"summary": ""}, "summary"),
        ({"summary": "two\nlines"}, "summary"),
        ({"summary": "x" * 256}, "summary"),
        ({"description": "plain text"}, "description"),
        (
            {
                "description": {
                    "type": "doc",
                    "version": 1,
                    "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}],
                }
            },
            "description",
        ),
        ({"description": doc("x" * 32_768)}, "description"),
        ({"reporter": {"accountId": "nobody"}}, "reporter"),
        ({"assignee": {"accountId": ERIK}}, "assignee"),
        ({"labels": ["two words"]}, "labels"),
        ({"customfield_99999": "x"}, "customfield_99999"),
    ],
)
def test_a_bad_field_is_named(jira: JiraCaller, fields: dict[str, Any], field: str) -> None:
    body = {"fields": {"project": {"key": "SUP"}, "issuetype": {"name": "Task"}, "summary": "A thing", **fields}}
    answer = jira("POST", "/issue", json=body)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {field}


def test_a_text_of_exactly_the_limit_is_taken(jira: JiraCaller) -> None:
    jira.create(description=doc("x" * 32_767))


def test_an_issue_nobody_has_is_404(jira: JiraCaller) -> None:
    answer = jira("GET", "/issue/SUP-99")
    assert answer.status_code == 404
    assert answer.json() == {
        "errorMessages": ["Issue does not exist or you do not have permission to see it."],
        "errors": {},
    }


def test_bulkfetch_finds_ids_and_keys_and_names_the_misses(jira: JiraCaller) -> None:
    first, second = jira.create(), jira.create()
    body = {
        "issueIdsOrKeys": [second["key"], "SUP-77", first["id"]],
        "fields": ["summary"],
        "properties": ["mailbridge"],
    }
    answer = jira("POST", "/issue/bulkfetch", json=body).json()
    assert [issue["key"] for issue in answer["issues"]] == [first["key"], second["key"]]
    assert [error["id"] for error in answer["issueErrors"]] == ["SUP-77"]
    assert (
        jira("POST", "/issue/bulkfetch", json={"issueIdsOrKeys": [f"SUP-{n}" for n in range(101)]}).status_code == 400
    )


def test_an_issue_is_edited(jira: JiraCaller) -> None:
    key = jira.create()["key"]
    answer = jira("PUT", f"/issue/{key}", json={"fields": {"summary": "Another", "assignee": {"accountId": ALICE}}})
    assert (answer.status_code, answer.content) == (204, b"")
    fields = jira("GET", f"/issue/{key}").json()["fields"]
    assert (fields["summary"], fields["assignee"]["accountId"]) == ("Another", ALICE)


def test_properties_are_set_read_and_limited(jira: JiraCaller) -> None:
    key = jira.create()["key"]
    path = f"/issue/{key}/properties/mailbridge"
    assert jira("GET", path).status_code == 404
    assert jira("PUT", path, json={"mail": "1"}).status_code == 201
    assert jira("PUT", path, json={"mail": "2"}).status_code == 200
    assert jira("GET", path).json() == {"key": "mailbridge", "value": {"mail": "2"}}
    assert jira("PUT", path, json={"mail": "x" * 32_768}).status_code == 400


def test_watchers_are_told(jira: JiraCaller) -> None:
    key = jira.create(reporter={"accountId": BOB})["key"]
    assert jira("POST", f"/issue/{key}/watchers", json=ALICE).status_code == 204
    told = jira("GET", f"/issue/{key}/watchers").json()
    assert (told["watchCount"], {user["accountId"] for user in told["watchers"]}) == (2, {ALICE, BOB})


def test_a_deleted_issue_is_gone_and_its_key_never_comes_again(jira: JiraCaller, sandbox: Sandbox) -> None:
    made = jira.create()
    assert jira("DELETE", f"/issue/{made['key']}").status_code == 204
    assert jira("GET", f"/issue/{made['key']}").status_code == 404
    assert jira.create()["key"] != made["key"]


def test_nothing_the_tests_here_ask_for_breaks_the_contract(jira: JiraCaller, sandbox: Sandbox) -> None:
    key = jira.create(description=doc("x"))["key"]
    jira("GET", f"/issue/{key}?fields=summary&properties=mailbridge")
    jira(
        "POST", "/issue/bulkfetch", json={"issueIdsOrKeys": [key], "fields": ["summary"], "properties": ["mailbridge"]}
    )
    jira(
        "POST", f"/issue/{key}/attachments", files={"file": ("a.txt", b"x")}, headers={"X-Atlassian-Token": "no-check"}
    )
    assert sandbox.parts.calls.violations() == []
