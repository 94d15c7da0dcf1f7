"""What may be read by mail: no more than Jira would show."""

import pytest

from outbound import visibility
from outbound.facts import Account, Restriction, Rights
from tests.outbound.people import ALICE

PLAIN = Restriction()
INTERNAL = Restriction("internal")
ROLE = Restriction("role", "Administrators", "10002")
GROUP = Restriction("group", "staff", "g-1")
UNKNOWN = Restriction("unknown")
CUSTOMER = Account("portal", "Portal", kind="customer")

BROWSES = Rights(browse=True)
CASES = [
    (PLAIN, None, Rights(), True),
    (PLAIN, ALICE, Rights(), True),
    (PLAIN, ALICE, BROWSES, True),
    (PLAIN, ALICE, Rights(browse=False), False),
    (PLAIN, CUSTOMER, Rights(browse=False), True),
    (INTERNAL, None, Rights(True, True), False),
    (INTERNAL, CUSTOMER, Rights(True, True), False),
    (INTERNAL, ALICE, BROWSES, False),
    (INTERNAL, ALICE, Rights(True, False), False),
    (INTERNAL, ALICE, Rights(None, True), False),
    (INTERNAL, ALICE, Rights(False, True), False),
    (INTERNAL, ALICE, Rights(True, True), True),
    (ROLE, None, BROWSES, False),
    (ROLE, ALICE, BROWSES, False),
    (ROLE, ALICE, Rights(True, roles=frozenset({"Developers"})), False),
    (ROLE, ALICE, Rights(True, roles=frozenset({"Administrators"})), True),
    (ROLE, ALICE, Rights(None, roles=frozenset({"Administrators"})), False),
    (ROLE, ALICE, Rights(True, groups=frozenset({"Administrators"})), False),
    (GROUP, None, BROWSES, False),
    (GROUP, ALICE, Rights(True, groups=frozenset({"g-1"})), True),
    (GROUP, ALICE, Rights(False, groups=frozenset({"g-1"})), False),
    (GROUP, ALICE, Rights(True, roles=frozenset({"staff"})), False),
    (Restriction("group"), ALICE, Rights(True, groups=frozenset({""})), False),
    (UNKNOWN, ALICE, Rights(True, True), False),
    (UNKNOWN, None, Rights(), False),
]


@pytest.mark.parametrize(("restriction", "account", "rights", "may"), CASES)
def test_who_may_read(restriction: Restriction, account: Account | None, rights: Rights, may: bool) -> None:
    reason = visibility.why_not(restriction, account, rights)
    assert (reason == "") is may
    assert may or reason.endswith(".")
