"""Which issue a mail belongs to."""

import pytest

from common.thread_tokens import ThreadKey, make
from inbound.handling.route import (
    Comment,
    Facts,
    Look,
    NewIssue,
    Target,
    claimed_keys,
    decide,
    read_tokens,
    returned_thread,
)
from inbound.reading.parse import parse

KEY, OLD = ThreadKey(2, b"k" * 32), ThreadKey(1, b"o" * 32)
DELIVERY = "bbbbbbbbbbbbbbbb"


def facts(
    addressed: tuple[str, ...] = (),
    referenced: tuple[str, ...] = (),
    conversation: tuple[str, ...] = (),
    claimed: tuple[str, ...] = (),
) -> Facts:
    return Facts(addressed, referenced, conversation, claimed, frozenset({"SUP"}), "ann@customer.test")


def target(id: str, *participants: str) -> Target:
    return Target(id, f"SUP-{id}", frozenset(participants))


@pytest.mark.parametrize(
    ("known", "seen", "expected"),
    [
        (facts(), {}, "new"),
        (facts(("1",)), {}, "look 1"),
        (facts(("1",), ("2",), ("3",), ("SUP-4",)), {"1": target("1")}, "comment 1"),
        (facts((), ("2",), ("3",), ("SUP-4",)), {"2": target("2")}, "comment 2"),
        (facts((), (), ("3",), ("SUP-4",)), {"3": target("3")}, "comment 3"),
        (facts(("1",), ("2",)), {"1": None}, "look 2"),
        (facts(("1",), ("2",)), {"1": None, "2": target("2")}, "comment 2"),
        (facts(("1",)), {"1": None}, "new"),
        (facts(claimed=("SUP-4",)), {}, "look SUP-4"),
        (facts(claimed=("SUP-4",)), {"SUP-4": target("4")}, "new"),
        (facts(claimed=("SUP-4",)), {"SUP-4": target("4", "ann@customer.test")}, "comment 4"),
        (facts(claimed=("SUP-4", "SUP-5")), {"SUP-4": target("4")}, "look SUP-5"),
        (facts(claimed=("SUP-4",)), {"SUP-4": None}, "new"),
        (facts(claimed=("HR-4",)), {}, "new"),
    ],
)
def test_the_better_proof_wins(known: Facts, seen: dict[str, Target | None], expected: str) -> None:
    match decide(known, seen):
        case Look(issue):
            assert expected == f"look {issue}"
        case Comment(found, why):
            assert expected == f"comment {found.issue_id}" and why
        case NewIssue(why):
            assert expected == "new" and why


def test_a_sender_without_an_address_takes_part_in_nothing() -> None:
    nobody = Facts((), (), (), ("SUP-4",), frozenset({"SUP"}), "")
    assert isinstance(decide(nobody, {"SUP-4": target("4", "")}), NewIssue)


@pytest.mark.parametrize(
    ("subject", "keys"),
    [
        ("Re: [SUP-12] Printer", ("SUP-12",)),
        ("SUP-12: Printer, see SUP-7 and SUP-12", ("SUP-12", "SUP-7")),
        ("A_B1-3", ("A_B1-3",)),
        ("sup-12, SUP-0, SUP-012, SUP-, xSUP-1, SUP-1x, SUP-12-3, A-1", ()),
        ("A1-1 B1-1 C1-1 D1-1", ("A1-1", "B1-1", "C1-1")),
        ("", ()),
    ],
)
def test_keys_are_found_in_subjects(subject: str, keys: tuple[str, ...]) -> None:
    assert claimed_keys(subject) == keys


def test_tokens_are_found_where_mail_programs_leave_them() -> None:
    first = make(KEY, "10001", DELIVERY, "ann@customer.test")
    second = make(OLD, "10002", DELIVERY, "ann@customer.test")
    third = make(KEY, "10003", DELIVERY, "ann@customer.test")
    mail = parse(
        f"Delivered-To: support+{first.upper()}@sandbox.test\r\nFrom: ann@customer.test\r\nTo: support@sandbox.test\r\n"
        f"References: <{third}@mail.test>\r\n <{second}@mail.test>\r\nSubject: x\r\n\r\nHello".encode()
    )
    tokens = read_tokens(mail, (KEY, OLD))
    assert [thread.issue_id for thread in tokens.addressed] == ["10001"]
    assert [thread.issue_id for thread in tokens.referenced] == ["10002", "10003"]
    assert tokens.own == () and len(tokens.every) == 3
    assert [thread.issue_id for thread in read_tokens(mail, (KEY,)).referenced] == ["10003"]


def test_our_own_message_id_is_known() -> None:
    token = make(KEY, "10001", DELIVERY, "ann@customer.test")
    mail = parse(f"Message-ID: <{token}@mail.test>\r\nFrom: x@y.test\r\n\r\nHello".encode())
    assert [thread.delivery for thread in read_tokens(mail, (KEY,)).own] == [DELIVERY]


def test_a_bounce_gives_back_a_thread_only_with_a_valid_token() -> None:
    token = make(KEY, "10001", DELIVERY, "gone@customer.test")
    mail = parse(b"From: x@y.test\r\n\r\nHello")
    found = returned_thread(mail, f"{token}@mail.test", (KEY,))
    assert found is not None and found.delivery == DELIVERY
    assert returned_thread(mail, f"{token}@mail.test", (OLD,)) is None
    assert returned_thread(mail, "", (KEY,)) is None
