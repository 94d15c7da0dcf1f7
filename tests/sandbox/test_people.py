"""People over REST: what a profile hides stays hidden, and rights are told per project and issue."""

import pytest
import requests

from sandbox.app import Sandbox
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.person import Person, rule

ALICE = "712020:aaaaaaaa-0000-4000-8000-000000000001"
BOB = "712020:aaaaaaaa-0000-4000-8000-000000000002"
DORA = "712020:aaaaaaaa-0000-4000-8000-000000000003"
ERIK = "712020:aaaaaaaa-0000-4000-8000-000000000004"
CLEO = "qm:bbbbbbbb-0000-4000-8000-000000000006"


def found(jira: JiraCaller, query: str) -> list[str]:
    return [user["displayName"] for user in jira("GET", f"/user/search?query={query}").json()]


def test_search_finds_names_and_shown_addresses(jira: JiraCaller) -> None:
    assert found(jira, "alice%40acme.example") == ["Alice Agent"]
    assert found(jira, "Builder") == ["Bob Builder"]


def test_search_by_a_hidden_address_misses(jira: JiraCaller) -> None:
    assert found(jira, "dora%40acme.example") == []
    assert found(jira, "Dora") == ["Dora Discreet"]


def test_people_who_left_are_not_found(jira: JiraCaller) -> None:
    assert found(jira, "Ines") == []


def test_search_needs_a_query(jira: JiraCaller) -> None:
    assert jira("GET", "/user/search").status_code == 400


def test_a_hidden_address_is_told_only_by_the_email_api(jira: JiraCaller, sandbox: Sandbox) -> None:
    assert jira("GET", f"/user?accountId={ALICE}").json()["emailAddress"] == "alice@acme.example"
    assert "emailAddress" not in jira("GET", f"/user?accountId={DORA}").json()
    assert jira("GET", f"/user/email?accountId={DORA}").json() == {"accountId": DORA, "email": "dora@acme.example"}
    sandbox.parts.site.email_api_apps = frozenset()
    assert jira("GET", f"/user/email?accountId={DORA}").status_code == 400
    assert jira("GET", "/user?accountId=nobody").status_code == 404


def test_rights_are_told_per_issue_and_project(jira: JiraCaller) -> None:
    issue = int(jira.create()["id"])

    def browses(account: str) -> tuple[list[int], list[int], list[str]]:
        body = {
            "accountId": account,
            "globalPermissions": ["ADMINISTER"],
            "projectPermissions": [
                {"permissions": ["BROWSE_PROJECTS"], "issues": [issue, 999], "projects": [10000, 10002]}
            ],
        }
        answer = jira("POST", "/permissions/check", json=body).json()
        [grant] = answer["projectPermissions"]
        return grant["issues"], grant["projects"], answer["globalPermissions"]

    assert browses(ALICE) == ([issue], [10000, 10002], ["ADMINISTER"])
    assert browses(BOB) == ([issue], [10000], [])
    assert browses(ERIK) == ([], [10000], [])
    assert browses(CLEO) == ([], [], [])


