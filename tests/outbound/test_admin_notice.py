"""What is said of a mailbox that needs somebody, and to whom."""

from typing import Any

import pytest

from outbound import admin_notice
from outbound.admin_notice import NOBODY, OWN, AdminNotice, Candidate, Refusals

BODY: dict[str, Any] = {
    "kind": "reconnect", "mailbox": "m" * 16, "name": "Support", "address": "support@company.test", "account_id": "bob",
    "reason": "The provider said no.", "remedy": "Sign in again.", "days": None, "at": 5.0, "own": ["Support@company.test"],
}  # fmt: skip


def notice(**changes: Any) -> AdminNotice:
    return admin_notice.read({**BODY, **changes})


def test_a_notice_is_read_and_sealed_and_read_again() -> None:
    first = notice()
    assert (first.account, first.own, first.at) == ("bob", ("support@company.test",), 5.0)
    assert admin_notice.read(first.to_json()) == first


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"account_id": "login:abc"}, "account", None),  # of the page's own login: Jira knows no such account
        ({"account_id": ""}, "account", None),
        ({"account_id": 5}, "account", None),
        ({"name": "Two\r\nlines"}, "name", "Two lines"),
        ({"name": None}, "name", "without a name"),
        ({"days": True}, "days", None),
        ({"days": 6}, "days", 6),
        ({"own": "x@y.test"}, "own", ()),
        ({"own": [5, "A@y.test"]}, "own", ("a@y.test",)),
        ({"at": "now"}, "at", 0.0),
        ({"reason": "r" * 5000}, "reason", "r" * 1000),
    ],
)
def test_odd_notices_are_read_as_far_as_they_go(changes: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(notice(**changes), field) == value


@pytest.mark.parametrize("kind", [None, "", "party", ["reconnect"]])
def test_another_kind_is_no_notice(kind: object) -> None:
    with pytest.raises(ValueError, match="kind"):
        notice(kind=kind)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Sign in again for the mailbox Support"),
        ({"kind": "expiring", "days": 29}, "The mailbox Support can be read for 29 more days: renew its secret"),
        ({"kind": "expiring", "days": 1}, "The mailbox Support can be read for 1 more day: renew its secret"),
        ({"kind": "expiring", "days": 0}, "The mailbox Support can be read for less than a day only: renew its secret"),
        ({"kind": "expiring"}, "The mailbox Support can be read for some days only: renew its secret"),
        ({"kind": "trouble"}, "The mailbox Support cannot be read"),
    ],
)
def test_the_subject_says_what_to_do(changes: dict[str, Any], said: str) -> None:
    assert admin_notice.subject(notice(**changes)) == said


def test_an_address_that_is_the_name_is_said_once() -> None:
    assert "mailbox Support (support@company.test) any" in admin_notice.headline(notice())
    assert "mailbox Support@company.test any" in admin_notice.headline(notice(name="Support@company.test"))


def test_trouble_without_a_remedy_says_that_it_is_tried_on() -> None:
    assert admin_notice.advice(notice(kind="trouble", remedy="Ask them.")) == "Ask them."
    assert "goes on trying" in admin_notice.advice(notice(kind="trouble", remedy=""))
    assert admin_notice.advice(notice(remedy="")) == ""


REFUSALS = Refusals(frozenset({"support@company.test"}), {"gone@x.test": "It came back."}, str.lower)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("ann@x.test", ""),
        ("SUPPORT@company.test", OWN),
        ("support+desk@company.test", OWN),
        ("Gone@x.test", "Mail to this address is not sent any more: It came back."),
        ("no address", "This is not an address that mail can be sent to."),
    ],
)
def test_to_whom_no_letter_goes(address: str, why: str) -> None:
    assert REFUSALS.of(address) == why


def test_the_first_who_may_be_written_to_is_told() -> None:
    loop, ann, bob = (Candidate(one, "Why.") for one in ("support@company.test", "ann@x.test", "bob@x.test"))
    assert admin_notice.first([loop, ann, bob], REFUSALS) == ann
    assert admin_notice.first([loop], REFUSALS) == f"{OWN} {NOBODY}"
    assert admin_notice.first([], REFUSALS) == NOBODY


@pytest.mark.parametrize(
    ("scheme", "app", "link"),
    [
        ("connect", "mailbridge", "https://x.atlassian.net/plugins/servlet/ac/mailbridge/mailbridge-admin"),
        ("connect", None, ""),
        ("token", None, "https://mail.example.com/"),
        ("forge", "mailbridge", ""),
    ],
)
def test_where_the_page_is(scheme: str, app: str | None, link: str) -> None:
    assert admin_notice.link(scheme, "https://x.atlassian.net/", app, "https://mail.example.com") == link
