"""Who can be written to by nobody but Jira gets the mail from Jira: once where that can be told, twice at most."""

import pytest
from sqlalchemy import select, update

from outbound import notices, store, store_people
from outbound.reach import BY_JIRA
from outbound.tables import delivery, outbox, person
from tests.outbound.conftest import TENANT, Rig
from tests.outbound.jira_fake import WANDA, user
from tests.outbound.test_worker import comment_by_agent


@pytest.fixture
def wandas(rig: Rig) -> Rig:
    return hidden_wanda(rig)


def hidden_wanda(rig: Rig) -> Rig:
    """Wanda watches, may see the issue, and hides her address."""
    rig.set_sender()
    rig.jira.watchers = [WANDA]
    rig.jira.may["wanda"] = {"BROWSE_PROJECTS"}
    return rig


def hers(rig: Rig) -> object:
    found = [row for row in rig.deliveries() if row.kind == "notify"]
    assert len(found) == 1, rig.states()
    return found[0]


def hurry(rig: Rig) -> None:
    """What was put off is due now."""
    with rig.database.write() as tx:
        tx.execute(update(outbox).values(available_at=0.0, sent_until=None))


def test_jira_sends_it_and_the_record_says_so(wandas: Rig) -> None:
    wandas.start()
    comment_by_agent(wandas)
    [notice] = wandas.wait(lambda: wandas.jira.notices)
    wandas.settle()
    assert notice["to"] == {"users": [{"accountId": "wanda"}]}
    assert notice["subject"] == "[HELP-1] Printer on fire"
    assert "Try water." in notice["textBody"] and "Try water." in notice["htmlBody"]
    assert wandas.jira.url + "/browse/HELP-1" in notice["textBody"]
    assert "not to Mailbridge" in notice["textBody"] and "not to Mailbridge" in notice["htmlBody"]
    assert "type your reply above" not in notice["textBody"]
    assert "Reply to this mail" not in notice["textBody"]
    row = hers(wandas)
    assert (row.state, row.message_id, row.error, row.asked) == ("sent", None, None, 1)
    assert row.reason == f"You watch this issue. {BY_JIRA}"
    assert sorted(wandas.postbox.recipients()) == ["bob@company.test", "carl@customer.test", "dora@customer.test"]


@pytest.mark.parametrize(
    "hidden",
    [
        {"jsdPublic": False},
        {"visibility": {"type": "role", "value": "Administrators", "identifier": "Administrators"}},
        {"visibility": {"type": "group", "value": "staff", "identifier": "g1"}},
        {"visibility": {"type": "planet", "value": "Mars"}},
    ],
)
def test_what_she_may_not_see_is_not_sent_by_jira_either(wandas: Rig, hidden: dict[str, object]) -> None:
    wandas.start()
    comment_by_agent(wandas, text="Secret.", **hidden)
    wandas.settle()
    wandas.wait(lambda: len(wandas.deliveries()) == 5)
    assert wandas.jira.notices == []
    assert wandas.states()["wanda"] == "skipped"


def test_who_may_not_see_the_issue_gets_nothing(wandas: Rig) -> None:
    wandas.jira.may["wanda"] = set()
    wandas.start()
    comment_by_agent(wandas)
    wandas.wait(lambda: len(wandas.postbox.mails()) == 3)
    wandas.settle()
    assert wandas.jira.notices == []
    assert "may not see" in wandas.reasons()["wanda"]


def test_without_an_outgoing_server_jira_is_not_asked_either(wandas: Rig) -> None:
    with wandas.database.write() as tx:
        store.drop_sender(tx, TENANT)
    wandas.start()
    comment_by_agent(wandas)
    wandas.wait(lambda: len(wandas.deliveries()) == 5)
    wandas.settle()
    assert wandas.jira.notices == []
    assert wandas.reasons()["wanda"] == "No outgoing server is set up."


@pytest.mark.parametrize("status", [429, 401])
def test_what_jira_certainly_did_not_do_is_asked_again(wandas: Rig, status: int) -> None:
    wandas.jira.notify = [status, status, status]
    wandas.start()
    comment_by_agent(wandas)
    for count in (1, 2, 3):
        wandas.wait(lambda count=count: given_back(wandas, count))
        hurry(wandas)
    wandas.wait(lambda: hers(wandas).state == "sent")
    assert (len(wandas.jira.notices), hers(wandas).error) == (1, None)


