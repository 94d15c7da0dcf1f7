"""Webhooks: the bodies of the samples, signed, tried again, and unsettled by faults."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox import contract
from sandbox.app import Sandbox
from tests.sandbox.connect_app import ConnectApp, JiraCaller
from tests.sandbox.documents import doc

BOB = "712020:aaaaaaaa-0000-4000-8000-000000000002"
EXTRAS = {"tmpFromAccountId", "tmpToAccountId"}


@pytest.fixture
def caller(sandbox: Sandbox, app: ConnectApp) -> Iterator[JiraCaller]:
    """The app, installed."""
    sandbox.parts.installer.install(app.url)
    asking = JiraCaller(sandbox.url, sandbox.parts.site.installations["test.app"])
    yield asking
    asking.close()


def shape(value: Any, path: str = "") -> set[str]:
    """Every path of keys in a body, lists seen through."""
    if isinstance(value, dict):
        return {
            entry for key, inner in value.items() if key not in EXTRAS for entry in shape(inner, f"{path}/{key}")
        } | {path}
    if isinstance(value, list):
        return {entry for inner in value for entry in shape(inner, f"{path}[]")} | {path}
    return {path}


def sample(name: str) -> Any:
    return json.loads((contract.FOLDER / "samples" / "webhooks" / f"{name}.json").read_text())


@pytest.mark.skipif(not contract.present(), reason="../shared/contracts is not beside this repository")
def test_the_bodies_have_the_shape_of_the_samples(sandbox: Sandbox, caller: JiraCaller, app: ConnectApp) -> None:
    key = caller.create(
        project={"key": "TEST"},
        description=doc("It burns."),
        labels=["mail"],
        reporter={"accountId": BOB},
        customfield_10050="c@x.example",
    )["key"]
    post = f"{sandbox.url}/control"
    requests.put(f"{post}/issues/{key}", json={"status": "In Progress"}, timeout=60)
    caller(
        "POST",
        f"/issue/{key}/attachments",
        files={"file": ("a.png", b"x", "image/png")},
        headers={"X-Atlassian-Token": "no-check"},
    )
    role = {"type": "role", "value": "Administrators"}
    made = caller("POST", f"/issue/{key}/comment", json={"body": doc("hello"), "visibility": role}).json()
    requests.put(f"{post}/comments/{made['id']}", json={"text": "edited", "visibility": None}, timeout=60)
    requests.delete(f"{post}/comments/{made['id']}", timeout=60)
    requests.delete(f"{post}/issues/{key}", timeout=60)
    hooks = app.wait(7)
    by_name = {
        "issue_created": "jira:issue_created",
        "comment_created.restricted": "comment_created",
        "comment_updated": "comment_updated",
        "comment_deleted": "comment_deleted",
    }
    for name, event in by_name.items():
        [body] = [one.body for one in hooks if one.body["webhookEvent"] == event]
        expected = shape(sample(name))
        assert shape(body) == expected, (name, shape(body) ^ expected)
    changed = {
        item["field"]: one.body
        for one in hooks
        if one.body["webhookEvent"] == "jira:issue_updated"
        for item in one.body["changelog"]["items"]
    }
    assert changed.keys() == {"status", "Attachment"}
    assert shape(changed["Attachment"]) == shape(sample("issue_updated.attachment"))
    assert changed["status"]["changelog"]["items"] == sample("issue_updated.status+assignee")["changelog"]["items"][:1]


def test_texts_are_wiki_markup_and_users_have_no_address(caller: JiraCaller, app: ConnectApp) -> None:
    bold = {"type": "text", "text": "burns", "marks": [{"type": "strong"}]}
    body = {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "It "}, bold]}],
    }
    caller.create(description=body, reporter={"accountId": BOB})
    [hook] = app.wait(1, "jira:issue_created")
    assert hook.body["issue"]["fields"]["description"] == "It *burns*"
    assert "emailAddress" not in json.dumps(hook.body)


def test_the_headers_say_which_webhook_it_is_and_echo_the_trace(caller: JiraCaller, app: ConnectApp) -> None:
    key = caller.create()["key"]
    caller(
        "POST", f"/issue/{key}/comment", json={"body": doc("x")}, headers={"X-Atlassian-Webhook-Trace": "mailbridge-7"}
    )
    [created] = app.wait(1, "jira:issue_created")
    [commented] = app.wait(1, "comment_created")
    assert created.headers["X-Atlassian-Webhook-Flow"] == "Primary"
    assert "X-Atlassian-Webhook-Retry" not in created.headers
    assert "X-Atlassian-Webhook-Trace" not in created.headers
    assert commented.headers["X-Atlassian-Webhook-Trace"] == "mailbridge-7"
    assert created.headers["X-Atlassian-Webhook-Identifier"] != commented.headers["X-Atlassian-Webhook-Identifier"]


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
def test_a_webhook_is_tried_again_with_the_same_identifier(caller: JiraCaller, app: ConnectApp, status: int) -> None:
    answers = iter([status, status, 200])
    app.answer = lambda request: next(answers) if request.path == "/connect/webhooks" else 200
    caller.create()
    hooks = app.wait(3)
    assert [one.headers.get("X-Atlassian-Webhook-Retry") for one in hooks] == [None, "1", "2"]
    assert len({one.headers["X-Atlassian-Webhook-Identifier"] for one in hooks}) == 1


def test_a_webhook_is_given_up_after_five_retries(sandbox: Sandbox, caller: JiraCaller, app: ConnectApp) -> None:
    app.answer = lambda _request: 503
    caller.create()
    app.wait(6)
    assert sandbox.wait_idle()
    assert len(app.hooks()) == 6


def test_a_refusal_is_not_tried_again(sandbox: Sandbox, caller: JiraCaller, app: ConnectApp) -> None:
    app.answer = lambda _request: 400
    caller.create()
    app.wait(1)
    assert sandbox.wait_idle()
    assert len(app.hooks()) == 1


def test_an_edit_that_changes_nothing_is_not_told(sandbox: Sandbox, caller: JiraCaller, app: ConnectApp) -> None:
    key = caller.create(summary="Same")["key"]
    caller("PUT", f"/issue/{key}", json={"fields": {"summary": "Same"}})
    assert sandbox.wait_idle()
    assert [one.body["webhookEvent"] for one in app.hooks()] == ["jira:issue_created"]


def test_webhooks_come_twice_late_out_of_order_or_never(sandbox: Sandbox, caller: JiraCaller, app: ConnectApp) -> None:
    def switch(kind: str, **more: Any) -> None:
        requests.delete(f"{sandbox.url}/control/faults", timeout=60)
        requests.post(f"{sandbox.url}/control/faults", json={"kind": kind, **more}, timeout=60)

    switch("webhook_duplicate")
    key = caller.create()["key"]
    assert len({one.headers["X-Atlassian-Webhook-Identifier"] for one in app.wait(2)}) == 1
    switch("webhook_reorder", seconds=3, count=1)
    for text in ("first", "second"):
        caller("POST", f"/issue/{key}/comment", json={"body": doc(text)})
    assert [one.body["comment"]["body"] for one in app.wait(2, "comment_created")] == ["second", "first"]
    switch("webhook_lost", match="^jira:issue_updated")
    caller("PUT", f"/issue/{key}", json={"fields": {"summary": "Never told"}})
    assert sandbox.wait_idle()
    assert app.hooks("jira:issue_updated") == []


def test_what_agents_do_by_the_control_api_is_told_as_theirs(
    sandbox: Sandbox, caller: JiraCaller, app: ConnectApp
) -> None:
    key = caller.create()["key"]
    body = {"issue": key, "accountId": BOB, "text": "psst", "internal": True}
    assert requests.post(f"{sandbox.url}/control/comments", json=body, timeout=60).status_code == 201
    requests.put(
        f"{sandbox.url}/control/issues/{key}", json={"accountId": BOB, "assignee": BOB, "status": "Done"}, timeout=5
    )
    [commented] = app.wait(1, "comment_created")
    assert (commented.body["comment"]["author"]["accountId"], commented.body["comment"]["jsdPublic"]) == (BOB, False)
    changes = app.wait(2, "jira:issue_updated")
    assert {one.body["user"]["accountId"] for one in changes} == {BOB}
    assert {item["toString"] for one in changes for item in one.body["changelog"]["items"]} == {"Done", "Bob Builder"}


def test_a_filter_keeps_other_issues_out(sandbox: Sandbox, app: ConnectApp) -> None:
    hooks = [{"event": "jira:issue_created", "url": "/connect/webhooks", "filter": "project = TEST"}]
    app.descriptor_changes = {"modules": {"webhooks": hooks}}
    sandbox.parts.installer.install(app.url)
    caller = JiraCaller(sandbox.url, sandbox.parts.site.installations["test.app"])
    caller.create(project={"key": "SUP"})
    caller.create(project={"key": "TEST"})
    caller.close()
    assert sandbox.wait_idle()
    assert [one.body["issue"]["fields"]["project"]["key"] for one in app.hooks()] == ["TEST"]


@pytest.mark.skipif(not contract.present(), reason="../shared/contracts is not beside this repository")
def test_an_attachment_event_has_the_shape_of_the_sample(sandbox: Sandbox, app: ConnectApp) -> None:
    app.descriptor_changes = {"modules": {"webhooks": [{"event": "attachment_created", "url": "/connect/webhooks"}]}}
    sandbox.parts.installer.install(app.url)
    caller = JiraCaller(sandbox.url, sandbox.parts.site.installations["test.app"])
    key = caller.create()["key"]
    caller(
        "POST",
        f"/issue/{key}/attachments",
        files={"file": ("a.png", b"x", "image/png")},
        headers={"X-Atlassian-Token": "no-check"},
    )
    caller.close()
    [hook] = app.wait(1)
    assert shape(hook.body) == shape(sample("attachment_created"))
