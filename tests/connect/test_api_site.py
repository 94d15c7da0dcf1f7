"""The page's API of the attached site: what it shows, checks, attaches and detaches."""

import time
from typing import Any

import pytest

from common import sessions
from common.crypto import derive
from common.sessions import Session
from connect.descriptor import EVENTS
from connect.vending import OwnCredentials
from tests.connect import token_side
from tests.connect.conftest import Connect
from tests.connect.jira_side import BASE_URL, Atlassian
from tests.connect.test_events import UPDATED
from tests.connect.token_side import ADA, EMAIL, TOKEN, Cloud, Hosted
from tests.wire import Reply, Wire


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def hosted(connect: Connect, wire: Wire, cloud: Cloud, atlassian: Atlassian) -> Hosted:
    return token_side.hosted(connect, wire, cloud, atlassian)


@pytest.fixture
def empty(connect: Connect, wire: Wire, cloud: Cloud) -> Hosted:
    """Nothing is attached yet."""
    wire.answer = cloud
    return Hosted(connect, wire.url)


def body(hosted: Hosted, **changes: Any) -> dict[str, Any]:
    return {"url": hosted.url, "email": EMAIL, "api_token": TOKEN, "token_expires_at": None, **changes}


def test_before_a_site_is_attached_the_page_is_told_so(empty: Hosted) -> None:
    shown = empty.call("GET").json
    assert (shown["scheme"], shown["site"], shown["state"]) == ("token", "", "new")
    assert (shown["account"], shown["webhook"], shown["rights"]) == (None, None, [])
    assert empty.call("POST", "/webhook/secret").status_code == 409
    assert empty.call("DELETE").status_code == 204


def test_a_check_finds_and_keeps_nothing(empty: Hosted) -> None:
    answer = empty.call("POST", "/check", body(empty))
    assert answer.status_code == 200
    assert answer.json["ok"] is True and answer.json["problem"] is None
    assert answer.json["account"] == {"account_id": ADA, "name": "Ada"}
    assert {"right", "for", "ok", "where", "remedy"} == set(answer.json["rights"][0])
    assert TOKEN not in answer.text
    assert empty.sites.site(empty.tenant) is None


def test_a_check_names_what_is_wrong(empty: Hosted) -> None:
    answer = empty.call("POST", "/check", body(empty, api_token="wrong")).json
    assert answer["ok"] is False and answer["problem"]["field"] == "api_token" and answer["problem"]["remedy"]


def test_a_site_is_attached(empty: Hosted) -> None:
    ends = time.time() + 3 * 86_400
    answer = empty.call("PUT", "", body(empty, url=empty.url + "/jira/", token_expires_at=ends))
    assert answer.status_code == 200
    shown = answer.json
    assert (shown["site"], shown["state"], shown["problem"], shown["email"]) == (empty.url, "enabled", None, EMAIL)
    assert shown["account"] == {"account_id": ADA, "name": "Ada"}
    assert "in 3 days" in shown["notice"] and shown["token_expires_at"] == ends
    assert shown["rights"] and all(right["ok"] for right in shown["rights"])
    assert shown["scopes"] == [] and shown["email_api"]["state"] == "unknown"
    assert shown["events"] == {"way": "polling", "heard_at": None, "polled_at": None, "every": 60.0, "problem": None}
    assert TOKEN not in answer.text
    assert empty.connect.messages("tenant.changed") == [("tenant.changed", empty.tenant, {"state": "enabled"})]
    credentials = OwnCredentials(empty.connect.config, empty.connect.store).get(empty.tenant)
    assert (credentials.scheme, credentials.email, credentials.secret) == ("token", EMAIL, TOKEN)
    assert (credentials.base_url, credentials.site_url, credentials.account_id) == (empty.url, empty.url, ADA)


def test_the_webhook_to_paste_is_shown(hosted: Hosted) -> None:
    webhook = hosted.call("GET").json["webhook"]
    assert webhook["url"].startswith(f"{BASE_URL}/connect/hooks/") and len(webhook["secret"]) >= 32
    assert (webhook["events"], webhook["jql"], webhook["heard_at"]) == (list(EVENTS), "", None)
    path = webhook["url"].removeprefix(BASE_URL + "/connect/hooks/")
    assert hosted.event(UPDATED, name=path, secret=webhook["secret"]).status_code == 204
    shown = hosted.call("GET").json
    assert shown["events"]["way"] == "webhook" and shown["events"]["heard_at"] == shown["webhook"]["heard_at"] > 0


