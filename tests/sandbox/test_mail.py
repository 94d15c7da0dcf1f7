"""Mail: what is written to the mailbox is read by IMAP, what is sent by SMTP lies in people's inboxes."""

import base64
import json
import smtplib
import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
import requests
from imapclient import IMAPClient

from sandbox.app import Sandbox
from sandbox.mail import shown

MAILBOX = "support@sandbox.test"


@pytest.fixture
def imap(sandbox: Sandbox) -> Iterator[IMAPClient]:
    with IMAPClient("127.0.0.1", sandbox.imap_port, ssl=False, timeout=60) as client:
        client.login(MAILBOX, "sandbox")
        client.select_folder("INBOX")
        yield client


def fetched(imap: IMAPClient) -> list[Message]:
    imap.noop()
    if not imap.search():
        return []
    return [
        message_from_bytes(data[b"BODY[]"]) for _, data in sorted(imap.fetch(imap.search(), ["BODY.PEEK[]"]).items())
    ]


def send(sandbox: Sandbox, sender: str, to: list[str], raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=60) as smtp:
        smtp.sendmail(sender, to, raw)


def test_a_customers_mail_lies_in_the_mailbox(sandbox: Sandbox, imap: IMAPClient) -> None:
    letter = {
        "from": "Carol <carol@customer.example>", "cc": ["dave@customer.example"], "subject": "Es brennt, größer", "text": "Hällo\n",
        "html": "<p>Hällo</p>", "in_reply_to": "<a@b>", "references": "<x@y> <a@b>", "headers": {"X-Mood": "bad"},
        "attachments": [{"filename": "fläme.png", "content_type": "image/png", "base64": base64.b64encode(b"\x89PNG").decode()}],
    }  # fmt: skip
    answer = requests.post(f"{sandbox.url}/control/mail", json=letter, timeout=60)
    assert (answer.status_code, answer.json()["mailboxes"]) == (201, [MAILBOX])
    [message] = fetched(imap)
    assert message["Message-ID"] == answer.json()["message_id"]
    assert (message["In-Reply-To"], message["References"], message["X-Mood"]) == ("<a@b>", "<x@y> <a@b>", "bad")
    files = [part for part in message.walk() if part.get_content_disposition() == "attachment"]
    assert [part.get_payload(decode=True) for part in files] == [b"\x89PNG"]
    assert len(requests.get(f"{sandbox.url}/control/inboxes/dave@customer.example", timeout=60).json()) == 1


def test_a_raw_message_arrives_byte_for_byte(sandbox: Sandbox, imap: IMAPClient) -> None:
    raw = b"From: a@b.example\r\nTo: support@sandbox.test\r\nSubject: \xff\xfe raw\r\n\r\nno end of line, a NUL \x01 and 8 bits \xe9"
    requests.post(f"{sandbox.url}/control/mail", data=raw, headers={"Content-Type": "message/rfc822"}, timeout=60)
    imap.noop()
    [data] = imap.fetch(imap.search(), ["BODY.PEEK[]"]).values()
    assert data[b"BODY[]"].endswith(raw)
    assert data[b"BODY[]"].startswith(b"Return-Path: <a@b.example>\r\nDelivered-To: support@sandbox.test\r\n")


def test_what_is_posted_reaches_the_mailbox_whomever_it_names(sandbox: Sandbox, imap: IMAPClient) -> None:
    raw = b"From: a@b.example\nTo: list@elsewhere.example\nSubject: from a file\n\none\ntwo\n"
    posted = requests.post(
        f"{sandbox.url}/control/mail", data=raw, headers={"Content-Type": "message/rfc822"}, timeout=5
    )
    assert posted.json()["mailboxes"] == [MAILBOX]
    nobody = b"Subject: no address at all\n\nx\n"
    requests.post(f"{sandbox.url}/control/mail", data=nobody, headers={"Content-Type": "message/rfc822"}, timeout=60)
    [first, second] = fetched(imap)
    assert (first["Subject"], second["Subject"]) == ("from a file", "no address at all")
    assert sandbox.parts.imap.messages(MAILBOX)[0].raw.endswith(b"Subject: from a file\r\n\r\none\r\ntwo\r\n")
    assert len(sandbox.parts.post.inbox("list@elsewhere.example")) == 1


