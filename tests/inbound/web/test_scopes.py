"""A project's administrator has that project's mailboxes and mails only; who looks at an issue has that issue's mails."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, update

from common import sessions
from common.db import Database
from common.ids import new_id
from inbound.scope import Scope, scope_of
from inbound.tables import mail, mailbox, source
from tests.inbound.page import Call, session_of
from tests.inbound.rig import TENANT, add_mailbox, config, opened

SUP = {"id": "10001", "key": "SUP", "name": "Support"}
DEV = {"id": "10002", "key": "DEV", "name": "Development"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """On both databases: what belongs to a project is found by JSON in SQL."""
    with opened(database_url) as found:
        yield found


@pytest.fixture
def call(client: FlaskClient) -> Call:
    """A call by somebody who administers the project SUP, unless another session is described."""

    def send(method: str, path: str, sent: Any = None, **session: Any) -> Any:
        who = {"tenant": TENANT, "account": "paula", "admin": False, **(session or {"project": SUP["id"]})}
        return client.open("/api/inbound" + path, method=method, json=sent, headers=session_of(**who))

    return send


@pytest.fixture
def sup(database: Database) -> str:
    return add_mailbox(database, config(), None, project=SUP)


@pytest.fixture
def dev(database: Database) -> str:
    return add_mailbox(database, config(), None, project=DEV, folder="Dev")


def add_mail(database: Database, mailbox_id: str, **values: Any) -> str:
    """A mail in the ledger."""
    id, source_id = new_id(), new_id()
    now = database.now()
    plain = {
        "id": id, "tenant": TENANT, "mailbox_id": mailbox_id, "source_id": source_id, "remote_id": "1", "size": 1,
        "received_at": now, "state": "failed", "attempts": 1, "unfinished": 0, "record": {}, "marked": True,
        "handled_at": now, "subject": "Printer", "sender": "ann@customer.test",
    }  # fmt: skip
    about = {"identity": source_id, "place": "x", "baseline": 0, "high": 0, "backlog": [], "created_at": now}
    with database.write() as tx:
        tx.execute(insert(source).values(id=source_id, mailbox_id=mailbox_id, **about))
        tx.execute(insert(mail).values(**{**plain, **values}))
    return id


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Support", "host": "imap.example.com", "port": 993, "security": "tls", "username": "u", "secret": "s",
        "address": "support@example.com", "project": SUP, "issue_type": {"id": "10010", "name": "Email request"},
        **changes,
    }  # fmt: skip


def test_only_the_projects_mailboxes_are_there(call: Call, sup: str, dev: str) -> None:
    assert [one["id"] for one in call("GET", "/mailboxes").json] == [sup]
    assert call("GET", f"/mailboxes/{sup}").status_code == 200
    for method, sent in (("GET", None), ("PUT", settings()), ("DELETE", None)):
        assert call(method, f"/mailboxes/{dev}", sent).status_code == 404
    assert call("POST", "/mailboxes/test", settings(id=dev, secret=None)).status_code == 404
    assert len(call("GET", "/mailboxes", admin=True).json) == 2


def test_a_mailbox_is_made_for_the_own_project_and_stays_there(call: Call, sup: str) -> None:
    made = call("POST", "/mailboxes", settings(folder="Other"))
    assert made.status_code == 201
    assert call("PUT", f"/mailboxes/{sup}", settings(name="Renamed")).json["name"] == "Renamed"
    for method, path in (("POST", "/mailboxes"), ("PUT", f"/mailboxes/{sup}")):
        refused = call(method, path, settings(project=DEV, folder="Third"))
        assert refused.status_code == 403
        assert list(refused.json["errors"]) == ["project"]
    assert call("GET", f"/mailboxes/{sup}").json["project"] == SUP
    assert call("DELETE", f"/mailboxes/{sup}").status_code == 204


def test_another_projects_mailbox_is_not_named_where_it_is_in_the_way(call: Call, database: Database) -> None:
    add_mailbox(database, config(), None, project=DEV, name="Secret plans", **PLACE)
    refused = call("POST", "/mailboxes", settings(**PLACE))
    assert refused.status_code == 422
    assert refused.json["errors"]["folder"][0].startswith("Another project's mailbox reads this folder already")
    assert "Secret plans" not in refused.text


PLACE = {"host": "imap.example.com", "port": 993, "username": "u", "folder": "INBOX"}


def test_only_mails_of_the_projects_mailboxes_are_there(call: Call, database: Database, sup: str, dev: str) -> None:
    ours, theirs = add_mail(database, sup), add_mail(database, dev)
    assert [one["id"] for one in call("GET", "/mails").json["mails"]] == [ours]
    assert call("GET", f"/mails?mailbox={dev}").json["mails"] == []
    assert call("GET", f"/mails/{ours}").status_code == 200
    assert call("GET", f"/mails/{theirs}").status_code == 404
    assert call("POST", f"/mails/{theirs}/retry").status_code == 404
    assert call("POST", f"/mails/{ours}/retry").status_code == 409  # there, but nothing to try again
    assert len(call("GET", "/mails", admin=True).json["mails"]) == 2


def test_a_mailbox_that_changes_hands_leaves_its_mails_behind(call: Call, database: Database, dev: str) -> None:
    """Whoever gets a mailbox does not get what it brought while it was another project's, handled by its rule or not."""
    before = database.now() - 1000
    with database.write() as tx:
        tx.exec_driver_sql(f"UPDATE rule_version SET published_at = {before - 10}")
    old = {
        add_mail(database, dev, config_version=1, state="handled", handled_at=before),
        add_mail(database, dev, config_version=None, state="ignored", handled_at=before),
    }
    moved = settings(project=SUP, folder="Dev", host="127.0.0.1", port=1, username="support@sandbox.test")
    assert call("PUT", f"/mailboxes/{dev}", moved | {"security": "none"}, admin=True).status_code == 200
    new = {
        add_mail(database, dev, config_version=2, state="handled"),
        add_mail(database, dev, config_version=None, state="ignored"),
        add_mail(database, dev, config_version=None, state="received", handled_at=None),
    }
    assert {one["id"] for one in call("GET", "/mails").json["mails"]} == new
    assert {one["id"] for one in call("GET", "/mails", project=DEV["id"]).json["mails"]} == old


