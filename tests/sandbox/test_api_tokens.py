"""People with API tokens: who they are, what they may, and when their token is worth nothing."""

import time

import pytest
import requests

from sandbox.app import Sandbox
from tests.sandbox.documents import doc
from tests.sandbox.person import ALICE, BOB, DORA, ERIK, Person, rule

NEW = {"fields": {"project": {"key": "SUP"}, "issuetype": {"name": "Task"}, "summary": "A thing"}}


def test_a_token_acts_as_its_person(sandbox: Sandbox) -> None:
    bob = Person(sandbox.url, BOB)
    assert bob("GET", "/myself").json()["accountId"] == BOB
    key = bob("POST", "/issue", json=NEW).json()["key"]
    comment = bob("POST", f"/issue/{key}/comment", json={"body": doc("hello")}).json()
    assert comment["author"]["accountId"] == BOB
    last = requests.get(f"{sandbox.url}/control/calls", timeout=60).json()[-1]
    assert (last["who"], last["app"], last["how"]) == (BOB, None, "basic")


def test_the_email_address_is_taken_in_any_case(sandbox: Sandbox) -> None:
    bob = Person(sandbox.url, BOB)
    assert bob("GET", "/myself", auth=("BOB@Acme.Example", bob.token)).status_code == 200


def test_what_is_no_living_token_of_that_person_is_refused_as_jira_does(sandbox: Sandbox) -> None:
    bob, soon = Person(sandbox.url, BOB), Person(sandbox.url, DORA, expires_in=0.05)
    time.sleep(0.06)
    for login in ((bob.email, "wrong"), ("dora@acme.example", bob.token), (soon.email, soon.token), ("", "")):
        answer = bob("GET", "/myself", auth=login)
        assert answer.status_code == 401
        assert answer.json()["errorMessages"] == ["Client must be authenticated to access this resource."]
    garbled = requests.get(f"{sandbox.url}/rest/api/3/myself", headers={"Authorization": "Basic %%"}, timeout=60)
    assert garbled.status_code == 401


def test_a_revoked_token_is_worth_nothing_and_a_new_one_works(sandbox: Sandbox) -> None:
    bob = Person(sandbox.url, BOB)
    assert requests.delete(f"{sandbox.url}/control/people/{BOB}/tokens", timeout=60).json() == {"revoked": 1}
    assert bob("GET", "/myself").status_code == 401
    assert Person(sandbox.url, BOB)("GET", "/myself").status_code == 200


def test_a_token_outlives_a_reset(sandbox: Sandbox) -> None:
    bob = Person(sandbox.url, BOB)
    requests.post(f"{sandbox.url}/control/reset", timeout=60)
    assert bob("GET", "/myself").status_code == 200


def test_people_see_what_they_may_browse(sandbox: Sandbox) -> None:
    key = Person(sandbox.url, BOB)("POST", "/issue", json=NEW).json()["key"]
    erik = Person(sandbox.url, ERIK)
    assert erik("GET", f"/issue/{key}").status_code == 404
    assert [one["key"] for one in erik("GET", "/project/search").json()["values"]] == ["TEST"]
    found = erik("POST", "/search/jql", json={"jql": f"key = {key}", "fields": ["summary"]}).json()
    assert found["issues"] == []


def test_the_email_api_is_not_for_people(sandbox: Sandbox) -> None:
    assert Person(sandbox.url, ALICE)("GET", f"/user/email?accountId={BOB}").status_code == 401


