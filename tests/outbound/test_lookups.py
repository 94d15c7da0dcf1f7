"""What is asked about accounts, and how often."""

from collections.abc import Iterator

import pytest

from common.errors import Permanent, Temporary
from common.http import Http
from common.jira import JiraSites
from common.nets import Nets
from common.vendor import Vendor
from outbound.asking import KEPT, Asking
from outbound.facts import Restriction, Rights
from outbound.lookups import Lookups
from tests.outbound.conftest import TENANT, settings
from tests.outbound.jira_fake import FakeJira
from tests.outbound.people import mail_issue

ISSUE = mail_issue(project="10000")
ROLE = Restriction("role", "Administrators", "Administrators")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Desk:
    def __init__(self) -> None:
        self.jira = FakeJira()
        self.clock = Clock()
        vendor = Vendor(Http(Nets.everything()), self.jira.url, "outbound-worker", b"r" * 32)
        sites = JiraSites(Http(Nets.everything()), vendor, settings(self.jira.url))
        self.asking = Asking(4, self.clock)
        self.lookups = Lookups(sites, self.asking)

    def rights(self, *ids: str, restriction: Restriction | None = None) -> dict[str, Rights]:
        return self.lookups.rights(TENANT, ISSUE, ids, [restriction] if restriction else [])


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.asking.close()
    desk.jira.close()


def test_rights_are_remembered_for_five_minutes(desk: Desk) -> None:
    assert desk.rights("bob", "eve") == {"bob": Rights(True), "eve": Rights(False)}
    desk.jira.may["bob"] = set()
    desk.clock.now = KEPT - 1
    assert desk.rights("bob")["bob"].browse is True
    desk.clock.now = KEPT + 1
    assert desk.rights("bob")["bob"].browse is False


def test_who_is_an_agent_is_asked_for_internal_comments_only(desk: Desk) -> None:
    desk.jira.may["bob"] = {"BROWSE_PROJECTS", "SERVICEDESK_AGENT"}
    assert desk.rights("bob")["bob"].agent is None
    assert desk.rights("bob", restriction=Restriction("internal"))["bob"] == Rights(True, True)


def test_a_role_is_looked_up_by_its_name_or_its_id(desk: Desk) -> None:
    assert desk.rights("bob", "alice", restriction=ROLE)["bob"].roles == {"Administrators"}
    assert desk.rights("alice", restriction=ROLE)["alice"].roles == frozenset()
    by_id = Restriction("role", "Administrators", "10002")
    assert desk.rights("bob", restriction=by_id)["bob"].roles == {"Administrators", "10002"}
    assert desk.rights("bob", restriction=Restriction("role", "Nobody"))["bob"].roles == frozenset()


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_jira_will_not_say_is_not_known(desk: Desk, status: int) -> None:
    desk.jira.answers["/permissions/check"] = status
    assert desk.rights("bob", restriction=Restriction("internal"))["bob"] == Rights(None, None)


def test_a_fault_is_not_remembered(desk: Desk) -> None:
    desk.jira.answers["/permissions/check"] = 503
    with pytest.raises(Temporary):
        desk.rights("bob", "alice")
    desk.jira.answers.clear()
    assert desk.rights("bob")["bob"].browse is True


def test_a_refused_signature_is_not_taken_for_an_answer(desk: Desk) -> None:
    desk.jira.answers["/permissions/check"] = 401
    with pytest.raises((Permanent, Temporary)):
        desk.rights("bob")
