"""Mail that is pushed over HTTP: the ledger, its raw mail and its message are there before the answer is."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from common.crypto import Vault
from common.db import Database
from inbound import store_sources
from inbound.fetching.entries import raw_aad
from inbound.push.pushing import header_of
from inbound.tables import data_key, mail, mail_raw, mailbox, outbox
from tests.inbound import rig
from tests.inbound.mailserver import MailServer, letter
from tests.inbound.office import Office
from tests.inbound.page import Call
from tests.inbound.web.test_api import body


@pytest.fixture
def pushed(call: Call) -> dict[str, Any]:
    """A mailbox of the kind push, with its token: {"id", "token"}."""
    return made(call)


def made(call: Call, **way: Any) -> dict[str, Any]:
    mailbox_id = call("POST", "/mailboxes", {**body(MailServer(1)), "kind": "push", "host": "", "secret": None}).json[
        "id"
    ]
    answer = call("POST", f"/mailboxes/{mailbox_id}/push-token", way)
    assert answer.status_code == 200, answer.json
    return {"id": mailbox_id, **answer.json}


def push(client: FlaskClient, to: dict[str, Any], raw: bytes, token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token or to['token']}", "Content-Type": "message/rfc822"}
    return client.post(f"/api/inbound/mail/{to['id']}", data=raw, headers=headers)


def test_a_pushed_mail_is_in_the_ledger_before_the_answer(
    client: FlaskClient, pushed: dict[str, Any], database: Database
) -> None:
    raw = letter("Printer")
    answer = push(client, pushed, raw)
    assert answer.status_code == 202
    vault = Vault(rig.config().settings.master_key, data_key)
    with database.read() as tx:
        row = tx.execute(select(mail)).one()
        sealed = tx.execute(select(mail_raw.c.sealed)).scalar_one()
        assert vault.unseal(tx, row.tenant, sealed, raw_aad(row.id)) == raw
        message = tx.execute(select(outbox)).one()
    assert answer.json == {"mail": row.id} == {"mail": message.body["mail"]}
    assert (row.state, row.mailbox_id, row.size, message.topic) == ("received", pushed["id"], len(raw), "mail.received")


def test_a_mail_seen_before_is_answered_with_the_earlier_one(
    client: FlaskClient, pushed: dict[str, Any], database: Database
) -> None:
    first = push(client, pushed, letter("Printer"))
    again = push(client, pushed, letter("Printer"))
    assert (again.status_code, again.json) == (200, first.json)
    assert push(client, pushed, letter("Another")).status_code == 202
    assert len(rig.mails(database)) == 2


def test_a_mail_that_is_too_large_is_recorded_by_its_header_and_refused(
    client: FlaskClient, pushed: dict[str, Any], database: Database
) -> None:
    with database.write() as tx:
        tx.execute(mailbox.update().values(max_bytes=10_000))
    raw = letter("Huge", text="x" * 20_000)
    answer = push(client, pushed, raw)
    assert answer.status_code == 413 and "20" in answer.json["detail"]
    assert push(client, pushed, raw).status_code == 413
    (row,) = rig.mails(database)
    assert row.size == len(raw) and "too large" in row.record["problem"] and row.id in answer.json["detail"]
    assert (row.record["limit"], row.record["via"]) == (10_000, "pipe")
    vault = Vault(rig.config().settings.master_key, data_key)
    with database.read() as tx:
        sealed = tx.execute(select(mail_raw.c.sealed)).scalar_one()
        assert vault.unseal(tx, row.tenant, sealed, raw_aad(row.id)) == header_of(raw)


@pytest.mark.parametrize("token", ["wrong", "", "é", "x" * 5000])
def test_without_the_token_nothing_is_taken(
    client: FlaskClient, pushed: dict[str, Any], database: Database, token: str
) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "message/rfc822"}
    answer: Any = client.post(f"/api/inbound/mail/{pushed['id']}", data=letter("Printer"), headers=headers)
    assert answer.status_code == 401 and rig.mails(database) == []


def test_a_mailbox_that_does_not_exist_answers_as_a_wrong_token(client: FlaskClient, pushed: dict[str, Any]) -> None:
    assert push(client, {"id": "a" * 16, "token": pushed["token"]}, letter("Printer")).status_code == 401


def test_the_next_token_ends_the_one_before(client: FlaskClient, call: Call, pushed: dict[str, Any]) -> None:
    token = call("POST", f"/mailboxes/{pushed['id']}/push-token", {}).json["token"]
    assert push(client, pushed, letter("Printer")).status_code == 401
    assert push(client, pushed, letter("Printer"), token).status_code == 202


def test_only_a_hash_of_the_token_is_kept(pushed: dict[str, Any], database: Database) -> None:
    with database.read() as tx:
        row = tx.execute(select(mailbox)).one()
    assert pushed["token"] not in repr(tuple(row)) and len(row.push_hash) == 64


def test_the_commands_name_the_address_and_each_mail_server(pushed: dict[str, Any]) -> None:
    told = "\n".join(pushed["commands"])
    assert pushed["url"].endswith(f"/api/inbound/mail/{pushed['id']}") and pushed["token"] not in pushed["url"]
    assert all(word in told for word in ("Postfix", "Exim", "procmail", pushed["url"]))


def test_a_mailbox_that_is_read_takes_no_pushed_mail(call: Call) -> None:
    id = call("POST", "/mailboxes", body(MailServer(1))).json["id"]
    assert call("POST", f"/mailboxes/{id}/push-token", {}).status_code == 409


def test_another_tenant_or_project_makes_no_token(call: Call, pushed: dict[str, Any]) -> None:
    assert call("POST", f"/mailboxes/{pushed['id']}/push-token", {}, tenant="another").status_code == 404


def test_a_mailbox_that_is_switched_off_asks_for_patience(
    client: FlaskClient, pushed: dict[str, Any], database: Database
) -> None:
    with database.write() as tx:
        tx.execute(mailbox.update().values(enabled=False))
    answer = push(client, pushed, letter("Printer"))
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert rig.mails(database) == []


def test_an_empty_body_is_no_mail(client: FlaskClient, pushed: dict[str, Any], database: Database) -> None:
    assert push(client, pushed, b"\r\n").status_code == 422 and rig.mails(database) == []


def test_no_fetcher_takes_a_mailbox_that_mail_is_pushed_to(pushed: dict[str, Any], database: Database) -> None:
    with database.read() as tx:
        assert store_sources.share(tx, "c" * 16).orphans == ()


def test_pushing_shows_the_mailbox_as_connected(client: FlaskClient, call: Call, pushed: dict[str, Any]) -> None:
    assert call("GET", f"/mailboxes/{pushed['id']}").json["state"] == "new"
    push(client, pushed, letter("Printer"))
    shown = call("GET", f"/mailboxes/{pushed['id']}").json
    assert shown["state"] == "connected" and shown["checked_at"]


def test_other_addresses_still_take_json_only(client: FlaskClient) -> None:
    answer: Any = client.post("/api/inbound/mailboxes", data=b"x", headers={"Content-Type": "message/rfc822"})
    assert answer.status_code in (401, 415)


def test_a_header_of_a_pushed_mail_proves_nobody(office: Office, client: FlaskClient, call: Call) -> None:
    to = made(call)
    with office.database.write() as tx:
        tx.execute(mailbox.update().values(authserv_id="mx.sandbox.test"))
    raw = letter("Printer", Authentication_Results="mx.sandbox.test; dmarc=pass header.from=customer.test")
    id = push(client, to, raw).json["mail"]
    office.work()
    row = office.mail(id)
    assert row.state == "handled" and row.record["facts"]["identity"]["trust"] == "unproven"


@pytest.mark.parametrize(
    ("raw", "header"),
    [
        (b"A: b\r\n\r\nbody", b"A: b\r\n\r\n"),
        (b"A: b\n\nbody\r\n\r\n", b"A: b\n\n"),
        (b"A: b\r\n", b"A: b\r\n"),
        (b"x" * 300_000, b"x" * 262_144),
    ],
)
def test_a_header_ends_at_the_first_empty_line(raw: bytes, header: bytes) -> None:
    assert header_of(raw) == header


def test_a_mailbox_that_was_read_for_a_while_needs_a_new_token(
    client: FlaskClient, call: Call, pushed: dict[str, Any]
) -> None:
    path = f"/mailboxes/{pushed['id']}"
    assert call("PUT", path, body(MailServer(1))).status_code == 200
    assert push(client, pushed, letter("Printer")).status_code == 401
    assert call("PUT", path, {**body(MailServer(1)), "kind": "push", "secret": None}).status_code == 200
    assert push(client, pushed, letter("Printer")).status_code == 401
    token = call("POST", f"{path}/push-token", {}).json["token"]
    assert push(client, pushed, letter("Printer"), token).status_code == 202


def test_changing_its_other_settings_keeps_the_token(client: FlaskClient, call: Call, pushed: dict[str, Any]) -> None:
    changed = {**body(MailServer(1), name="Another name"), "kind": "push", "secret": None}
    assert call("PUT", f"/mailboxes/{pushed['id']}", changed).json["name"] == "Another name"
    assert push(client, pushed, letter("Printer")).status_code == 202


def test_a_removed_mailbox_takes_nothing(client: FlaskClient, call: Call, pushed: dict[str, Any]) -> None:
    assert call("DELETE", f"/mailboxes/{pushed['id']}").status_code == 204
    assert push(client, pushed, letter("Printer")).status_code == 401
