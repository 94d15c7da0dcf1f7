"""A mail of the ledger, handled against the sandbox's Jira: what becomes of it, how it is explained, what it costs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from common.db import Database
from common.env import BadSetting
from common.local import Hub
from common.messages import Message
from common.serve import Server
from common.thread_tokens import make
from inbound.handling.contents import NO_TEXT
from inbound.tables import mail as mail_table
from inbound.tables import rule_version
from inbound.worker import Worker
from sandbox.jira import seed
from tests.inbound import rig
from tests.inbound.mailserver import letter
from tests.inbound.office import KEY, Office
from tests.inbound.rig import TENANT, config, mailbox_row, wait_for

DELIVERY = "bbbbbbbbbbbbbbbb"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Everything here runs on both databases."""
    with rig.opened(database_url) as found:
        yield found


def texts(node: Any) -> str:
    """All text of an ADF document, a line for each block."""
    if node.get("type") == "text":
        return str(node["text"])
    inner = [texts(child) for child in node.get("content", [])]
    return ("\n" if node.get("type") == "doc" else "").join(inner)


def with_file(subject: str, *files: tuple[str, str], **headers: str) -> bytes:
    parts = ["--x\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n"]
    parts += [
        f"--x\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename={name}\r\n\r\n{content}\r\n"
        for name, content in files
    ]
    body = "".join(parts) + "--x--\r\n"
    return letter(subject, text=body, Content_Type="multipart/mixed; boundary=x", MIME_Version="1.0", **headers)


def reply_to(issue_id: str, **headers: str) -> bytes:
    token = make(KEY, issue_id, DELIVERY, headers.pop("recipient", "ann@customer.test"))
    return letter("Re: Printer", text="It still burns.", In_Reply_To=f"<{token}@mail.test>", **headers)


def test_a_mail_becomes_an_issue_with_its_file(office: Office) -> None:
    row = office.handled(with_file("Printer on fire", ("log.csv", "a,b"), Message_ID="<one@customer.test>"))
    (issue,) = office.issues()
    assert (row.state, row.outcome, row.issue_key, row.issue_id) == ("handled", "issue", issue.key, issue.id)
    assert row.reason == "It answers nothing that we know of."
    assert issue.summary == "Printer on fire" and issue.project == "10001" and issue.issue_type == "10010"
    assert texts(issue.description) == (
        "Ann Customer <ann@customer.test> wrote by email (not proven to be them):\nSee the file."
    )
    assert [(one.filename, one.content) for one in issue.attachments] == [("log.csv", b"a,b")]
    assert issue.properties["mailbridge"] == {
        "mail": row.id,
        "from": {"name": "Ann Customer", "address": "ann@customer.test"},
        "cc": [],
        "root": "one@customer.test",
        "mailbox": "support@sandbox.test",
    }
    assert office.waiting() == []
    assert office.told("mail.handled") == [
        {
            "mail": row.id,
            "kind": "issue",
            "issue_id": issue.id,
            "issue_key": issue.key,
            "comment_id": None,
            "message_id": "one@customer.test",
            "references": [],
            "subject": "Printer on fire",
            "from": {"name": "Ann Customer", "address": "ann@customer.test"},
            "cc": [],
            "mailbox": "support@sandbox.test",
            "sub_addresses": True,
        }
    ]


def test_a_new_issue_costs_two_calls_and_one_for_each_file(office: Office) -> None:
    office.handled(letter("The first of a project asks once for its highest number"))
    office.sandbox.parts.calls.clear()
    row = office.handled(with_file("Second", ("a.csv", "1"), ("b.csv", "2")))
    attach = f"POST /issue/{row.issue_id}/attachments"
    assert office.calls() == ["GET /user/search", "POST /issue", attach, attach]


def test_a_comment_costs_two_calls_and_one_for_each_file(office: Office) -> None:
    first = office.handled(letter("Printer"))
    office.sandbox.parts.calls.clear()
    row = office.handled(reply_to(first.issue_id))
    assert row.outcome == "comment"
    assert office.calls() == [f"GET /issue/{first.issue_id}", f"POST /issue/{first.issue_id}/comment"]


