"""Who has to wait for whom, and what the others of a conversation say."""

from typing import Any

from inbound.handling.conversation import PATIENCE, Companion, Go, Ids, Wait, consider, ids
from inbound.reading.parse import parse

MINE = Ids("own", ("near", "far"))


def companion(mail_id: str = "b", claimed_at: float = 50.0, state: str = "received", **changes: Any) -> Companion:
    values = {"outcome": None, "issue_id": None, "issue_key": None, "sender": "ann@x.test", "subject": "Printer"}
    shared = {"shared": frozenset({"near"}), "owns": ""}
    return Companion(mail_id, claimed_at, state, **{**values, **shared, **changes})


def done(mail_id: str, issue: str, **changes: Any) -> Companion:
    return companion(mail_id, state="handled", outcome="issue", issue_id=issue, issue_key=f"SUP-{issue}", **changes)


def ask(*companions: Companion, now: float = 100.0, mail_id: str = "c", claimed_at: float = 100.0) -> Wait | Go:
    return consider(MINE, mail_id, claimed_at, "ann@x.test", "Printer", companions, now)


def test_a_mail_alone_goes() -> None:
    assert ask() == Go(None, ())


def test_the_later_waits_for_the_earlier() -> None:
    answer = ask(companion())
    assert isinstance(answer, Wait) and answer.earlier == "b" and 0 < answer.seconds <= 30


def test_the_earlier_does_not_wait_for_the_later() -> None:
    assert isinstance(ask(companion(claimed_at=101.0)), Go)


def test_of_two_at_the_same_moment_one_waits() -> None:
    first = consider(MINE, "b", 100.0, "", "", [companion("c", 100.0)], 100.0)
    second = consider(MINE, "c", 100.0, "", "", [companion("b", 100.0)], 100.0)
    assert isinstance(first, Go) and isinstance(second, Wait)


def test_nobody_waits_for_what_has_ended_or_is_held() -> None:
    for state in ("handled", "ignored", "held", "failed"):
        assert isinstance(ask(companion(state=state)), Go)


def test_after_ten_minutes_a_mail_goes_alone_and_says_so() -> None:
    answer = ask(companion(), now=100.0 + PATIENCE)
    assert isinstance(answer, Go) and answer.note
    almost = ask(companion(), now=100.0 + PATIENCE - 1)
    assert isinstance(almost, Wait) and almost.seconds <= 1


def test_the_nearest_mail_names_the_issue() -> None:
    far = done("a", "1", owns="far", shared=frozenset({"far"}))
    near = done("b", "2", owns="near")
    sibling = done("d", "3", claimed_at=99.0)
    assert ask(far, sibling, near) == Go(None, ("2", "1", "3"))


def test_a_delivered_copy_is_one_and_an_ignored_copy_is_none() -> None:
    same: dict[str, Any] = {"owns": "own", "shared": frozenset({"own"})}
    copy = ask(done("a", "1", **same))
    assert isinstance(copy, Go) and copy.copy_of is not None and copy.copy_of.issue_key == "SUP-1"
    ignored = ask(companion("a", state="ignored", **same))
    assert ignored == Go(None, ())


def test_one_message_id_for_different_mails_makes_no_copies() -> None:
    same: dict[str, Any] = {"owns": "own", "shared": frozenset({"own"})}
    for changes in ({"sender": "max@x.test"}, {"subject": "Scanner"}):
        answer = ask(done("a", "1", **same, **changes))
        assert isinstance(answer, Go) and answer.copy_of is None and answer.issues == ("1",)


def test_ids_are_hashed_nearest_first_and_bounded() -> None:
    many = " ".join(f"<{number}@x.test>" for number in range(100))
    found = ids(parse(f"Message-ID: <me@x.test>\r\nIn-Reply-To: <99@x.test>\r\nReferences: {many}\r\n\r\n".encode()))
    same = ids(parse(b"Message-ID: <99@x.test>\r\n\r\n"))
    assert len(found.referenced) == 50 and found.referenced[0] == same.own
    assert ids(parse(b"Subject: x\r\n\r\n")) == Ids("", ())


def test_a_mail_that_refers_to_itself_claims_itself_once() -> None:
    found = ids(parse(b"Message-ID: <me@x.test>\r\nReferences: <me@x.test>\r\n\r\n"))
    assert found.own and found.referenced == ()
