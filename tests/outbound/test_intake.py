"""What inbound tells: threads, bounces."""

from typing import Any

import pytest
from sqlalchemy import select

from outbound import store
from outbound.tables import own_address, thread
from tests.outbound.conftest import TENANT, Rig

HANDLED: dict[str, Any] = {
    "mail": "m1",
    "kind": "issue",
    "issue_id": "10001",
    "message_id": "<new@customer.test>",
    "references": ["older@customer.test", "old@customer.test"],
    "mailbox": "Support@company.test",
}


def told(rig: Rig, **changes: Any) -> list[str]:
    rig.start()
    rig.publish("mail.handled", {**HANDLED, **changes})
    rig.settle()
    with rig.database.read() as tx:
        return [row.message_id for row in store.threads_of(tx, TENANT, "10001", 100)]


def test_a_mails_ids_are_kept_oldest_first(rig: Rig) -> None:
    assert told(rig) == ["older@customer.test", "old@customer.test", "new@customer.test"]
    with rig.database.read() as tx:
        assert tx.execute(select(own_address.c.address)).scalars().all() == ["support@company.test"]


def test_the_same_mail_told_twice_changes_nothing(rig: Rig) -> None:
    first = told(rig)
    rig.publish("mail.handled", HANDLED)
    rig.settle()
    with rig.database.read() as tx:
        assert len(tx.execute(select(thread)).all()) == len(first)


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"references": "a@x <b@x>"}, ["a@x", "b@x", "new@customer.test"]),
        ({"references": None, "message_id": ""}, []),
        ({"references": [5, None, "a@x"], "message_id": None}, ["a@x"]),
        ({"references": [f"m{number}@x" for number in range(50)], "message_id": "n@x"}, [f"m{n}@x" for n in range(40, 50)] + ["n@x"]),
        ({"references": ["a" * 300 + "@x"]}, ["new@customer.test"]),
        ({"issue_id": None}, []),
        ({"issue_id": "../x"}, []),
    ],
)  # fmt: skip
def test_odd_mails_are_taken_as_far_as_they_go(rig: Rig, changes: dict[str, Any], ids: list[str]) -> None:
    assert told(rig, **changes) == ids


def test_a_mailbox_that_is_no_address_is_not_answered_to(rig: Rig) -> None:
    told(rig, mailbox="x\r\nBcc: y@z")
    with rig.database.read() as tx:
        assert tx.execute(select(own_address)).all() == []
        assert set(tx.execute(select(thread.c.mailbox)).scalars()) == {""}


@pytest.mark.parametrize("recipients", [None, "x", [], [1], [{"permanent": None}]])
def test_odd_bounces_mute_nobody(rig: Rig, recipients: object) -> None:
    rig.set_sender()
    rig.start()
    rig.jira.comment("501", "Hello")
    rig.event("comment_created", comment_id="501")
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    sent = next(row for row in rig.deliveries() if row.state == "sent")
    rig.publish("mail.bounced", {"mail": "m", "delivery": sent.id, "recipients": recipients})
    rig.settle()
    with rig.database.read() as tx:
        assert store.suppressions(tx, TENANT, [sent.recipient_hash]) == {}
