"""What polling finds becomes the same events that webhooks about it would."""

from typing import Any

import pytest

from connect.events import JiraEvent, read_webhook
from connect.polled_events import Found, events, explained, found, query
from tests.connect.token_side import iso

NOW = 1_795_166_400_000
MINUTE = 60_000


def an_issue(created: int = NOW - 60 * MINUTE, updated: int = NOW) -> Found:
    issue = found(
        {
            "id": "10100",
            "key": "TEST-1",
            "fields": {"created": iso(created), "updated": iso(updated), "creator": {"accountId": "mia"}},
        }
    )
    assert issue is not None
    return issue


def entry(at: int, id: str = "10401", **more: Any) -> dict[str, Any]:
    item = {"field": "status", "fieldId": "status", "from": "1", "fromString": "To Do", "to": "2", "toString": "Done"}
    return {"id": id, "author": {"accountId": "ada"}, "created": iso(at), "items": [item], **more}


def comment(at: int, edited: int | None = None, id: str = "10200") -> dict[str, Any]:
    return {
        "id": id, "author": {"accountId": "ada"}, "updateAuthor": {"accountId": "editor"},
        "created": iso(at), "updated": iso(edited or at), "body": "secret words",
    }  # fmt: skip


def told(name: str, **parts: Any) -> JiraEvent:
    event = read_webhook(
        {"timestamp": NOW + 777, "webhookEvent": name, "issue": {"id": "10100", "key": "TEST-1"}, **parts}
    )
    assert event is not None
    return event


def happened(issue: Found, *changelog: Any, comments: Any = (), start: int = NOW - 10 * MINUTE) -> list[JiraEvent]:
    return events(issue, start / 1000, changelog, comments)


def test_a_new_issue_is_the_event_that_its_webhook_tells() -> None:
    [event] = happened(an_issue(NOW, NOW))
    assert event.fingerprint == told("jira:issue_created").fingerprint
    assert (event.kind, event.issue_id, event.issue_key, event.actor, event.at) == (
        "issue_created",
        "10100",
        "TEST-1",
        "mia",
        NOW / 1000,
    )


def test_a_change_is_the_event_that_its_webhook_tells() -> None:
    log = entry(NOW)
    [event] = happened(an_issue(), log)
    webhook = told("jira:issue_updated", changelog={"id": "10401", "items": log["items"]}, user={"accountId": "ada"})
    assert event.fingerprint == webhook.fingerprint
    assert (event.fields, event.changelog_id, event.actor) == (webhook.fields, "10401", "ada")
    assert event.at == NOW / 1000


def test_a_comment_and_its_edit_are_the_events_that_their_webhooks_tell() -> None:
    said = comment(NOW - MINUTE, NOW)
    made, edited = happened(an_issue(), comments=[said])
    assert made.fingerprint == told("comment_created", comment=said).fingerprint
    in_utc = {**said, "updated": "2026-11-20T09:20:00.000Z"}
    assert edited.fingerprint == told("comment_updated", comment=in_utc).fingerprint
    assert (made.comment_id, made.actor, edited.actor, edited.comment_updated) == (
        "10200",
        "ada",
        "editor",
        said["updated"],
    )
    assert "secret" not in str(made.to_json())


def test_what_happened_before_is_left() -> None:
    old = NOW - 11 * MINUTE
    issue = an_issue(old)
    assert happened(issue, entry(old), comments=[comment(old)]) == []
    [edit] = happened(issue, entry(old), comments=[comment(old, NOW)])
    assert edit.kind == "comment_updated"


def test_what_was_set_while_the_issue_was_made_is_part_of_that() -> None:
    kinds = [
        event.kind for event in happened(an_issue(NOW - MINUTE), entry(NOW - MINUTE), entry(NOW - MINUTE + 40, "10402"))
    ]
    assert kinds == ["issue_created", "issue_updated"]


def test_events_come_in_the_order_in_which_they_happened() -> None:
    logs = [entry(NOW - 1000, "2"), entry(NOW - 3000, "1")]
    said = [comment(NOW, id="9"), comment(NOW - 2000, id="8")]
    ids = [event.changelog_id or event.comment_id for event in happened(an_issue(), *logs, comments=said)]
    assert ids == ["1", "8", "2", "9"]


@pytest.mark.parametrize("created", [NOW // 1000, NOW, float(NOW)])
def test_a_change_whose_time_is_a_number_is_read(created: float) -> None:
    [event] = happened(an_issue(), entry(NOW, created=created))
    assert event.at == NOW / 1000


def test_odd_answers_are_passed_over() -> None:
    odd: list[Any] = [
        {},
        {"id": 7, "created": None},
        entry(NOW, created="soon"),
        entry(NOW, created=True),
        entry(NOW, created=float("nan")),
    ]
    assert happened(an_issue(), *odd, comments=[{}, {"id": "1"}, {"id": "1", "created": "soon"}]) == []
    [event] = happened(an_issue(), entry(NOW, id=10401, author=None, items=None))
    assert (event.changelog_id, event.actor, event.fields) == ("10401", None, ())


@pytest.mark.parametrize(
    "issue",
    [
        {},
        {"id": "1"},
        {"id": "1", "fields": None},
        {"id": 1, "fields": {"created": iso(1), "updated": iso(1)}},
        {"id": "1", "fields": {"created": iso(1)}},
    ],
)
def test_an_issue_without_its_times_is_passed_over(issue: Any) -> None:
    assert found(issue) is None


def test_an_issue_that_nobody_touched_needs_no_reading() -> None:
    assert an_issue(NOW, NOW).untouched
    assert not an_issue(NOW - 1, NOW).untouched


def test_the_search_looks_back_in_whole_minutes_without_a_time_zone() -> None:
    assert query(940.0, 1000.0) == 'updated >= "-1m" ORDER BY updated ASC'
    assert query(939.9, 1000.0) == 'updated >= "-2m" ORDER BY updated ASC'
    assert query(1000.0, 1000.0) == query(2000.0, 1000.0) == 'updated >= "-1m" ORDER BY updated ASC'


@pytest.mark.parametrize(
    ("events_known", "within", "known"),
    [
        ([], 1000, False),
        ([(NOW / 1000, None)], 0, True),
        ([((NOW + 999) / 1000, None)], 1000, True),
        ([((NOW - 1001) / 1000, None)], 1000, False),
        ([((NOW + 1) / 1000, None)], 0, False),
        # A comment's event may come late: what counts is when the comment was written.
        ([(NOW / 1000 + 900, iso(NOW))], 0, True),
        ([(NOW / 1000, iso(NOW - 5000))], 1000, False),
        ([(NOW / 1000, "soon")], 0, True),
    ],
)
def test_an_event_at_the_instant_of_the_update_explains_it(events_known: Any, within: int, known: bool) -> None:
    assert explained(an_issue(), events_known, within) is known
