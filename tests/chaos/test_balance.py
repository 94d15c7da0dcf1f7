"""The balance sees what it is there to see: each kind of harm, done to books that were in order; and a seed makes one run."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.chaos import arrivals, plan
from tests.chaos.arrivals import Arrival
from tests.chaos.balance import Balance, Row, Touched, balance
from tests.chaos.boxes import BOXES, Box

BOX, OTHER = "support@sandbox.test", "orders@sandbox.test"
ONE = Arrival(0.0, BOX, "mail-1-0", b"one", ("file-1-0-0.bin",))
TWO = Arrival(1.0, BOX, "mail-1-1", b"two")
AGAIN = replace(TWO, at=2.0)
ELSEWHERE = Arrival(3.0, OTHER, "mail-1-1", b"two, over there")
CAME = [ONE, TWO, AGAIN, ELSEWHERE]
ROWS = [
    Row(BOX, ONE.fingerprint, "handled", True),
    Row(BOX, TWO.fingerprint, "handled", True),
    Row(BOX, TWO.fingerprint, "ignored", True),
    Row(OTHER, ELSEWHERE.fingerprint, "ignored", True),
]
IN_JIRA = Counter({"mail-1-0": 1, "mail-1-1": 1})
FILES = Counter({"file-1-0-0.bin": 1})
NOBODY = Touched()


def balanced(
    rows: list[Row] = ROWS, in_jira: Counter[str] = IN_JIRA, files: Counter[str] = FILES, touched: Touched = NOBODY
) -> Balance:
    return balance(CAME, rows, in_jira, files, touched)


def test_books_in_order_are_clean() -> None:
    assert balanced() == Balance()


def test_a_mail_that_is_not_in_jira_is_lost() -> None:
    assert balanced(in_jira=Counter({"mail-1-0": 1})).lost == ["mail-1-1"]


def test_a_mail_twice_in_jira_is_doubled() -> None:
    assert len(balanced(in_jira=IN_JIRA + Counter(["mail-1-0"])).doubled) == 1


def test_a_file_that_is_not_in_jira_is_lost_and_one_that_is_there_twice_is_doubled() -> None:
    assert len(balanced(files=Counter()).lost) == 1
    assert len(balanced(files=FILES + FILES).doubled) == 1


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[1:],
        [*ROWS, ROWS[0]],
        [replace(ROWS[0], state="received"), *ROWS[1:]],
        [replace(ROWS[0], state="held"), *ROWS[1:]],
        [replace(ROWS[0], tidy=False), *ROWS[1:]],
        [*ROWS, Row(BOX, "0" * 64, "handled", True)],
        [*ROWS, Row(BOX, None, "handled", True)],
        [*ROWS[:3], replace(ROWS[3], state="handled")],
        [*ROWS[:3], replace(ROWS[3], box=BOX)],
    ],
    ids=[
        "no row", "a second row", "no end", "held", "not tidy", "never came", "unknown octets", "handled twice", "elsewhere",
    ],
)  # fmt: skip
def test_a_message_without_exactly_one_row_with_an_end_is_unaccounted(rows: list[Row]) -> None:
    assert balanced(rows).unaccounted


def test_what_people_took_away_before_it_was_seen_is_neither_lost_nor_in_jira() -> None:
    taken = Touched({ONE.fingerprint})
    found = balanced(ROWS[1:], Counter({"mail-1-1": 1}), Counter(), taken)
    assert found.clean and found.unseen == 1
    assert balanced(ROWS[1:], IN_JIRA, FILES, taken).unaccounted


def test_what_people_brought_back_may_have_another_row_and_is_handled_once_all_the_same() -> None:
    back = Touched({ONE.fingerprint}, Counter({ONE.fingerprint: 1}))
    again = Row(BOX, ONE.fingerprint, "ignored", True)
    assert balanced([*ROWS, again], touched=back).clean
    assert balanced([*ROWS, replace(again, state="handled")], touched=back).unaccounted
    assert balanced([*ROWS, again, again], touched=back).unaccounted


def test_a_seed_makes_the_same_mails_and_the_same_storm() -> None:
    names = [box.address for box in BOXES]
    first, again = (arrivals.make(7, mails=200, seconds=60, boxes=names) for _ in range(2))
    assert first == again != arrivals.make(8, mails=200, seconds=60, boxes=names)
    assert len({one.mark for one in first}) == 200 < len(first) and {one.box for one in first} == set(names)
    storms = [plan.storm(seed, 180, deaths=8, crashes=18) for seed in (7, 7, 8)]
    assert storms[0] == storms[1] != storms[2]
    assert {act.name for lane in storms[0] for act in lane} == {
        *plan.CREWS[0],
        *plan.CREWS[1],
        *plan.CRASHES,
        *plan.PAUSES,
    }


def test_a_doubled_mail_is_told_by_its_octets_or_by_its_message_id() -> None:
    came = arrivals.make(3, mails=400, seconds=60, boxes=[box.address for box in BOXES])
    first: dict[str, Arrival] = {}
    ways: Counter[str] = Counter()
    for one in came:
        before = first.setdefault(one.mark, one)
        if before is not one:
            same = before.fingerprint == one.fingerprint
            assert same or b"Message-ID: " in one.octets
            ways["again" if same else "another way" if before.box == one.box else "another mailbox"] += 1
    assert set(ways) == {"again", "another way", "another mailbox"}


def test_a_message_has_one_number_by_imap_and_by_pop3() -> None:
    assert Box("a@b.example", "imap", "delete").number("26") == 26
    assert Box("a@b.example", "pop3", "delete").number("0000001a6741ce5a") == 26