def test_mails_of_a_deleted_mailbox_stay_with_their_project(call: Call, database: Database, sup: str) -> None:
    id = add_mail(database, sup)
    with database.write() as tx:
        tx.execute(update(mailbox).values(deleted_at=1.0))
    assert [one["id"] for one in call("GET", "/mails").json["mails"]] == [id]
    assert [one["id"] for one in call("GET", "/mails", project=DEV["id"]).json["mails"]] == []


def test_who_looks_at_an_issue_sees_its_mails_and_nothing_else(call: Call, database: Database, sup: str) -> None:
    made = {"state": "handled", "outcome": "issue", "issue_id": "10100", "issue_key": "SUP-1"}
    id = add_mail(database, sup, **made)
    add_mail(database, sup, issue_id="10101", issue_key="SUP-2")
    add_mail(database, sup, tenant="another", **made)
    viewer = {"issue": "10100"}
    shown = call("GET", "/issues/10100/mails", **viewer).json
    assert [(one["id"], one["from"], one["subject"]) for one in shown] == [(id, "ann@customer.test", "Printer")]
    assert not {"explanation", "steps", "record", "message_id"} & set(shown[0])
    for path in ("/issues/10101/mails", "/issues/SUP-1/mails"):
        assert call("GET", path, **viewer).status_code == 404
    for path in ("/mails", f"/mails/{id}", "/mailboxes"):
        assert call("GET", path, **viewer).status_code == 403
    assert call("POST", f"/mails/{id}/retry", **viewer).status_code == 403


def test_an_administrator_sees_any_issues_mails_by_id_or_key(call: Call, database: Database, sup: str) -> None:
    id = add_mail(database, sup, issue_id="10100", issue_key="SUP-1")
    for issue in ("10100", "SUP-1"):
        assert [one["id"] for one in call("GET", f"/issues/{issue}/mails", admin=True).json] == [id]
    assert call("GET", "/issues/10100/mails").status_code == 403  # a project's session says nothing about issues


def test_a_scope_is_everything_or_one_project() -> None:
    jira = sessions.Session("t", "a", True, 1.0, project="10001")
    assert scope_of(jira) == Scope("t", None) and scope_of(jira).covers("10002")
    project = scope_of(sessions.Session("t", "a", False, 1.0, project="10001"))
    assert project.covers("10001") and not project.covers("10002")
    for nobody in (sessions.Session("t", "a", False, 1.0), sessions.Session("t", "a", False, 1.0, issue="10100")):
        with pytest.raises(ValueError):
            scope_of(nobody)