def test_a_reply_becomes_a_comment_of_a_proven_sender(office: Office) -> None:
    first = office.handled(letter("Printer"))
    row = office.handled(reply_to(first.issue_id, Message_ID="<two@customer.test>"))
    (issue,) = office.issues()
    (comment,) = issue.comments
    assert (row.state, row.outcome, row.comment_id) == ("handled", "comment", comment.id)
    assert row.reason == f"It answers a mail that was sent about {issue.key}."
    assert texts(comment.body) == "Ann Customer <ann@customer.test> wrote by email:\nIt still burns."
    assert comment.properties["mailbridge"]["mail"] == row.id
    assert office.told("mail.handled")[1]["comment_id"] == comment.id
    assert f"It answers a mail that was sent about {issue.key}." in row.record["explanation"]
    assert "It answers a mail that was sent to this very address." in row.record["explanation"]


def test_a_reply_by_somebody_else_is_marked_and_adds_people(office: Office) -> None:
    first = office.handled(letter("Printer"))
    row = office.handled(reply_to(first.issue_id, sender="max@elsewhere.test", Cc="Eve <eve@elsewhere.test>"))
    (issue,) = office.issues()
    assert "(not proven to be them)" in texts(issue.comments[0].body)
    people = [one["address"] for one in issue.properties["mailbridge"]["cc"]]
    assert people == ["max@elsewhere.test", "eve@elsewhere.test"]
    assert [step.kind for step in office.steps(row.id)] == ["property", "comment"]
    assert office.told("mail.handled")[1]["cc"] == [{"name": "Eve", "address": "eve@elsewhere.test"}]


def test_the_reply_address_counts_before_all_else(office: Office) -> None:
    first, second = office.handled(letter("One")), office.handled(letter("Two"))
    box = f"support+{make(KEY, second.issue_id, DELIVERY, 'ann@customer.test')}@sandbox.test"
    raw = reply_to(first.issue_id).replace(b"To: support@sandbox.test", f"To: {box}".encode(), 1)
    assert office.handled(raw).issue_key == second.issue_key


def test_a_forged_token_is_worth_nothing(office: Office) -> None:
    first = office.handled(letter("Printer"))
    token = make(KEY, first.issue_id, DELIVERY, "ann@customer.test")
    forged = token[:-1] + ("a" if token[-1] != "a" else "b")
    row = office.handled(letter("Re: Printer", In_Reply_To=f"<{forged}@mail.test>"))
    assert (row.outcome, len(office.issues())) == ("issue", 2)


def test_an_answer_in_the_same_conversation_joins_its_issue(office: Office) -> None:
    first = office.handled(letter("Printer", Message_ID="<one@customer.test>"))
    answer = letter("Re: Printer", sender="max@customer.test", References="<one@customer.test>")
    row = office.handled(answer)
    assert (row.outcome, row.issue_key) == ("comment", first.issue_key)
    assert f"It belongs to the conversation that became {first.issue_key}." in row.record["explanation"]


def test_a_late_parent_joins_the_issue_of_its_child(office: Office) -> None:
    child = office.handled(letter("Re: Printer", Message_ID="<two@x.test>", References="<one@x.test>"))
    parent = office.handled(letter("Printer", Message_ID="<one@x.test>"))
    assert (parent.outcome, parent.issue_key) == ("comment", child.issue_key)


def test_two_mails_of_one_conversation_that_come_together_become_one_issue(office: Office) -> None:
    first = office.post(letter("Printer", Message_ID="<one@x.test>"))
    second = office.post(letter("Re: Printer", sender="max@x.test", References="<one@x.test>"))
    office.fault("429", "POST /rest/api/3/issue$", seconds=0.0)
    one, two = office.waiting()
    office.desk.handle(one)  # Jira asks it to wait
    office.desk.handle(two)
    assert "same conversation" in office.mail(second).reason and office.mail(second).state == "received"
    office.work()
    assert (office.mail(first).outcome, office.mail(second).outcome) == ("issue", "comment")
    assert len(office.issues()) == 1