@pytest.mark.parametrize(
    ("permission", "method", "path", "body", "status"),
    [
        ("BROWSE_PROJECTS", "GET", "/issue/{key}", None, 404),
        ("CREATE_ISSUES", "POST", "/issue", NEW, 400),
        ("EDIT_ISSUES", "PUT", "/issue/{key}", {"fields": {"summary": "B"}}, 400),
        ("EDIT_ISSUES", "PUT", "/issue/{key}/properties/p", {"a": 1}, 403),
        ("ADD_COMMENTS", "POST", "/issue/{key}/comment", {"body": doc("x")}, 400),
        ("TRANSITION_ISSUES", "POST", "/issue/{key}/transitions", {"transition": {"id": "110001"}}, 400),
        ("MODIFY_REPORTER", "PUT", "/issue/{key}", {"fields": {"reporter": {"accountId": ALICE}}}, 400),
        ("ASSIGN_ISSUES", "PUT", "/issue/{key}", {"fields": {"assignee": {"accountId": ALICE}}}, 400),
        ("MANAGE_WATCHERS", "POST", "/issue/{key}/watchers", ALICE, 403),
        ("USER_PICKER", "GET", f"/user?accountId={ALICE}", None, 403),
        ("USER_PICKER", "GET", f"/user/groups?accountId={ALICE}", None, 403),
    ],
)
def test_a_right_that_is_taken_away_is_missed_and_works_again_when_given_back(
    sandbox: Sandbox, permission: str, method: str, path: str, body: object, status: int
) -> None:
    bob = Person(sandbox.url, BOB)
    key = bob("POST", "/issue", json=NEW).json()["key"]
    rule(sandbox.url, BOB, permission)
    options = {} if body is None else {"json": body}
    assert bob(method, path.format(key=key), **options).status_code == status
    assert requests.delete(f"{sandbox.url}/control/rights", timeout=60).status_code == 204
    assert bob(method, path.format(key=key), **options).status_code < 300
    assert sandbox.parts.calls.violations() == []


def test_a_right_is_taken_away_in_one_project_only(sandbox: Sandbox) -> None:
    bob = Person(sandbox.url, BOB)
    rule(sandbox.url, BOB, "CREATE_ISSUES", project="SUP")
    assert bob("POST", "/issue", json=NEW).status_code == 400
    elsewhere = {"fields": {**NEW["fields"], "project": {"key": "TEST"}}}
    assert bob("POST", "/issue", json=elsewhere).status_code == 201


def test_without_the_right_to_browse_users_nobody_is_found(sandbox: Sandbox) -> None:
    bob = Person(sandbox.url, BOB)
    assert len(bob("GET", "/user/search?query=alice").json()) == 1
    rule(sandbox.url, BOB, "USER_PICKER")
    answer = bob("GET", "/user/search?query=alice")
    assert (answer.status_code, answer.json()) == (200, [])


def test_only_who_administers_may_ask_about_other_peoples_rights(sandbox: Sandbox) -> None:
    body = {"accountId": ERIK, "projectPermissions": [{"permissions": ["BROWSE_PROJECTS"], "projects": [10000]}]}
    assert Person(sandbox.url, BOB)("POST", "/permissions/check", json=body).status_code == 403
    assert Person(sandbox.url, ALICE)("POST", "/permissions/check", json=body).status_code == 200


def test_roles_are_told_to_who_administers_the_project(sandbox: Sandbox) -> None:
    for path in ("/project/SUP/role", "/project/SUP/role/10002"):
        assert Person(sandbox.url, BOB)("GET", path).status_code == 404
        assert Person(sandbox.url, ALICE)("GET", path).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"permission": "FLY", "accountId": BOB}, "permission"),
        ({"permission": "BROWSE_PROJECTS", "accountId": "nobody"}, "accountId"),
        ({"permission": "BROWSE_PROJECTS", "accountId": BOB, "project": "NOPE"}, "project"),
        ({"permission": "USER_PICKER", "accountId": BOB, "project": "SUP"}, "project"),
        ({"permission": "USER_PICKER", "accountId": BOB, "granted": "no"}, "granted"),
    ],
)
def test_a_wrong_ruling_is_refused_by_its_field(sandbox: Sandbox, body: dict[str, object], field: str) -> None:
    answer = requests.post(f"{sandbox.url}/control/rights", json=body, timeout=60)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
