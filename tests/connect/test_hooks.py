"""The webhook that an administrator added by hand: by its HMAC only, stored once, heard."""

import json

import pytest

from common import metrics
from connect.hooks import signed
from tests.connect import token_side
from tests.connect.conftest import Connect
from tests.connect.jira_side import Atlassian
from tests.connect.test_events import COMMENTED, UPDATED
from tests.connect.token_side import Cloud, Hosted, kinds, sign
from tests.contracts import contract
from tests.wire import Wire


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def hosted(connect: Connect, wire: Wire, cloud: Cloud, atlassian: Atlassian) -> Hosted:
    return token_side.hosted(connect, wire, cloud, atlassian)


def test_a_signed_event_is_stored_once_and_passed_on(hosted: Hosted) -> None:
    before = counted()
    for _ in range(2):
        assert hosted.event(UPDATED, X_Atlassian_Webhook_Identifier="a1").status_code == 204
    [(topic, tenant, body)] = hosted.connect.messages("jira.event")
    assert (topic, tenant) == ("jira.event", hosted.tenant)
    assert (body["kind"], body["changelog_id"]) == ("issue_updated", "10401")
    assert counted() == before + 1


def counted() -> float:
    return metrics.REGISTRY.get_sample_value("mailbridge_events_total", {"kind": "issue_updated"}) or 0.0


def test_the_event_of_both_ways_is_one(hosted: Hosted) -> None:
    site = hosted.connect.installed()
    assert site.webhook(UPDATED).status_code == 204
    assert hosted.event(UPDATED).status_code == 204
    [own, other] = hosted.connect.messages("jira.event")
    assert own[1] != other[1] and own[2]["fingerprint"] == other[2]["fingerprint"]


def test_the_first_event_says_that_the_webhook_works(hosted: Hosted) -> None:
    assert hosted.site().hook.heard_at is None
    hosted.event({"webhookEvent": "attachment_created", "timestamp": 1})
    heard_at = hosted.site().hook.heard_at
    assert heard_at is not None
    hosted.event(COMMENTED)
    assert hosted.site().hook.heard_at == heard_at  # every ten seconds is enough
    assert kinds(hosted.events()) == ["comment_created"]


def test_atlassians_test_vector_holds() -> None:
    vector = contract("samples/http/webhook-headers.json")["hmacTestVector"]
    assert signed(vector["signature"], vector["secret"], vector["payload"].encode())
    assert not signed(vector["signature"], vector["secret"] + "x", vector["payload"].encode())


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        "sha1=" + "a" * 40,
        "sha256=" + "a" * 64,
        "sha256=" + "z" * 64,
        "a" * 64,
        "sha256=é",
        "sha256=" + "a" * 65,
    ],
)
def test_nothing_but_the_right_signature_counts(hosted: Hosted, header: str) -> None:
    hook = hosted.site().hook
    data = json.dumps(UPDATED).encode()
    headers = {"X-Hub-Signature": header} if header else {}
    answer = hosted.connect.app.test_client().post(f"/connect/hooks/{hook.name}", data=data, headers=headers)
    assert answer.status_code == 401
    assert hosted.events() == [] and hosted.site().hook.heard_at is None


def test_the_signature_is_of_these_octets_and_this_secret(hosted: Hosted) -> None:
    assert hosted.event(UPDATED, secret="guessed").status_code == 401
    hook = hosted.site().hook
    spaced = json.dumps(UPDATED, indent=1).encode()
    headers = {"X-Hub-Signature": sign(hook.secret, json.dumps(UPDATED).encode())}
    answer = hosted.connect.app.test_client().post(f"/connect/hooks/{hook.name}", data=spaced, headers=headers)
    assert answer.status_code == 401
    assert hosted.event(spaced).status_code == 204


def test_an_unknown_name_is_not_there(hosted: Hosted) -> None:
    assert hosted.event(UPDATED, name="f" * 32).status_code == 404
    assert hosted.event(UPDATED, name="%27").status_code == 404


def test_a_strangers_megabytes_are_not_read(hosted: Hosted) -> None:
    client, size = hosted.connect.app.test_client(), {"CONTENT_LENGTH": str(27 * 2**20)}
    assert client.post(f"/connect/hooks/{'f' * 32}", environ_overrides=size).status_code == 404
    assert client.post(f"/connect/hooks/{hosted.site().hook.name}", environ_overrides=size).status_code == 413
    large = {**UPDATED, "issue": {**UPDATED["issue"], "fields": {"description": "x" * 3_000_000}}}
    assert hosted.event(large).status_code == 204


def test_a_bad_body_is_refused_by_the_name_of_its_field(hosted: Hosted) -> None:
    for data, named in ((b"{", "JSON"), (b'{"webhookEvent": "comment_created", "timestamp": 1}', "comment.id")):
        answer = hosted.event(data)
        assert answer.status_code == 400 and named in answer.text


def test_a_new_secret_ends_the_old_one(hosted: Hosted) -> None:
    old = hosted.site().hook
    hosted.event(UPDATED)
    answer = hosted.call("POST", "/webhook/secret")
    assert answer.status_code == 200
    new = hosted.site().hook
    assert (new.name, new.heard_at) == (old.name, None) and new.secret != old.secret
    assert answer.json["webhook"]["secret"] == new.secret
    assert answer.json["events"]["way"] == "polling"
    assert hosted.event(COMMENTED, secret=old.secret).status_code == 401
    assert hosted.event(COMMENTED).status_code == 204


def test_a_detached_site_is_not_heard(hosted: Hosted) -> None:
    hook = hosted.site().hook
    assert hosted.call("DELETE").status_code == 204
    data = json.dumps(UPDATED).encode()
    headers = {"X-Hub-Signature": sign(hook.secret, data)}
    answer = hosted.connect.app.test_client().post(f"/connect/hooks/{hook.name}", data=data, headers=headers)
    assert answer.status_code == 404
