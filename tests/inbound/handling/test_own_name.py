"""Comments in the sender's own name, where tokens of persons can be had; by the app in all other cases."""

from dataclasses import replace

import pytest

from common.credentials import Credentials, LookupUser
from sandbox.jira.rights import Ruling
from sandbox.jira.seed import ALICE, BOB, CLEO
from tests.inbound.handling.test_worker import reply_to, texts
from tests.inbound.mailserver import letter
from tests.inbound.office import Office

BOBS = {"sender": "bob@acme.example", "recipient": "bob@acme.example"}


class Persons:
    """connect as it vends persons' tokens: here, each person's API token at the sandbox."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.site = office.sandbox.parts.site
        self.asked: list[str] = []
        self.none = False
        office.source.credentials = replace(office.source.credentials, person_tokens=True)
        office.source.person_of = self.of

    def of(self, account_id: str) -> Credentials | None:
        self.asked.append(account_id)
        if self.none:
            return None
        with self.site.lock:
            token = self.site.new_token(account_id, None).secret
            email = self.site.users[account_id].email
        whole = self.office.source.credentials
        return replace(whole, scheme="token", email=email, secret=token, account_id=account_id)


@pytest.fixture
def persons(office: Office) -> Persons:
    return Persons(office)


def test_a_proven_senders_comment_is_theirs(office: Office, persons: Persons) -> None:
    first = office.handled(letter("Printer"))
    row = office.handled(reply_to(first.issue_id, **BOBS))
    [comment] = office.issues()[0].comments
    assert row.state == "handled", row.reason
    assert comment.author == BOB
    assert texts(comment.body) == "It still burns."  # nobody has to say who wrote it
    assert comment.properties["mailbridge"]["from"] == {
        "name": "Ann Customer", "address": "bob@acme.example", "account": BOB,
    }  # fmt: skip


def test_an_unproven_senders_is_not(office: Office, persons: Persons) -> None:
    first = office.handled(letter("Printer", sender="bob@acme.example"))
    office.handled(
        letter(f"Re: {first.issue_key} Printer", sender="bob@acme.example", Message_ID="<again@acme.example>")
    )
    [comment] = office.issues()[0].comments
    assert comment.author == office.account_id
    assert "(not proven to be them)" in texts(comment.body)
    assert persons.asked == []
    assert comment.properties["mailbridge"]["from"]["account"] == BOB  # the reporter, whom Jira shows with this address


def test_whoever_has_no_account_writes_by_the_app(office: Office, persons: Persons) -> None:
    first = office.handled(letter("Printer"))
    office.handled(reply_to(first.issue_id))
    [comment] = office.issues()[0].comments
    assert (comment.author, persons.asked) == (office.account_id, [])
    assert "account" not in comment.properties["mailbridge"]["from"]


def test_a_portal_customer_writes_by_the_app(office: Office, persons: Persons) -> None:
    first = office.handled(letter("Printer"))
    office.handled(reply_to(first.issue_id, sender="cleo@customer.example", recipient="cleo@customer.example"))
    [comment] = office.issues()[0].comments
    assert (comment.author, persons.asked) == (office.account_id, [])
    assert comment.properties["mailbridge"]["from"]["account"] == CLEO


@pytest.mark.parametrize("how", ["no token", "no right"])
def test_what_the_person_may_not_the_app_does_and_the_explanation_says_so(
    office: Office, persons: Persons, how: str
) -> None:
    first = office.handled(letter("Printer"))
    if how == "no token":
        persons.none = True
    else:
        with office.sandbox.parts.site.lock:
            office.sandbox.parts.site.rulings.set(Ruling(BOB, "ADD_COMMENTS", False, None))
    row = office.handled(reply_to(first.issue_id, **BOBS))
    [comment] = office.issues()[0].comments
    assert (row.state, comment.author) == ("handled", office.account_id)
    assert texts(comment.body) == "Ann Customer <bob@acme.example> wrote by email:\nIt still burns."
    assert "own name" in row.reason
    assert any("own name" in sentence for sentence in row.record["explanation"])


@pytest.mark.parametrize("kind", ["reset_after_write", "500_after_write", "reset", "500"])
def test_a_comment_in_ones_own_name_is_made_once_whatever_the_answer(
    office: Office, persons: Persons, kind: str
) -> None:
    first = office.handled(letter("Printer"))
    office.fault(kind, "POST .*/comment$")
    row = office.handled(reply_to(first.issue_id, **BOBS))
    [comment] = office.issues()[0].comments
    assert (row.state, row.comment_id, comment.author) == ("handled", comment.id, BOB)


def test_a_property_that_somebody_wrote_gives_nobody_anothers_name(office: Office, persons: Persons) -> None:
    first = office.handled(letter("Printer"))
    with office.sandbox.parts.site.lock:
        issue = office.issues()[0]
        issue.properties["mailbridge"]["from"]["account"] = ALICE  # who may edit the issue can write this
    office.handled(reply_to(first.issue_id))
    [comment] = office.issues()[0].comments
    assert (comment.author, persons.asked) == (office.account_id, [])


# --- finding people by their address


def test_a_reporter_whom_the_app_cannot_find_is_found_by_the_look_up_user(office: Office) -> None:
    site = office.sandbox.parts.site
    with site.lock:
        site.rulings.set(Ruling(office.account_id, "USER_PICKER", False, None))
        token = site.new_token(ALICE, None).secret
    assert office.handled(letter("One", sender="bob@acme.example")).state == "handled"
    assert office.issues()[0].reporter != BOB
    office.source.credentials = replace(office.source.credentials, lookup=LookupUser("alice@acme.example", token))
    row = office.handled(letter("Two", sender="bob@acme.example", Message_ID="<two@acme.example>"))
    issue = office.issues()[-1]
    assert (row.state, issue.summary, issue.reporter) == ("handled", "Two", BOB)
    assert issue.properties["mailbridge"]["from"]["account"] == BOB
    assert office.issues()[-1].creator == office.account_id  # found by the look-up user, made by the app


def test_an_account_that_is_a_persons_own_is_ours_by_the_property_only(office: Office) -> None:
    """Scheme token: Alice's account is ours. What she does by hand, and what we do by her account, are told apart."""
    with office.sandbox.parts.site.lock:
        token = office.sandbox.parts.site.new_token(ALICE, None).secret
    office.source.credentials = replace(
        office.source.credentials, scheme="token", email="alice@acme.example", secret=token, account_id=ALICE
    )
    first = office.handled(letter("Printer"))
    office.fault("reset_after_write", "POST .*/comment$")
    row = office.handled(reply_to(first.issue_id))
    [comment] = office.issues()[0].comments
    assert (row.state, row.comment_id, comment.author) == ("handled", comment.id, ALICE)
    assert texts(comment.body) == "Ann Customer <ann@customer.test> wrote by email:\nIt still burns."
    assert comment.properties["mailbridge"]["mail"] == row.id
