"""A window's decision: audience, visibility and suppression together."""

from dataclasses import replace

import pytest

from outbound import audience, decide
from outbound.facts import Account, Address, Item, Known, Mailed, Recipient, Restriction, Rights
from tests.outbound.people import (
    ALICE,
    BOB,
    CARL,
    DORA,
    EVE,
    KNOWN,
    WANDA,
    change_item,
    comment_item,
    created_item,
    mail_issue,
)

ADDRESSES = {one.id: one.address for one in (ALICE, BOB, WANDA)}
SEES = {one.id: Rights(True) for one in (ALICE, BOB, WANDA)}


def decided(
    *items: Item,
    issue=None,
    known: Known = KNOWN,
    rights=SEES,
    addresses=ADDRESSES,
    suppressed=None,
    can_send: bool = True,
) -> dict[str, Recipient]:
    issue = issue or mail_issue()
    considered, _ = decide.consider(items, issue, known)
    refusals = decide.Refusals(suppressed or {}, str.lower, can_send)
    people = decide.People(rights, addresses)
    found = decide.decide(considered, items, issue, known, people, refusals)
    return {one.address.lower() if one.address else f"account {one.account_id}": one for one in found}


def mailed_to(found: dict[str, Recipient]) -> list[str]:
    return sorted(key for key, one in found.items() if not one.no)


def test_one_mail_a_person_however_many_reasons() -> None:
    issue = mail_issue(reporter=BOB, assignee=BOB, watchers=(BOB,), mailed=Mailed(Address("Bob", "BOB@company.test")))
    found = decided(comment_item("alice"), issue=issue)
    assert list(found) == ["bob@company.test"]
    assert found["bob@company.test"].kind == "account"
    assert len(found["bob@company.test"].reasons) == 4


def test_nobody_is_told_of_their_own_doing_in_a_window_of_many() -> None:
    found = decided(comment_item("alice", id="1"), comment_item("bob", id="2"), change_item("status", actor="wanda"))
    assert found["alice@company.test"].items == (1, 2)
    assert found["bob@company.test"].items == (0, 2)
    assert found["wanda@company.test"].items == (0, 1)
    assert found["carl@customer.test"].items == (0, 1, 2)


def test_who_did_everything_gets_nothing_and_the_record_says_why() -> None:
    found = decided(comment_item("alice"))
    assert found["alice@company.test"].no == audience.OWN_DOING
    assert found["alice@company.test"].items == ()
    assert "alice@company.test" not in mailed_to(found)


def test_a_person_who_comments_in_jira_is_not_told_at_their_mail_address() -> None:
    """Carl has an account that is not on the issue; his address is, from his mail."""
    found = decided(comment_item("carl"), addresses={**ADDRESSES, "carl": "Carl@customer.test"})
    assert found["carl@customer.test"].no == audience.OWN_DOING
    assert "dora@customer.test" in mailed_to(found)


def test_the_actors_address_is_asked_for_where_people_without_an_account_are_told() -> None:
    items = (comment_item("carl"),)
    considered, _ = decide.consider(items, mail_issue(), KNOWN)
    _, addresses = decide.lookups(considered, items, mail_issue(), KNOWN)
    assert set(addresses) == {"alice", "bob", "wanda", "carl"}
    considered, _ = decide.consider(items, mail_issue(mailed=None), KNOWN)
    assert "carl" not in decide.lookups(considered, items, mail_issue(mailed=None), KNOWN)[1]


@pytest.mark.parametrize("kind", ["internal", "role", "group", "unknown"])
def test_a_comment_not_for_everyone_never_leaves_jira_to_people_without_an_account(kind) -> None:
    rights = {one.id: Rights(True, True, frozenset({"x"}), frozenset({"x"})) for one in (BOB, WANDA)}
    found = decided(comment_item("alice", restriction=Restriction(kind, "x", "x")), rights=rights)
    assert not [key for key in mailed_to(found) if "customer" in key]
    assert mailed_to(found) == ([] if kind == "unknown" else ["bob@company.test", "wanda@company.test"])


