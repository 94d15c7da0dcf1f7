"""Tokens of persons go to the worker that comments, as Atlassian's gateway gives them."""

import json
import time
from typing import Any

import pytest
from werkzeug.test import TestResponse

from common.credentials import PERSON_PATH, sign_request
from common.ids import new_id
from connect.person_tokens import read_token
from tests.connect.conftest import ROLE_KEYS, Connect
from tests.connect.forge_side import CLOUD, Cloud, ForgeSite, kept
from tests.connect.test_forge import vended
from tests.wire import Reply, Wire

WORKER = "inbound-worker"
BOB = "712020:bob"


def given(token: str = "token-of-bob", ttl: Any = 3600, success: Any = True) -> dict[str, Any]:
    """What the gateway answers."""
    said = {"success": success, "errors": None, "authToken": {"token": token, "ttl": ttl}}
    return {"data": {"offlineUserAuthToken": said}}


def ask(connect: Connect, body: Any, role: str = WORKER, nonce: str | None = None) -> TestResponse:
    data = json.dumps(body).encode()
    headers = sign_request(ROLE_KEYS[role], role, "POST", PERSON_PATH, data, time.time(), nonce or new_id())
    return connect.app.test_client().post(PERSON_PATH, data=data, headers=headers, content_type="application/json")


@pytest.fixture
def bob(forge: Connect, forge_site: ForgeSite, cloud: Cloud) -> dict[str, str]:
    forge_site.install()
    cloud.graphql = Reply(200, given())
    return {"tenant": kept(forge).tenant, "account_id": BOB}


def test_the_worker_gets_a_persons_token_and_asks_once(
    forge: Connect, forge_site: ForgeSite, bob: dict[str, str], wire: Wire
) -> None:
    answer = ask(forge, bob)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json or {}
    assert body["secret"] == "token-of-bob"
    assert 3500 < body["expires_at"] - time.time() <= 3600
    assert ask(forge, bob).json == body
    calls = [call for call in wire.calls if call.path == "/graphql"]
    assert len(calls) == 1
    assert calls[0].headers["authorization"] == f"Bearer {forge_site.token}"
    wanted = {"contextIds": [f"ari:cloud:jira::site/{CLOUD}"], "userId": BOB}
    assert calls[0].json["variables"] == {"input": wanted}
    assert vended(forge, bob["tenant"])[1].person_tokens is True


def test_a_token_that_ends_soon_is_not_kept(forge: Connect, cloud: Cloud, bob: dict[str, str], wire: Wire) -> None:
    cloud.graphql = Reply(200, given(ttl=100))
    assert ask(forge, bob).status_code == 200
    cloud.graphql = Reply(200, given("another"))
    assert (ask(forge, bob).json or {})["secret"] == "another"


def test_a_token_is_its_persons_and_its_sites(forge: Connect, cloud: Cloud, bob: dict[str, str]) -> None:
    assert (ask(forge, bob).json or {})["secret"] == "token-of-bob"
    cloud.graphql = Reply(200, given("token-of-carol"))
    assert (ask(forge, bob | {"account_id": "carol"}).json or {})["secret"] == "token-of-carol"
    assert (ask(forge, bob).json or {})["secret"] == "token-of-bob"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(
            200, {"data": {"offlineUserAuthToken": {"success": False, "errors": [{"message": "x"}], "authToken": None}}}
        ),
        Reply(200, {"data": None, "errors": [{"message": "no scope"}]}),
        Reply(200, given(success=False)),
        Reply(200, b"<html>"),
        Reply(403),
        Reply(400),
    ],
)
def test_where_atlassian_gives_none_there_is_none(
    forge: Connect, cloud: Cloud, bob: dict[str, str], reply: Reply
) -> None:
    cloud.graphql = reply
    assert ask(forge, bob).status_code == 404


@pytest.mark.parametrize("reply", [Reply(500), Reply(429), Reply(503)])
def test_while_atlassian_does_not_answer_the_worker_waits(
    forge: Connect, cloud: Cloud, bob: dict[str, str], reply: Reply
) -> None:
    cloud.graphql = reply
    assert ask(forge, bob).status_code == 503


def test_a_refused_system_token_waits_for_a_newer_one(
    forge: Connect, forge_site: ForgeSite, cloud: Cloud, bob: dict[str, str]
) -> None:
    cloud.graphql = Reply(401)
    assert ask(forge, bob).status_code == 503
    assert vended(forge, bob["tenant"])[0] == 409
    cloud.graphql = Reply(200, given())
    assert ask(forge, bob).status_code == 503
    forge_site.new_token()
    assert forge_site.post("/forge/tick").status_code == 204
    assert ask(forge, bob).status_code == 200


def test_connect_and_removed_sites_have_none(forge: Connect, forge_site: ForgeSite, bob: dict[str, str]) -> None:
    site = forge.installed()
    id = forge.tenant(site).id
    assert ask(forge, {"tenant": id, "account_id": BOB}).status_code == 404
    assert vended(forge, id)[1].person_tokens is False
    assert ask(forge, {"tenant": "unknown", "account_id": BOB}).status_code == 404
    assert ask(forge, bob).status_code == 200
    assert forge_site.post("/forge/uninstalling").status_code == 204
    assert ask(forge, bob).status_code == 404


def test_nobody_else_gets_a_persons_token(forge: Connect, bob: dict[str, str]) -> None:
    assert ask(forge, bob, "outbound-worker").status_code == 403
    nonce = new_id()
    assert [ask(forge, bob, nonce=nonce).status_code for _ in range(2)] == [200, 401]
    assert forge.app.test_client().post(PERSON_PATH, json=bob).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"account_id": BOB}, "tenant"),
        ({"tenant": 7, "account_id": BOB}, "tenant"),
        ({"tenant": "x"}, "account_id"),
        ({"tenant": "x", "account_id": "two words"}, "account_id"),
        ({"tenant": "x", "account_id": "x" * 129}, "account_id"),
        ([], "tenant"),
    ],
)
def test_a_bad_request_is_refused_by_the_name_of_its_field(forge: Connect, body: Any, field: str) -> None:
    answer = ask(forge, body)
    assert answer.status_code == 422
    assert list((answer.json or {})["errors"]) == [field]


@pytest.mark.parametrize("ttl", [None, 0, -1, True, "60", 1e7, float("nan")])
def test_a_token_without_a_sound_end_is_none(ttl: Any) -> None:
    assert read_token(json.dumps(given(ttl=ttl)).encode(), 0.0) is None
