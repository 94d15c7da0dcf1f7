"""A mailbox's several addresses, from the mail to the answer's way back, in front of a stand-in Jira."""

from typing import Any

import pytest
from sqlalchemy import select

from inbound.tables import mailbox, outbox
from tests.inbound.mailserver import letter
from tests.inbound.office import Office


@pytest.fixture
def two_addresses(office: Office) -> Office:
    change(office, addresses=["support@sandbox.test", "sales@sandbox.test"])
    return office


def change(office: Office, **values: Any) -> None:
    with office.database.write() as tx:
        tx.execute(mailbox.update().where(mailbox.c.id == office.mailbox_id).values(**values))


def to(address: str, subject: str, *, sender: str = "ann@customer.test") -> bytes:
    return letter(subject, sender=sender).replace(b"To: support@sandbox.test", f"To: {address}".encode())


def told(office: Office) -> Any:
    with office.database.read() as tx:
        return tx.execute(select(outbox.c.body).where(outbox.c.topic == "mail.handled")).scalars().all()[-1]


def test_answers_go_to_the_address_that_was_written_to(two_addresses: Office) -> None:
    assert two_addresses.handled(to("sales@sandbox.test", "A price")).state == "handled"
    assert told(two_addresses)["mailbox"] == "sales@sandbox.test"
    assert two_addresses.handled(to("somebody@else.test", "By Bcc")).state == "handled"
    assert told(two_addresses)["mailbox"] == "support@sandbox.test"


def test_mail_from_any_of_our_addresses_is_our_own(two_addresses: Office) -> None:
    row = two_addresses.handled(to("support@sandbox.test", "Loop", sender="sales@sandbox.test"))
    assert row.state == "ignored" and "Our own mail" in row.reason


def test_mail_that_names_none_of_our_addresses_follows_the_setting(two_addresses: Office) -> None:
    change(two_addresses, unnamed="ignore")
    row = two_addresses.handled(to("somebody@else.test", "By Bcc"))
    assert row.state == "ignored" and "names none of the mailbox's addresses" in row.reason
    forwarded = b"Delivered-To: sales@sandbox.test\r\n" + to("somebody@else.test", "Forwarded")
    assert two_addresses.handled(forwarded).state == "handled"
