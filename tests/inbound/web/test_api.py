"""The admin API of inbound over HTTP, with a real session and a real IMAP server."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from common.db import Database
from inbound import store, store_sources
from inbound.app import create_app
from inbound.fetcher import Fetcher
from inbound.store_sources import share
from inbound.tables import mailbox, source
from tests.inbound.handling.test_worker import with_file
from tests.inbound.mailserver import PASSWORD, USER, MailServer, letter, running
from tests.inbound.office import Office
from tests.inbound.page import Call, session_of
from tests.inbound.rig import TENANT, add_mailbox, config, mails, wait_for


@pytest.fixture(scope="module")
def imap() -> Iterator[MailServer]:
    with running() as server:
        server.deliver(letter("unread"), letter("unread too"))
        yield server


def body(imap: MailServer, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Support",
        "kind": "imap",
        "host": "127.0.0.1",
        "port": imap.port,
        "security": "none",
        "username": USER,
        "secret": PASSWORD,
        "folder": "INBOX",
        "address": USER,
        "validate_certificate": True,
        "authserv_id": "",
        "sub_addresses": True,
        "project": {"id": "10001", "key": "SUP", "name": "Support"},
        "issue_type": {"id": "10010", "name": "Email request"},
        "default_reporter": None,
        "enabled": True,
        "backlog": "unread",
        **changes,
    }


def test_without_a_session_nothing_is_told(client: FlaskClient) -> None:
    for method, path in (("GET", "/mailboxes"), ("POST", "/mailboxes"), ("POST", "/mailboxes/test"), ("GET", "/mails")):
        assert client.open("/api/inbound" + path, method=method).status_code == 401


def test_the_address_is_the_user_name_unless_said(call: Call, imap: MailServer) -> None:
    given = body(imap)
    del given["address"]
    made = call("POST", "/mailboxes", given).json
    assert (made["address"], made["addresses"]) == (USER, [USER])
    answer = call("POST", "/mailboxes", {**given, "username": "support"})
    assert answer.status_code == 422 and "address" in answer.json["errors"]


def test_only_administrators_may(call: Call) -> None:
    assert call("GET", "/mailboxes", admin=False).status_code == 403


def test_a_mailbox_is_stored_and_shown_without_its_password(call: Call, imap: MailServer, database: Database) -> None:
    made = call("POST", "/mailboxes", body(imap))
    assert made.status_code == 201
    shown = made.json
    assert shown["has_secret"] is True and "secret" not in shown
    assert (shown["state"], shown["authserv_id"], shown["counts"]["handled"]) == ("new", None, 0)
    assert call("GET", "/mailboxes").json == [shown]
    assert call("GET", f"/mailboxes/{shown['id']}").json == shown
    with database.read() as tx:
        assert [id for id, _ in share(tx, "c" * 16).orphans] == [shown["id"]]


def test_who_connected_a_mailbox_is_who_gave_it_something_to_log_in_with(
    call: Call, imap: MailServer, database: Database
) -> None:
    def connected_by() -> str | None:
        with database.read() as tx:
            found: str | None = tx.execute(select(mailbox.c.connected_by)).scalar_one()
            return found

    made = call("POST", "/mailboxes", body(imap)).json
    first = connected_by()
    assert first and "connected_by" not in made
    with database.write() as tx:
        tx.execute(mailbox.update().values(connected_by="somebody else"))
    assert call("PUT", f"/mailboxes/{made['id']}", {**body(imap), "secret": None, "name": "New"}).status_code == 200
    assert connected_by() == "somebody else"
    assert call("PUT", f"/mailboxes/{made['id']}", body(imap)).status_code == 200
    assert connected_by() == first


def test_another_tenants_mailbox_is_not_there(call: Call, imap: MailServer) -> None:
    id = call("POST", "/mailboxes", body(imap)).json["id"]
    for method, sent in (("GET", None), ("PUT", body(imap)), ("DELETE", None)):
        assert call(method, f"/mailboxes/{id}", sent, tenant="another").status_code == 404
    assert (
        call("POST", "/mailboxes/test", {**body(imap), "id": id, "secret": None}, tenant="another").status_code == 404
    )
    assert call("GET", "/mailboxes", tenant="another").json == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("host", "https://imap.test/", "without port or scheme"),
        ("port", 0, "greater than or equal to 1"),
        ("port", "993", "integer"),
        ("security", "ssl", "Must be one of"),
        ("username", " ", "must not be empty"),
        ("folder", "IN\r\nBOX", "one line"),
        ("address", "support", "such as support@example.com"),
        ("address", "support+x@example.com", "from the + on"),
        ("project", None, "null"),
        ("project.id", {"id": "SUP", "key": "SUP", "name": ""}, "a number"),
        ("issue_type.name", {"id": "1"}, "required"),
        ("secret", "", "Give the password"),
        ("backlog", "some", "Must be one of"),
    ],
)
def test_a_wrong_field_is_named_with_a_remedy(call: Call, imap: MailServer, field: str, value: Any, said: str) -> None:
    answer = call("POST", "/mailboxes", body(imap, **{field.partition(".")[0]: value}))
    assert answer.status_code == 422 and answer.content_type == "application/problem+json"
    assert said in answer.json["errors"][field][0]


def test_one_folder_is_not_read_twice(call: Call, imap: MailServer) -> None:
    call("POST", "/mailboxes", body(imap))
    answer = call("POST", "/mailboxes", body(imap, name="Again", host="127.0.0.1"))
    assert answer.status_code == 422 and "reads this folder already" in answer.json["errors"]["folder"][0]


def test_a_change_keeps_the_password_and_makes_a_version_of_the_rule(
    call: Call, imap: MailServer, database: Database
) -> None:
    id = call("POST", "/mailboxes", body(imap)).json["id"]
    changed = body(imap, secret=None, name="Help", issue_type={"id": "10002", "name": "Task"}, backlog="none")
    shown = call("PUT", f"/mailboxes/{id}", changed).json
    assert (shown["name"], shown["has_secret"], shown["backlog"]) == ("Help", True, "unread")
    with database.read() as tx:
        assert store.find_mailbox(tx, TENANT, id).config_version == 2  # type: ignore[union-attr]
        assert (store.rule(tx, id, 1).issue_type_id, store.rule(tx, id, 2).issue_type_id) == ("10010", "10002")


def test_a_stored_password_does_not_go_to_another_server(call: Call, imap: MailServer) -> None:
    id = call("POST", "/mailboxes", body(imap)).json["id"]
    for changes in ({"host": "evil.test"}, {"port": 1}, {"username": "somebody"}):
        for method, path in (("PUT", f"/mailboxes/{id}"), ("POST", "/mailboxes/test")):
            answer = call(method, path, {**body(imap, secret=None, **changes), "id": id})
            assert answer.status_code == 422 and "again" in answer.json["errors"]["secret"][0]


def test_a_deleted_mailbox_is_gone(call: Call, imap: MailServer) -> None:
    id = call("POST", "/mailboxes", body(imap)).json["id"]
    assert call("DELETE", f"/mailboxes/{id}").status_code == 204
    assert call("GET", f"/mailboxes/{id}").status_code == 404
    assert call("POST", "/mailboxes", body(imap)).status_code == 201


def test_a_test_says_what_it_found(call: Call, imap: MailServer) -> None:
    found = call("POST", "/mailboxes/test", body(imap)).json
    assert found["ok"] is True and found["problem"] is None and "INBOX" in found["folders"]
    assert "The folder INBOX has 2 messages, 2 of them unread." in found["findings"]


def test_a_test_of_a_stored_mailbox_needs_no_password(call: Call, imap: MailServer) -> None:
    id = call("POST", "/mailboxes", body(imap)).json["id"]
    assert call("POST", "/mailboxes/test", {**body(imap, secret=None), "id": id}).json["ok"] is True


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"secret": "wrong"}, "secret", "refused the user name or the password"),
        ({"folder": "Nowhere"}, "folder", "no folder 'Nowhere'"),
        ({"port": 1}, "host", "connection refused"),
        ({"security": "tls"}, "security", "does not answer in TLS"),
        ({"security": "starttls"}, "security", "STARTTLS"),
        ({"host": "10.0.0.1"}, "host", "private or reserved network"),
        ({"host": "no-such-host.invalid"}, "host", "cannot be found"),
    ],
)
def test_a_test_says_what_is_wrong_and_what_to_do(
    call: Call, imap: MailServer, changes: dict[str, Any], field: str, said: str
) -> None:
    found = call("POST", "/mailboxes/test", body(imap, **changes)).json
    assert found["ok"] is False and found["findings"] == []
    assert found["problem"]["field"] == field and said in found["problem"]["detail"]
    assert found["problem"]["remedy"] and found["problem"]["title"]
    assert ("INBOX" in found["folders"]) == (field == "folder")


@pytest.mark.parametrize("greeting", [b"220 mail.test ESMTP ready\r\n", b"+OK POP3 ready\r\n"])
def test_a_server_that_speaks_something_else_is_told_as_such(call: Call, imap: MailServer, greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)

        greeter = threading.Thread(target=greet)
        greeter.start()
        found = call("POST", "/mailboxes/test", body(imap, port=listener.getsockname()[1])).json
        greeter.join(60)
    assert found["ok"] is False and found["problem"]["title"] == "This is no mail server of that kind"
    assert "None" not in found["problem"]["detail"]


def test_plain_connections_are_refused_unless_allowed(database: Database, connect_url: str, imap: MailServer) -> None:
    strict = create_app(config(CONNECT_URL=connect_url, ALLOW_PLAIN="false"), database=database).test_client()
    headers = session_of(TENANT)
    made: Any = strict.post("/api/inbound/mailboxes", json=body(imap), headers=headers)
    assert made.status_code == 422 and "security" in made.json["errors"]
    tested: Any = strict.post("/api/inbound/mailboxes/test", json=body(imap), headers=headers)
    assert tested.json["problem"]["field"] == "security"


def test_the_ledger_is_shown_page_by_page_and_mail_by_mail(call: Call, office: Office) -> None:
    ids = [office.handled(with_file(f"Mail {number}", ("a.csv", "1"))).id for number in range(3)]
    first = call("GET", "/mails?limit=2").json
    assert [one["id"] for one in first["mails"]] == [ids[2], ids[1]]
    second = call("GET", f"/mails?limit=2&before={first['next']}").json
    assert [one["id"] for one in second["mails"]] == [ids[0]] and second["next"] is None
    assert first["mails"][0]["from"] == "ann@customer.test" and first["mails"][0]["outcome"] == "issue"
    assert call("GET", f"/mails?state=held&mailbox={office.mailbox_id}").json["mails"] == []
    detail = call("GET", f"/mails/{ids[0]}").json
    assert detail["explanation"] and [one["kind"] for one in detail["steps"]] == ["issue", "attachment"]
    assert detail["steps"][0]["detail"]["issue_key"] == detail["issue_key"]
    assert detail["steps"][1]["detail"]["filename"] == "a.csv"
    assert call("GET", f"/mails/{ids[0]}", tenant="another").status_code == 404


def test_a_held_mail_can_be_released(call: Call, office: Office) -> None:
    with office.database.write() as tx:
        tx.execute(mailbox.update().values(authserv_id="mx.sandbox.test"))
    verdict = "mx.sandbox.test; dmarc=fail header.from=customer.test"
    row = office.handled(letter("Forged?", Authentication_Results=verdict))
    assert row.state == "held" and "dmarc=fail" in row.reason and office.issues() == []
    assert call("POST", f"/mails/{row.id}/retry").json["state"] == "received"
    assert call("POST", f"/mails/{row.id}/retry").status_code == 409
    office.work()
    assert office.mail(row.id).state == "handled" and len(office.issues()) == 1
    assert call("POST", f"/mails/{row.id}/retry").status_code == 409


def test_a_mail_that_was_not_had_whole_is_fetched_again(call: Call, office: Office) -> None:
    id = office.post(letter("Huge"), problem="It is too large.")
    assert call("POST", f"/mails/{id}/retry").status_code == 409  # it is at work
    office.work()
    shown = call("POST", f"/mails/{id}/retry").json
    assert shown["state"] == "held" and "fetched from the mailbox next" in shown["reason"]
    with office.database.read() as tx:
        row = office.mail(id)
        assert store_sources.find_backlog(tx, row.source_id) == [row.remote_id]
        assert store_sources.asked_at(tx, office.mailbox_id) is not None


def test_a_mail_that_was_not_had_whole_stays_so_where_nobody_fetches(call: Call, office: Office) -> None:
    id = office.post(letter("Huge"), problem="It is too large.")
    office.work()
    with office.database.write() as tx:
        tx.execute(mailbox.update().values(kind="push"))
    assert call("POST", f"/mails/{id}/retry").status_code == 409


def test_the_counts_of_a_mailbox_are_its_mails_by_state(call: Call, office: Office) -> None:
    office.handled(letter("Printer"))
    office.handled(letter("Away", Auto_Submitted="auto-replied"))
    counts = call("GET", f"/mailboxes/{office.mailbox_id}").json["counts"]
    assert (counts["handled"], counts["ignored"], counts["failed"]) == (1, 1, 0)


def test_the_api_describes_itself(client: FlaskClient, database: Database) -> None:
    add_mailbox(database, config(), None)
    paths = client.get("/api/inbound/openapi.json").json["paths"]  # type: ignore[index]
    assert "/api/inbound/mailboxes/test" in paths and "/api/inbound/mails/{id}/retry" in paths


def test_the_preview_says_what_is_there_and_changes_nothing(call: Call, imap: MailServer) -> None:
    found = call("POST", "/mailboxes/preview", body(imap, strategy="delete")).json
    assert (found["total"], found["unread"]) == (2, 2) and found["oldest_at"] > 1_700_000_000
    assert found["choices"] == ["all", "since", "new", "unread"]
    assert found["would"][0].startswith("2 messages, the oldest of") and "deleted" in found["would"][-1]
    assert not any(imap.flags().values()) and call("GET", "/mailboxes").json == []


def test_the_preview_counts_what_arrived_since_a_day(call: Call, mail_server: MailServer) -> None:
    for day in (1, 2, 3, 4):
        mail_server.deliver(letter(f"of day {day}"), at=datetime(2026, 6, day, 12, tzinfo=UTC))
    asked = {**body(mail_server), "folder": mail_server.folder}
    assert call("POST", "/mailboxes/preview", asked).json["since"] is None
    for hour, count in ((11, 2), (13, 1)):
        since = datetime(2026, 6, 3, hour, tzinfo=UTC).timestamp()
        found = call("POST", "/mailboxes/preview", {**asked, "since": since}).json["since"]
        assert (found["count"], found["exact"]) == (count, True) and "3 June 2026 or later" in found["would"]
    answer = call("POST", "/mailboxes/preview", {**asked, "since": -1})
    assert answer.status_code == 422 and "since" in answer.json["errors"]


def test_going_back_to_a_folder_says_what_came_meanwhile(
    call: Call, mail_server: MailServer, database: Database
) -> None:
    """Its new mail is taken whatever is chosen: "only new mail" must not promise otherwise."""
    here = {**body(mail_server), "folder": mail_server.folder}
    mail_server.deliver(letter("old"))
    id = call("POST", "/mailboxes", {**here, "backlog": "new"}).json["id"]
    asked = {**here, "id": id, "secret": None}
    assert call("POST", "/mailboxes/preview", asked).json["meanwhile"] is None
    fetcher = Fetcher(config(POLL_SECONDS="1"), database)
    fetcher.start()
    try:
        wait_for(lambda: call("GET", f"/mailboxes/{id}").json["reconciled"])
        mail_server.deliver(letter("handled"))
        wait_for(lambda: len(mails(database)) == 1)
    finally:
        fetcher.stop(30)
    assert call("POST", "/mailboxes/preview", asked).json["meanwhile"]["count"] == 0
    mail_server.deliver(letter("meanwhile 1"), letter("meanwhile 2"))
    found = call("POST", "/mailboxes/preview", asked).json
    assert found["meanwhile"]["count"] == 2 and "2 messages came since then" in found["meanwhile"]["would"]
    assert found["meanwhile"]["would"] in found["would"]
    assert not any(sentence.endswith("what is there now stays as it is.") for sentence in found["would"])
    fetcher = Fetcher(config(POLL_SECONDS="1"), database)
    fetcher.start()
    try:
        wait_for(lambda: len(mails(database)) == 3)  # as it was said
    finally:
        fetcher.stop(30)


def test_a_renumbered_folder_is_said_to_be_looked_at_again(
    call: Call, mail_server: MailServer, database: Database
) -> None:
    here = {**body(mail_server), "folder": mail_server.folder}
    id = call("POST", "/mailboxes", {**here, "backlog": "new"}).json["id"]
    fetcher = Fetcher(config(POLL_SECONDS="1"), database)
    fetcher.start()
    try:
        wait_for(lambda: call("GET", f"/mailboxes/{id}").json["reconciled"])
    finally:
        fetcher.stop(30)
    mail_server.deliver(letter("meanwhile"))
    with database.write() as tx:
        tx.execute(source.update().values(identity="other numbers"))
    found = call("POST", "/mailboxes/preview", {**here, "id": id}).json
    assert found["meanwhile"]["count"] == 1 and "numbered its messages anew" in found["would"][1]


def test_nobody_looks_through_another_tenants_mailbox(call: Call, imap: MailServer) -> None:
    id = call("POST", "/mailboxes", body(imap)).json["id"]
    assert call("POST", "/mailboxes/preview", {**body(imap), "id": id}, tenant="another").status_code == 404


def test_a_preview_of_what_cannot_be_opened_names_the_field(call: Call, imap: MailServer) -> None:
    answer = call("POST", "/mailboxes/preview", body(imap, folder="Nowhere"))
    assert answer.status_code == 422 and "INBOX" in answer.json["errors"]["folder"][0]


def test_a_folder_to_move_to_has_to_be_there(call: Call, imap: MailServer) -> None:
    found = call("POST", "/mailboxes/test", body(imap, strategy="move", move_to="Nowhere")).json
    assert found["ok"] is False and found["problem"]["field"] == "move_to" and "INBOX" in found["folders"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"strategy": "move"}, "move_to"),
        ({"strategy": "move", "move_to": "INBOX"}, "move_to"),
        ({"kind": "pop3", "strategy": "move", "move_to": "Done"}, "strategy"),
        ({"backlog": "since"}, "since"),
        ({"addresses": ["nobody"]}, "addresses.0"),
        ({"timeout": 0}, "timeout"),
        ({"max_bytes": 5}, "max_bytes"),
        ({"unnamed": "drop"}, "unnamed"),
    ],
)
def test_settings_that_do_not_fit_are_named(call: Call, imap: MailServer, changes: dict[str, Any], field: str) -> None:
    answer = call("POST", "/mailboxes", body(imap, **changes))
    assert answer.status_code == 422 and field in answer.json["errors"]


def test_the_settings_of_a_mailbox_are_kept(call: Call, imap: MailServer) -> None:
    settings = {
        "strategy": "move",
        "move_to": "Done",
        "timeout": 12,
        "check_identity": False,
        "unnamed": "ignore",
        "max_bytes": 1_000_000,
        "addresses": ["sales@sandbox.test", USER.upper()],
    }
    shown = call("POST", "/mailboxes", body(imap, **settings, backlog="new")).json
    assert {name: shown[name] for name in settings if name != "addresses"} == {
        name: value for name, value in settings.items() if name != "addresses"
    }
    assert shown["addresses"] == [USER, "sales@sandbox.test"] and shown["backlog"] == "none"
    assert shown["reconciled"] is None


def test_the_backlog_is_chosen_anew_with_another_folder_or_strategy_only(
    call: Call, imap: MailServer, database: Database
) -> None:
    id = call("POST", "/mailboxes", body(imap)).json["id"]

    def changed(**changes: Any) -> tuple[str, bool]:
        assert call("PUT", f"/mailboxes/{id}", body(imap, **changes)).status_code == 200
        with database.write() as tx:
            row = tx.execute(select(mailbox).where(mailbox.c.id == id)).one()
            tx.execute(mailbox.update().values(backlog_again=False))
            return row.backlog, row.backlog_again

    assert changed(backlog="all") == ("unread", False), "nothing else was changed"
    assert changed(backlog="all", strategy="delete") == ("all", True)
    assert changed(backlog=None, strategy="read") == ("all", False), "nothing was said about it"
    assert changed(backlog=None, folder="Other") == ("unread", False)
    assert changed(backlog=None, folder="Third", strategy="delete") == ("none", False)
    assert changed(backlog="new", folder="Fourth", strategy="delete") == ("none", False)


def test_a_mailbox_without_a_password_needs_the_operators_leave(
    call: Call, imap: MailServer, database: Database, connect_url: str
) -> None:
    open_door = body(imap, auth="none", secret=None)
    answer = call("POST", "/mailboxes", open_door)
    assert answer.status_code == 422 and "MAILBRIDGE_ALLOW_NO_PASSWORD" in answer.json["errors"]["auth"][0]
    assert call("POST", "/mailboxes/test", open_door).status_code == 422
    lenient = create_app(config(CONNECT_URL=connect_url, ALLOW_NO_PASSWORD="true"), database=database).test_client()
    headers = session_of(TENANT)
    made = lenient.post("/api/inbound/mailboxes", json=open_door, headers=headers)
    assert made.status_code == 201 and made.json["auth"] == "none"


def test_a_comparison_is_made_by_the_fetcher_and_told(call: Call, mail_server: MailServer, database: Database) -> None:
    mail_server.deliver(letter("one"), letter("two"))
    id = call("POST", "/mailboxes", body(mail_server, folder=mail_server.folder)).json["id"]
    fetcher = Fetcher(config(IMAP_TIMEOUT="30"), database)
    fetcher.start()
    try:
        # 409: not within eight seconds, on a machine that has other things to do
        found = wait_for(lambda: (told := call("POST", f"/mailboxes/{id}/reconcile")).status_code == 200 and told, 90)
    finally:
        fetcher.stop(30)
    assert found.status_code == 200
    assert (found.json["seen"], found.json["accounted"], found.json["unaccounted"]) == (2, 2, 0)
    assert call("GET", f"/mailboxes/{id}").json["reconciled"] == found.json
    call("PUT", f"/mailboxes/{id}", body(mail_server, folder=mail_server.folder, enabled=False))
    assert call("POST", f"/mailboxes/{id}/reconcile").status_code == 409


def test_mail_read_elsewhere_is_taken_after_all(call: Call, mail_server: MailServer, database: Database) -> None:
    mail_server.deliver(letter("read"), seen=True)
    id = call("POST", "/mailboxes", body(mail_server, folder=mail_server.folder)).json["id"]
    fetcher = Fetcher(config(IMAP_TIMEOUT="30"), database)
    fetcher.start()
    try:
        (ignored,) = wait_for(lambda: call("GET", f"/mails?mailbox={id}").json["mails"])
        answer = call("POST", f"/mails/{ignored['id']}/process-anyway")
        assert answer.status_code == 200 and "asked for" in answer.json["reason"]
        assert call("POST", f"/mails/{ignored['id']}/process-anyway").status_code == 409
        wait_for(lambda: call("GET", f"/mails/{ignored['id']}").json["state"] == "received")
    finally:
        fetcher.stop(30)
    assert call("POST", f"/mails/{ignored['id']}/process-anyway", tenant="b" * 16).status_code == 404
