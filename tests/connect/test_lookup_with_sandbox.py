"""The look-up user's test against the stand-in Jira, right by right, as its rights come and go."""

from collections.abc import Iterator

import pytest

from common.env import Env, Settings
from common.http import Http
from common.jira import Jira
from common.nets import Nets
from connect.lookup_check import LookupJira, see
from connect.lookup_user import findings
from sandbox.app import Sandbox
from sandbox.jira.rights import Ruling
from sandbox.jira.seed import ALICE, BOB, CLEO, DORA, ERIK

ALL = (
    "API token", "Browse users and groups", "Browse projects", "Project administrator", "Application access", "Assignable",
    "Found by address",
)  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(0, 0, 0) as sandbox:
        yield sandbox


class Alice:
    """She administers everything; her token is the look-up user's."""

    email = "alice@acme.example"

    def __init__(self, sandbox: Sandbox) -> None:
        self.site = sandbox.parts.site
        self.http = Http(Nets(["127.0.0.0/8"]), 20.0)
        with self.site.lock:
            self.token = self.site.new_token(ALICE, None).secret
        settings = Settings.read(Env({"MAILBRIDGE_MASTER_KEY": "A" * 43 + "="}))
        self.jira: Jira = LookupJira(self.http, settings).of("t", sandbox.url, self.email, self.token)

    def judged(self, account: str | None = BOB, project: str | None = "SUP") -> dict[str, bool | None]:
        return {one.what: one.ok for one in findings(see(self.jira, account, project, self.email))}

    def may(self, permission: str, granted: bool, who: str = ALICE) -> None:
        with self.site.lock:
            self.site.rulings.set(Ruling(who, permission, granted, None))


@pytest.fixture
def alice(sandbox: Sandbox) -> Iterator[Alice]:
    sandbox.parts.reset()
    alice = Alice(sandbox)
    yield alice
    alice.http.close()
    assert sandbox.parts.calls.violations() == []


def test_with_all_rights_everything_works(alice: Alice) -> None:
    assert alice.judged() == dict.fromkeys(ALL, True)


@pytest.mark.parametrize(
    ("permission", "missing"),
    [
        ("USER_PICKER", {"Browse users and groups", "Found by address"}),
        ("BROWSE_PROJECTS", {"Browse projects"}),
    ],
)
def test_a_right_that_is_taken_away_is_found_missing(alice: Alice, permission: str, missing: set[str]) -> None:
    alice.may(permission, False)
    assert missing <= {what for what, ok in alice.judged().items() if ok is False}


def test_who_administers_neither_jira_nor_the_project_reads_no_roles(sandbox: Sandbox, alice: Alice) -> None:
    with alice.site.lock:
        token = alice.site.new_token(ERIK, None).secret
    settings = Settings.read(Env({"MAILBRIDGE_MASTER_KEY": "A" * 43 + "="}))
    erik = LookupJira(alice.http, settings).of("t", sandbox.url, "erik@partner.example", token)
    found = {one.what: one for one in findings(see(erik, None, "TEST", "erik@partner.example"))}
    assert found["API token"].ok and found["Browse projects"].ok
    assert found["Project administrator"].ok is False and found["Project administrator"].remedy


def test_a_person_who_hides_the_address_is_judged_by_everything_else(alice: Alice) -> None:
    judged = alice.judged(DORA, "TEST")
    assert judged["Application access"] is True
    assert judged["Found by address"] is True  # searched for the look-up user's own


def test_a_portal_customer_has_no_application_access_and_is_not_assignable(alice: Alice) -> None:
    judged = alice.judged(CLEO)
    assert (judged["Application access"], judged["Assignable"]) == (False, False)


def test_a_token_that_was_revoked_is_said_and_nothing_else_tried(alice: Alice) -> None:
    with alice.site.lock:
        alice.site.revoke_tokens(ALICE)
    assert alice.judged() == {**dict.fromkeys(ALL), "API token": False}