def test_a_first_answer_that_never_came_is_asked_for_once_more_and_the_record_says_so(wandas: Rig) -> None:
    wandas.jira.notify = [0]
    wandas.start()
    comment_by_agent(wandas)
    wandas.wait(lambda: given_back(wandas))
    hurry(wandas)
    wandas.wait(lambda: hers(wandas).state == "sent")
    assert hers(wandas).error == notices.MAYBE_TWICE
    assert len(wandas.jira.notices) == 2


def test_after_a_second_one_nobody_asks_again(wandas: Rig) -> None:
    wandas.jira.notify = [502, 0, 204]
    wandas.start()
    comment_by_agent(wandas)
    wandas.wait(lambda: given_back(wandas))
    hurry(wandas)
    wandas.wait(lambda: hers(wandas).state == "failed")
    wandas.settle()
    assert hers(wandas).error == notices.MAYBE_SENT
    assert len(asked(wandas)) == 2


def test_a_worker_that_died_while_asking_counts_as_an_answer_that_never_came(wandas: Rig) -> None:
    worker = wandas.start()
    wandas.jira.notify = [429]
    comment_by_agent(wandas)
    wandas.wait(lambda: given_back(wandas))
    worker.stop(30.0)
    wandas.workers.clear()
    with wandas.database.write() as tx:  # as a killed process leaves it, twice
        mine = delivery.c.kind == "notify"
        tx.execute(update(delivery).where(mine).values(state="sending", claim_until=0.0, asked=notices.MOST_UNKNOWN))
    hurry(wandas)
    wandas.start()
    wandas.wait(lambda: hers(wandas).state == "failed")
    assert hers(wandas).error == notices.MAYBE_SENT
    assert wandas.jira.notices == []


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_is_recorded_in_jiras_words(wandas: Rig, status: int) -> None:
    wandas.jira.notify = [status]
    wandas.start()
    comment_by_agent(wandas)
    wandas.wait(lambda: hers_or_none(wandas) and hers(wandas).state == "failed")
    wandas.settle()
    assert hers(wandas).error.startswith("Jira did not send it: ") and str(status) in hers(wandas).error
    assert len(asked(wandas)) == 1


def test_people_are_remembered_sealed_with_their_date_until_the_tenant_goes(rig_on_either: Rig) -> None:
    rig = hidden_wanda(rig_on_either)
    rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: rig.jira.notices)
    rig.settle()
    comment_by_agent(rig, "502")
    rig.wait(lambda: len(rig.jira.notices) == 2)
    rig.settle()
    with rig.database.read() as tx:
        rows = {row.account_id: row for row in tx.execute(select(person))}
        assert {id: row.source for id, row in rows.items()} == {"alice": "profile", "bob": "profile", "wanda": ""}
        assert b"bob@company.test" not in rows["bob"].address
        assert rig.sealing.read_person(tx, TENANT, "bob", rows["bob"].address) == "bob@company.test"
        assert rows["wanda"].address is None
        assert all(row.seen_at > 1.7e9 for row in rows.values())
    rig.publish("tenant.removed", {})
    rig.settle()
    with rig.database.read() as tx:
        assert tx.execute(select(person)).all() == []


def test_an_address_that_changes_is_noted_and_people_not_seen_for_long_are_forgotten(rig: Rig) -> None:
    hidden_wanda(rig)
    rig.start()
    comment_by_agent(rig)
    rig.wait(lambda: rig.jira.notices)
    rig.settle()
    rig.jira.watchers = [user("wanda", "Wanda Watcher", "wanda@company.test")]
    comment_by_agent(rig, "502")
    rig.wait(lambda: rig.postbox.mails("wanda@company.test"))
    rig.settle()
    with rig.database.write() as tx:
        rows = {row.account_id: row for row in tx.execute(select(person))}
        assert (rows["wanda"].source, rig.sealing.read_person(tx, TENANT, "wanda", rows["wanda"].address)) == (
            "profile",
            "wanda@company.test",
        )
        tx.execute(update(person).where(person.c.account_id == "bob").values(seen_at=person.c.seen_at - 1000))
        assert store_people.forget_unseen(tx, 900) == 1
        assert {row.account_id for row in tx.execute(select(person))} == {"alice", "wanda"}


def asked(rig: Rig) -> list[str]:
    return [path for path in rig.jira.paths() if path.endswith("/notify")]


def given_back(rig: Rig, times: int = 1) -> bool:
    """Jira was asked so often, and the last answer is dealt with: asked first, for before the first time it is pending too."""
    return len(asked(rig)) == times and hers(rig).state == "pending"


def hers_or_none(rig: Rig) -> bool:
    return any(row.kind == "notify" for row in rig.deliveries())
