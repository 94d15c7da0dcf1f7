"""Letters to senders whose mail was too large: what they say, once, one a day to an address, and what the page shows of them."""

import time
from typing import Any

import pytest
from sqlalchemy import select, update

from common import metrics, sessions, thread_tokens
from common.outbox import Outbox
from outbound import sender_notice, store, store_admin_letters
from outbound.app import create_app
from outbound.erasure import ERASED
from outbound.marks import Marks
from outbound.sender_notice import SenderNotice
from outbound.tables import admin_letter, outbox
from tests.outbound.conftest import MASTER, TENANT, Rig
from tests.outbound.test_admin_letters import at_once, ended, fates, letters, to
from tests.outbound.test_api import PRIVATE

MAILBOX, CAROL = "support@company.test", "carol@customer.test"
MB = 1024 * 1024
BODY: dict[str, Any] = {
    "kind": "oversized", "mail": "m" * 16, "to": CAROL, "subject": "Plans <final>", "message_id": "big@customer.test",
    "references": ["first@customer.test", "second@customer.test"], "size": 50 * MB, "limit": 25 * MB, "mailbox": MAILBOX,
}  # fmt: skip
LATELY = ("skipped", sender_notice.LATELY)


def tell(rig: Rig, id: str | None = None, **changes: Any) -> str:
    """A notice arrives; its id."""
    return rig.publish("mail.notice", {**BODY, **changes}, id=id).id


@pytest.fixture
def either(rig_on_either: Rig) -> Rig:
    return rig_on_either


def test_the_sender_gets_one_letter(either: Rig) -> None:
    before = count("sent")
    either.set_sender()
    either.start()
    id = tell(either)
    either.wait(lambda: ended(either, 1))
    tell(either, id)  # a copy that comes late
    either.settle()
    assert either.postbox.recipients() == [CAROL] and fates(either) == [("sent", sender_notice.WHY)]
    assert to(either, letters(either)[0]) == CAROL and count("sent") == before + 1


