"""The auditor sees what it is there to see: each kind of harm, done to a world that was whole."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.chaos.auditor import Findings, Letter, Seen, audit, marks_in_jira, read_letter
from tests.chaos.plan import make

MAILS = {"mail-1-0": "Mail 0", "mail-1-1": "Mail 1"}
WORDS = {"word-1-0": ("carol@customer.example",)}
LETTER = Letter("carol@customer.example", "<a@sandbox.test>", frozenset({"word-1-0"}))
WHOLE = Seen(
    mailbox=Counter({"Mail 0": 1, "Mail 1": 1}),
    ledger={"Mail 0": ["handled"], "Mail 1": ["handled"]},
    in_jira=Counter({"mail-1-0": 1, "mail-1-1": 1, "word-1-0": 1}),
    unmarked_issues=2,
    letters=[LETTER],
)


def findings(seen: Seen) -> Findings:
    return audit(MAILS, WORDS, seen, issues_before=2)


def test_a_whole_world_is_clean() -> None:
    assert findings(WHOLE) == Findings()


def test_a_mail_that_is_nowhere_in_jira_is_lost() -> None:
    assert findings(replace(WHOLE, in_jira=Counter({"mail-1-0": 1, "word-1-0": 1}))).lost == ["mail-1-1"]


def test_a_comment_that_nobody_read_is_lost() -> None:
    assert findings(replace(WHOLE, letters=[])).lost == ["word-1-0 to carol@customer.example"]


def test_a_mail_twice_in_jira_is_doubled() -> None:
    assert len(findings(replace(WHOLE, in_jira=WHOLE.in_jira + Counter(["mail-1-0"]))).doubled) == 1


def test_a_comment_told_in_two_letters_is_doubled() -> None:
    second = replace(LETTER, message_id="<b@sandbox.test>")
    assert len(findings(replace(WHOLE, letters=[LETTER, second])).doubled) == 1


def test_the_same_letter_again_is_counted_and_no_harm() -> None:
    again = findings(replace(WHOLE, letters=[LETTER, LETTER]))
    assert again.repeats == 1 and again.clean


@pytest.mark.parametrize("states", [[], ["received"], ["handled", "handled"]])
def test_a_mail_without_one_final_row_in_the_ledger_is_unaccounted(states: list[str]) -> None:
    assert len(findings(replace(WHOLE, ledger={**WHOLE.ledger, "Mail 1": states})).unaccounted) == 1


def test_an_issue_that_nobody_asked_for_is_invented() -> None:
    assert findings(replace(WHOLE, unmarked_issues=3)).invented == 1


def test_marks_are_counted_once_a_text() -> None:
    issue = {"text": "mail-1-0, I said mail-1-0", "comments": [{"text": "mail-1-1"}, {"text": "mail-1-1"}]}
    counted, unmarked = marks_in_jira([issue, {"text": "hello", "comments": []}])
    assert counted == Counter({"mail-1-0": 1, "mail-1-1": 2}) and unmarked == 1


def test_marks_are_read_from_an_encoded_letter() -> None:
    raw = (
        b"Message-ID: <x@y>\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
        b"\r\n\r\nThis is word-=\r\n1-0 here.\r\n"
    )
    assert read_letter("a@b.example", raw) == Letter("a@b.example", "<x@y>", frozenset({"word-1-0"}))


def test_a_seed_makes_one_plan() -> None:
    first, again = (make(7, mails=5, comments=5, seconds=60, whole=True) for _ in range(2))
    assert first == again != make(8, mails=5, comments=5, seconds=60, whole=True)
    assert len(first.acts) == 17