def test_people_who_can_be_assigned_are_told_per_project_and_issue(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create()["key"]

    def assignable(query: str) -> list[str]:
        answer = jira("GET", f"/user/assignable/search?{query}")
        assert answer.status_code == 200, answer.text
        return [user["accountId"] for user in answer.json() if user["accountType"] == "atlassian"]

    assert assignable("project=SUP") == assignable(f"issueKey={key}") == [ALICE, BOB, DORA]
    assert assignable(f"project=TEST&accountId={ERIK}") == [ERIK]
    assert assignable(f"project=SUP&accountId={ERIK}") == []
    assert jira("GET", f"/user/assignable/search?accountId={ERIK}").status_code == 400
    rule(sandbox.url, BOB, "ASSIGNABLE_USER", project="SUP")
    assert assignable("project=SUP") == [ALICE, DORA]


def test_a_caller_is_told_its_own_rights(sandbox: Sandbox) -> None:
    bob = Person(sandbox.url, BOB)

    def mine(query: str) -> dict[str, bool]:
        found = bob("GET", f"/mypermissions?{query}").json()["permissions"]
        return {name: one["havePermission"] for name, one in found.items()}

    asked = "permissions=BROWSE_PROJECTS,ADMINISTER,USER_PICKER,EDIT_ALL_COMMENTS"
    expected = {"BROWSE_PROJECTS": True, "ADMINISTER": False, "USER_PICKER": True, "EDIT_ALL_COMMENTS": False}
    assert mine(asked) == mine(f"{asked}&projectKey=SUP") == expected
    assert bob("GET", f"/mypermissions?{asked}&projectKey=HR").status_code == 404
    assert bob("GET", "/mypermissions?permissions=FLY").status_code == 400
    assert bob("GET", "/mypermissions").status_code == 400
    rule(sandbox.url, BOB, "BROWSE_PROJECTS", project="SUP")
    assert mine("permissions=BROWSE_PROJECTS") == {"BROWSE_PROJECTS": True}  # in some project still


def test_only_approved_apps_are_told_addresses(sandbox: Sandbox, jira: JiraCaller) -> None:
    def allow(allowed: object) -> int:
        return requests.post(f"{sandbox.url}/control/email-api", json={"allowed": allowed}, timeout=60).status_code

    both = f"accountId={DORA}&accountId={BOB}&accountId=nobody"
    assert allow(["somebody.else"]) == 200
    assert jira("GET", f"/user/email?accountId={DORA}").status_code == 400
    assert jira("GET", f"/user/email/bulk?{both}").status_code == 400
    assert allow([jira.app.app_key]) == 200
    told = jira("GET", f"/user/email/bulk?{both}").json()
    assert [one["email"] for one in told] == ["dora@acme.example", "bob@acme.example"]
    assert allow("everybody") == 400


def test_an_unknown_permission_is_refused(jira: JiraCaller) -> None:
    answer = jira("POST", "/permissions/check", json={"globalPermissions": ["FLY"]})
    assert (answer.status_code, answer.json()["errorMessages"]) == (400, ["Unrecognized permission: FLY"])


def test_roles_groups_and_members(jira: JiraCaller) -> None:
    assert jira("GET", "/project/SUP/role").json()["Administrators"].endswith("/project/10001/role/10002")
    actors = jira("GET", "/project/SUP/role/10001").json()["actors"]
    assert [actor["actorUser"]["accountId"] for actor in actors] == [DORA]
    actors = jira("GET", "/project/SUP/role/10004").json()["actors"]
    assert [actor["actorGroup"]["name"] for actor in actors] == ["support-agents"]
    assert {group["name"] for group in jira("GET", f"/user/groups?accountId={BOB}").json()} == {
        "jira-users-acme",
        "support-agents",
    }
    members = jira("GET", "/group/member?groupname=support-agents").json()
    assert ([user["accountId"] for user in members["values"]], members["isLast"]) == ([ALICE, BOB], True)


@pytest.mark.parametrize(("query", "keys"), [("", ["HR", "SUP", "TEST"]), ("supp", ["SUP"]), ("TE", ["TEST"])])
def test_projects_are_searched(jira: JiraCaller, query: str, keys: list[str]) -> None:
    page = jira("GET", f"/project/search?query={query}&maxResults=50").json()
    assert [project["key"] for project in page["values"]] == keys


def test_what_can_be_created_is_told(jira: JiraCaller) -> None:
    kinds = jira("GET", "/issue/createmeta/SUP/issuetypes").json()
    assert ("10010", "Email request", False) in [
        (kind["id"], kind["name"], kind["subtask"]) for kind in kinds["issueTypes"]
    ]
    fields = jira("GET", "/issue/createmeta/SUP/issuetypes/10010").json()["fields"]
    assert {field["fieldId"] for field in fields if field["required"]} == {
        "summary",
        "issuetype",
        "project",
        "reporter",
    }
    assert jira("GET", "/issue/createmeta/NOPE/issuetypes").status_code == 404