def test_mail_sent_by_smtp_lies_in_the_readers_inbox(sandbox: Sandbox) -> None:
    send(
        sandbox,
        MAILBOX,
        ["Carol@customer.example"],
        b"From: support@sandbox.test\r\nSubject: Hi\r\nMessage-ID: <m@x>\r\n\r\nhello\r\n",
    )
    [letter] = requests.get(f"{sandbox.url}/control/inboxes/carol@customer.example", timeout=60).json()
    assert (letter["subject"], letter["message_id"], letter["text"], letter["envelope_from"]) == (
        "Hi",
        "<m@x>",
        "hello\r\n",
        MAILBOX,
    )
    assert letter["raw"].endswith("\r\n\r\nhello\r\n")


def test_a_sub_address_is_the_mailbox(sandbox: Sandbox, imap: IMAPClient) -> None:
    send(sandbox, "carol@customer.example", ["Support+abc.def@sandbox.test"], b"Subject: back\r\n\r\nx\r\n")
    [message] = fetched(imap)
    assert message["Delivered-To"] == "support+abc.def@sandbox.test"


def test_who_waits_in_idle_is_woken(sandbox: Sandbox, imap: IMAPClient) -> None:
    imap.idle()
    requests.post(f"{sandbox.url}/control/mail", json={"from": "a@b.example", "subject": "s", "text": "t"}, timeout=60)
    assert imap.idle_check(timeout=60)
    imap.idle_done()


def test_a_wrong_password_is_refused(sandbox: Sandbox) -> None:
    with (
        IMAPClient("127.0.0.1", sandbox.imap_port, ssl=False, timeout=60) as client,
        pytest.raises(Exception, match=r"[Aa]uthenticat|[Ii]nvalid"),
    ):
        client.login(MAILBOX, "wrong")


def test_a_mailbox_is_added_and_has_mail_of_its_own(sandbox: Sandbox, imap: IMAPClient) -> None:
    body = {"address": "sales@sandbox.test", "password": "other"}
    assert requests.post(f"{sandbox.url}/control/mailboxes", json=body, timeout=60).status_code == 201
    requests.post(
        f"{sandbox.url}/control/mail",
        json={"from": "a@b.example", "to": "sales@sandbox.test", "subject": "s", "text": "t"},
        timeout=5,
    )
    assert fetched(imap) == []
    with IMAPClient("127.0.0.1", sandbox.imap_port, ssl=False, timeout=60) as client:
        client.login("sales@sandbox.test", "other")
        assert client.select_folder("INBOX")[b"EXISTS"] == 1


def test_recipients_can_be_refused(sandbox: Sandbox) -> None:
    refusal = {"match": "gone@", "reply": "550 5.1.1 user unknown"}
    assert requests.post(f"{sandbox.url}/control/smtp/refusals", json=refusal, timeout=60).status_code == 201
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(sandbox, MAILBOX, ["gone@x.example"], b"Subject: x\r\n\r\nx")
    assert (
        requests.post(
            f"{sandbox.url}/control/smtp/refusals", json={"match": "x", "reply": "no"}, timeout=60
        ).status_code
        == 400
    )


