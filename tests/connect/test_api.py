"""The page's API: sessions for people who come from Jira, and look-ups for those who administer it."""

import time
from typing import Any

import jwt
import pytest

from common import sessions
from tests.connect.conftest import Connect
from tests.connect.jira_side import Atlassian, Site
from tests.contracts import contract
from tests.wire import Wire

SESSION = "/api/connect/session"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_context_token_becomes_a_session_of_ten_minutes(connect: Connect) -> None:
    site = connect.installed()
    answer = site.post(SESSION, site.context_token("alice"), None)
    assert answer.status_code == 200
    body = answer.json or {}
    assert set(body) == {
        "session", "expires_at", "tenant", "account", "admin", "project", "issue", "scheme", "site",
    }  # fmt: skip
    assert (body["tenant"], body["account"], body["admin"]) == (connect.tenant(site).id, "alice", True)
    assert (body["scheme"], body["site"]) == ("connect", connect.jira_url)
    assert (body["project"], body["issue"]) == (None, None)
    assert 500 < body["expires_at"] - time.time() <= 600
    keys = sessions.read_jwks(site.client.get("/api/connect/keys").json)
    session = sessions.verify(keys, body["session"], time.time())
    assert session == sessions.Session(body["tenant"], "alice", True, body["expires_at"])
    assert answer.headers["Cache-Control"] == "no-store"


def test_who_does_not_administer_jira_gets_a_session_that_says_so(connect: Connect) -> None:
    site = connect.installed()
    answer = site.post(SESSION, site.context_token("bob"), None)
    assert (answer.json or {})["admin"] is False
    looked = site.client.get("/api/connect/projects", headers=bearer((answer.json or {})["session"]))
    assert looked.status_code == 403


def test_jira_is_asked_about_rights_once_a_minute(connect: Connect, wire: Wire, atlassian: Atlassian) -> None:
    site = connect.installed()
    wire.calls.clear()
    site.session("alice")
    site.session("alice")
    site.session("bob")
    asked = [call.json for call in wire.calls]
    assert [one["accountId"] for one in asked] == ["alice", "bob"]
    assert asked[0]["globalPermissions"] == ["ADMINISTER"]


def test_rights_of_one_site_do_not_count_in_another(connect: Connect, wire: Wire, atlassian: Atlassian) -> None:
    site = connect.installed()
    other = connect.installed(client_key="site-2", secret="another-shared-secret-of-32-octets")
    site.session("alice")
    atlassian.admins.clear()
    assert (other.post(SESSION, other.context_token("alice"), None).json or {})["admin"] is False


PROJECT = {"project": {"id": "10000", "key": "TEST"}}
ISSUE = {**PROJECT, "issue": {"id": "10100", "key": "TEST-1"}}


def exchanged(site: Site, account: str, context: Any) -> dict[str, Any]:
    answer = site.post(SESSION, site.context_token(account, context=context), None)
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def test_a_projects_administrator_gets_a_session_for_that_project(
    connect: Connect, atlassian: Atlassian, wire: Wire
) -> None:
    site = connect.installed()
    atlassian.grants.add(("bob", "ADMINISTER_PROJECTS", 10000))
    body = exchanged(site, "bob", {"jira": PROJECT})
    assert (body["admin"], body["project"], body["issue"]) == (False, "10000", None)
    asked = wire.calls[-1].json["projectPermissions"]
    assert asked == [{"permissions": ["ADMINISTER_PROJECTS"], "issues": [], "projects": [10000]}]
    keys = sessions.read_jwks(site.client.get("/api/connect/keys").json)
    assert sessions.verify(keys, body["session"], time.time()).project == "10000"


def test_whoever_may_browse_an_issue_gets_a_session_for_that_issue_only(
    connect: Connect, atlassian: Atlassian, wire: Wire
) -> None:
    site = connect.installed()
    atlassian.grants |= {("bob", "BROWSE_PROJECTS", 10100), ("bob", "ADMINISTER_PROJECTS", 10000)}
    body = exchanged(site, "bob", {"jira": ISSUE})
    assert (body["admin"], body["project"], body["issue"]) == (False, None, "10100")
    assert wire.calls[-1].json["projectPermissions"][0]["permissions"] == ["BROWSE_PROJECTS"]


def test_a_page_names_a_project_or_an_issue_without_any_right_to_it(connect: Connect, atlassian: Atlassian) -> None:
    site = connect.installed()
    atlassian.grants |= {("bob", "ADMINISTER_PROJECTS", 10001), ("bob", "BROWSE_PROJECTS", 10101)}
    for context in (PROJECT, ISSUE):
        body = exchanged(site, "bob", {"jira": context})
        assert (body["admin"], body["project"], body["issue"]) == (False, None, None)


@pytest.mark.parametrize(
    "context",
    [
        None,
        "jira",
        {"jira": None},
        {"jira": {"issue": "10100"}},
        {"jira": {"issue": {"id": 10100}}},
        {"jira": {"issue": {"id": "-1"}, "project": {"id": "1 OR 1"}}},
        {"jira": {"issue": {"id": "9" * 20}, "project": {"id": "²"}}},
        {"issue": {"id": "10100"}},
    ],
)
def test_a_context_of_another_shape_names_nothing(connect: Connect, atlassian: Atlassian, context: Any) -> None:
    site = connect.installed()
    atlassian.grants |= {("bob", "BROWSE_PROJECTS", 10100)}
    body = exchanged(site, "bob", context)
    assert (body["project"], body["issue"]) == (None, None)


