"""Jira's REST API by bearer: as the app, as who looks on, as a person who is not there; scopes and age as the gateway has them."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.app import Sandbox
from sandbox.client import SandboxClient
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.forge_app import Forge, ForgeApp

ALICE = "712020:aaaaaaaa-0000-4000-8000-000000000001"
BOB = "712020:aaaaaaaa-0000-4000-8000-000000000002"
ERIK = "712020:aaaaaaaa-0000-4000-8000-000000000004"
UNAUTHORIZED = {"code": 401, "message": "Unauthorized"}
NO_SCOPE = {"code": 401, "message": "Unauthorized; scope does not match"}
TASK = {"fields": {"project": {"key": "SUP"}, "issuetype": {"name": "Task"}, "summary": "A thing"}}


@pytest.fixture
def system(forge: Forge, remote: ForgeApp) -> str:
    """The system token of the installed app."""
    forge.install(remote)
    return remote.at("/forge/installed")[0].headers["x-forge-oauth-system"]


def test_the_app_asks_and_writes_as_itself(sandbox: Sandbox, forge: Forge, system: str) -> None:
    myself = forge.rest(system, "GET", "/myself").json()
    assert myself["accountType"] == "app" and myself["displayName"] == "Mail"
    made = forge.rest(system, "POST", "/issue", json=TASK)
    assert made.status_code == 201, made.text
    found = forge.rest(system, "GET", f"/issue/{made.json()['key']}").json()
    assert found["fields"]["creator"]["accountId"] == myself["accountId"]
    calls = SandboxClient(sandbox.url).calls()
    assert {(call["path"], call["who"], call["how"]) for call in calls[:2]} == {
        ("/rest/api/3/myself", myself["accountId"], "forge"),
        ("/rest/api/3/issue", myself["accountId"], "forge"),
    }
    assert sandbox.parts.calls.violations() == []


def test_a_call_by_bearer_is_held_against_the_contract_too(sandbox: Sandbox, forge: Forge, system: str) -> None:
    forge.rest(system, "GET", "/myself?shoe=9")
    forge.rest(system, "GET", "/shoes")
    problems = [one["problem"] for one in sandbox.parts.calls.violations()]
    assert any("shoe" in problem for problem in problems) and any("/shoes" in problem for problem in problems)


def test_bearers_count_at_the_gateway_only_and_other_ways_count_there_not(
    forge: Forge, system: str, sandbox: Sandbox, jira: JiraCaller
) -> None:
    def get(url: str, authorization: str) -> requests.Response:
        return requests.get(url, headers={"Authorization": authorization}, timeout=60)

    base = forge.state()["api_base_url"]
    assert get(f"{sandbox.url}/rest/api/3/myself", f"Bearer {system}").status_code == 401
    jwt_header = f"JWT {jira.token('GET', '/myself')}"
    assert get(f"{base}/rest/api/3/myself", jwt_header).json() == UNAUTHORIZED
    assert get(f"{base}/rest/api/3/myself", "").json() == UNAUTHORIZED
    elsewhere = base[:-4] + "0000"
    assert get(f"{elsewhere}/rest/api/3/myself", f"Bearer {system}").status_code == 404
    cut = get(f"{base}/rest/api/3/myself", f"Bearer {system[:255]}")
    assert cut.status_code == 401 and cut.json() == UNAUTHORIZED


def test_a_token_is_good_for_55_minutes_and_the_next_invocation_brings_another(
    forge: Forge, remote: ForgeApp, system: str
) -> None:
    forge.control("/forge/age", {"seconds": 55 * 60 - 5})
    assert forge.rest(system, "GET", "/myself").status_code == 200
    forge.control("/forge/age", {"seconds": 70})
    expired = forge.rest(system, "GET", "/myself")
    assert (expired.status_code, expired.json()) == (401, UNAUTHORIZED)
    forge.control("/forge/tick")
    newer = remote.at("/forge/tick")[0].headers["x-forge-oauth-system"]
    assert newer != system and forge.rest(newer, "GET", "/myself").status_code == 200


def test_a_missing_scope_is_said_by_the_gateway(forge: Forge, system: str) -> None:
    for path in (f"/user/email?accountId={BOB}", "/group/member?groupname=support-agents"):
        refused = forge.rest(system, "GET", path)
        assert (refused.status_code, refused.json()) == (401, NO_SCOPE)
    assert forge.rest(system, "POST", "/permissions/check", json={"globalPermissions": ["ADMINISTER"]}).ok


def test_only_an_app_that_may_administer_asks_what_others_may(forge: Forge, remote: ForgeApp, system: str) -> None:
    about = {"accountId": BOB, "globalPermissions": ["ADMINISTER"]}
    assert forge.rest(system, "POST", "/permissions/check", json=about).status_code == 403
    permissions = remote.manifest()["permissions"]
    permissions["scopes"].append("manage:jira-configuration")
    forge.control("/forge/upgrade", {"manifest": remote.text(permissions=permissions)})
    assert forge.rest(system, "POST", "/permissions/check", json=about).json()["globalPermissions"] == []


def test_addresses_are_for_the_app_alone(forge: Forge, remote: ForgeApp) -> None:
    permissions = remote.manifest()["permissions"]
    permissions["scopes"].append("read:email-address:jira")
    forge.install(remote, permissions=permissions)
    system = remote.at("/forge/installed")[0].headers["x-forge-oauth-system"]
    assert forge.rest(system, "GET", f"/user/email?accountId={BOB}").json()["email"] == "bob@acme.example"
    forge.bridge(ALICE, "admin", "invoke", {"invokeType": "ui-remote-fetch", "path": "/x", "method": "GET"})
    user = remote.at("/x")[0].headers["x-forge-oauth-user"]
    assert forge.rest(user, "GET", f"/user/email?accountId={BOB}").json() == NO_SCOPE


def with_impersonation(remote: ForgeApp) -> dict[str, Any]:
    permissions = remote.manifest()["permissions"]
    allowed = ("read:jira-work", "write:jira-work")
    permissions["scopes"] = {
        name: {"allowImpersonation": True} if name in allowed else {} for name in permissions["scopes"]
    }
    return permissions


def test_a_person_who_is_not_there_is_impersonated_within_the_scopes_that_allow_it(
    forge: Forge, remote: ForgeApp
) -> None:
    forge.install(remote, permissions=with_impersonation(remote))
    system = remote.at("/forge/installed")[0].headers["x-forge-oauth-system"]
    site = f"ari:cloud:jira::site/{forge.state()['cloud_id']}"
    given = forge.graphql(system, contextIds=[site], userId=BOB).json()["data"]["offlineUserAuthToken"]
    assert given["success"] is True and given["errors"] is None and given["authToken"]["ttl"] == 3300
    token = given["authToken"]["token"]
    made = forge.rest(token, "POST", "/issue", json=TASK).json()["key"]
    assert forge.rest(token, "GET", f"/issue/{made}").json()["fields"]["creator"]["accountId"] == BOB
    assert forge.rest(token, "GET", "/myself").json() == NO_SCOPE, "read:jira-user does not allow it"
    assert (
        forge.rest(token, "POST", "/issue", json={"fields": {**TASK["fields"], "project": {"key": "HR"}}}).status_code
        == 400
    )


Ask = Callable[[Forge, str], Any]


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda forge, token: forge.graphql(token, contextIds=["ari:cloud:jira::site/other"], userId=BOB), "Could not load permissions"),
        (lambda forge, token: forge.graphql(token, contextIds=[site_of(forge)], userId="712020:nobody"), "cannot be impersonated"),
        (lambda forge, token: forge.graphql(token, contextIds=[site_of(forge)], userId=BOB), "no scope that allows impersonation"),
    ],
)  # fmt: skip
def test_what_may_not_be_impersonated_is_refused_as_graphql_does(
    forge: Forge, remote: ForgeApp, ask: Ask, sentence: str
) -> None:
    allowed = {} if "no scope" in sentence else {"permissions": with_impersonation(remote)}
    forge.install(remote, **allowed)
    answer = ask(forge, remote.at("/forge/installed")[0].headers["x-forge-oauth-system"])
    assert answer.status_code == 200
    refused = answer.json()["data"]["offlineUserAuthToken"]
    assert refused["success"] is False and refused["authToken"] is None
    assert sentence in refused["errors"][0]["message"]


def site_of(forge: Forge) -> str:
    return f"ari:cloud:jira::site/{forge.state()['cloud_id']}"


def test_graphql_wants_a_token_and_the_one_mutation(forge: Forge, system: str) -> None:
    assert forge.graphql("nothing", contextIds=[], userId=BOB).json() == UNAUTHORIZED
    headers = {"Authorization": f"Bearer {system}"}
    answer = requests.post(
        f"{forge.url}/graphql", json={"query": "{ me { user } }"}, headers=headers, timeout=60
    ).json()
    assert answer["data"] is None and "offlineUserAuthToken" in answer["errors"][0]["message"]
    assert "contextIds" in forge.graphql(system).json()["errors"][0]["message"]
