"""Whether the sender of a mail that is too large is told so: the decision alone, on headers alone."""

from dataclasses import replace
from typing import Any

import pytest

from inbound.handling import oversized
from inbound.handling.oversized import Circumstances
from inbound.handling.screen import screen
from inbound.reading.identity import judge
from inbound.reading.parse import parse

OWN = frozenset({"support@sandbox.test", "desk@sandbox.test"})
NOW = 1_780_000_000.0  # Thu, 28 May 2026 20:26:40 +0000
TODAY, LONG_AGO = "Thu, 28 May 2026 20:20:00 +0000", "Mon, 18 May 2026 08:00:00 +0000"
AROUND = Circumstances(wanted=True, via="", answered=False, ignorable=False, connected_at=NOW - 86_400 * 30, now=NOW)


def decided(*lines: str, around: Circumstances = AROUND, sender: str = "ann@customer.test", **vouched: Any) -> str:
    raw = "\r\n".join([f"From: Ann <{sender}>", "To: support@sandbox.test", "Subject: Huge", *lines, "", ""]).encode()
    mail = parse(raw)
    identity = judge(mail, "mx.sandbox.test", (), vouched or None)
    return oversized.why_not(mail, screen(mail, OWN, ()), identity, OWN, around)


@pytest.mark.parametrize("lines", [(), (f"Date: {TODAY}",), ("Auto-Submitted: no",), ("Precedence: first-class",)])
def test_a_person_is_answered(lines: tuple[str, ...]) -> None:
    assert decided(*lines) == ""


@pytest.mark.parametrize("via", ["ses", "mailgun", "sendgrid", "postmark", ""])
def test_whatever_brings_it_but_a_pipe(via: str) -> None:
    assert decided(around=replace(AROUND, via=via)) == ""


@pytest.mark.parametrize(
    "lines",
    [
        ("Auto-Submitted: auto-generated",),
        ("Precedence: bulk",),
        ("Return-Path: <>",),
        ("List-Unsubscribe: <mailto:off@customer.test>",),
        ("List-Id: <all.customer.test>", "List-Post: <mailto:all@customer.test>"),
        ("Precedence: list",),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=x",),
        ("X-Mailbridge-Loop: 1",),
    ],
)
def test_programs_lists_bounces_and_our_own_mail_are_not(lines: tuple[str, ...]) -> None:
    assert decided(*lines).startswith("The sender was not told")


@pytest.mark.parametrize("sender", ["support@sandbox.test", "Desk@Sandbox.test", "support+x@sandbox.test", "nobody"])
def test_an_address_that_is_ours_or_none_is_not(sender: str) -> None:
    assert decided(sender=sender).startswith("The sender was not told")


def test_who_is_forged_is_not_and_who_is_proven_is() -> None:
    results = "Authentication-Results: mx.sandbox.test; dmarc={} header.from=customer.test"
    assert "dmarc=fail" in decided(results.format("fail"))
    assert decided(results.format("pass")) == ""
    assert "dmarc=fail" in decided(by="ses", dmarc="fail")


def test_two_senders_are_not() -> None:
    assert "more than one" in decided("From: Eve <eve@elsewhere.test>")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"wanted": False}, "does not answer"),
        ({"via": "pipe"}, "the mail server that brought it"),
        ({"answered": True}, "before"),
        ({"answered": True, "wanted": False}, "before"),
        ({"ignorable": True}, "names none"),
    ],
)
def test_what_stands_against_it_is_said(changes: dict[str, Any], part: str) -> None:
    assert part in decided(around=replace(AROUND, **changes))


def test_old_mail_is_not_nor_what_was_there_before_the_mailbox() -> None:
    assert "not a new one" in decided(f"Date: {LONG_AGO}")
    assert "not a new one" in decided(f"Date: {TODAY}", around=replace(AROUND, connected_at=NOW + 86_400))
    assert decided(f"Date: {TODAY}", around=replace(AROUND, connected_at=NOW - 200)) == ""
