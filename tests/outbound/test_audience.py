"""Who is told of an item, and why."""

from dataclasses import replace

import pytest

from outbound import audience
from outbound.facts import Account, Address, Item, Known, Mailed
from tests.outbound.people import (
    ALICE,
    APP,
    BOB,
    CARL,
    DORA,
    EVE,
    KNOWN,
    SUPPORT,
    WANDA,
    change_item,
    comment_item,
    created_item,
    mail_issue,
)


def told(item: Item, issue=None, known: Known = KNOWN) -> list[str]:
    issue = issue or mail_issue()
    found = audience.tell(item, issue, audience.participants(issue, known), known)
    return [(one.account.id if one.account else one.address.key) for one in found if not one.no]


CASES = [
    ("a created issue is told to its people with accounts", created_item(), ["bob", "alice", "wanda"]),
    (
        "a comment is told to everyone but its writer",
        comment_item("alice"),
        ["bob", "wanda", "carl@customer.test", "dora@customer.test"],
    ),
    (
        "a status is told to everyone",
        change_item("status"),
        ["bob", "wanda", "carl@customer.test", "dora@customer.test"],
    ),
    ("a new assignee is told inside only", change_item("assignee"), ["bob", "wanda"]),
    ("a priority is told inside only", change_item("priority", "duedate"), ["bob", "wanda"]),
    (
        "a comment made from Carl's mail is not told to Carl",
        comment_item("app", mailed=Mailed(CARL)),
        ["bob", "alice", "wanda", "dora@customer.test"],
    ),
]


@pytest.mark.parametrize(("name", "item", "expected"), CASES, ids=[case[0] for case in CASES])
def test_people_are_told(name: str, item: Item, expected: list[str]) -> None:
    assert told(item) == expected


def test_the_actor_is_recorded_with_the_reason() -> None:
    found = audience.tell(comment_item("alice"), mail_issue(), (), KNOWN)
    assert [(one.account.id, one.no) for one in found if one.no] == [("alice", audience.OWN_DOING)]


def test_an_account_with_the_mails_address_is_its_writer() -> None:
    carl = Account("carl", "Carl", address="Carl@Customer.test")
    issue = mail_issue(reporter=carl)
    assert "carl" not in told(created_item(), issue)
    assert "carl" not in told(comment_item("app", mailed=Mailed(CARL)), issue)
    assert "carl" in told(comment_item("alice"), issue)


def test_the_account_we_post_by_is_told_what_customers_wrote() -> None:
    """With an API token we post by a person's account, who did not write the customer's comment."""
    known = replace(KNOWN, poster="alice")
    assert "alice" in told(comment_item("alice", mailed=Mailed(CARL)), known=known)
    assert "alice" not in told(comment_item("alice"), known=known)


def test_apps_and_our_own_mailboxes_are_never_told() -> None:
    issue = mail_issue(
        watchers=(APP,), mailed=Mailed(CARL, (Address("", SUPPORT), Address("", "support+x@company.test")))
    )
    assert told(comment_item(), issue) == ["bob", "carl@customer.test"]


def test_each_has_a_reason() -> None:
    known = replace(KNOWN, participants=(EVE,))
    issue = mail_issue()
    found = audience.tell(comment_item("x"), issue, audience.participants(issue, known), known)
    assert len({one.reason for one in found}) == len(found) == 6


def test_a_participants_mail_brings_in_whom_it_copies() -> None:
    issue = mail_issue()
    before = audience.participants(issue, KNOWN)
    item = comment_item("app", mailed=Mailed(DORA, (CARL, EVE, Address("", SUPPORT))))
    assert audience.introduced(item, before, KNOWN) == (EVE,)


def test_a_mail_cannot_make_us_write_to_a_crowd() -> None:
    crowd = tuple(Address("", f"p{number}@x.test") for number in range(1000))
    issue = mail_issue(mailed=Mailed(CARL, crowd))
    assert len(audience.participants(issue, KNOWN)) == audience.MOST_OUTSIDE
    issue = mail_issue()
    before = audience.participants(issue, KNOWN)
    newcomers = audience.introduced(comment_item("app", mailed=Mailed(CARL, crowd)), before, KNOWN)
    assert len(before) + len(newcomers) == audience.MOST_OUTSIDE
    full = tuple(crowd[: audience.MOST_OUTSIDE])
    assert audience.introduced(comment_item("app", mailed=Mailed(full[0], (CARL,))), full, KNOWN) == ()


def test_a_strangers_mail_brings_in_nobody() -> None:
    before = audience.participants(mail_issue(), KNOWN)
    item = comment_item("app", mailed=Mailed(EVE, (Address("", "friend@elsewhere.test"),)))
    assert audience.introduced(item, before, KNOWN) == ()
    assert audience.introduced(comment_item("alice"), before, KNOWN) == ()


@pytest.mark.parametrize(
    ("address", "own"),
    [("support@company.test", True), ("Support+abc@Company.test", True), ("support@other.test", False), ("x", False)],
)
def test_own_addresses(address: str, own: bool) -> None:
    assert audience.is_own(address, KNOWN.own) is own


def test_people_without_an_issue_from_mail() -> None:
    assert told(comment_item("alice"), mail_issue(mailed=None)) == ["bob", "wanda"]
    assert [one.id for one in (ALICE, BOB, WANDA)] == ["alice", "bob", "wanda"]
    assert DORA.key == "dora@customer.test"
