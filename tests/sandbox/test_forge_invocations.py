"""What a remote receives: invocation tokens that last 25 s, bearers, lifecycle calls, events with their retries, ticks."""

import time
from typing import Any

import jwt
import pytest

from sandbox.app import Sandbox
from sandbox.client import SandboxClient, wait_for
from tests.contracts import contract
from tests.sandbox.forge_app import APP, Forge, ForgeApp, Invocation

ALICE = "712020:aaaaaaaa-0000-4000-8000-000000000001"


@pytest.fixture
def installed(forge: Forge, remote: ForgeApp) -> dict[str, Any]:
    """The app, installed; its remote has been told."""
    return forge.install(remote)


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    opened = SandboxClient(sandbox.url)
    yield opened
    opened.close()


def issue(client: SandboxClient, **more: Any) -> str:
    """An issue that Alice creates."""
    created = client._json(
        "POST", "/control/issues", {"project": "SUP", "issuetype": "Task", "summary": "It burns", **more}
    )
    key: str = created["key"]
    return key


def shape(value: Any, deep: int = 2) -> Any:
    """The names in a JSON value, some levels down."""
    if isinstance(value, dict):
        return {name: shape(one, deep - 1) if deep > 1 else None for name, one in value.items()}
    return None


def test_the_installation_is_told_with_a_token_of_25_seconds_and_a_system_token(
    forge: Forge, remote: ForgeApp, installed: dict[str, Any]
) -> None:
    (told,) = remote.at("/forge/installed")
    assert shape(told.body) == shape(contract("samples/forge/installed-app.json"))
    assert told.body["id"] == installed["installation"].rpartition("/")[2]
    claims, state = told.claims, forge.state()
    assert claims["exp"] - claims["iat"] == 25 and claims["nbf"] == claims["iat"]
    assert claims["aud"] == APP and "principal" not in claims
    assert jwt.get_unverified_header(told.raw_token)["kid"].startswith("forge/invocation-token/")
    assert claims["app"]["installationId"] == installed["installation"] == claims["app"]["installation"]["id"]
    assert claims["app"]["apiBaseUrl"] == state["api_base_url"]
    assert claims["context"] == {"cloudId": state["cloud_id"], "siteUrl": forge.url, "moduleKey": "on-installed"}
    assert len(told.headers["x-forge-oauth-system"]) > 500 and "x-forge-oauth-user" not in told.headers
    assert len(told.headers["x-b3-traceid"]) == 32 and len(told.headers["x-b3-spanid"]) == 16


def test_the_claims_are_those_of_the_vector(remote: ForgeApp, installed: dict[str, Any]) -> None:
    vectors = contract("jwt-vectors.json")
    vector = next(one for one in vectors["tokens"] if one["name"] == "FIT ok")["claims"]
    told = remote.at("/forge/installed")[0].claims
    missing = {
        "principal",
        "app.license",
        "app.version",
    }  # nobody looks on, the app is free, and the page knows no version
    flat = set(vector) | {f"app.{name}" for name in vector["app"]}
    here = set(told) | {f"app.{name}" for name in told["app"]}
    assert flat - missing == here - missing and not missing & here


def test_another_installation_after_an_uninstall_has_another_id_and_the_same_account(
    forge: Forge, remote: ForgeApp, installed: dict[str, Any]
) -> None:
    bearer = remote.at("/forge/installed")[0].headers["x-forge-oauth-system"]
    assert forge.rest(bearer, "GET", "/myself").json()["accountId"] == installed["account_id"]
    gone = forge.control("/forge/uninstall", {}).json()
    assert gone == {"installation": installed["installation"], "said": ["answered 204"]}
    assert len(remote.at("/forge/uninstalling")) == 1
    assert forge.rest(bearer, "GET", "/myself").status_code == 401
    again = forge.install(remote)
    assert again["installation"] != installed["installation"] and again["account_id"] == installed["account_id"]


def test_a_silent_uninstall_asks_nobody(forge: Forge, remote: ForgeApp, installed: dict[str, Any]) -> None:
    assert forge.control("/forge/uninstall", {"silently": True}).json()["said"] == []
    assert remote.at("/forge/uninstalling") == []
    assert forge.control("/forge/uninstall", {}).status_code == 404


def test_only_a_major_upgrade_is_told(forge: Forge, remote: ForgeApp, installed: dict[str, Any]) -> None:
    minor = forge.control(
        "/forge/upgrade", {"manifest": remote.text(resources=[{"key": "page", "path": "build"}])}
    ).json()
    assert minor["version"] == "1.1.0" and minor["told"] == [] and minor["installation"] == installed["installation"]
    more = remote.manifest()["permissions"]
    more["scopes"].append("read:email-address:jira")
    major = forge.control("/forge/upgrade", {"manifest": remote.text(permissions=more)}).json()
    assert major["version"] == "2.0.0" and "read:email-address:jira" in major["scopes"]
    (told,) = remote.at("/forge/upgraded")
    assert shape(told.body, 3) == shape(contract("samples/forge/upgraded-app.json"), 3)
    assert told.claims["app"]["appVersion"] == "2.0.0"


