"""Webhook bodies become small events: what is read, what is left out, and what makes two copies one event."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect.events import BadEvent, Change, JiraEvent, fingerprint, instant_of, read_webhook
from tests.contracts import contract_path

UPDATED: dict[str, Any] = {
    "timestamp": 1_795_166_400_123,
    "webhookEvent": "jira:issue_updated",
    "user": {"accountId": "alice"},
    "issue": {"id": "10100", "key": "TEST-1", "fields": {"summary": "secret words"}},
    "changelog": {
        "id": "10401",
        "items": [
            {"field": "status", "fieldId": "status", "from": "1", "fromString": "To Do", "to": "2", "toString": "Done"},
            {"field": "description", "from": None, "fromString": "secret words", "to": None, "toString": "more"},
            {"field": "Customer", "fieldId": "customfield_10050", "from": None, "to": None, "toString": "secret words"},
        ],
    },
}
COMMENTED: dict[str, Any] = {
    "timestamp": 1_795_166_400_000,
    "webhookEvent": "comment_created",
    "comment": {
        "id": "10200",
        "author": {"accountId": "alice"},
        "updateAuthor": {"accountId": "bob"},
        "body": "secret words",
        "updated": "2026-11-20T10:20:00.000+0100",
    },
    "issue": {"id": "10100", "key": "TEST-1"},
}


def read(body: Any) -> JiraEvent:
    event = read_webhook(body)
    assert event is not None
    return event


def test_an_update_becomes_an_event_with_ids_and_no_text() -> None:
    event = read(UPDATED)
    assert (event.kind, event.issue_id, event.issue_key) == ("issue_updated", "10100", "TEST-1")
    assert (event.comment_id, event.comment_updated, event.changelog_id) == (None, None, "10401")
    assert (event.actor, event.at) == ("alice", 1_795_166_400.123)
    assert event.fields == (
        Change("status", "1", "2"),
        Change("description", None, None),
        Change("customfield_10050", None, None),
    )
    body = event.to_json()
    assert body["fields"][0] == {"field": "status", "from": "1", "to": "2"}
    assert "secret" not in json.dumps(body)
    assert set(body) == {
        "kind", "issue_id", "issue_key", "comment_id", "comment_updated", "changelog_id", "actor", "at", "fields",
        "fingerprint",
    }  # fmt: skip


def test_a_comment_becomes_an_event_without_its_words() -> None:
    event = read(COMMENTED)
    assert (event.kind, event.issue_id, event.comment_id) == ("comment_created", "10100", "10200")
    assert (event.actor, event.comment_updated) == ("alice", "2026-11-20T10:20:00.000+0100")
    assert "secret" not in json.dumps(event.to_json())
    assert read({**COMMENTED, "webhookEvent": "comment_updated"}).actor == "bob"
    assert read({**COMMENTED, "webhookEvent": "comment_deleted"}).actor is None


def test_a_comments_issue_may_be_missing() -> None:
    without = {name: part for name, part in COMMENTED.items() if name != "issue"}
    event = read(without)
    assert (event.issue_id, event.issue_key) == (None, None)
    assert event.fingerprint == read(COMMENTED).fingerprint


def test_copies_of_an_event_have_one_fingerprint() -> None:
    later = {**UPDATED, "timestamp": UPDATED["timestamp"] + 5000, "user": {"accountId": "else"}}
    assert read(later).fingerprint == read(UPDATED).fingerprint
    assert read({**COMMENTED, "timestamp": 1}).fingerprint == read(COMMENTED).fingerprint


def test_other_events_have_other_fingerprints() -> None:
    bare = {name: part for name, part in UPDATED.items() if name != "changelog"}
    others = [
        UPDATED,
        {**UPDATED, "changelog": {**UPDATED["changelog"], "id": "10402"}},
        {**UPDATED, "issue": {"id": "10101"}},
        {**UPDATED, "webhookEvent": "jira:issue_created"},
        {**UPDATED, "webhookEvent": "jira:issue_deleted"},
        bare,
        {**bare, "timestamp": bare["timestamp"] + 1},
        COMMENTED,
        {**COMMENTED, "webhookEvent": "comment_deleted"},
        {**COMMENTED, "comment": {**COMMENTED["comment"], "id": "10201"}},
        EDITED,
        edited("2026-11-20T10:20:00.001+0100"),
    ]
    assert len({read(body).fingerprint for body in others}) == len(others)


def edited(updated: str | None) -> dict[str, Any]:
    return {**COMMENTED, "webhookEvent": "comment_updated", "comment": {**COMMENTED["comment"], "updated": updated}}


EDITED = edited("2026-11-20T10:20:00.000+0100")


def test_what_happens_once_has_one_fingerprint_whatever_else_a_copy_says() -> None:
    created = {**UPDATED, "webhookEvent": "jira:issue_created"}
    bare = {name: part for name, part in created.items() if name != "changelog"}
    assert read(created).fingerprint == read({**bare, "timestamp": 1}).fingerprint
    late = {**COMMENTED, "comment": {**COMMENTED["comment"], "updated": "2026-11-20T10:21:00.000+0100"}}
    assert read(late).fingerprint == read(COMMENTED).fingerprint


@pytest.mark.parametrize(
    "text", ["2026-11-20T09:20:00.000Z", "2026-11-20T09:20:00+00:00", "2026-11-20T04:20:00.000-0500"]
)
def test_an_edited_comment_is_the_same_in_every_zone(text: str) -> None:
    assert read(edited(text)).fingerprint == read(EDITED).fingerprint
    assert fingerprint("comment_updated", None, comment_id="10200", updated=text, at=5) == read(EDITED).fingerprint


def test_an_edit_without_a_readable_time_is_told_apart_by_what_there_is() -> None:
    odd = [edited("yesterday"), edited(None), {**edited(None), "timestamp": 1}]
    assert len({read(body).fingerprint for body in odd}) == 3


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:01.500+0000", 1500),
        ("1970-01-01T01:00:00.000+0100", 0),
        ("1970-01-01T00:00:00.0019999Z", 1),
        ("1970-01-01T00:00:02", 2000),
        ("0001-01-01T00:00:00+2300", -62_135_679_600_000),
        ("10:20", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_instants_are_read_in_milliseconds(text: Any, instant: int | None) -> None:
    assert instant_of(text) == instant


def test_events_nobody_asked_for_are_none() -> None:
    assert read_webhook({"webhookEvent": "attachment_created", "timestamp": 1}) is None
    assert read_webhook({"webhookEvent": "user_created"}) is None


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "object"),
        (None, "object"),
        ({}, "webhookEvent"),
        ({"webhookEvent": 7}, "webhookEvent"),
        ({**UPDATED, "timestamp": None}, "timestamp"),
        ({**UPDATED, "timestamp": True}, "timestamp"),
        ({**UPDATED, "timestamp": float("nan")}, "timestamp"),
        ({**UPDATED, "timestamp": -1}, "timestamp"),
        ({**UPDATED, "issue": None}, "issue.id"),
        ({**UPDATED, "issue": {"id": ""}}, "issue.id"),
        ({**UPDATED, "issue": {"id": "x" * 300}}, "issue.id"),
        ({**UPDATED, "issue": "TEST-1"}, "issue"),
        ({**UPDATED, "changelog": []}, "changelog"),
        ({**COMMENTED, "comment": {}}, "comment.id"),
        ({**COMMENTED, "comment": 7}, "comment"),
    ],
)
def test_a_bad_body_is_refused_by_the_name_of_its_field(body: Any, named: str) -> None:
    with pytest.raises(BadEvent, match=named):
        read_webhook(body)


def test_odd_but_harmless_parts_are_passed_over() -> None:
    odd = {
        **UPDATED,
        "issue": {"id": 10100},
        "user": {"accountId": 7},
        "changelog": {"id": 5, "items": [None, 7, {"field": 3}, {"field": "x", "from": 1, "to": ["y"]}]},
    }
    event = read(odd)
    assert (event.issue_id, event.issue_key, event.actor, event.changelog_id) == ("10100", None, None, "5")
    assert event.fields == (Change("x", None, None),)
    many = {**UPDATED, "changelog": {"items": [{"field": "x"}] * 1000}}
    assert len(read(many).fields) == 100
    assert read({**UPDATED, "changelog": {"items": "x"}}).fields == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "key", "items", "field", "from", "x"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(
    st.sampled_from(["jira:issue_updated", "comment_created", "comment_deleted", "x"]),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("timestamp", "issue", "comment", "changelog", "user"), JSON)),
)
def test_any_body_is_an_event_or_refused(name: str, parts: dict[str, Any]) -> None:
    try:
        event = read_webhook({"webhookEvent": name, **parts})
    except BadEvent:
        return
    if event is not None:
        json.dumps(event.to_json(), allow_nan=False)


def test_every_sample_is_read() -> None:
    kinds = {}
    for path in sorted(contract_path("samples/webhooks").glob("*.json")):
        event = read_webhook(json.loads(path.read_text(encoding="utf-8")))
        kinds[path.stem] = event.kind if event else None
    assert len(kinds) == 13
    for stem, kind in kinds.items():
        assert kind == (None if stem.startswith("attachment") else stem.partition(".")[0]), stem