def test_a_new_token_replaces_the_old_one_and_leaves_the_webhook(hosted: Hosted, cloud: Cloud) -> None:
    webhook = hosted.call("GET").json["webhook"]
    cloud.tokens = {"newer"}
    assert hosted.call("PUT", "", body(hosted, api_token="newer")).status_code == 200
    assert hosted.site().account.token == "newer"
    assert hosted.call("GET").json["webhook"] == webhook


def test_nothing_is_attached_that_does_not_work(empty: Hosted, cloud: Cloud) -> None:
    cloud.replies["/serverInfo"] = Reply(200, {**cloud.info, "deploymentType": "Server"})
    answer = empty.call("PUT", "", body(empty))
    assert answer.status_code == 422 and "Jira Cloud only" in answer.json["errors"]["url"][0]
    assert empty.sites.site(empty.tenant) is None


def test_another_site_is_not_attached_in_the_place_of_the_first(hosted: Hosted) -> None:
    other = hosted.url.replace("127.0.0.1", "localhost")
    answer = hosted.call("PUT", "", body(hosted, url=other))
    assert answer.status_code == 409 and "Detach" in answer.json["detail"]
    assert hosted.call("PUT", "", body(hosted, url=other, renamed=True)).json["site"] == other


def test_a_detached_site_leaves_nothing_behind(hosted: Hosted) -> None:
    hosted.event(UPDATED)
    assert hosted.call("DELETE").status_code == 204
    assert ("tenant.removed", hosted.tenant, {}) in hosted.connect.messages()
    assert hosted.call("GET").status_code == 404
    newer = hosted.sites.own_tenant()
    assert newer != hosted.tenant
    assert hosted.call("GET", tenant=newer).json["state"] == "new"
    assert hosted.sites.own_tenant() == newer
    assert hosted.call("PUT", "", body(hosted), tenant=newer).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": ""}, "url"),
        ({"url": None}, "url"),
        ({"url": "x" * 501}, "url"),
        ({"url": "ftp://x"}, "url"),
        ({"email": "nobody"}, "email"),
        ({"email": 7}, "email"),
        ({"api_token": "a b"}, "api_token"),
        ({"api_token": ""}, "api_token"),
        ({"token_expires_at": "soon"}, "token_expires_at"),
        ({"token_expires_at": -1}, "token_expires_at"),
        ({"token_expires_at": 1e300}, "token_expires_at"),
    ],
)
def test_a_bad_field_is_named(empty: Hosted, changes: dict[str, Any], field: str) -> None:
    answer = empty.call("PUT", "", body(empty, **changes))
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field] and answer.json["errors"][field]


def test_a_site_of_an_app_is_shown_and_not_attached_by_a_token(connect: Connect, hosted: Hosted) -> None:
    site = connect.installed()
    site.webhook(UPDATED)
    headers = {"Authorization": f"Bearer {site.session()}"}
    shown: Any = site.client.get("/api/connect/site", headers=headers).json
    assert (shown["scheme"], shown["site"], shown["state"], shown["webhook"]) == (
        "connect",
        connect.jira_url,
        "enabled",
        None,
    )
    assert shown["events"]["way"] == "webhook" and shown["events"]["heard_at"] and shown["events"]["every"] == 600.0
    assert {scope["name"] for scope in shown["scopes"]} == {"READ", "WRITE", "ACCESS_EMAIL_ADDRESSES"}
    assert all(scope["why"] for scope in shown["scopes"])
    for method, path, sent in (
        ("PUT", "", body(hosted)),
        ("POST", "/check", body(hosted)),
        ("DELETE", "", None),
        ("POST", "/webhook/secret", None),
    ):
        answer = site.client.open(f"/api/connect/site{path}", method=method, json=sent, headers=headers)
        assert answer.status_code == 409, (method, path)


def test_only_who_administers_may(hosted: Hosted) -> None:
    private = sessions.private_key(derive(hosted.connect.config.settings.master_key, "page session"))
    token = sessions.issue(private, Session(hosted.tenant, "bob", False, time.time() + 60))
    client = hosted.connect.app.test_client()
    for headers, status in (({"Authorization": f"Bearer {token}"}, 403), ({}, 401)):
        for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/check"), ("POST", "/webhook/secret")):
            assert (
                client.open(f"/api/connect/site{path}", method=method, headers=headers, json={}).status_code == status
            )
