"""Letters to whoever has to do something about a mailbox: to whom, what they say, once, and what the page shows of them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from common import metrics, sessions, thread_tokens
from common.db import open_database
from common.ids import new_id
from common.outbox import Outbox
from outbound import admin_notice, store, store_admin_letters
from outbound.app import create_app
from outbound.erasure import ERASED
from outbound.intake import REMOVED
from outbound.marks import Marks
from outbound.tables import admin_letter, outbox
from tests.outbound.conftest import MASTER, TENANT, Rig
from tests.outbound.test_api import PRIVATE
from tests.outbound.test_worker import TakesTheDatabaseAway

MAILBOX = "support@company.test"
ADMIN, OTHER, BOB = "admin@company.test", "other@company.test", "bob@company.test"
BODY: dict[str, Any] = {
    "kind": "reconnect", "mailbox": "m" * 16, "name": "Support <1>", "address": MAILBOX, "account_id": "bob",
    "reason": "The sign-in service refused (invalid_grant).", "remedy": "Sign in again.", "days": None, "at": 5.0,
    "own": [MAILBOX, "desk@company.test"],
}  # fmt: skip


def tell(rig: Rig, id: str | None = None, **changes: Any) -> str:
    """A notice arrives and is dealt with as far as that goes; its id."""
    return rig.publish("admin.notice", {**BODY, **changes}, id=id).id


def name(rig: Rig, *addresses: str) -> None:
    with rig.database.write() as tx:
        store.set_told(tx, TENANT, rig.sealing.told(tx, TENANT, addresses))


def letters(rig: Rig) -> list[Any]:
    """Oldest first."""
    with rig.database.read() as tx:
        return list(tx.execute(select(admin_letter).order_by(admin_letter.c.created_at, admin_letter.c.number)))


def fates(rig: Rig) -> list[tuple[str, str]]:
    """(state, reason) of each."""
    return [(row.state, row.reason) for row in letters(rig)]


def to(rig: Rig, row: Any) -> str | None:
    with rig.database.read() as tx:
        return rig.sealing.read_recipient(tx, TENANT, row.id, row.recipient)["address"]


def ended(rig: Rig, count: int) -> bool:
    rows = letters(rig)
    return len(rows) == count and all(row.state in ("sent", "skipped", "failed") for row in rows)


@pytest.fixture
def either(rig_on_either: Rig) -> Rig:
    return rig_on_either


def test_everybody_who_is_named_gets_one_letter(either: Rig) -> None:
    either.set_sender()
    name(either, ADMIN, OTHER)
    either.start()
    id = tell(either)
    either.wait(lambda: ended(either, 2))
    tell(either, id)  # a copy that comes late, and the second one that every message has
    either.settle()
    assert either.postbox.recipients() == [ADMIN, OTHER]
    assert fates(either) == [("sent", admin_notice.TOLD)] * 2
    assert [to(either, row) for row in letters(either)] == [ADMIN, OTHER]


def test_what_the_letter_says(rig: Rig) -> None:
    rig.set_sender()
    name(rig, ADMIN)
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    (mail,) = rig.postbox.mails(ADMIN)
    assert mail["Subject"] == "Sign in again for the mailbox Support <1>"
    assert mail["From"] == "Help desk <help@company.test>"
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == (
        "auto-generated",
        "DR, RN, NRN, OOF, AutoReply",
    )
    assert mail["Reply-To"] is None and mail["References"] is None
    assert not thread_tokens.find(mail.as_string())
    plain, html = (part.get_content() for part in mail.iter_parts())
    link = f"{rig.jira.url}/plugins/servlet/ac/mailbridge/mailbridge-admin"
    for part in (
        "Mailbridge cannot read the mailbox Support <1> (support@company.test) any more",
        "refused (invalid_grant).", "What to do: Sign in again.", "Nothing is lost", admin_notice.TOLD, link,
    ):  # fmt: skip
        assert part in plain
    assert "Support &lt;1&gt;" in html and "<1>" not in html and f'href="{link}"' in html


def test_else_who_connected_the_mailbox_is_told(rig: Rig) -> None:
    rig.set_sender()
    rig.jira.shown["bob"] = BOB
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    assert rig.postbox.recipients() == [BOB] and fates(rig) == [("sent", admin_notice.PERSON)]


@pytest.mark.parametrize("account", [None, "login:1", "bob"])
def test_else_the_account_of_the_api_token(rig: Rig, account: str | None) -> None:
    rig.jira.credentials = {"scheme": "token", "email": ADMIN, "account_id": "admin"}
    rig.set_sender()
    rig.start()
    tell(rig, account_id=account)
    rig.wait(lambda: ended(rig, 1))
    assert rig.postbox.recipients() == [ADMIN] and fates(rig) == [("sent", admin_notice.CALLER)]
    (mail,) = rig.postbox.mails(ADMIN)
    assert "http://127.0.0.1:8080/" in mail.as_string()


def test_where_nobody_can_read_who_is_told_the_next_is(rig: Rig) -> None:
    rig.set_sender()
    with rig.database.write() as tx:
        store.set_told(tx, TENANT, b"sealed by somebody else")
    rig.jira.shown["bob"] = BOB
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    assert rig.postbox.recipients() == [BOB]


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_person_whom_jira_does_not_know_is_passed_over(rig: Rig, status: int) -> None:
    rig.jira.credentials = {"scheme": "token", "email": ADMIN, "account_id": "admin"}
    rig.jira.answers["/rest/api/3/user"] = status
    rig.set_sender()
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    assert rig.postbox.recipients() == [ADMIN]


def test_whoever_can_be_told_nobody_is_said(rig: Rig) -> None:
    before = count("skipped")
    rig.set_sender()
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    rig.settle()
    assert fates(rig) == [("skipped", admin_notice.NOBODY)] and rig.postbox.mails() == []
    assert count("skipped") == before + 1


def test_without_an_outgoing_server_nobody_is_told_and_that_is_said(either: Rig) -> None:
    before = count("skipped")
    either.start()
    tell(either)
    either.wait(lambda: ended(either, 1))
    either.settle()
    assert fates(either) == [("skipped", "No outgoing server is set up.")]
    assert count("skipped") == before + 1


def test_no_letter_goes_to_a_mailbox_of_ours(rig: Rig) -> None:
    rig.set_sender()
    name(rig, "Desk@company.test", f"support+x@{MAILBOX.partition('@')[2]}", ADMIN)
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 3))
    assert rig.postbox.recipients() == [ADMIN]
    assert fates(rig)[:2] == [("skipped", admin_notice.OWN)] * 2


def test_a_suppressed_address_is_left_alone(rig: Rig) -> None:
    rig.set_sender()
    name(rig, ADMIN)
    rig.start()
    with rig.database.write() as tx:
        store.suppress(tx, TENANT, Marks(MASTER).of(TENANT, ADMIN), "It came back.")
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    (fate,) = fates(rig)
    assert fate[0] == "skipped" and "It came back." in fate[1]


def test_a_server_that_is_away_delays_the_letter(rig: Rig) -> None:
    rig.set_sender()
    name(rig, ADMIN)
    rig.postbox.answers["DATA"] = "451 Later"
    rig.start()
    tell(rig)
    rig.wait(lambda: [row for row in letters(rig) if row.state == "pending" and row.error])
    assert "Later" in letters(rig)[0].error
    rig.postbox.answers.clear()
    at_once(rig)
    rig.wait(lambda: ended(rig, 1))
    assert rig.postbox.recipients() == [ADMIN] and letters(rig)[0].attempts == 2


def test_a_jira_that_is_away_delays_the_letter(rig: Rig) -> None:
    rig.set_sender()
    rig.jira.shown["bob"] = BOB
    rig.jira.answers["/rest/api/3/user"] = 503
    rig.start()
    tell(rig)
    rig.wait(lambda: [row for row in letters(rig) if row.state == "pending" and row.error])
    rig.jira.answers.clear()
    at_once(rig)
    rig.wait(lambda: ended(rig, 1))
    assert rig.postbox.recipients() == [BOB]


def test_a_letter_is_given_up_after_long(rig: Rig) -> None:
    rig.set_sender()
    name(rig, ADMIN)
    rig.postbox.answers["DATA"] = "451 Later"
    rig.start(give_up_after=0.0)
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    rig.settle()
    assert letters(rig)[0].state == "failed" and "too long" in letters(rig)[0].error


def test_an_address_that_the_server_refuses_is_told_no_more(rig: Rig) -> None:
    rig.set_sender()
    name(rig, ADMIN)
    rig.postbox.answers[ADMIN] = "550 5.1.1 no such user"
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    rig.settle()
    assert letters(rig)[0].state == "failed" and "5.1.1" in letters(rig)[0].error
    tell(rig)
    rig.wait(lambda: ended(rig, 2))
    assert letters(rig)[1].state == "skipped"


def test_a_worker_that_died_before_the_sending_leaves_the_letter_to_the_next(rig: Rig) -> None:
    rig.set_sender()
    rig.jira.shown["bob"] = BOB
    row = made_without_a_worker(rig, state="sending", attempts=1, claim_until=0.0)
    rig.start()
    rig.wait(lambda: ended(rig, 1))
    assert rig.postbox.recipients() == [BOB]
    assert rig.postbox.mails()[0]["Message-ID"] == f"<{row['message_id']}>"


def test_a_worker_that_died_between_sending_and_recording_sends_the_same_letter_again(rig: Rig) -> None:
    rig.set_sender()
    name(rig, ADMIN)
    worker = rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    rig.settle()
    worker.stop(5.0)
    (row,) = letters(rig)
    with rig.database.write() as tx:
        unsaid = {"state": "sending", "sent_at": None, "claim_until": 0.0}
        tx.execute(update(admin_letter).values(**unsaid))
        Outbox(rig.database, outbox).put(tx, "notice.due", TENANT, {"letter": row.id})
    rig.start()
    rig.wait(lambda: ended(rig, 1))
    first, second = rig.postbox.mails(ADMIN)
    assert first["Message-ID"] == second["Message-ID"]


def test_a_letter_that_is_sent_is_not_sent_again(rig: Rig) -> None:
    rig.set_sender()
    name(rig, ADMIN)
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    with rig.database.write() as tx:
        Outbox(rig.database, outbox).put(tx, "notice.due", TENANT, {"letter": letters(rig)[0].id})
    rig.settle()
    assert len(rig.postbox.mails()) == 1


def test_what_was_sent_while_the_database_went_away_is_recorded_and_not_sent_again(rig: Rig, tmp_path: Path) -> None:
    rig.database.close()
    rig.database = open_database(f"sqlite:///{tmp_path}", "outbound", patience=0.3)
    rig.set_sender()
    name(rig, ADMIN)
    rig.postbox.answers = answers = TakesTheDatabaseAway(f"{tmp_path}/outbound.sqlite3")
    rig.start()
    tell(rig)
    rig.wait(lambda: [row.state for row in letters(rig)] == ["sent"], 45)
    assert answers.taken and len(rig.postbox.mails()) == 1


@pytest.mark.parametrize("changes", [{"kind": "party"}, {"kind": None}])
def test_what_is_no_notice_stops_nothing(rig: Rig, changes: dict[str, Any]) -> None:
    rig.set_sender()
    rig.start()
    tell(rig, **changes)
    rig.settle()
    assert letters(rig) == []


# --- forgetting


def test_an_erased_person_is_told_no_more_and_named_nowhere(rig: Rig) -> None:
    rig.set_sender()
    name(rig, ADMIN, OTHER)
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 2))
    with rig.database.write() as tx:
        tx.execute(update(admin_letter).where(admin_letter.c.number == 0).values(state="pending"))
    for _ in range(2):
        rig.publish("person.erased", {"erasure": "e" * 16, "address": ADMIN.upper()})
        rig.settle()
    assert [to(rig, row) for row in letters(rig)] == ["", OTHER]
    assert fates(rig)[0] == ("skipped", ERASED)
    with rig.database.read() as tx:
        sender = store.sender_of(tx, TENANT)
        assert sender is not None and rig.sealing.read_told(tx, TENANT, sender.told) == [OTHER]


def test_a_tenant_that_is_gone_is_told_nothing_and_its_letters_say_nothing(rig: Rig, shown: Callable[..., Any]) -> None:
    rig.set_sender()
    made_without_a_worker(rig)
    rig.start()
    rig.publish("tenant.removed", {})
    rig.settle()
    rig.wait(lambda: ended(rig, 1))
    assert fates(rig) == [("skipped", REMOVED)] and rig.postbox.mails() == []
    (letter,) = shown()["letters"]
    assert (letter["mailbox"], letter["subject"], letter["recipient"]) == ("(erased)", "", "")
    tell(rig)
    rig.wait(lambda: ended(rig, 2))
    assert fates(rig)[1] == ("skipped", "No outgoing server is set up.")


def test_old_letters_are_forgotten(rig: Rig) -> None:
    rig.start()
    for _ in range(2):
        tell(rig)
    rig.wait(lambda: ended(rig, 2))
    with rig.database.write() as tx:
        tx.execute(update(admin_letter).where(admin_letter.c.id == letters(rig)[0].id).values(created_at=1.0))
        assert store_admin_letters.forget_older(tx, rig.config.retention) == 1
    assert len(letters(rig)) == 1


# --- the page


@pytest.fixture
def shown(rig: Rig) -> Callable[..., Any]:
    """GET /api/outbound/admin-letters as an administrator of the tenant sees it."""
    rig.jira.keys = {"keys": [sessions.public_jwk(PRIVATE)]}
    client = create_app(rig.config, database=rig.database).test_client()

    def get(tenant: str = TENANT, **query: Any) -> Any:
        session = sessions.issue(PRIVATE, sessions.Session(tenant, "alice", True, time.time() + 600))
        headers = {"Authorization": f"Bearer {session}"}
        return client.get("/api/outbound/admin-letters", query_string=query, headers=headers).json

    return get


def test_the_page_shows_what_was_told(rig: Rig, shown: Callable[..., Any]) -> None:
    rig.set_sender()
    name(rig, ADMIN)
    rig.start()
    tell(rig)
    rig.wait(lambda: ended(rig, 1))
    tell(rig, kind="trouble", own=[ADMIN])
    rig.wait(lambda: ended(rig, 2))
    page = shown(limit=1)
    (second,), (first,) = page["letters"], shown(before=page["next"])["letters"]
    assert (first["kind"], first["state"], first["recipient"], first["mailbox"]) == (
        "reconnect",
        "sent",
        ADMIN,
        "Support <1>",
    )
    assert (
        first["sent_at"]
        and first["subject"] == "Sign in again for the mailbox Support <1>"
        and first["mailbox_id"] == "m" * 16
    )
    assert (second["kind"], second["state"], second["reason"]) == ("trouble", "skipped", admin_notice.OWN)
    assert shown("tenantbbbbbbbbbb")["letters"] == []


def count(state: str) -> float:
    return metrics.REGISTRY.get_sample_value("mailbridge_admin_letters_total", {"state": state}) or 0.0


def at_once(rig: Rig) -> None:
    """As if the pause were over."""

    def waiting() -> bool:
        with rig.database.write() as tx:
            rows = update(outbox).where(outbox.c.topic == "notice.due", outbox.c.sent_until.is_(None))
            return tx.execute(rows.values(available_at=0.0)).rowcount > 0

    rig.wait(waiting)


def made_without_a_worker(rig: Rig, **changes: Any) -> dict[str, Any]:
    """A letter to whoever connected the mailbox, in the table; with changes to it, and due."""
    id = new_id()
    with rig.database.write() as tx:
        row = {
            "id": id, "tenant": TENANT, "notice": new_id(), "number": 0, "kind": "reconnect", "reason": "", "state": "pending",
            "content": rig.sealing.notice(tx, TENANT, id, admin_notice.read(BODY).to_json()), "recipient": None,
            "recipient_hash": "", "message_id": f"notice-{id}@company.test",
        }  # fmt: skip
        store_admin_letters.add(tx, [row])
        if not changes:
            return row  # nobody has begun with it, and nobody will
        tx.execute(update(admin_letter).values(**changes))
        Outbox(rig.database, outbox).put(tx, "notice.due", TENANT, {"letter": id})
    return row
