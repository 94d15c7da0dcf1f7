"""Exactly once: what happens when Jira's answer never comes, when it refuses, and when the process dies in between.

The search index of the sandbox stands still in all of these: nothing may depend on it.
"""

import time
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from common.db import now
from inbound import store, store_ledger, store_steps
from inbound.tables import mail, outbox, project_high, step
from sandbox.jira import seed, writes
from tests.inbound import rig
from tests.inbound.handling.test_worker import reply_to, with_file
from tests.inbound.mailserver import letter
from tests.inbound.office import Office

UNKNOWN = ["reset_after_write", "500_after_write", "timeout_after_write"]
UNDONE = ["429", "reset", "500", "timeout"]


@pytest.fixture(autouse=True)
def known_project(office: Office) -> None:
    """The project is not new to us: the site keeps counting keys from test to test."""
    project = office.sandbox.parts.site.project("SUP")
    with office.database.write() as tx:
        store_steps.raise_high(tx, rig.TENANT, project.id, office.sandbox.parts.site.numbers.get("SUP", 0))


def everything(office: Office) -> list[tuple[str, int, list[str]]]:
    """Each issue with the number of its comments and the names of its files."""
    return [(one.summary, len(one.comments), [file.filename for file in one.attachments]) for one in office.issues()]


def hasty(office: Office) -> Office:
    """The same, with less patience than the sandbox's slowest answers take."""
    return Office(office.sandbox, office.database, JIRA_TIMEOUT="2")


@pytest.mark.parametrize("kind", UNKNOWN)
def test_an_issue_whose_answer_was_lost_is_found_and_not_made_again(office: Office, kind: str) -> None:
    office = hasty(office)
    office.fault(kind, "POST /rest/api/3/issue$", seconds=2.5)
    row = office.handled(with_file("Printer", ("log.csv", "a,b")))
    assert (row.state, row.issue_key) == ("handled", office.issues()[0].key)
    assert everything(office) == [("Printer", 0, ["log.csv"])]
    assert "POST /issue/bulkfetch" in office.calls()


@pytest.mark.parametrize("kind", UNDONE)
def test_an_issue_that_was_not_made_is_made_then(office: Office, kind: str) -> None:
    office = hasty(office)
    office.fault(kind, "POST /rest/api/3/issue$", seconds=2.5)
    row = office.handled(letter("Printer"))
    assert row.state == "handled" and everything(office) == [("Printer", 0, [])]


@pytest.mark.parametrize("kind", ["reset_after_write", "500_after_write", "reset", "500"])
def test_a_comment_is_made_once_whatever_the_answer(office: Office, kind: str) -> None:
    first = office.handled(letter("Printer"))
    office.fault(kind, "POST .*/comment$")
    row = office.handled(reply_to(first.issue_id))
    assert row.state == "handled" and row.comment_id == office.issues()[0].comments[0].id
    assert everything(office) == [("Printer", 1, [])]


@pytest.mark.parametrize("kind", ["reset_after_write", "500_after_write", "reset", "500"])
def test_a_file_is_attached_once_whatever_the_answer(office: Office, kind: str) -> None:
    office.fault(kind, "POST .*/attachments$")
    row = office.handled(with_file("Printer", ("log.csv", "a,b"), ("log.csv", "c,d")))
    assert row.state == "handled"
    assert everything(office) == [("Printer", 0, ["log.csv", "log (2).csv"])]


def test_a_file_is_recognised_without_knowing_our_own_account(office: Office) -> None:
    office.trust_no_account()
    office.fault("reset_after_write", "POST .*/attachments$")
    office.handled(with_file("Printer", ("log.csv", "a,b")))
    assert everything(office) == [("Printer", 0, ["log.csv"])]


def test_an_unknown_write_is_not_looked_up_before_it_has_settled(office: Office) -> None:
    patient = Office(office.sandbox, office.database, JIRA_SETTLE="120")
    patient.fault("reset_after_write", "POST /rest/api/3/issue$")
    id = patient.post(letter("Printer"))
    patient.work(rounds=3)
    assert patient.mail(id).state == "received" and "not known yet" in patient.mail(id).reason
    assert not [call for call in patient.calls() if "bulkfetch" in call]
    with patient.database.write() as tx:
        tx.execute(step.update().values(intended_at=step.c.intended_at - 121))
    patient.work()
    assert patient.mail(id).state == "handled" and len(patient.issues()) == 1


def test_the_walk_over_keys_passes_other_peoples_issues(office: Office) -> None:
    office.handled(letter("The first"))
    with office.sandbox.parts.site.lock:
        site = office.sandbox.parts.site
        for number in range(150):
            fields = {"project": {"key": "SUP"}, "issuetype": {"id": "10010"}, "summary": f"by hand {number}"}
            writes.create_issue(site, site.projects[0].lead, fields, None)
    office.fault("reset_after_write", "POST /rest/api/3/issue$")
    row = office.handled(letter("The last"))
    assert row.state == "handled" and row.issue_key == office.issues()[-1].key
    assert len([one for one in office.issues() if one.summary == "The last"]) == 1
    assert office.calls().count("POST /issue/bulkfetch") == 2


