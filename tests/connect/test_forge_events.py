"""Forge's event bodies become the same small events that webhooks become."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect.events import BadEvent, JiraEvent, read_webhook
from connect.forge_events import read_forge
from tests.connect.test_events import COMMENTED as WEBHOOK_COMMENTED
from tests.connect.test_events import UPDATED as WEBHOOK_UPDATED
from tests.contracts import contract

ISSUE = {"id": "10100", "key": "TEST-1", "fields": {"summary": "secret words"}}
UPDATED: dict[str, Any] = {
    "eventType": "avi:jira:updated:issue",
    "timestamp": "1795166400123",
    "atlassianId": "alice",
    "issue": ISSUE,
    "changelog": WEBHOOK_UPDATED["changelog"],
}
COMMENTED: dict[str, Any] = {
    "eventType": "avi:jira:commented:issue",
    "timestamp": "1795166400000",
    "atlassianId": "alice",
    "issue": ISSUE,
    "comment": {
        "id": "10200",
        "body": "secret words",
        "created": "2026-11-20T10:20:00.000+0100",
        "updated": "2026-11-20T10:20:00.000+0100",
    },
}
EDITED = COMMENTED | {"comment": COMMENTED["comment"] | {"updated": "2026-11-20T10:25:00.123+0100"}}


def read(body: Any) -> JiraEvent:
    event = read_forge(body)
    assert event is not None
    return event


def test_an_update_is_read_without_its_text() -> None:
    event = read(UPDATED)
    assert (event.kind, event.issue_id, event.issue_key) == ("issue_updated", "10100", "TEST-1")
    assert (event.changelog_id, event.actor, event.at) == ("10401", "alice", 1_795_166_400.123)
    assert [change.field for change in event.fields] == ["status", "description", "customfield_10050"]
    assert "secret" not in json.dumps(event.to_json())


def test_an_assignment_and_the_update_that_it_is_are_one_event() -> None:
    assigned = UPDATED | {"eventType": "avi:jira:assigned:issue", "timestamp": "1795166400999"}
    assert read(assigned).fingerprint == read(UPDATED).fingerprint
    assert read(assigned).kind == "issue_updated"


@pytest.mark.parametrize(
    ("updated", "kind"),
    [
        ("2026-11-20T10:20:00.000+0100", "comment_created"),
        ("2026-11-20T09:20:00.000+0000", "comment_created"),
        ("2026-11-20T10:20:00.900+0100", "comment_created"),
        ("2026-11-20T10:20:01.001+0100", "comment_updated"),
        ("2026-11-21T10:20:00.000+0100", "comment_updated"),
        (None, "comment_created"),
        ("soon", "comment_created"),
    ],
)
def test_an_edit_is_told_from_a_new_comment_by_its_times(updated: str | None, kind: str) -> None:
    body = COMMENTED | {"comment": COMMENTED["comment"] | {"updated": updated}}
    assert read(body).kind == kind


def test_two_edits_of_one_comment_are_two_events() -> None:
    later = EDITED | {"comment": EDITED["comment"] | {"updated": "2026-11-20T10:26:00.000+0100"}}
    assert len({read(body).fingerprint for body in (COMMENTED, EDITED, later)}) == 3


def test_webhook_and_forge_tell_one_event() -> None:
    def webhook(name: str, body: dict[str, Any]) -> JiraEvent:
        event = read_webhook({**body, "webhookEvent": name, "timestamp": 1_795_166_477_000})
        assert event is not None
        return event

    pairs = [
        (read(UPDATED), webhook("jira:issue_updated", WEBHOOK_UPDATED)),
        (read(UPDATED | {"eventType": "avi:jira:created:issue"}), webhook("jira:issue_created", {"issue": ISSUE})),
        (read(UPDATED | {"eventType": "avi:jira:deleted:issue"}), webhook("jira:issue_deleted", {"issue": ISSUE})),
        (read(COMMENTED), webhook("comment_created", WEBHOOK_COMMENTED)),
        (read(EDITED), webhook("comment_updated", {"comment": EDITED["comment"]})),
        (read(EDITED | {"eventType": "avi:jira:deleted:comment"}), webhook("comment_deleted", WEBHOOK_COMMENTED)),
    ]
    for by_forge, by_webhook in pairs:
        assert (by_forge.kind, by_forge.fingerprint) == (by_webhook.kind, by_webhook.fingerprint)


@pytest.mark.parametrize(
    ("name", "kind", "comment_id"),
    [
        ("created-issue", "issue_created", None),
        ("updated-issue", "issue_updated", None),
        ("assigned-issue", "issue_updated", None),
        ("deleted-issue", "issue_deleted", None),
        ("commented-issue", "comment_created", "10200"),
        ("deleted-comment", "comment_deleted", "10200"),
    ],
)
def test_atlassians_sample_events_are_read(name: str, kind: str, comment_id: str | None) -> None:
    event = read(contract(f"samples/forge/{name}.json"))
    assert (event.kind, event.issue_id, event.issue_key, event.comment_id) == (kind, "10100", "TEST-1", comment_id)
    assert event.at == 1_795_166_400.0


def test_a_retry_is_the_same_event() -> None:
    first, again = contract("samples/forge/created-issue.json"), contract("samples/forge/retry.json")
    assert read(again).fingerprint == read({**again, "retryContext": None}).fingerprint
    assert read({**first, "retryContext": again["retryContext"]}).fingerprint == read(first).fingerprint


@pytest.mark.parametrize("name", ["avi:jira:created:attachment", "avi:jira:viewed:issue", "avi:something:else"])
def test_an_event_that_nobody_asked_for_is_passed_over(name: str) -> None:
    assert read_forge({"eventType": name}) is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"eventType": None}, "eventType"),
        ({"eventType": 7}, "eventType"),
        ({"timestamp": None}, "timestamp"),
        ({"timestamp": "soon"}, "timestamp"),
        ({"timestamp": "-1"}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"timestamp": "1" * 16}, "timestamp"),
        ({"issue": None}, "issue.id"),
        ({"issue": []}, "issue"),
        ({"issue": {"id": ""}}, "issue.id"),
    ],
)
def test_what_cannot_be_read_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(BadEvent, match=named):
        read_forge(UPDATED | changes)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["issue", "comment", "id", "created", "updated", "timestamp"]), inner)
        ),
        max_leaves=12,
    )
)
def test_no_body_breaks_the_reader(body: Any) -> None:
    for name in ("avi:jira:commented:issue", "avi:jira:updated:issue"):
        for given_body in (body, {**body, "eventType": name} if isinstance(body, dict) else None):
            try:
                read_forge(given_body)
            except BadEvent:
                pass
