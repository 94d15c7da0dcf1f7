"""Jira's own mail to a person, on an app's behalf."""

import pytest

from sandbox.app import Sandbox
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.person import ALICE, BOB, DORA, ERIK, Person, rule


def to(*accounts: str, **more: object) -> dict[str, object]:
    users = {"users": [{"accountId": one} for one in accounts], **more}
    return {"subject": "News", "textBody": "Read this", "htmlBody": "<p>Read <b>this</b></p>", "to": users}


def test_a_person_whose_address_is_hidden_gets_jiras_mail(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create()["key"]
    assert jira("POST", f"/issue/{key}/notify", json=to(DORA)).status_code == 204
    [letter] = sandbox.parts.post.inbox("dora@acme.example")
    read = letter.as_json()
    assert (read["from"], read["subject"], read["text"].strip()) == ("Jira <jira@sandbox.test>", "News", "Read this")
    assert "<b>this</b>" in read["html"]
    assert sandbox.parts.calls.violations() == []


def test_who_may_not_see_the_issue_gets_none(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create()["key"]
    assert jira("POST", f"/issue/{key}/notify", json=to(ERIK, BOB)).status_code == 204
    assert sandbox.parts.post.inbox("erik@partner.example") == []
    assert len(sandbox.parts.post.inbox("bob@acme.example")) == 1
    rule(sandbox.url, BOB, "BROWSE_PROJECTS")
    jira("POST", f"/issue/{key}/notify", json=to(BOB))
    assert len(sandbox.parts.post.inbox("bob@acme.example")) == 1


def test_nobody_and_oneself_and_a_stranger_are_refused(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create()["key"]
    alice = Person(sandbox.url, ALICE)
    assert alice("POST", f"/issue/{key}/notify", json=to(ALICE)).status_code == 400
    assert alice("POST", f"/issue/{key}/notify", json=to()).status_code == 400
    assert alice("POST", f"/issue/{key}/notify", json=to(assignee=True)).status_code == 400
    assert alice("POST", f"/issue/{key}/notify", json=to("nobody")).status_code == 404
    assert alice("POST", "/issue/SUP-999/notify", json=to(BOB)).status_code == 404


@pytest.mark.parametrize("name", ["reporter", "watchers"])
def test_people_are_named_by_what_they_are_to_the_issue(sandbox: Sandbox, jira: JiraCaller, name: str) -> None:
    key = jira.create(reporter={"accountId": BOB})["key"]
    assert jira("POST", f"/issue/{key}/notify", json=to(**{name: True})).status_code == 204
    assert len(sandbox.parts.post.inbox("bob@acme.example")) == 1