def test_the_highest_number_is_asked_for_once_and_then_known(office: Office) -> None:
    with office.database.write() as tx:
        tx.execute(project_high.delete())
    row = office.handled(letter("One"))
    office.handled(letter("Two"))
    assert office.calls().count("POST /search/jql") == 1
    with office.database.read() as tx:
        high = store_steps.high(tx, row.tenant, "10001")
    assert high == int(office.issues()[-1].key.partition("-")[2])


def test_a_worker_that_dies_between_intent_and_answer_leaves_one_issue(office: Office) -> None:
    id = office.post(with_file("Printer", ("log.csv", "a,b")))
    office.work()
    # The same database as it was when the process died: the write was sent, nothing of the answer is recorded.
    with office.database.write() as tx:
        tx.execute(step.delete().where(step.c.number > 1))
        tx.execute(step.update().values(state="intended", done_at=None))
        undone = {"state": "delivering", "issue_id": None, "issue_key": None, "outcome": None, "claim_until": 9e9}
        tx.execute(update(mail).where(mail.c.id == id).values(**undone))
        office.outbox.put(tx, "mail.received", rig.TENANT, {"mail": id})
        assert store.release_claims(tx) == 1
    office.work()
    row = office.mail(id)
    assert (row.state, row.issue_key) == ("handled", office.issues()[0].key)
    assert len(office.issues()) == 1


def test_a_worker_that_dies_before_sending_has_the_work_done_by_the_next(office: Office) -> None:
    id = office.post(letter("Printer"))
    office.fault("429", "POST /rest/api/3/issue$", seconds=0.0)
    office.desk.handle(office.waiting()[0])
    with office.database.write() as tx:  # as if it had died right after recording the intent
        tx.execute(step.update().values(state="intended", intended_at=time.time() - 1))
    office.work()
    assert office.mail(id).state == "handled" and everything(office) == [("Printer", 0, [])]


def test_who_lost_the_claim_writes_nothing(office: Office) -> None:
    id = office.post(letter("Printer"))
    (message,) = office.waiting()
    row = office.desk._claim(message, id)
    assert row is not None
    with office.database.write() as tx:  # it was away for so long that another took the mail
        tx.execute(mail.update().values(claim_until=None))
        store_ledger.claim(tx, id, 60.0, 5)
    office.desk._claim = lambda *_: row  # type: ignore[method-assign]
    office.desk.handle(message)
    assert office.issues() == [] and office.mail(id).state == "delivering" and office.mail(id).attempts == 2


def test_a_429_waits_as_long_as_jira_asks(office: Office) -> None:
    office.fault("429", "POST /rest/api/3/issue$", seconds=77.0)
    office.post(letter("Printer"))
    office.work(rounds=1)
    with office.database.read() as tx:
        delay = tx.execute(select(outbox.c.available_at - now())).scalar_one()
    assert 30 < delay < 80  # what is left of it


def test_what_jira_refuses_fails_with_its_own_words_and_can_be_tried_again(office: Office) -> None:
    with office.sandbox.parts.site.lock:
        project = next(one for one in office.sandbox.parts.site.projects if one.key == "SUP")
        types, project.issue_types = project.issue_types, ()
    row = office.handled(letter("Printer"))
    assert row.state == "failed" and "400" in row.reason and office.issues() == []
    project.issue_types = types
    with office.database.write() as tx:
        assert store_ledger.retry(tx, office.mail(row.id))
        office.outbox.put(tx, "mail.received", row.tenant, {"mail": row.id})
    office.work()
    assert office.mail(row.id).state == "handled" and len(office.issues()) == 1


def test_a_file_that_jira_refuses_is_left_out_and_told(office: Office) -> None:
    office.handled(letter("Warm up"))
    roles = office.sandbox.parts.site.roles
    with office.sandbox.parts.site.lock:  # the app may create issues, but attach nothing
        roles[seed.APPS] = replace(roles[seed.APPS], permissions=roles[seed.APPS].permissions - {"CREATE_ATTACHMENTS"})
    row = office.handled(with_file("Printer", ("log.csv", "a,b")))
    assert row.state == "handled" and "log.csv was not taken" in row.reason
    assert row.record["explanation"][-1] == row.reason


def test_after_three_days_without_jira_a_mail_fails(office: Office) -> None:
    id = office.post(letter("Printer"))
    office.fault("500", "/rest/", count=100)
    office.work(rounds=2)
    assert office.mail(id).state == "received" and "To be tried again" in office.mail(id).reason
    with office.database.write() as tx:
        tx.execute(mail.update().values(received_at=time.time() - 4 * 86_400))
    office.work(rounds=1)
    assert office.mail(id).state == "failed" and "Given up after 4 days" in office.mail(id).reason
