"""Pushed mail that nobody can read: it is set aside with its reason, keeps no other out, and is tried again by hand."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from inbound.tables import mail, mailbox
from tests.inbound.mailserver import letter
from tests.inbound.office import Office
from tests.inbound.page import Call
from tests.inbound.push.test_push import made, push


@pytest.fixture
def to(office: Office, call: Call) -> dict[str, Any]:
    """A mailbox of the kind push in front of the desk."""
    return made(call)


def test_a_pushed_mail_that_kills_its_reader_is_set_aside_and_tried_again_by_hand(
    office: Office, client: FlaskClient, call: Call, to: dict[str, Any]
) -> None:
    killer = push(client, to, letter("Killer")).json["mail"]
    behind = push(client, to, letter("Behind")).json["mail"]
    for _ in range(office.config.attempts):
        message = next(one for one in office.waiting() if one.body["mail"] == killer)
        assert office.desk._claim(message, killer) is not None  # …and the process dies while it reads it
        with office.database.write() as tx:
            tx.execute(mail.update().where(mail.c.id == killer).values(claim_until=None))
    office.work()
    assert office.mail(behind).state == "handled"
    row = office.mail(killer)
    assert row.state == "failed" and "broke off 5 times" in row.reason and len(office.issues()) == 1
    assert call("GET", f"/mails/{killer}").json["explanation"][-1] == row.reason
    assert call("POST", f"/mails/{killer}/retry").status_code == 200
    office.work()
    assert office.mail(killer).state == "handled" and len(office.issues()) == 2


UNREADABLE = {
    "octets": bytes(range(128, 256)) * 40 + b"\r\n\r\nbody",
    "zeros": b"\0" * 5_000,
    "no name": b": nothing\r\n: nothing\r\n\r\nbody",
    "no end": b"Subject: " + b"x" * 9_000,
    "folds": b"From: a\r\n" + b" \r\n" * 2_000 + b"\r\nbody",
    "broken words": b"Subject: =?utf-8?B?/w==?= =?nowhere?Q?=ZZ?=\r\nFrom: =?x?=@\xff <<>\r\n\r\nbody",
    "broken type": b"Content-Type: multipart/mixed; boundary\r\nContent-Transfer-Encoding: \xff\r\n\r\nbody",
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE)
def test_a_header_that_cannot_be_read_comes_to_an_end_and_keeps_no_other_out(
    office: Office, client: FlaskClient, to: dict[str, Any], raw: bytes
) -> None:
    strange = push(client, to, raw)
    behind = push(client, to, letter("Behind")).json["mail"]
    assert strange.status_code == 202
    office.work()
    assert office.mail(behind).state == "handled"
    row = office.mail(strange.json["mail"])
    assert row.state in ("handled", "ignored", "held") and row.attempts == 1
    assert office.waiting() == []


@pytest.mark.parametrize("start", [b"\xff" * 300_000, b"x" * 300_000, b"\0\r\n\0"], ids=["octets", "letters", "zeros"])
def test_a_large_mail_whose_header_cannot_be_read_is_held_with_its_reason(
    office: Office, client: FlaskClient, to: dict[str, Any], start: bytes
) -> None:
    with office.database.write() as tx:
        tx.execute(mailbox.update().values(max_bytes=10_000))
    answer = push(client, to, start + b"y" * 20_000)
    assert answer.status_code == 413
    (id,) = [message.body["mail"] for message in office.waiting()]
    behind = push(client, to, letter("Behind")).json["mail"]
    office.work()
    row = office.mail(id)
    assert row.state == "held" and "too large" in row.reason and id in answer.json["detail"]
    assert office.mail(behind).state == "handled"
