"""Erasing a person: their mails and their address are gone from the whole database, the receipt says so, outbound is told."""

from typing import Any

import pytest
from sqlalchemy import select

from common.messages import TOPICS, Message
from inbound.privacy import mentions
from inbound.privacy.erasing import Erasing
from inbound.tables import erasure, mail, metadata, outbox
from tests.inbound.mailserver import letter
from tests.inbound.office import Office
from tests.inbound.page import Call
from tests.inbound.privacy.test_keeping import raws
from tests.inbound.rig import TENANT

ANN = "ann@customer.test"


class Eraser:
    """Erases as a worker would, whenever a message is due."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.erasing = Erasing(office.database, office.outbox, office.vault, office.config.settings.master_key)

    def ask(self, address: str = ANN) -> str:
        return str(self.erasing.ask(TENANT, "alice", address).id)

    def work(self) -> None:
        """One message, as if its time had come."""
        for message in self.due():
            self.erasing.on_due(message)

    def due(self) -> list[Message]:
        with self.office.database.write() as tx:
            tx.execute(outbox.update().where(outbox.c.topic == "erasure.due").values(sent_until=9e9))
            rows = select(outbox.c.id, outbox.c.topic, outbox.c.tenant, outbox.c.body)
            return [Message(*row) for row in tx.execute(rows.where(outbox.c.topic == "erasure.due"))]

    def receipt(self, id: str) -> Any:
        with self.office.database.read() as tx:
            return tx.execute(select(erasure).where(erasure.c.id == id)).one()


@pytest.fixture
def eraser(office: Office) -> Eraser:
    return Eraser(office)


def everything(office: Office) -> str:
    """Each row of each table but those on their way to outbound."""
    told = []
    with office.database.read() as tx:
        for table in metadata.sorted_tables:
            if table.name != "outbox":
                told += [str(tuple(row)) for row in tx.execute(select(table))]
    return "\n".join(told).lower()


def test_a_persons_mails_and_address_are_gone_everywhere(office: Office, eraser: Eraser) -> None:
    row = office.handled(letter("Printer on fire"))
    bob = office.handled(letter("From Bob", sender="bob@customer.test"))
    assert ANN in everything(office)
    id = eraser.ask("Ann@Customer.test ")
    eraser.work()
    told = everything(office)
    assert (
        ANN not in told and "on fire" not in told and "ann customer" not in office.mail(row.id).record.__str__().lower()
    )
    receipt = eraser.receipt(id)
    assert receipt.done_at is not None and receipt.asked_by == "alice" and ANN not in str(tuple(receipt))
    assert {name: receipt.counts[name] for name in ("mails", "contents", "rows")} == {
        "mails": 1,
        "contents": 0,
        "rows": 0,
    }
    kept = office.mail(row.id)
    assert (kept.state, kept.issue_key) == ("handled", row.issue_key) and eraser.due() == []
    assert office.mail(bob.id).sender == "bob@customer.test" and raws(office.database) == 1


def test_what_others_wrote_of_them_goes_too(office: Office, eraser: Eraser) -> None:
    named = office.handled(letter("Together", sender="bob@customer.test", Cc=f"Ann <{ANN}>"))
    text = "Please ask Ann: =61nn@customer.test"
    quoted = office.handled(
        letter("Encoded", sender="bob@customer.test", text=text, Content_Transfer_Encoding="quoted-printable")
    )
    other = office.handled(letter("Joann", sender="joann@customer.test", Cc="ann@customer.test.example"))
    id = eraser.ask()
    eraser.work()
    assert ANN not in everything(office).replace("joann@customer.test", "").replace("ann@customer.test.example", "")
    assert eraser.receipt(id).counts["contents"] == 2 and raws(office.database) == 1
    assert [office.mail(row.id).sender for row in (named, quoted)] == ["bob@customer.test"] * 2
    assert office.mail(other.id).sender == "joann@customer.test"


def test_a_mail_at_work_comes_to_its_end_first(office: Office, eraser: Eraser) -> None:
    id = office.post(letter("Printer"))
    receipt = eraser.ask()
    eraser.work()
    assert eraser.receipt(receipt).done_at is None and raws(office.database) == 1 and eraser.due()
    office.work()
    assert office.mail(id).state == "handled"
    eraser.work()
    assert eraser.receipt(receipt).done_at is not None and eraser.receipt(receipt).counts["mails"] == 1
    assert ANN not in everything(office)


def test_a_mail_that_nobody_read_yet_is_known_by_its_header(office: Office, eraser: Eraser) -> None:
    office.post(letter("Never read"))
    with office.database.write() as tx:
        tx.execute(mail.update().values(state="failed", sender=None))
    id = eraser.ask()
    eraser.work()
    assert eraser.receipt(id).counts["mails"] == 1 and raws(office.database) == 0


def test_mail_that_comes_later_is_not_erased(office: Office, eraser: Eraser) -> None:
    eraser.ask()
    with office.database.write() as tx:  # the mail is later for certain: two that come together have one time
        tx.execute(erasure.update().values(asked_at=erasure.c.asked_at - 1.0))
    row = office.handled(letter("Back again"))
    eraser.work()
    assert office.mail(row.id).sender == ANN


def test_another_tenants_mail_stays(office: Office, eraser: Eraser) -> None:
    row = office.handled(letter("Printer"))
    with office.database.write() as tx:
        tx.execute(mail.update().values(tenant="another"))
    eraser.ask()
    eraser.work()
    assert office.mail(row.id).sender == ANN


def test_a_message_that_comes_twice_erases_once(office: Office, eraser: Eraser) -> None:
    office.handled(letter("Printer"))
    id = eraser.ask()
    (message,) = eraser.due()
    eraser.erasing.on_due(message)
    eraser.erasing.on_due(message)
    assert eraser.receipt(id).counts["mails"] == 1


def test_an_erased_person_starts_anew(office: Office, eraser: Eraser) -> None:
    office.handled(letter("Printer"))
    eraser.ask()
    eraser.work()
    assert office.handled(letter("Printer again", text="Other")).outcome == "issue"


def test_many_mails_are_done_in_parts(office: Office, eraser: Eraser) -> None:
    for number in range(120):
        office.post(letter(f"Mail {number}"))
    with office.database.write() as tx:
        tx.execute(mail.update().values(state="ignored"))
    id = eraser.ask()
    eraser.work()
    assert eraser.receipt(id).counts["mails"] == 120 and raws(office.database) == 0


def test_outbound_is_told(office: Office, eraser: Eraser) -> None:
    id = eraser.ask()
    assert office.told("person.erased") == [{"erasure": id, "address": ANN}]
    assert TOPICS["person.erased"].receivers == ("outbound",)


def test_the_page_asks_and_lists_receipts(call: Call, office: Office, eraser: Eraser) -> None:
    asked = call("POST", "/erasures", {"address": ANN})
    assert asked.status_code == 202 and asked.json["done_at"] is None and asked.json["asked_by"] == "alice"
    eraser.work()
    (receipt,) = call("GET", "/erasures").json
    assert (
        receipt["id"] == asked.json["id"]
        and receipt["done_at"]
        and set(receipt["counts"]) == {"mails", "contents", "rows"}
    )
    assert call("GET", "/erasures", tenant="another").json == []
    assert ANN not in str(receipt)


@pytest.mark.parametrize(
    "address", ["", "ann", "@customer.test", "ann@", "a b@customer.test", "ann@customer.test\nx", 5, None]
)
def test_what_is_no_address_is_refused(call: Call, address: Any) -> None:
    assert call("POST", "/erasures", {"address": address}).status_code == 422


def test_a_mailboxs_own_address_is_refused(call: Call, office: Office) -> None:
    answer = call("POST", "/erasures", {"address": "Support@Sandbox.test"})
    assert answer.status_code == 422 and "delete that mailbox" in answer.json["errors"]["address"][0]


def test_only_administrators_erase(call: Call) -> None:
    assert call("POST", "/erasures", {"address": ANN}, admin=False).status_code == 403


def test_receipts_of_one_person_have_one_hash_and_of_another_tenant_another(office: Office, eraser: Eraser) -> None:
    hashes = [eraser.receipt(eraser.ask(address)).address_hash for address in (ANN, ANN.upper(), "bob@customer.test")]
    assert hashes[0] == hashes[1] != hashes[2] and len(hashes[0]) == 64
    other = eraser.erasing.ask("another", "alice", ANN)
    assert other.address_hash != hashes[0]


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ("From ANN@customer.test.", "From (erased)."),
        ("<ann@customer.test>", "<(erased)>"),
        ("joann@customer.test", "joann@customer.test"),
        ("x+ann@customer.test", "x+ann@customer.test"),
        ("ann@customer.test.example", "ann@customer.test.example"),
        (
            {"a": ["ann@customer.test", 5, None], "ann@customer.test": True},
            {"a": ["(erased)", 5, None], "(erased)": True},
        ),
    ],
)
def test_an_address_is_taken_out_and_no_longer_one(value: Any, clean: Any) -> None:
    assert mentions.scrubbed(value, mentions.pattern(ANN)) == clean


def test_what_does_not_name_it_stays_the_same_object() -> None:
    value = {"a": [{"b": "bob@customer.test"}, 1.5]}
    assert mentions.scrubbed(value, mentions.pattern(ANN)) is value