def test_a_copy_that_came_another_way_is_ignored(office: Office) -> None:
    first = office.handled(letter("Printer", Message_ID="<one@x.test>", Received="from a"))
    copy = office.handled(letter("Printer", Message_ID="<one@x.test>", Received="from b"))
    assert copy.state == "ignored" and first.issue_key in copy.reason
    assert len(office.issues()) == 1


def test_a_key_in_the_subject_counts_for_participants_only(office: Office) -> None:
    first = office.handled(letter("Printer"))
    stranger = office.handled(letter(f"About {first.issue_key}", sender="eve@stranger.test"))
    participant = office.handled(letter(f"About [{first.issue_key}] again"))
    assert (stranger.outcome, participant.outcome) == ("issue", "comment")
    assert any("the sender takes no part" in text for text in stranger.record["explanation"])
    assert participant.issue_key == first.issue_key


def test_a_key_of_a_foreign_project_is_not_even_looked_up(office: Office) -> None:
    row = office.handled(letter("About TEST-1 and UTF-8"))
    assert row.outcome == "issue"
    assert not [call for call in office.calls() if call.startswith("GET /issue/")]


def test_the_reporter_is_the_user_who_shows_the_senders_address(office: Office) -> None:
    office.handled(letter("From Bob", sender="bob@acme.example"))
    office.handled(letter("From Dora, who hides it", sender="dora@acme.example"))
    bob, dora = office.issues()
    assert bob.reporter == seed.BOB
    assert dora.reporter != seed.DORA and "dora@acme.example" in texts(dora.description)


def test_without_such_a_user_the_mailboxs_default_reports(office: Office) -> None:
    default = {"account_id": seed.ALICE, "name": "Alice Agent"}
    with office.database.write() as tx:
        body = tx.execute(select(rule_version.c.body)).scalar_one()
        tx.execute(rule_version.update().values(body={**body, "default_reporter": default}))
    row = office.handled(letter("Printer"))
    assert office.issues()[0].reporter == seed.ALICE
    assert any("the mailbox's default, Alice Agent" in text for text in row.record["explanation"])
    assert "ann@customer.test" in texts(office.issues()[0].description)


def test_a_reporter_whom_jira_does_not_take_is_left_out(office: Office) -> None:
    default = {"account_id": "712020:nobody", "name": "Gone"}
    with office.database.write() as tx:
        body = tx.execute(select(rule_version.c.body)).scalar_one()
        tx.execute(rule_version.update().values(body={**body, "default_reporter": default}))
    row = office.handled(letter("Printer"))
    assert row.state == "handled" and "The reporter could not be set" in row.reason
    assert len(office.issues()) == 1


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (letter("Out of office", Auto_Submitted="auto-replied"), "Automatic mail"),
        (letter("Hello", sender="support@sandbox.test"), "Our own mail"),
    ],
)
def test_what_no_person_wrote_creates_nothing(office: Office, raw: bytes, kind: str) -> None:
    row = office.handled(raw)
    assert row.state == "ignored" and row.reason.startswith(kind) and row.record["explanation"]
    assert office.issues() == [] and office.calls() == [] and office.told("mail.handled") == []


def test_a_bounce_is_told_with_the_delivery_that_it_is_about(office: Office) -> None:
    token = make(KEY, "10100", DELIVERY, "gone@customer.test")
    report = "\r\n".join(
        [
            "--x\r\nContent-Type: text/plain\r\n\r\nNobody here.",
            "--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n"
            "Final-Recipient: rfc822; gone@customer.test\r\nAction: failed\r\nStatus: 5.1.1",
            f"--x\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{token}@mail.test>\r\nSubject: News\r\n\r\nx",
            "--x--\r\n",
        ]
    )
    kind = "multipart/report; report-type=delivery-status; boundary=x"
    row = office.handled(letter("Undelivered", sender="MAILER-DAEMON@mx.test", text=report, Content_Type=kind))
    assert row.state == "ignored" and row.reason.startswith("Bounce")
    assert office.issues() == []
    assert office.told("mail.bounced") == [
        {
            "mail": row.id,
            "delivery": DELIVERY,
            "issue_id": "10100",
            "recipients": [{"address": "gone@customer.test", "permanent": True, "status": "5.1.1"}],
        }
    ]


