"""What inbound tells of a person who asked to be forgotten: nothing of outbound names them any more."""

from typing import Any

import pytest
from sqlalchemy import select

from outbound import store
from outbound.erasure import ERASED
from outbound.facts import Address
from outbound.marks import Marks
from outbound.tables import delivery, participant, person
from tests.outbound.conftest import MASTER, TENANT, Rig

MARKS = Marks(MASTER)
CUSTOMER = "carl@customer.test"
BODY = {"erasure": "e" * 16, "address": CUSTOMER.upper()}


def told(rig: Rig) -> list[Any]:
    """Who the deliveries are to, as they are sealed."""
    with rig.database.read() as tx:
        rows = tx.execute(select(delivery)).all()
        return [rig.sealing.read_recipient(tx, TENANT, row.id, row.recipient) for row in rows]


def erase(rig: Rig, **changes: Any) -> None:
    rig.publish("person.erased", {**BODY, **changes})
    rig.settle()


def test_sent_mail_no_longer_says_to_whom(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.jira.comment("501", "Hello")
    rig.event("comment_created", comment_id="501")
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    before = rig.deliveries()
    assert CUSTOMER in [who["address"] for who in told(rig)]
    erase(rig)
    assert CUSTOMER not in str(told(rig)) and {"name": "", "address": "", "account": None} in told(rig)
    assert [(row.id, row.state) for row in rig.deliveries()] == [(row.id, row.state) for row in before]
    with rig.database.read() as tx:
        mark = MARKS.of(TENANT, CUSTOMER)
        for table in (delivery.c.recipient_hash, participant.c.address_hash, person.c.address_hash):
            assert mark not in tx.execute(select(table)).scalars().all()


def test_what_was_to_be_sent_is_not(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.jira.comment("501", "Hello")
    rig.event("comment_created", comment_id="501")
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    with rig.database.write() as tx:
        tx.execute(delivery.update().where(delivery.c.state == "sent").values(state="pending"))
    erase(rig)
    assert [(row.state, row.reason) for row in rig.deliveries() if row.recipient_hash == ""] == [("skipped", ERASED)]
    assert len([row for row in rig.deliveries() if row.state == "pending"]) == 2


def test_a_participant_and_a_person_are_forgotten(rig: Rig) -> None:
    rig.start()
    mark, other = MARKS.of(TENANT, CUSTOMER), MARKS.of(TENANT, "bob@customer.test")
    with rig.database.write() as tx:
        for one, address in ((mark, CUSTOMER), (other, "bob@customer.test")):
            sealed = rig.sealing.participant(tx, TENANT, "10001", Address("Somebody", address))
            store.add_participants(tx, TENANT, "10001", {one: sealed})
    erase(rig)
    with rig.database.read() as tx:
        assert tx.execute(select(participant.c.address_hash)).scalars().all() == [other]


def test_a_suppression_keeps_its_hash(rig: Rig) -> None:
    rig.start()
    mark = MARKS.of(TENANT, CUSTOMER)
    with rig.database.write() as tx:
        store.suppress(tx, TENANT, mark, "The mail came back.")
    erase(rig)
    with rig.database.read() as tx:
        assert store.suppressions(tx, TENANT, [mark]) == {mark: "The mail came back."}


@pytest.mark.parametrize("address", [None, "", 5, "nobody"])
def test_a_message_without_an_address_changes_nothing(rig: Rig, address: object) -> None:
    rig.start()
    erase(rig, address=address)
    assert rig.deliveries() == []
