"""Many events of a window become few items."""

from outbound import batch
from outbound.facts import Change, Comment, Mailed, Restriction
from tests.outbound.people import ALICE, CARL, adf, event, mail_issue

COMMENT = Comment("7", ALICE, adf("Try water."))


def changed(id: str, at: float, field: str, before: str | None, after: str | None, actor: str = "alice"):
    return event(id, "issue_updated", at, actor=actor, changes=(Change(field, before, after),))


def kinds(*events, comments=None) -> list[str]:
    return [item.kind for item in batch.collect(events, mail_issue(), comments or {"7": COMMENT}).items]


def test_items_come_in_order_of_time_not_of_arrival() -> None:
    late = event("e1", "comment_created", 9.0, comment_id="7", actor="alice")
    assert kinds(late, event("e2", "issue_created", 1.0)) == ["issue_created", "comment_created"]


def test_a_comment_is_told_once() -> None:
    twice = [event(id, "comment_created", comment_id="7") for id in ("e1", "e2")]
    items = batch.collect(twice, mail_issue(), {"7": COMMENT}).items
    assert len(items) == 1
    assert items[0].events == ("e1", "e2")
    assert items[0].actor == "alice"


def test_two_comments_are_two_items() -> None:
    other = Comment("8", ALICE, adf("More."))
    events = [event("e1", "comment_created", comment_id="7"), event("e2", "comment_created", comment_id="8")]
    assert kinds(*events, comments={"7": COMMENT, "8": other}) == ["comment_created"] * 2


def test_one_persons_changes_become_one_item() -> None:
    items = batch.collect(
        [
            changed("e1", 1, "status", "1", "2"),
            changed("e2", 2, "priority", "3", "4"),
            changed("e3", 3, "status", "2", "5"),
        ],
        mail_issue(),
        {},
    ).items
    assert [item.changes for item in items] == [(Change("status", "1", "5"), Change("priority", "3", "4"))]


def test_changes_that_take_each_other_back_are_not_told() -> None:
    found = batch.collect(
        [changed("e1", 1, "status", "1", "2"), changed("e2", 2, "status", "2", "1")], mail_issue(), {}
    )
    assert found.items == ()
    assert set(found.notes) == {"e1", "e2"}


def test_an_assignment_taken_back_is_not_told() -> None:
    events = [changed("e1", 1, "assignee", None, "bob"), changed("e2", 2, "assignee", "bob", None)]
    assert kinds(*events) == []


def test_a_text_changed_twice_is_told() -> None:
    """Of texts no value travels, so nothing says that the second change took the first one back."""
    assert kinds(changed("e1", 1, "summary", None, None), changed("e2", 2, "summary", None, None)) == ["issue_updated"]


def test_changes_of_two_people_stay_two_items() -> None:
    assert (
        kinds(changed("e1", 1, "status", "1", "2"), changed("e2", 2, "status", "2", "3", actor="bob"))
        == ["issue_updated"] * 2
    )


def test_what_nobody_is_told_of_has_a_note() -> None:
    events = [
        event("e1", "comment_updated", comment_id="7"),
        event("e2", "comment_deleted", comment_id="7"),
        event("e3", "issue_deleted"),
        changed("e4", 1, "Attachment", None, "10300"),
        event("e5", "comment_created", comment_id="99"),
        event("e6", "surprise"),
    ]
    found = batch.collect(events, mail_issue(), {"7": COMMENT})
    assert found.items == ()
    assert set(found.notes) == {"e1", "e2", "e3", "e4", "e5", "e6"}
    assert set(batch.untold(events)) == {"e1", "e2", "e3", "e4", "e6"}


def test_the_author_of_a_mails_comment_is_the_mails_sender() -> None:
    ours = Comment("7", ALICE, adf("Hello"), Restriction(), Mailed(CARL))
    items = batch.collect([event("e1", "comment_created", comment_id="7")], mail_issue(), {"7": ours}).items
    assert items[0].author == "Carl Customer"