def test_a_bad_manifest_is_refused_by_field(forge: Forge, remote: ForgeApp) -> None:
    answer = forge.control("/forge/install", {"manifest": remote.text(remotes=[])})
    assert answer.status_code == 400
    assert "there is no usable remote backend" in answer.json()["errors"]["manifest"]
    assert forge.control("/forge/install", {"manifest": remote.text(), "Manifest": 1}).status_code == 400


def test_events_have_the_shapes_of_the_samples(
    sandbox: Sandbox, remote: ForgeApp, installed: dict[str, Any], client: SandboxClient
) -> None:
    key = issue(client)
    client.change(key, ALICE, status="In Progress")
    client.change(key, ALICE, assignee=ALICE)
    client.comment(key, ALICE, "Please try a bucket of water.")
    comment = client.issue(key)["comments"][0]["id"]
    client._json("DELETE", f"/control/comments/{comment}")
    client._json("DELETE", f"/control/issues/{key}")
    assert sandbox.wait_idle()
    bodies: dict[str, list[Any]] = {}
    for one in remote.at("/forge/events"):
        bodies.setdefault(one.body["eventType"], []).append(one.body)
    for name, event in {
        "created-issue": "avi:jira:created:issue",
        "updated-issue": "avi:jira:updated:issue",
        "assigned-issue": "avi:jira:assigned:issue",
        "commented-issue": "avi:jira:commented:issue",
        "deleted-comment": "avi:jira:deleted:comment",
        "deleted-issue": "avi:jira:deleted:issue",
    }.items():
        sample = contract(f"samples/forge/{name}.json")
        like = min(bodies[event], key=lambda body: len(set(body) ^ set(sample)))
        assert set(like) == set(sample), name
        assert isinstance(like["timestamp"], str) and like["atlassianId"] == ALICE
        assert set(like["issue"]["fields"]) >= {"summary", "reporter", "status", "description"}
    assert all(one.claims["context"]["moduleKey"] == "on-events" for one in remote.at("/forge/events"))


def test_an_edited_comment_is_the_same_event_as_a_new_one(
    sandbox: Sandbox, remote: ForgeApp, installed: dict[str, Any], client: SandboxClient
) -> None:
    key = issue(client)
    client.comment(key, ALICE, "One")
    comment = client.issue(key)["comments"][0]["id"]
    client._json("PUT", f"/control/comments/{comment}", {"text": "Two", "accountId": ALICE})
    assert sandbox.wait_idle()
    told = [one.body for one in remote.at("/forge/events") if one.body["eventType"] == "avi:jira:commented:issue"]
    assert sorted(one["comment"]["body"] for one in told) == ["One", "Two"]
    assert {one["comment"]["id"] for one in told} == {comment}


def test_an_app_may_ask_not_to_be_told_of_itself(
    sandbox: Sandbox, forge: Forge, remote: ForgeApp, client: SandboxClient
) -> None:
    modules = remote.manifest()["modules"]
    modules["trigger"][0]["filter"] = {"ignoreSelf": True}
    forge.install(remote, modules=modules)
    bearer = remote.at("/forge/installed")[0].headers["x-forge-oauth-system"]
    body = {"fields": {"project": {"key": "SUP"}, "issuetype": {"name": "Task"}, "summary": "By the app"}}
    made = forge.rest(bearer, "POST", "/issue", json=body).json()["key"]
    client.change(made, ALICE, summary="By Alice")
    assert sandbox.wait_idle()
    assert {one.body["eventType"] for one in remote.at("/forge/events")} == {"avi:jira:updated:issue"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [(500, "INVALID_REMOTE_INVOCATION_ERROR"), (302, "INVALID_REMOTE_INVOCATION_ERROR"), (401, "INVALID_FORGE_INVOCATION_TOKEN")],
)  # fmt: skip
def test_a_refused_event_comes_again_four_times_and_says_why(
    sandbox: Sandbox, remote: ForgeApp, installed: dict[str, Any], client: SandboxClient, status: int, reason: str
) -> None:
    remote.answer = lambda _one: (status, None)
    issue(client)
    assert sandbox.wait_idle()
    bodies = [one.body for one in remote.at("/forge/events")]
    again = [body.pop("retryContext", None) for body in bodies]
    expected = [{"retryCount": count, "retryReason": reason, "retryData": None} for count in range(1, 5)]
    assert again == [None, *expected]
    assert all(body == bodies[0] for body in bodies)
    assert len({one.raw_token for one in remote.at("/forge/events")}) == 5