def test_a_letter_can_be_refused_after_its_data_or_taken_without_a_word(sandbox: Sandbox) -> None:
    def refuse(**body: object) -> None:
        assert (
            requests.post(
                f"{sandbox.url}/control/smtp/refusals", json={"match": "carol@", **body}, timeout=5
            ).status_code
            == 201
        )

    refuse(stage="data", reply="451 4.3.0 later", count=1)
    with pytest.raises(smtplib.SMTPDataError, match="451"):
        send(sandbox, MAILBOX, ["carol@customer.example"], b"Subject: x\r\n\r\nx")
    assert sandbox.parts.post.inbox("carol@customer.example") == []
    refuse(stage="after_data", count=1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(sandbox, MAILBOX, ["carol@customer.example"], b"Subject: x\r\n\r\nx")
    assert len(sandbox.parts.post.inbox("carol@customer.example")) == 1


def test_every_imap_client_can_be_cut_off(sandbox: Sandbox, imap: IMAPClient) -> None:
    imap.idle()
    assert requests.post(f"{sandbox.url}/control/imap/drop", timeout=60).status_code == 204
    [told] = imap.idle_check(timeout=60)
    assert told[0] == b"BYE"
    with IMAPClient("127.0.0.1", sandbox.imap_port, ssl=False, timeout=60) as again:
        again.login(MAILBOX, "sandbox")


def test_smtp_asks_for_a_login_when_told_to() -> None:
    with (
        Sandbox(0, 0, 0, smtp_login=("user", "secret")) as sandbox,
        smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=60) as smtp,
    ):
        with pytest.raises(smtplib.SMTPSenderRefused):
            smtp.sendmail("a@b.example", ["c@d.example"], b"Subject: x\r\n\r\nx")
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login("user", "wrong")
        smtp.login("user", "secret")
        smtp.sendmail("a@b.example", ["c@d.example"], b"Subject: x\r\n\r\nx")


def test_a_letter_bounces_as_a_delivery_report(sandbox: Sandbox, imap: IMAPClient) -> None:
    send(
        sandbox,
        MAILBOX,
        ["dave@customer.example"],
        b"From: support@sandbox.test\r\nTo: dave@customer.example\r\nMessage-ID: <tok.en@sandbox.test>\r\n\r\nx\r\n",
    )
    [letter] = sandbox.parts.post.inbox("dave@customer.example")
    assert requests.post(f"{sandbox.url}/control/bounce", json={"letter": letter.number}, timeout=60).status_code == 201
    [report] = fetched(imap)
    assert (report.get_content_type(), report.get_param("report-type")) == ("multipart/report", "delivery-status")
    parts: Any = report.get_payload()
    assert [part.get_content_type() for part in parts] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]
    about, recipient = parts[1].get_payload()
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.1")
    assert recipient["Final-Recipient"] == "rfc822; dave@customer.example"
    assert about["Reporting-MTA"]
    assert "<tok.en@sandbox.test>" in parts[2].get_payload()
    assert report["Return-Path"] == "<>"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from": ""}, "from"),
        ({"from": "not an address"}, "from"),
        ({"to": [1]}, "to"),
        ({"subject": "two\nlines"}, "subject"),
        ({"text": 5}, "text"),
        ({"attachments": [{"filename": "a", "base64": "%"}]}, "attachments[0].base64"),
        ({"attachments": [{"filename": "a", "content_type": "image", "base64": ""}]}, "attachments[0].content_type"),
        ({"mood": "bad"}, "mood"),
        ({"headers": []}, None),
        ({"headers": ["x"]}, "headers"),
    ],
)
def test_a_wrong_letter_is_refused_by_its_field(sandbox: Sandbox, change: dict[str, object], field: str | None) -> None:
    letter = {"from": "a@b.example", "subject": "s", "text": "t", **change}
    answer = requests.post(f"{sandbox.url}/control/mail", json=letter, timeout=60)
    if field is None:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?utf-8?b?////?=\r\nFrom: <<<>>>\r\nTo: ,,,\r\n\r\nx",
        b"To: a: (b: c@d.example;);, e: f: g@h.example;;\r\n\r\nx",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xe9",
        b"Content-Type: text/plain; charset=\x00\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%",
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(3000))
        + b"\r\nx",
    ],
)
def test_odd_letters_are_read_for_showing_without_a_fault(raw: bytes) -> None:
    assert json.dumps(shown.read(raw)).encode()


def test_a_sandbox_that_cannot_start_says_so_and_leaves_nothing_behind(sandbox: Sandbox) -> None:
    before = threading.active_count()
    with pytest.raises(OSError, match="Address already in use"):
        Sandbox(0, 0, smtp_port=sandbox.smtp_port).start()
    assert threading.active_count() == before


def test_the_ports_are_closed_afterwards() -> None:
    with Sandbox(0, 0, 0) as sandbox:
        ports = sandbox.port, sandbox.imap_port, sandbox.smtp_port
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=2)
