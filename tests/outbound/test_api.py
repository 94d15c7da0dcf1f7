"""The admin API."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from common import sessions
from common.ids import new_id
from outbound import store, store_deliveries, store_events
from outbound.app import create_app
from outbound.facts import Recipient
from tests.outbound.conftest import TENANT, Rig

PRIVATE = sessions.private_key(b"s" * 32)
SENDER: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 25,
    "security": "none",
    "username": None,
    "secret": None,
    "from_name": "Support",
    "from_address": "support@company.test",
    "window_seconds": 3,
    "validate_certificate": True,
}
Call = Callable[..., Any]


@pytest.fixture
def client(rig: Rig) -> FlaskClient:
    rig.jira.keys = {"keys": [sessions.public_jwk(PRIVATE)]}
    return create_app(rig.config, database=rig.database).test_client()


@pytest.fixture
def call(client: FlaskClient) -> Call:
    def send(
        method: str, path: str, body: Any = None, *, tenant: str = TENANT, admin: bool = True, **scope: str
    ) -> Any:
        session = sessions.issue(PRIVATE, sessions.Session(tenant, "alice", admin, time.time() + 600, **scope))
        return client.open(path, method=method, json=body, headers={"Authorization": f"Bearer {session}"})

    return send


def test_without_a_session_nothing_is_told(client: FlaskClient) -> None:
    for method, path in (("GET", "/sender"), ("PUT", "/sender"), ("POST", "/sender/test"), ("GET", "/deliveries")):
        answer = client.open("/api/outbound" + path, method=method)
        assert answer.status_code == 401
        assert answer.content_type == "application/problem+json"


def test_only_administrators_may(call: Call) -> None:
    assert call("GET", "/api/outbound/sender", admin=False).status_code == 403


def test_a_sender_is_set_and_shown_without_its_password(call: Call) -> None:
    assert call("GET", "/api/outbound/sender").json is None
    stored = call("PUT", "/api/outbound/sender", {**SENDER, "username": "me", "secret": "geheim"})
    assert stored.status_code == 200
    shown = call("GET", "/api/outbound/sender")
    assert shown.json == stored.json
    assert shown.json["has_secret"] is True
    assert shown.json["state"] == "new"
    assert "geheim" not in shown.text + stored.text
    assert call("GET", "/api/outbound/sender", tenant="tenantbbbbbbbbbb").json is None


def test_the_password_is_sealed_and_stays_when_none_is_given(call: Call, rig: Rig) -> None:
    with_user = {**SENDER, "username": "me"}
    call("PUT", "/api/outbound/sender", {**with_user, "secret": "geheim"})
    call("PUT", "/api/outbound/sender", {**with_user, "from_name": "Other"})
    with rig.database.read() as tx:
        row = store.sender_of(tx, TENANT)
        assert row is not None
        assert row.from_name == "Other"
        assert b"geheim" not in row.secret
        assert rig.sealing.read_password(tx, TENANT, row.secret) == "geheim"


@pytest.mark.parametrize(
    "changed", [{"host": "evil.test"}, {"port": 26}, {"username": "you"}, {"validate_certificate": False}]
)
def test_a_stored_password_goes_to_no_other_server(call: Call, changed: dict[str, Any]) -> None:
    with_user = {**SENDER, "username": "me"}
    call("PUT", "/api/outbound/sender", {**with_user, "secret": "geheim"})
    for method, path in (("PUT", "/api/outbound/sender"), ("POST", "/api/outbound/sender/test")):
        answer = call(method, path, {**with_user, **changed})
        assert answer.status_code == 422
        assert "secret" in answer.json["errors"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", ""),
        ("host", "http://smtp.test"),
        ("host", "smtp test"),
        ("host", None),
        ("port", 0),
        ("port", "x"),
        ("port", 70_000),
        ("security", "ssl"),
        ("from_address", "support"),
        ("from_address", "a@b.test\r\nBcc: c@d.test"),
        ("from_name", "a\nb"),
        ("username", "a\nb"),
        ("window_seconds", -1),
        ("window_seconds", 100_000),
    ],
)
def test_a_wrong_field_is_named(call: Call, field: str, value: object) -> None:
    answer = call("PUT", "/api/outbound/sender", {**SENDER, field: value})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]


def test_a_test_says_what_it_found_and_stores_nothing(call: Call, rig: Rig) -> None:
    answer = call("POST", "/api/outbound/sender/test", {**SENDER, "port": rig.postbox.port})
    assert answer.json["ok"] is True
    assert answer.json["problem"] is None
    assert len(answer.json["findings"]) == 2
    assert call("GET", "/api/outbound/sender").json is None
    assert rig.postbox.mails() == []


def test_a_failed_test_has_a_remedy(call: Call, rig: Rig) -> None:
    answer = call("POST", "/api/outbound/sender/test", {**SENDER, "port": rig.postbox.port, "security": "tls"})
    assert answer.status_code == 200
    assert answer.json["ok"] is False
    assert "STARTTLS" in answer.json["problem"]["remedy"]


def _delivery(rig: Rig, tenant: str, key: str, address: str | None, name: str = "") -> str:
    id, window, event = new_id(), new_id(), new_id()
    with rig.database.write() as tx:
        store_events.add_event(
            tx, event, tenant, event, "comment_created", {"kind": "comment_created", "issue_id": "1"}
        )
        window = store_events.join(tx, tenant, "1", [event], 0.0) or window
        store_events.take(tx, window)
        store_events.finish(tx, window)
        recipient = Recipient("address" if address else "account", name, address, None)
        row = {
            "id": id, "tenant": tenant, "window_id": window, "issue_id": "1", "issue_key": key,
            "recipient": rig.sealing.recipient(tx, tenant, id, recipient), "recipient_hash": "", "kind": "address",
            "event": "comment_created", "items": [0], "reasons": ["R."], "reason": "R.", "state": "skipped", "message_id": None,
        }  # fmt: skip
        store_deliveries.add(tx, [row])
    return id


def test_deliveries_come_page_by_page(call: Call, rig: Rig) -> None:
    ids = [_delivery(rig, TENANT, "HELP-1", f"p{number}@x.test") for number in range(5)]
    _delivery(rig, "tenantbbbbbbbbbb", "HELP-1", "other@x.test")
    _delivery(rig, TENANT, "HELP-2", None, "Wanda")
    first = call("GET", "/api/outbound/deliveries?issue=HELP-1&limit=2").json
    second = call("GET", f"/api/outbound/deliveries?issue=HELP-1&limit=3&before={first['next']}").json
    assert sorted(one["id"] for one in first["deliveries"] + second["deliveries"]) == sorted(ids)
    assert second["next"] is None
    assert {one["recipient"] for one in first["deliveries"]} <= {f"p{number}@x.test" for number in range(5)}
    assert call("GET", "/api/outbound/deliveries?issue=HELP-2").json["deliveries"][0]["recipient"] == "Wanda"
    assert set(first["deliveries"][0]) == {
        "id", "created_at", "issue_key", "recipient", "kind", "event", "state", "reason", "sent_at", "error",
    }  # fmt: skip


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1000", "before=x", "before=AAAAAAAAAAAAAAAA%0a"])
def test_a_wrong_query_is_named(call: Call, query: str) -> None:
    answer = call("GET", f"/api/outbound/deliveries?{query}")
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [query.partition("=")[0]]


def test_who_looks_at_an_issue_learns_that_letters_went_out_but_not_to_whom_or_why(call: Call, rig: Rig) -> None:
    ids = [_delivery(rig, TENANT, "HELP-1", "secret@x.test"), _delivery(rig, TENANT, "HELP-1", None, "Wanda")]
    _delivery(rig, "tenantbbbbbbbbbb", "HELP-1", "other@x.test")
    answer = call("GET", "/api/outbound/issues/1/deliveries", admin=False, issue="1")
    assert sorted(one["id"] for one in answer.json) == sorted(ids)
    for told in ("secret@x.test", "Wanda", "comment_created", "R."):
        assert told not in answer.text
    assert {one["recipient"] for one in answer.json} == {"somebody without an account"}
    assert {(one["state"], one["kind"], one["issue_key"]) for one in answer.json} == {("skipped", "address", "HELP-1")}


def test_an_administrator_sees_an_issues_letters_in_full(call: Call, rig: Rig) -> None:
    _delivery(rig, TENANT, "HELP-1", "secret@x.test")
    for issue in ("1", "HELP-1"):
        shown = call("GET", f"/api/outbound/issues/{issue}/deliveries").json
        assert [(one["recipient"], one["reason"]) for one in shown] == [("secret@x.test", "R.")]


def test_who_looks_at_an_issue_sees_nothing_else(call: Call) -> None:
    viewer: dict[str, Any] = {"admin": False, "issue": "1"}
    assert call("GET", "/api/outbound/issues/2/deliveries", **viewer).status_code == 404
    assert call("GET", "/api/outbound/issues/HELP-1/deliveries", **viewer).status_code == 404
    for path in ("deliveries", "deliveries?issue=1", "sender"):
        assert call("GET", f"/api/outbound/{path}", **viewer).status_code == 403
        assert call("GET", f"/api/outbound/{path}", admin=False, project="10001").status_code == 403
    assert call("GET", "/api/outbound/issues/1/deliveries", admin=False, project="10001").status_code == 403


def told(call: Call, *addresses: Any) -> Any:
    return call("PUT", "/api/outbound/sender", {**SENDER, "told": list(addresses)})


def test_who_is_told_is_stored_shown_and_kept_by_pages_that_do_not_say(call: Call) -> None:
    assert call("PUT", "/api/outbound/sender", SENDER).json["told"] == []
    answer = told(call, "ann@company.test", "Bob@company.test", "ANN@company.test")
    assert answer.json["told"] == ["ANN@company.test", "Bob@company.test"]
    assert call("PUT", "/api/outbound/sender", SENDER).json["told"] == answer.json["told"]
    assert call("GET", "/api/outbound/sender").json["told"] == answer.json["told"]
    assert told(call).json["told"] == []


@pytest.mark.parametrize(
    ("addresses", "field"),
    [
        (["nobody"], "told.0"),
        (["ann@x.test", "a b@x.test"], "told.1"),
        ([f"n{number}@x.test" for number in range(11)], "told"),
    ],
)
def test_who_is_told_are_ten_addresses_at_most(call: Call, addresses: list[str], field: str) -> None:
    answer = told(call, *addresses)
    assert answer.status_code == 422 and list(answer.json["errors"]) == [field]


def test_a_mailbox_is_not_told_of_mailboxes(call: Call, rig: Rig) -> None:
    with rig.database.write() as tx:
        store.add_thread(tx, TENANT, "10001", [], "support@company.test", sub_addresses=True)
    answer = told(call, "ann@company.test", "Support+x@company.test")
    assert answer.status_code == 422 and "one of your mailboxes" in answer.json["errors"]["told"][0]
    assert call("GET", "/api/outbound/sender").json is None
