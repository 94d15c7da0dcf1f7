"""The second journey, from an event of Jira to the mails it makes, over the local bus and real sockets."""

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from common import thread_tokens
from common.db import open_database
from common.env import BadSetting
from common.nets import Nets
from common.outbox import Outbox
from outbound import store
from outbound.housekeeping import Housekeeping
from outbound.tables import delivery, event, outbox, window
from outbound.transports.pool import SmtpPool
from tests.outbound.conftest import TENANT, Rig
from tests.outbound.jira_fake import BOB, KEY, WANDA, user

CARL = {"name": "Carl", "address": "carl@customer.test"}


def comment_by_agent(rig: Rig, id: str = "501", text: str = "Try water.", **more: Any) -> None:
    rig.jira.comment(id, text, **more)
    rig.event("comment_created", comment_id=id)


def test_an_agents_comment_reaches_the_customer_in_their_own_thread(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.publish(
        "mail.handled",
        {
            "mail": "m1", "kind": "issue", "issue_id": "10001", "issue_key": "HELP-1", "comment_id": None,
            "message_id": "first@customer.test", "references": [], "subject": "Printer", "from": CARL, "cc": [],
            "mailbox": "support@company.test", "sub_addresses": True,
        },
    )  # fmt: skip
    rig.settle()
    comment_by_agent(rig)
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    assert rig.postbox.recipients() == ["bob@company.test", "carl@customer.test", "dora@customer.test"]
    mail = rig.postbox.mails("carl@customer.test")[0]
    assert mail["Subject"] == "Re: [HELP-1] Printer on fire"
    assert mail["From"] == "Alice Agent <help@company.test>"
    assert mail["In-Reply-To"] == "<first@customer.test>"
    assert mail["References"].startswith("<first@customer.test>")
    assert mail["Auto-Submitted"] == "auto-generated"
    (token,) = thread_tokens.find(mail["Message-ID"])
    thread = thread_tokens.check([KEY], token)
    assert thread is not None
    assert thread.issue_id == "10001"
    assert thread.was_sent_to("carl@customer.test")
    assert thread_tokens.find(mail["References"]) == (token,)
    assert mail["Reply-To"] == f"support+{token}@company.test"
    text = mail.get_body(("plain",)).get_content()
    assert "Try water." in text
    assert rig.jira.url not in text
    assert rig.jira.url in rig.postbox.mails("bob@company.test")[0].get_body(("plain",)).get_content()
    assert rig.states()["alice@company.test"] == "skipped"


def test_a_second_mail_continues_the_first(rig: Rig) -> None:
    rig.jira.property = None
    rig.set_sender()
    rig.start()
    comment_by_agent(rig, "501")
    first = rig.wait(lambda: rig.postbox.mails("bob@company.test"))[0]
    rig.settle()
    assert first["In-Reply-To"] is None
    assert first["Subject"] == "[HELP-1] Printer on fire"
    comment_by_agent(rig, "502")
    second = rig.wait(lambda: rig.postbox.mails("bob@company.test")[1:])[0]
    assert second["In-Reply-To"] == first["Message-ID"]
    assert second["Subject"] == "Re: [HELP-1] Printer on fire"


def test_a_customers_comment_is_told_to_agents_and_not_to_the_customer(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    app = user("app", "Mailbridge", kind="app")
    ours = [{"key": "mailbridge", "value": {"mail": "m2", "from": CARL, "cc": []}}]
    rig.jira.comment("501", "It still burns.", author=app, properties=ours)
    rig.event("comment_created", comment_id="501", actor="app")
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    assert rig.postbox.recipients() == ["alice@company.test", "bob@company.test", "dora@customer.test"]
    assert rig.postbox.mails("bob@company.test")[0]["From"] == "Carl <help@company.test>"
    assert rig.states()["carl@customer.test"] == "skipped"


@pytest.mark.parametrize(
    "hidden",
    [
        {"jsdPublic": False},
        {"properties": [{"key": "sd.public.comment", "value": {"internal": True}}]},
        {"visibility": {"type": "role", "value": "Administrators", "identifier": "Administrators"}},
        {"visibility": {"type": "group", "value": "staff", "identifier": "g1"}},
        {"visibility": {"type": "planet", "value": "Mars"}},
    ],
)
def test_a_comment_not_for_everyone_never_leaves_jira(rig: Rig, hidden: dict[str, Any]) -> None:
    rig.set_sender()
    rig.start()
    rig.jira.watchers = [WANDA]
    comment_by_agent(rig, text="Secret.", **hidden)
    rig.settle()
    rig.wait(lambda: len(rig.deliveries()) == 5)
    allowed = ["bob@company.test"] if hidden.get("visibility", {}).get("type") == "role" else []
    assert rig.postbox.recipients() == allowed
    assert rig.states()["carl@customer.test"] == "skipped"
    assert "does not leave Jira" in rig.reasons()["carl@customer.test"]


def test_an_internal_comment_reaches_agents_only(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.jira.may["bob"] = {"BROWSE_PROJECTS", "SERVICEDESK_AGENT"}
    comment_by_agent(rig, text="Secret.", jsdPublic=False)
    rig.wait(lambda: rig.postbox.mails("bob@company.test"))
    rig.settle()
    assert rig.postbox.recipients() == ["bob@company.test"]


def test_duplicates_and_disorder_make_one_mail(rig: Rig) -> None:
    rig.set_sender(window_seconds=600.0)
    rig.start()
    rig.jira.comment("501", "First.")
    rig.jira.comment("502", "Second.")
    at = time.time()
    same = rig.event("comment_created", comment_id="502", at=at, fingerprint="two")
    rig.publish("jira.event", dict(same.body), id=same.id)
    rig.event("comment_created", comment_id="502", at=at, fingerprint="two")
    rig.event("comment_created", comment_id="501", at=at - 5, fingerprint="one")
    rig.close_windows()
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    (mail,) = rig.postbox.mails("carl@customer.test")
    text = mail.get_body(("plain",)).get_content()
    assert 0 < text.index("First.") < text.index("Second.")
    assert text.count("Second.") == 1
    assert rig.jira.paths().count("GET /issue/10001") == 1


def test_an_issue_from_a_mail_is_told_to_its_agents_only(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.event("issue_created", actor="app")
    rig.wait(lambda: len(rig.postbox.mails()) == 2)
    rig.settle()
    assert rig.postbox.recipients() == ["alice@company.test", "bob@company.test"]
    assert "It burns." in rig.postbox.mails("alice@company.test")[0].get_body(("plain",)).get_content()


def test_changed_fields_are_told_to_whom_they_concern(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    fields = [{"field": "priority", "from": "3", "to": "2"}, {"field": "status", "from": "1", "to": "2"}]
    rig.event("issue_updated", actor="zoe", changelog_id="9", fields=fields)
    rig.wait(lambda: len(rig.postbox.mails()) == 4)
    inside = rig.postbox.mails("bob@company.test")[0].get_body(("plain",)).get_content()
    outside = rig.postbox.mails("carl@customer.test")[0].get_body(("plain",)).get_content()
    assert "Priority: High" in inside
    assert "Status: To Do" in inside
    assert "Somebody Else changed HELP-1" in inside
    assert "Priority" not in outside
    assert "Status: To Do" in outside


def test_what_nobody_is_told_of_costs_no_call(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.event("comment_updated", comment_id="501")
    rig.event("issue_updated", fields=[{"field": "Attachment", "from": None, "to": "1"}])
    rig.settle()
    assert rig.jira.paths() == []
    with rig.database.read() as tx:
        assert all(tx.execute(select(event.c.note)).scalars())


def test_the_calls_of_one_comment(rig: Rig) -> None:
    """Issue and comment; rights for the one colleague told. Then rights are remembered: two calls a comment."""
    rig.set_sender()
    rig.start()
    comment_by_agent(rig, "501")
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    assert rig.jira.paths() == ["GET /issue/10001", "POST /comment/list", "POST /permissions/check"]
    comment_by_agent(rig, "502")
    rig.wait(lambda: len(rig.postbox.mails()) == 6)
    assert rig.jira.paths()[3:] == ["GET /issue/10001", "POST /comment/list"]


def test_an_address_behind_a_profile_is_asked_for(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.jira.watchers = [WANDA]
    rig.jira.may["wanda"] = {"BROWSE_PROJECTS"}
    rig.jira.emails["wanda"] = "wanda@company.test"
    comment_by_agent(rig)
    rig.wait(lambda: rig.postbox.mails("wanda@company.test"))


def test_without_an_outgoing_server_nothing_blocks_and_nothing_is_lost(rig: Rig) -> None:
    rig.start()
    rig.jira.comment("501", "Hello")
    rig.event("comment_created", comment_id="501")
    rig.wait(lambda: len(rig.deliveries()) == 4)
    rig.settle()
    assert rig.reasons()["carl@customer.test"] == "No outgoing server is set up."
    assert rig.postbox.mails() == []


def test_a_comment_whose_issue_the_webhook_did_not_tell(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.jira.comment("501", "Hello")
    rig.event("comment_created", comment_id="501", issue_id=None, issue_key=None)
    rig.wait(lambda: rig.postbox.mails("carl@customer.test"))


def test_a_deleted_issue_is_told_to_nobody(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.jira.answers["/issue/10001"] = 404
    comment_by_agent(rig)
    rig.settle()
    with rig.database.read() as tx:
        assert "404" in tx.execute(select(event.c.note)).scalar_one()


def test_a_jira_that_is_away_delays_and_loses_nothing(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.jira.answers["/issue/10001"] = 503
    comment_by_agent(rig)
    rig.wait(lambda: rig.jira.paths())
    rig.jira.answers.clear()
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    assert len(rig.postbox.mails()) == 3


def test_a_worker_that_died_between_sending_and_recording_sends_the_same_mail_again(rig: Rig) -> None:
    rig.set_sender()
    worker = rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    worker.stop(30.0)
    sent = rig.postbox.mails("carl@customer.test")[0]
    with rig.database.write() as tx:  # as it stood when the mail had gone out and nothing was recorded
        row = tx.execute(select(delivery).where(delivery.c.message_id == sent["Message-ID"].strip("<>"))).one()
        tx.execute(
            update(delivery).where(delivery.c.id == row.id).values(state="sending", sent_at=None, claim_until=0.0)
        )
        content = rig.sealing.content(
            tx, TENANT, row.window_id,
            {
                "issue": {"id": "10001", "key": "HELP-1", "summary": "Printer on fire", "url": "http://x"},
                "items": [{"kind": "comment_created", "at": 0.0, "author": "A", "text": "Try water.", "html": "", "changes": []}],
                "root": None, "mailbox": None,
            },
        )  # fmt: skip
        tx.execute(update(window).where(window.c.id == row.window_id).values(content=content))
        Outbox(rig.database, outbox).put(tx, "delivery.due", TENANT, {"delivery": row.id})
    rig.start()
    again = rig.wait(lambda: rig.postbox.mails("carl@customer.test")[1:])[0]
    assert again["Message-ID"] == sent["Message-ID"]
    rig.settle()
    assert rig.states()["carl@customer.test"] == "sent"


class TakesTheDatabaseAway(dict[str, str]):
    """Answers of a mail server, at the first of which to a mail somebody else begins to write to the database, for a while."""

    def __init__(self, database: str) -> None:
        self._other = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self.taken = False

    def get(self, key: str, default: Any = None) -> Any:
        if key == "DATA" and not self.taken:
            self.taken = True
            self._other.execute("BEGIN IMMEDIATE")
            threading.Timer(4.0, self._other.close).start()
        return default


def test_what_was_sent_while_the_database_went_away_is_recorded_when_it_is_back_and_not_sent_again(
    rig: Rig, tmp_path: Path
) -> None:
    rig.database.close()
    rig.database = open_database(f"sqlite:///{tmp_path}", "outbound", patience=1.0)
    rig.set_sender()
    rig.postbox.answers = answers = TakesTheDatabaseAway(f"{tmp_path}/outbound.sqlite3")
    rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: [row.state for row in rig.deliveries()].count("sent") == 3)
    assert answers.taken and all(row.attempts <= 1 for row in rig.deliveries())
    assert len(rig.postbox.mails()) == 3


def test_a_mail_already_sent_is_not_sent_again(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    with rig.database.write() as tx:
        for row in tx.execute(select(delivery)).all():
            Outbox(rig.database, outbox).put(tx, "delivery.due", TENANT, {"delivery": row.id})
        for one in tx.execute(select(window)).all():
            Outbox(rig.database, outbox).put(tx, "window.due", TENANT, {"window": one.id})
    rig.settle()
    assert len(rig.postbox.mails()) == 3
    assert len(rig.deliveries()) == 4


def test_what_letters_are_made_of_is_forgotten_once_they_are_sent(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    with rig.database.read() as tx:
        assert tx.execute(select(window.c.content)).scalars().all() == [None]


def test_a_bounce_mutes_the_address_we_wrote_to_and_no_other(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    (token,) = thread_tokens.find(rig.postbox.mails("carl@customer.test")[0]["Message-ID"])
    bounced = thread_tokens.check([KEY], token)
    assert bounced is not None
    named = [{"address": "bob@company.test", "permanent": True, "status": "5.1.1"}]
    rig.publish("mail.bounced", {"mail": "m", "delivery": bounced.delivery, "issue_id": "10001", "recipients": named})
    rig.wait(lambda: rig.states()["carl@customer.test"] == "bounced")
    comment_by_agent(rig, "502")
    rig.wait(lambda: len(rig.deliveries()) == 8)
    rig.settle()
    assert "came back: 5.1.1" in rig.reasons()["carl@customer.test"]
    assert len(rig.postbox.mails("carl@customer.test")) == 1
    assert len(rig.postbox.mails("bob@company.test")) == 2


@pytest.mark.parametrize("named", [None, "aaaaaaaaaaaaaaaa"])
def test_a_bounce_without_a_delivery_of_ours_mutes_nobody(rig: Rig, named: str | None) -> None:
    rig.set_sender()
    rig.start()
    recipients = [{"address": "carl@customer.test", "permanent": True, "status": "5.1.1"}]
    rig.publish("mail.bounced", {"mail": "m", "delivery": named, "issue_id": "10001", "recipients": recipients})
    rig.settle()
    comment_by_agent(rig)
    rig.wait(lambda: rig.postbox.mails("carl@customer.test"))


def test_another_tenants_bounce_changes_nothing(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    sent = next(row for row in rig.deliveries() if row.state == "sent")
    body = {"delivery": sent.id, "recipients": [{"permanent": True, "status": "5.1.1"}]}
    rig.publish("mail.bounced", body, tenant="tenantbbbbbbbbbb")
    rig.settle()
    assert [row.state for row in rig.deliveries() if row.id == sent.id] == ["sent"]


def test_a_refused_address_fails_and_is_not_written_to_again(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.postbox.answers["carl@customer.test"] = "550 5.1.1 No such user"
    comment_by_agent(rig)
    rig.wait(lambda: rig.states().get("carl@customer.test") == "failed")
    comment_by_agent(rig, "502")
    rig.wait(lambda: rig.states().get("carl@customer.test") == "skipped")
    assert "No such user" in rig.reasons()["carl@customer.test"]


def test_a_server_that_is_busy_is_asked_again_later(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    rig.postbox.answers["carl@customer.test"] = "451 4.7.1 carl@customer.test: try later"
    comment_by_agent(rig)
    rig.wait(lambda: len(rig.postbox.mails()) == 2)
    row = rig.wait(lambda: next((row for row in rig.deliveries() if row.error), None))
    assert row.state == "pending"
    assert "451" in row.error
    assert "carl@" not in row.error

    def unsent() -> list[Any]:
        with rig.database.read() as tx:
            return list(tx.execute(select(outbox)))

    (waiting,) = rig.wait(lambda: rows if len(rows := unsent()) == 1 else None)
    assert waiting.body == {"delivery": row.id}
    assert waiting.available_at > time.time() + 5


def test_wrong_settings_hold_the_mail_back_until_they_are_mended(rig: Rig) -> None:
    rig.set_sender(security="tls")
    rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: len(rig.deliveries()) == 4)
    rig.wait(lambda: any(row.error for row in rig.deliveries()))
    with rig.database.read() as tx:
        sender = store.sender_of(tx, TENANT)
    assert sender is not None
    assert sender.state == "trouble"
    assert "TLS" in (sender.last_error or "")
    rig.wait(lambda: rig.states()["carl@customer.test"] == "pending")


def test_a_removed_tenant_is_sent_nothing_more(rig: Rig) -> None:
    rig.set_sender(security="tls")
    rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: any(row.error for row in rig.deliveries()))
    rig.publish("tenant.removed", {})
    rig.wait(lambda: {row.state for row in rig.deliveries()} == {"skipped"})
    rig.jira.removed = True
    rig.event("comment_created", comment_id="501")
    rig.settle_windows()
    assert rig.postbox.mails() == []


def test_a_mailbox_of_ours_is_never_written_to(rig: Rig) -> None:
    assert rig.jira.property is not None
    rig.jira.property["cc"] = [
        {"name": "", "address": "support+x@company.test"},
        {"name": "", "address": "HELP@company.test"},
    ]
    rig.set_sender()
    rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: len(rig.postbox.mails()) == 2)
    rig.settle()
    assert rig.postbox.recipients() == ["bob@company.test", "carl@customer.test"]


def test_bob_is_told_once_although_he_is_here_three_times(rig: Rig) -> None:
    assert rig.jira.property is not None
    rig.jira.property["cc"] = [{"name": "Bob", "address": "BOB@company.test"}]
    rig.jira.watchers = [BOB]
    rig.set_sender()
    rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: len(rig.postbox.mails()) == 2)
    rig.settle()
    assert rig.postbox.recipients() == ["bob@company.test", "carl@customer.test"]


STORIES = (
    test_an_agents_comment_reaches_the_customer_in_their_own_thread,
    test_duplicates_and_disorder_make_one_mail,
    test_a_mail_already_sent_is_not_sent_again,
    test_a_bounce_mutes_the_address_we_wrote_to_and_no_other,
    test_a_removed_tenant_is_sent_nothing_more,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.removeprefix("test_"))
def test_two_workers_over_either_database(rig_on_either: Rig, story: Callable[[Rig], None]) -> None:
    """Each story again with a second worker that races the first for every message."""
    rig_on_either.start()
    story(rig_on_either)


def test_what_is_old_is_forgotten(rig: Rig) -> None:
    rig.set_sender()
    rig.start()
    comment_by_agent(rig)
    rig.event("comment_updated", issue_id=None)
    rig.wait(lambda: len(rig.postbox.mails()) == 3)
    rig.settle()
    house = Housekeeping(rig.database, SmtpPool(Nets(), allow_plain=False), retention=3600.0)
    assert house.sweep() == 0
    with rig.database.write() as tx:
        tx.execute(update(window).values(opened_at=window.c.opened_at - 7200))
        tx.execute(update(event).values(received_at=event.c.received_at - 7200))
    assert house.sweep() == 1
    assert rig.deliveries() == []
    with rig.database.read() as tx:
        assert tx.execute(select(event)).all() == []


def test_a_worker_needs_its_role_key(rig: Rig) -> None:
    with pytest.raises(BadSetting, match="MAILBRIDGE_ROLE_KEY"):
        rig.start(role_key=None)
