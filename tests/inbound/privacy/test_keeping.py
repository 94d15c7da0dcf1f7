"""How long mail is kept: content, names and words go after the days; what became of a mail stays."""

import json
from typing import Any

import pytest
from sqlalchemy import func, select

from common.db import Database, now
from inbound import store, store_keeping
from inbound.privacy.housekeeping import Housekeeping
from inbound.store_keeping import Keeping
from inbound.tables import conversation, mail, mail_raw, step
from tests.inbound.mailserver import letter
from tests.inbound.office import Office
from tests.inbound.page import Call
from tests.inbound.rig import TENANT, wait_for

DAY = 86_400.0


def age(database: Database, id: str, days: float) -> None:
    """As if the mail had come so many days earlier."""
    with database.write() as tx:
        tx.execute(mail.update().where(mail.c.id == id).values(received_at=now() - days * DAY))


def everything(database: Database) -> str:
    """All that the ledger and the steps say, as text."""
    with database.read() as tx:
        rows = [*tx.execute(select(mail)), *tx.execute(select(step))]
        return json.dumps([[str(value) for value in row] for row in rows], ensure_ascii=False)


def raws(database: Database) -> int:
    with database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(mail_raw)).scalar_one())


def keep(database: Database, days: int, content: bool) -> None:
    with database.write() as tx:
        store_keeping.put_keeping(tx, TENANT, Keeping(days, content))


def test_after_the_days_nobody_stands_in_the_ledger_and_the_counts_stay(office: Office) -> None:
    row = office.handled(letter("Printer on fire", sender="ann@customer.test"))
    house = Housekeeping(office.database, 30)
    age(office.database, row.id, 29)
    assert house.sweep() == 0 and "ann@customer.test" in everything(office.database)
    age(office.database, row.id, 31)
    assert house.sweep() == 1 and house.sweep() == 0
    told = everything(office.database).lower()
    assert "ann" not in told and "customer.test" not in told and "fire" not in told
    assert raws(office.database) == 0
    kept = office.mail(row.id)
    assert (kept.state, kept.outcome, kept.issue_key, kept.fingerprint) == (
        "handled",
        "issue",
        row.issue_key,
        row.fingerprint,
    )
    assert "after 30 days" in kept.record["explanation"][0]
    with office.database.read() as tx:
        assert store.counts(tx, [office.mailbox_id])[office.mailbox_id]["handled"] == 1
        assert tx.execute(
            select(func.count()).select_from(step).where(step.c.detail["issue_key"].as_string() != "")
        ).scalar()


def test_a_mail_that_is_still_to_be_handled_is_never_forgotten(office: Office) -> None:
    id = office.post(letter("Waiting"))
    age(office.database, id, 400)
    assert Housekeeping(office.database, 30).sweep() == 0 and raws(office.database) == 1


def test_a_late_answer_to_a_forgotten_mail_still_finds_its_issue(office: Office) -> None:
    row = office.handled(letter("Printer", Message_ID="<one@customer.test>"))
    age(office.database, row.id, 31)
    Housekeeping(office.database, 30).sweep()
    with office.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(conversation)).scalar_one() == 1
    answer = office.handled(letter("Re: Printer", Message_ID="<two@customer.test>", In_Reply_To="<one@customer.test>"))
    assert (answer.outcome, answer.issue_key) == ("comment", row.issue_key)


def test_a_tenant_may_keep_mail_for_longer_or_shorter(office: Office) -> None:
    row = office.handled(letter("Printer"))
    age(office.database, row.id, 31)
    keep(office.database, 60, content=True)
    assert Housekeeping(office.database, 30).sweep() == 0
    keep(office.database, 7, content=True)
    assert Housekeeping(office.database, 30).sweep() == 1


def test_without_content_a_mail_is_kept_until_it_is_handled(office: Office) -> None:
    keep(office.database, 30, content=False)
    house = Housekeeping(office.database, 30)
    id = office.post(letter("Printer"))
    assert house.drop_handled() == 0 and raws(office.database) == 1
    office.work()
    assert office.mail(id).state == "handled"
    assert house.drop_handled() == 1 and raws(office.database) == 0
    kept = office.mail(id)
    assert (kept.sender, kept.subject) == ("ann@customer.test", "Printer")


def test_who_keeps_content_keeps_it(office: Office) -> None:
    office.handled(letter("Printer"))
    assert Housekeeping(office.database, 30).drop_handled() == 0 and raws(office.database) == 1


def test_a_held_mail_keeps_its_content_for_its_retry(office: Office) -> None:
    keep(office.database, 30, content=False)
    id = office.post(letter("Printer"))
    with office.database.write() as tx:
        tx.execute(mail.update().values(state="held"))
    assert Housekeeping(office.database, 30).drop_handled() == 0 and raws(office.database) == 1
    age(office.database, id, 31)
    assert Housekeeping(office.database, 30).sweep() == 1 and raws(office.database) == 0


def test_more_than_one_batch_is_forgotten_at_once(office: Office) -> None:
    for number in range(3):
        age(office.database, office.post(letter(f"Mail {number}")), 31)
    with office.database.write() as tx:
        tx.execute(mail.update().values(state="failed"))
        assert len(store_keeping.older(tx, TENANT, 30, 2)) == 2
    assert Housekeeping(office.database, 30).sweep() == 3


def test_the_sweep_runs_with_the_worker(office: Office) -> None:
    row = office.handled(letter("Printer"))
    age(office.database, row.id, 31)
    house = Housekeeping(office.database, 30).rounds()
    house.start()
    try:
        wait_for(lambda: office.mail(row.id).sender is None)
    finally:
        house.stop(5.0)


def test_the_page_shows_what_is_kept_and_what_stops_without(call: Call) -> None:
    shown = call("GET", "/keeping").json
    assert (shown["days"], shown["content"], shown["default_days"]) == (30, True, 30)
    assert [sentence.partition(":")[0] for sentence in shown["stops"]] == ["View", "Reprocess", "Rehearse"]
    changed = call("PUT", "/keeping", {"days": 7, "content": False})
    assert changed.status_code == 200 and call("GET", "/keeping").json == changed.json
    assert (changed.json["days"], changed.json["content"]) == (7, False)
    assert call("GET", "/keeping", tenant="another").json["days"] == 30
    assert call("PUT", "/keeping", {"days": 8, "content": True}).json["days"] == 8


@pytest.mark.parametrize(
    "body",
    [{}, {"days": 0, "content": True}, {"days": "7", "content": True}, {"days": 7}, {"days": 9999, "content": True}],
)
def test_a_wrong_choice_is_named(call: Call, body: dict[str, Any]) -> None:
    assert call("PUT", "/keeping", body).status_code == 422


def test_only_administrators_choose(call: Call) -> None:
    assert call("PUT", "/keeping", {"days": 7, "content": True}, admin=False).status_code == 403