def test_an_answer_after_five_seconds_is_none(
    sandbox: Sandbox, forge: Forge, remote: ForgeApp, installed: dict[str, Any], client: SandboxClient
) -> None:
    def slowly(one: Invocation) -> tuple[int, Any]:
        if one.path == "/forge/events" and len(remote.at("/forge/events")) == 1:
            time.sleep(5.3)
        return 204, None

    remote.answer = slowly
    issue(client)
    _first, second = remote.wait(2)
    assert second.body["retryContext"]["retryReason"] == "TIMEOUT_ERROR"
    assert sandbox.wait_idle()
    assert [one["status"] for one in forge.state()["attempts"][-2:]] == [None, 204]


def test_an_event_over_200_kilobytes_is_never_delivered(
    sandbox: Sandbox, forge: Forge, remote: ForgeApp, installed: dict[str, Any], client: SandboxClient
) -> None:
    key = issue(client)
    assert sandbox.wait_idle()
    told = len(remote.at("/forge/events"))
    with sandbox.parts.site.lock:  # no text of Jira's is that long, but much besides can be
        sandbox.parts.site.issue(key).labels = ["y" * 250 for _ in range(900)]
    client.change(key, ALICE, summary="Too much")
    assert sandbox.wait_idle()
    assert len(remote.at("/forge/events")) == told
    assert "larger than 200000 bytes" in forge.state()["attempts"][-1]["error"]


def test_faults_of_webhooks_hit_forge_events_too(
    sandbox: Sandbox, remote: ForgeApp, installed: dict[str, Any], client: SandboxClient
) -> None:
    client.fault("webhook_duplicate", match="avi:jira:created")
    client.fault("webhook_lost", match="avi:jira:updated")
    client.change(issue(client), ALICE, summary="Lost")
    assert sandbox.wait_idle()
    assert [one.body["eventType"] for one in remote.at("/forge/events")] == ["avi:jira:created:issue"] * 2


def test_a_tick_comes_at_once_when_asked_and_on_its_schedule(
    forge: Forge, remote: ForgeApp, installed: dict[str, Any]
) -> None:
    told = forge.control("/forge/tick").json()["told"]
    assert [one["status"] for one in told] == [204]
    (tick,) = remote.at("/forge/tick")
    assert tick.body == {} and tick.claims["app"]["module"] == {"type": "scheduledTrigger", "key": "often"}
    forge.control("/forge", {"minute_seconds": 0.02}, "PUT")
    forge.install(remote)  # the schedule of an installation that is gone runs no more
    remote.wait(4, "/forge/tick")
    forge.control("/forge/uninstall", {"silently": True})
    count = len(remote.at("/forge/tick"))
    time.sleep(0.3)
    assert len(remote.at("/forge/tick")) <= count + 1


def test_in_the_quiet_nothing_arrives(
    sandbox: Sandbox, forge: Forge, remote: ForgeApp, installed: dict[str, Any], client: SandboxClient
) -> None:
    forge.control("/forge/quiet", {"on": True})
    issue(client)
    forge.control("/forge/tick")
    assert sandbox.wait_idle()
    assert [one.path for one in remote.invocations] == ["/forge/installed"]
    forge.control("/forge/quiet", {"on": False})
    issue(client)
    remote.wait(1)


def test_a_renamed_site_keeps_its_cloud_id_and_where_it_is_called(
    sandbox: Sandbox, forge: Forge, remote: ForgeApp, installed: dict[str, Any]
) -> None:
    before = forge.state()
    new = sandbox.url.replace("127.0.0.1", "localhost")
    assert forge.control("/rename", {"base_url": new}).json() == {
        "base_url": new, "cloud_id": before["cloud_id"], "failed": [],
    }  # fmt: skip
    forge.control("/forge/tick")
    claims = remote.at("/forge/tick")[0].claims
    assert claims["context"]["siteUrl"] == new and claims["context"]["cloudId"] == before["cloud_id"]
    assert claims["app"]["apiBaseUrl"] == before["api_base_url"]
    assert forge.control("/rename", {"base_url": "acme"}).status_code == 400


def test_after_a_rotation_another_key_signs(forge: Forge, remote: ForgeApp, installed: dict[str, Any]) -> None:
    old = jwt.get_unverified_header(remote.at("/forge/installed")[0].raw_token)["kid"]
    forge.control("/forge/rotate")
    forge.control("/forge/tick")
    assert jwt.get_unverified_header(remote.at("/forge/tick")[0].raw_token)["kid"] != old
    assert remote.refused == []


def test_a_reset_keeps_the_app_and_its_account(
    sandbox: Sandbox, forge: Forge, remote: ForgeApp, installed: dict[str, Any], client: SandboxClient
) -> None:
    client._json("POST", "/control/reset")
    bearer = remote.at("/forge/installed")[0].headers["x-forge-oauth-system"]
    assert forge.rest(bearer, "GET", "/myself").json()["accountType"] == "app"
    issue(client)
    assert wait_for("the event", lambda: remote.at("/forge/events"), 60)
