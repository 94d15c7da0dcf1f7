"""A mail that is too large, at the worker: held with its header, and its sender told once, in the same transaction."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Row, update

from common.db import Database
from common.errors import Permanent, Temporary
from common.thread_tokens import make
from inbound.fetching.entries import brought_again, ledger_entry
from inbound.handling import oversized
from inbound.sources import Message
from inbound.tables import mailbox
from tests.inbound import rig
from tests.inbound.mailserver import letter
from tests.inbound.office import KEY, Office
from tests.inbound.rig import mailbox_row

PROBLEM = "It has 50.0 MB, and at most 40.0 MB are taken."
MB = 1024 * 1024
HUGE = letter("Huge", Message_ID="<big@customer.test>", References="<first@customer.test> <second@customer.test>")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Everything here runs on both databases."""
    with rig.opened(database_url) as found:
        yield found


def held(office: Office, raw: bytes = HUGE, *, answers: bool = True, limit: int = 40 * MB, via: str = "") -> Row[Any]:
    with office.database.write() as tx:
        tx.execute(update(mailbox).values(answer_oversized=answers))
    id = office.post(raw, problem=PROBLEM, limit=limit, via=via)
    office.work()
    row = office.mail(id)
    assert (row.state, row.reason, office.issues()) == ("held", PROBLEM, [])
    return row


def test_its_sender_is_told_once(office: Office) -> None:
    row = held(office)
    (told,) = office.told("mail.notice")
    assert told == {
        "kind": "oversized", "mail": row.id, "to": "ann@customer.test", "subject": "Huge", "message_id": "big@customer.test",
        "references": ["first@customer.test", "second@customer.test"], "size": len(HUGE), "limit": 40 * MB,
        "mailbox": "support@sandbox.test",
    }  # fmt: skip
    assert row.record["explanation"] == [PROBLEM, oversized.ANSWERED] and row.sender == "ann@customer.test"
    with office.database.write() as tx:  # a copy of the message comes late
        office.outbox.put(tx, "mail.received", rig.TENANT, {"mail": row.id})
    office.work()
    assert office.told("mail.notice") == [told]


def test_a_mail_that_is_fetched_again_and_still_too_large_is_not_answered_again(office: Office) -> None:
    row = held(office)
    with office.database.read() as tx:
        box = mailbox_row(tx, office.mailbox_id)
    again = brought_again(ledger_entry(box, row.source_id, Message("1", 1, HUGE, PROBLEM, limit=1), None, None), row)
    assert again["id"] == row.id and again["record"]["answered"] == row.record["answered"] == "oversized"
    fresh = ledger_entry(box, row.source_id, Message("1", 1, HUGE, PROBLEM, limit=1), None, None)
    other = held(office, answers=False)
    assert "answered" not in brought_again(fresh, other)["record"]


def test_a_mailbox_that_does_not_answer_says_so(office: Office) -> None:
    row = held(office, answers=False)
    assert office.told("mail.notice") == [] and row.record["explanation"] == [PROBLEM, oversized.OFF]


@pytest.mark.parametrize(
    ("headers", "part"),
    [
        ({"Auto_Submitted": "auto-replied"}, "auto-submitted: auto-replied"),
        ({"List_Id": "<all.customer.test>", "List_Post": "<mailto:all@customer.test>"}, "mailing list"),
        ({"Message_ID": f"<{make(KEY, '10100', 'b' * 16, 'ann@customer.test')}@mail.test>"}, "our mail came back"),
    ],
)
def test_whom_an_answer_would_harm_gets_none(office: Office, headers: dict[str, str], part: str) -> None:
    row = held(office, letter("Huge", **headers))
    assert office.told("mail.notice") == [] and part in row.record["explanation"][-1]


def test_what_a_pipe_brought_is_left_to_its_mail_server(office: Office) -> None:
    row = held(office, via="pipe")
    assert office.told("mail.notice") == [] and "mail server" in row.record["explanation"][-1]
    held(office, via="ses")
    assert len(office.told("mail.notice")) == 1


def test_what_could_not_be_had_for_another_reason_is_not_answered(office: Office) -> None:
    row = held(office, limit=0)
    assert office.told("mail.notice") == [] and row.record["explanation"] == [PROBLEM]


class Away:
    """Connect, while it has no credentials to give."""

    def __init__(self, office: Office, fault: Exception) -> None:
        self._given, self._fault = office.source.get, fault
        self.left = 1

    def get(self, tenant: str) -> Any:
        self.left -= 1
        if self.left >= 0:
            raise self._fault
        return self._given(tenant)


def test_while_connect_is_away_it_waits(office: Office) -> None:
    office.source.get = Away(office, Temporary("Connect is away.")).get  # type: ignore[method-assign]
    row = held(office)
    assert row.attempts == 2 and len(office.told("mail.notice")) == 1


def test_without_the_app_nobody_is_told(office: Office) -> None:
    office.source.get = Away(office, Permanent("Connect knows no installed site.")).get  # type: ignore[method-assign]
    row = held(office)
    assert office.told("mail.notice") == [] and row.record["explanation"] == [
        PROBLEM,
        "The sender was not told. Connect knows no installed site.",
    ]