def test_what_the_letter_says(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    (mail,) = rig.postbox.mails(CAROL)
    assert (mail["Subject"], mail["From"]) == ("Re: Plans <final>", "Help desk <help@company.test>")
    assert mail["In-Reply-To"] == "<big@customer.test>"
    assert mail["References"].split() == ["<first@customer.test>", "<second@customer.test>", "<big@customer.test>"]
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    assert mail["Reply-To"] == MAILBOX and not thread_tokens.find(mail.as_string())
    plain, html = (part.get_content() for part in mail.iter_parts())
    for part in (plain, html):
        assert "larger than 25 MB" in part and "50 MB" in part and "smaller attachments" in part and "a link" in part
    assert "Plans <final>" in plain and "Plans &lt;final&gt;" in html


def test_an_address_gets_one_a_day(either: Rig) -> None:
    either.set_sender()
    either.start()
    tell(either)
    either.wait(lambda: ended(either, 1))
    tell(either, to=CAROL.upper(), message_id="second@customer.test")
    either.wait(lambda: ended(either, 2))
    tell(either, to="dave@customer.test")
    either.wait(lambda: ended(either, 3))
    assert fates(either)[1] == LATELY and either.postbox.recipients() == [CAROL, "dave@customer.test"]
    with either.database.write() as tx:
        tx.execute(update(admin_letter).values(sent_at=time.time() - sender_notice.ONCE_IN - 60))
    tell(either)
    either.wait(lambda: ended(either, 4))
    assert either.postbox.recipients() == [CAROL, CAROL, "dave@customer.test"]


def test_one_that_is_on_its_way_counts_too(rig: Rig) -> None:
    rig.set_sender()
    rig.postbox.answers["DATA"] = "451 Later"
    rig.start()
    tell(rig)
    rig.wait(lambda: [row for row in letters(rig) if row.state == "pending" and row.error])
    tell(rig)
    rig.wait(lambda: len(letters(rig)) == 2)
    assert fates(rig)[1] == LATELY
    rig.postbox.answers.clear()
    at_once(rig)
    rig.wait(lambda: ended(rig, 2))
    assert rig.postbox.recipients() == [CAROL] and letters(rig)[0].attempts == 2


def test_a_letter_that_is_sent_is_not_sent_again(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    with rig.database.write() as tx:
        Outbox(rig.database, outbox).put(tx, "notice.due", TENANT, {"letter": letters(rig)[0].id})
    rig.settle()
    assert len(rig.postbox.mails()) == 1


def test_without_an_outgoing_server_nobody_is_told_and_that_is_said(either: Rig) -> None:
    before = count("skipped")
    either.start()
    tell(either)
    either.wait(lambda: ended(either, 1))
    either.settle()
    assert fates(either) == [("skipped", "No outgoing server is set up.")] and count("skipped") == before + 1


def test_whom_we_do_not_write_to_is_left_alone(rig: Rig) -> None:
    rig.set_sender()
    with rig.database.write() as tx:
        store.suppress(tx, TENANT, Marks(MASTER).of(TENANT, CAROL), "It came back.")
    rig.start()
    for address in (CAROL, MAILBOX, f"support+x@{MAILBOX.partition('@')[2]}", "no-reply@customer.test"):
        tell(rig, to=address)
    rig.wait(lambda: ended(rig, 4))
    rig.settle()
    assert rig.postbox.mails() == [] and {state for state, _ in fates(rig)} == {"skipped"}
    reasons = [reason for _, reason in fates(rig)]
    assert sum("It came back." in one for one in reasons) == 1 and reasons.count(sender_notice.OWN) == 2


def test_who_is_suppressed_before_it_is_sent_gets_none(rig: Rig) -> None:
    rig.set_sender()
    rig.postbox.answers["DATA"] = "451 Later"
    rig.start()
    tell(rig)
    rig.wait(lambda: [row for row in letters(rig) if row.state == "pending" and row.error])
    with rig.database.write() as tx:
        store.suppress(tx, TENANT, Marks(MASTER).of(TENANT, CAROL), "It came back.")
    rig.postbox.answers.clear()
    at_once(rig)
    rig.wait(lambda: ended(rig, 1))
    assert rig.postbox.mails() == [] and "It came back." in fates(rig)[0][1]


@pytest.mark.parametrize("changes", [{"kind": "party"}, {"to": ""}, {"limit": None}])
def test_what_is_no_notice_stops_nothing(rig: Rig, changes: dict[str, Any]) -> None:
    rig.set_sender()
    rig.start()
    tell(rig, **changes)
    rig.settle()
    assert letters(rig) == []


def test_an_erased_sender_is_named_nowhere_and_old_letters_are_forgotten(rig: Rig) -> None:
    rig.set_sender()
    rig.postbox.answers["DATA"] = "451 Later"
    rig.start()
    tell(rig)
    rig.wait(lambda: [row for row in letters(rig) if row.state == "pending" and row.error])
    rig.publish("person.erased", {"erasure": "e" * 16, "address": CAROL})
    rig.wait(lambda: ended(rig, 1))
    (row,) = letters(rig)
    assert (fates(rig), to(rig, row), row.recipient_hash) == ([("skipped", ERASED)], "", "")
    with rig.database.write() as tx:
        assert CAROL not in str(rig.sealing.read_notice(tx, TENANT, row.id, row.content))
        tx.execute(update(admin_letter).values(created_at=1.0))
        assert store_admin_letters.forget_older(tx, rig.config.retention) == 1


def test_the_page_shows_it_among_what_was_told(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    rig.jira.keys = {"keys": [sessions.public_jwk(PRIVATE)]}
    session = sessions.issue(PRIVATE, sessions.Session(TENANT, "alice", True, time.time() + 600))
    client = create_app(rig.config, database=rig.database).test_client()
    headers = {"Authorization": f"Bearer {session}"}
    (shown,) = client.get("/api/outbound/admin-letters", headers=headers).get_json()["letters"]
    assert {name: shown[name] for name in ("kind", "state", "recipient", "mailbox", "mailbox_id", "subject")} == {
        "kind": "oversized",
        "state": "sent",
        "recipient": CAROL,
        "mailbox": MAILBOX,
        "mailbox_id": "",
        "subject": "Re: Plans <final>",
    }


@pytest.mark.parametrize(
    ("subject", "answer"),
    [("Plans", "Re: Plans"), ("RE: Plans", "RE: Plans"), ("re : x", "re : x"), ("", "Re: (no subject)")],
)
def test_the_subject_is_an_answers(subject: str, answer: str) -> None:
    assert sender_notice.subject(SenderNotice(CAROL, MAILBOX, subject, "", (), 2, 1)) == answer


@pytest.mark.parametrize(
    ("octets", "words"), [(25 * MB, "25 MB"), (25 * MB + MB // 2, "25.5 MB"), (MB // 2, "0.5 MB"), (20_480, "20 kB")]
)
def test_sizes_are_told_in_words(octets: int, words: str) -> None:
    assert sender_notice.in_words(octets) == words


def count(state: str) -> float:
    return metrics.REGISTRY.get_sample_value("mailbridge_sender_letters_total", {"state": state}) or 0.0


def test_the_content_does_not_say_to_whom(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    with rig.database.read() as tx:
        row = tx.execute(select(admin_letter)).one()
        assert rig.sealing.read_notice(tx, TENANT, row.id, row.content)["to"] == ""