def test_an_internal_comment_reaches_only_agents() -> None:
    rights = {"bob": Rights(True, True), "wanda": Rights(True, False)}
    found = decided(comment_item("alice", restriction=Restriction("internal")), rights=rights)
    assert mailed_to(found) == ["bob@company.test"]
    assert found["wanda@company.test"].no.startswith("The comment is internal")


def test_in_one_window_each_reads_only_what_they_may() -> None:
    items = comment_item("x", id="1", restriction=Restriction("internal")), comment_item("x", id="2")
    found = decided(*items, rights={**SEES, "alice": Rights(True, True)})
    assert found["alice@company.test"].items == (0, 1)
    assert found["carl@customer.test"].items == (1,)
    assert found["bob@company.test"].items == (1,)


def test_a_customers_text_reaches_only_who_took_part_before() -> None:
    written, answered = comment_item("app", id="1", mailed=Mailed(CARL, (EVE,))), comment_item("alice", id="2")
    found = decided(written, answered)
    assert found["eve@elsewhere.test"].items == (1,)
    assert found["dora@customer.test"].items == (0, 1)
    assert decide.consider((written,), mail_issue(), KNOWN)[1] == (EVE,)


def test_newcomers_are_told_of_later_windows() -> None:
    found = decided(comment_item("alice"), known=replace(KNOWN, participants=(EVE,)))
    assert "eve@elsewhere.test" in mailed_to(found)


@pytest.mark.parametrize(
    ("changes", "person", "why"),
    [
        ({"addresses": {**ADDRESSES, "bob": None}, "can_send": False}, "account bob", decide.NO_SENDER),
        ({"suppressed": {"carl@customer.test": "it came back."}}, "carl@customer.test", "not sent any more"),
        ({"can_send": False}, "carl@customer.test", decide.NO_SENDER),
        ({"can_send": False}, "bob@company.test", decide.NO_SENDER),
        ({"rights": {"bob": Rights(False)}}, "bob@company.test", "may not see the issue"),
        ({"issue": mail_issue(reporter=Account("bob", "Bob", active=False))}, "bob@company.test", decide.INACTIVE),
        ({"known": replace(KNOWN, own=frozenset({"bob@company.test"}))}, "bob@company.test", "own"),
        ({"issue": mail_issue(mailed=Mailed(Address("", "noreply@x.test")))}, "noreply@x.test", "Nobody reads"),
    ],
)
def test_who_gets_no_mail_is_recorded_with_the_reason(changes, person: str, why: str) -> None:
    found = decided(comment_item("alice"), **changes)
    assert why in found[person].no


def test_a_created_issue_is_not_told_to_its_mails_sender() -> None:
    carl = Account("carl", "Carl", address="carl@customer.test")
    found = decided(created_item(), issue=mail_issue(reporter=carl), addresses={**ADDRESSES, "carl": carl.address})
    assert mailed_to(found) == ["alice@company.test", "wanda@company.test"]
    assert DORA.key not in found


def test_a_writer_whose_profile_hides_the_address_is_not_told_of_their_own_mail() -> None:
    hidden = Account("carl", "Carl")
    known_now = {**ADDRESSES, "carl": "CARL@customer.test"}
    found = decided(created_item(), issue=mail_issue(reporter=hidden), addresses=known_now)
    assert found["carl@customer.test"].no == audience.OWN_DOING
    stranger = comment_item("app", mailed=Mailed(EVE))
    found = decided(
        stranger, issue=mail_issue(watchers=(Account("eve", "Eve"),)), addresses={**ADDRESSES, "eve": EVE.address}
    )
    assert found["eve@elsewhere.test"].no == audience.OWN_DOING


def test_rights_are_asked_for_nobody_who_is_told_nothing() -> None:
    items = (comment_item("alice"),)
    considered, _ = decide.consider(items, mail_issue(), KNOWN)
    assert decide.lookups(considered, items, mail_issue(), KNOWN)[0] == ("bob", "wanda")
