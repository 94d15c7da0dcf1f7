"""An administrator's webhooks: signed by HMAC, tried again, filtered, and unsettled by the same faults as the apps'."""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.app import Sandbox
from tests.contracts import contract
from tests.running import wait_for
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.documents import doc
from tests.wire import Call, Reply, Wire

SECRET = "It's a Secret to Everybody"


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire(lambda _call: Reply(204)) as listening:
        yield listening


def hook(sandbox: Sandbox, base_url: str, **more: Any) -> str:
    body = {"url": f"{base_url}/hooks/h", "secret": SECRET, "events": ["jira:issue_created", "comment_created"], **more}
    answer = requests.post(f"{sandbox.url}/control/webhooks", json=body, timeout=60)
    assert answer.status_code == 201, answer.text
    assert "secret" not in answer.json()
    made: str = answer.json()["id"]
    return made


def told(wire: Wire, count: int) -> list[Call]:
    return wait_for(lambda: wire.calls if len(wire.calls) >= count else [], 60, lambda: str(wire.calls))


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_atlassians_vector_is_signed_as_it_says() -> None:
    vector = contract("samples/http/webhook-headers.json")["hmacTestVector"]
    assert signature(vector["secret"], vector["payload"].encode()) == vector["signature"]


def test_an_event_is_signed_and_named(sandbox: Sandbox, jira: JiraCaller, wire: Wire) -> None:
    hook(sandbox, wire.url)
    key = jira.create()["key"]
    jira("POST", f"/issue/{key}/comment", json={"body": doc("x")}, headers={"X-Atlassian-Webhook-Trace": "mb-7"})
    requests.put(f"{sandbox.url}/control/issues/{key}", json={"summary": "Not asked for"}, timeout=60)
    assert sandbox.wait_idle()
    by_event = {call.json["webhookEvent"]: call for call in told(wire, 2)}
    assert by_event.keys() == {"jira:issue_created", "comment_created"}
    for call in by_event.values():
        assert call.headers["x-hub-signature"] == signature(SECRET, call.body)
        assert call.headers["x-atlassian-webhook-flow"] == "Primary"
        assert "authorization" not in call.headers and "x-atlassian-webhook-retry" not in call.headers
    assert by_event["comment_created"].headers["x-atlassian-webhook-trace"] == "mb-7"
    ids = {call.headers["x-atlassian-webhook-identifier"] for call in by_event.values()}
    assert len(ids) == 2


def test_a_webhook_without_a_secret_is_not_signed(sandbox: Sandbox, jira: JiraCaller, wire: Wire) -> None:
    hook(sandbox, wire.url, secret="")
    jira.create()
    assert "x-hub-signature" not in told(wire, 1)[0].headers


def test_it_is_tried_again_with_the_same_identifier_and_given_up(
    sandbox: Sandbox, jira: JiraCaller, wire: Wire
) -> None:
    wire.answer = lambda _call: Reply(503)
    hook(sandbox, wire.url)
    jira.create()
    calls = told(wire, 6)
    assert sandbox.wait_idle()
    assert len(wire.calls) == 6
    assert [call.headers.get("x-atlassian-webhook-retry") for call in calls] == [None, "1", "2", "3", "4", "5"]
    assert len({call.headers["x-atlassian-webhook-identifier"] for call in calls}) == 1


def test_a_filter_and_a_variable_in_the_address(sandbox: Sandbox, jira: JiraCaller, wire: Wire) -> None:
    hook(sandbox, wire.url, jql="project = TEST", url=wire.url + "/hooks/${project.key}")
    jira.create(project={"key": "SUP"})
    jira.create(project={"key": "TEST"})
    assert sandbox.wait_idle()
    assert [call.path for call in wire.calls] == ["/hooks/TEST"]


def test_a_deleted_webhook_is_told_no_more_and_a_lost_one_never_comes(
    sandbox: Sandbox, jira: JiraCaller, wire: Wire
) -> None:
    made = hook(sandbox, wire.url)
    requests.post(f"{sandbox.url}/control/faults", json={"kind": "webhook_lost", "count": 1}, timeout=60)
    jira.create()
    jira.create()
    assert sandbox.wait_idle()
    assert len(wire.calls) == 1
    assert [one["id"] for one in requests.get(f"{sandbox.url}/control/webhooks", timeout=60).json()["webhooks"]] == [
        made
    ]
    assert requests.delete(f"{sandbox.url}/control/webhooks/{made}", timeout=60).status_code == 204
    assert requests.delete(f"{sandbox.url}/control/webhooks/{made}", timeout=60).status_code == 404
    jira.create()
    assert sandbox.wait_idle()
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://x"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["issue_made"]}, "events"),
        ({"jql": "project ="}, "jql"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_webhook_is_refused_by_its_field(sandbox: Sandbox, body: dict[str, Any], field: str) -> None:
    whole = {"url": "http://127.0.0.1:1/x", "events": ["comment_created"], **body}
    answer = requests.post(f"{sandbox.url}/control/webhooks", json=whole, timeout=60)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