def test_a_mail_that_is_too_large_is_held_with_its_sender_and_subject(office: Office) -> None:
    id = office.post(letter("Huge"), problem="It has 50.0 MB, and at most 40.0 MB are taken.")
    office.work()
    row = office.mail(id)
    assert (row.state, row.subject, row.sender) == ("held", "Huge", "ann@customer.test")
    assert "at most 40.0 MB" in row.reason


def test_an_answer_to_a_deleted_issue_becomes_a_new_one(office: Office) -> None:
    row = office.handled(reply_to("99999"))
    assert row.outcome == "issue" and any("gone" in text for text in row.record["explanation"])


def test_a_mail_without_text_says_so(office: Office) -> None:
    office.handled(letter("Empty", text=""))
    assert NO_TEXT in texts(office.issues()[0].description)


def test_a_mail_too_long_for_jira_has_the_whole_mail_attached(office: Office) -> None:
    raw = letter("Long", text="All work and no play. " * 3_000)
    office.handled(raw)
    (file,) = office.issues()[0].attachments
    assert file.filename == "mail.eml" and file.content == raw


def test_a_mail_that_kills_its_reader_is_set_aside(office: Office) -> None:
    id = office.post(letter("Killer"))
    for _ in range(office.config.attempts):
        assert office.desk._claim(office.waiting()[0], id) is not None  # …and the process dies
        with office.database.write() as tx:
            tx.execute(mail_table.update().values(claim_until=None))
    office.work()
    row = office.mail(id)
    assert row.state == "failed" and "broke off 5 times" in row.reason
    assert office.waiting() == [] and office.issues() == []


def test_a_mail_that_another_worker_has_is_left_alone(office: Office) -> None:
    id = office.post(letter("Once"))
    (message,) = office.waiting()
    assert office.desk._claim(message, id) is not None
    office.desk.handle(message)
    assert office.issues() == [] and office.mail(id).attempts == 1


def test_the_ledger_names_the_rules_version(office: Office) -> None:
    row = office.handled(letter("Printer"))
    assert row.config_version == 1
    assert (
        "The mailbox's rule (version 1) makes it an issue of the type Email request in SUP."
        in row.record["explanation"]
    )
    with office.database.read() as tx:
        facts = tx.execute(select(mail_table.c.record)).scalar_one()["facts"]
    assert facts["identity"]["trust"] == "unproven" and facts["route"]["sender"] == "ann@customer.test"


def test_a_worker_takes_its_mails_from_the_bus_and_hears_of_tenants(office: Office) -> None:
    hub = Hub()
    vended = Server(vending(office))
    vended.start()
    settings = config(CONNECT_URL=f"http://127.0.0.1:{vended.port}", JIRA_SETTLE="0")
    worker = Worker(settings, office.database, hub.bus("inbound"))
    worker.start()
    try:
        id = office.post(letter("Printer"))
        wait_for(lambda: office.mail(id).state == "handled")
        hub.bus("connect").publish([Message("m1", "tenant.removed", TENANT, {})])
        wait_for(lambda: mailbox_state(office) == "disabled")
        for check in worker.checks().values():
            check()
    finally:
        worker.stop(30)
        vended.stop()


def vending(office: Office) -> Any:
    """connect, as far as credentials go."""

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(office.source.credentials.to_json()).encode()]

    return answer


def mailbox_state(office: Office) -> str:
    with office.database.read() as tx:
        return str(mailbox_row(tx, office.mailbox_id).state)


def test_a_worker_without_its_key_does_not_start(office: Office) -> None:
    with pytest.raises(BadSetting, match="MAILBRIDGE_ROLE_KEY"):
        Worker(config(ROLE_KEY=""), office.database, Hub().bus("inbound"))