def test_the_contracts_own_context_token_is_understood(connect: Connect, atlassian: Atlassian) -> None:
    sample = contract("samples/connect/context-token-claims.json")
    site = connect.installed()
    atlassian.grants.add((sample["sub"], "BROWSE_PROJECTS", 10100))
    body = exchanged(site, sample["sub"], sample["context"])
    assert body["issue"] == sample["context"]["jira"]["issue"]["id"]


def test_while_jira_does_not_answer_there_is_no_session(connect: Connect, atlassian: Atlassian) -> None:
    site = connect.installed()
    atlassian.jira_down = True
    answer = site.post(SESSION, site.context_token(), None)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_only_a_context_token_is_exchanged(connect: Connect) -> None:
    site = connect.installed()
    thief = connect.site(secret="a-guessed-secret-of-32-octets-and-more")
    wrong = [
        None,
        "x.y.z",
        site.tenant_token("POST", SESSION, sub="alice"),
        site.tenant_token("POST", SESSION, qsh="context-qsh"),
        site.context_token("alice", exp=int(time.time()) - 60),
        site.context_token("alice", iss="unknown"),
        site.atlassian_token(SESSION, qsh="context-qsh", sub="alice"),
        thief.context_token("alice"),
    ]
    for token in wrong:
        assert site.post(SESSION, token, None).status_code == 401
    site.uninstall()
    assert site.post(SESSION, site.context_token(), None).status_code == 401


LOOKUPS = ["/api/connect/projects", "/api/connect/projects/TEST/issue-types", "/api/connect/users?query=b"]


@pytest.mark.parametrize("path", LOOKUPS)
def test_lookups_need_a_session(connect: Connect, path: str) -> None:
    site = connect.installed()
    client = site.client
    token = site.session()
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"Authorization": f"JWT {site.context_token()}"}).status_code == 401
    assert client.get(path, headers=bearer(token[:-4] + "AAAA")).status_code == 401
    assert client.get(path, headers=bearer(token)).status_code == 200


def test_projects_issue_types_and_people_are_looked_up(connect: Connect, wire: Wire) -> None:
    site = connect.installed()
    headers = bearer(site.session())
    client = site.client
    assert client.get("/api/connect/projects?query=te", headers=headers).json == [
        {"id": "10000", "key": "TEST", "name": "Test"}
    ]
    assert "query=te" in wire.calls[-1].query
    assert client.get("/api/connect/projects/TEST/issue-types", headers=headers).json == [
        {"id": "1", "name": "Task", "subtask": False}
    ]
    assert client.get("/api/connect/users?query=bo", headers=headers).json == [{"account_id": "bob", "name": "Bob"}]


def test_a_projects_administrator_looks_up_their_own_project_only(
    connect: Connect, atlassian: Atlassian, wire: Wire
) -> None:
    site = connect.installed()
    atlassian.grants |= {("bob", "ADMINISTER_PROJECTS", 10000), ("bob", "ADMINISTER_PROJECTS", 10001)}
    mine = bearer(exchanged(site, "bob", {"jira": PROJECT})["session"])
    other = bearer(exchanged(site, "bob", {"jira": {"project": {"id": "10001"}}})["session"])

    def status(headers: dict[str, str], path: str) -> int:
        return site.client.get(f"/api/connect/{path}", headers=headers).status_code

    assert [one["id"] for one in site.client.get("/api/connect/projects", headers=mine).json or []] == ["10000"]
    assert site.client.get("/api/connect/projects", headers=other).json == []
    assert [status(who, "projects/TEST/issue-types") for who in (mine, other)] == [200, 404]
    assert [status(who, "users?query=b") for who in (mine, other)] == [403, 403]


def test_an_unknown_project_is_not_found(connect: Connect) -> None:
    site = connect.installed()
    answer = site.client.get("/api/connect/projects/NONE/issue-types", headers=bearer(site.session()))
    assert answer.status_code == 404
    assert "NONE" in (answer.json or {})["detail"]


def test_too_long_a_query_is_refused_by_name(connect: Connect) -> None:
    site = connect.installed()
    answer = site.client.get("/api/connect/users?query=" + "x" * 101, headers=bearer(site.session()))
    assert answer.status_code == 422
    assert list((answer.json or {})["errors"]) == ["query"]


def test_a_session_looks_into_its_own_jira_only(connect: Connect, wire: Wire) -> None:
    site: Site = connect.installed()
    other = connect.installed(client_key="site-2", secret="another-shared-secret-of-32-octets")
    for one in (site, other):
        wire.calls.clear()
        one.client.get("/api/connect/projects", headers=bearer(one.session()))
        for call in wire.calls:
            token = call.headers["authorization"].removeprefix("JWT ")
            assert jwt.decode(token, one.secret, ["HS256"], audience=one.client_key)


def test_the_page_learns_where_the_host_script_is(connect: Connect) -> None:
    answer = connect.app.test_client().get("/api/connect/page")
    assert answer.json == {"allJs": connect.config.all_js, "login": None}


def test_the_api_describes_itself(connect: Connect) -> None:
    document = connect.app.test_client().get("/api/connect/openapi.json").json or {}
    assert {"/api/connect/session", "/api/connect/projects"} <= set(document["paths"])


def test_a_disabled_app_is_told_to_come_again(connect: Connect) -> None:
    site = connect.installed()
    token = site.session()
    site.enable("disabled")
    answer = site.client.get("/api/connect/projects", headers=bearer(token))
    assert answer.status_code == 503
    assert "disabled" in (answer.json or {})["detail"]
