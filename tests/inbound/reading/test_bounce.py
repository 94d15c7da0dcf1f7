"""Delivery failures: who was not reached, for good or for now, and with which mail of ours."""

import pytest

from inbound.reading.bounce import read_bounce
from inbound.reading.parse import parse
from tests.inbound.samples import raw


def test_a_report_names_the_address_we_wrote_to_and_whether_it_is_for_good() -> None:
    bounce = read_bounce(parse(raw("delivery_report")))
    assert bounce is not None
    assert [tuple(r) for r in bounce.recipients] == [
        ("gone@example.org", True, "5.1.1"),
        ("full@example.org", False, "4.2.2"),
    ]
    assert bounce.original_message_id == "token.abc@example.com"


def test_a_server_that_only_writes_prose_is_understood() -> None:
    bounce = read_bounce(parse(raw("exim_bounce")))
    assert bounce is not None
    assert [r.address for r in bounce.recipients] == ["nobody@example.org"]
    assert bounce.recipients[0].permanent
    assert bounce.original_message_id == "token.def@example.com"


@pytest.mark.parametrize(
    "name", ["report_of_success", "plain", "out_of_office", "abuse_report", "forwarded", "newsletter"]
)
def test_other_mails_are_no_bounce(name: str) -> None:
    assert read_bounce(parse(raw(name))) is None


@pytest.mark.parametrize(
    ("text", "address", "permanent"),
    [
        ("Hi. This is the qmail-send program.\n\n<a@example.org>:\n550 No such user here\n\n--- Below this line is a copy of the message.\n\nTo: b@example.org", "a@example.org", True),
        ("Your message\n\n  To: list@example.net\n\ndid not reach the following recipient(s):\n\na@example.org on Mon, 2 Mar 2026\n  Unknown Recipient", "a@example.org", True),
        ("   ----- The following addresses had permanent fatal errors -----\n<a@example.org>\n\n   ----- Transcript of session follows -----\n550 5.1.1 User unknown", "a@example.org", True),
        ("Warning: message delayed.\nDelivery to a@example.org has been delayed; it will be retried.", "a@example.org", False),
    ],
)  # fmt: skip
def test_shapes_of_older_servers(text: str, address: str, permanent: bool) -> None:
    mail = parse(f"From: MAILER-DAEMON@mx.example.net\nSubject: Returned mail: see details\n\n{text}\n".encode())
    bounce = read_bounce(mail)
    assert bounce is not None
    assert [(r.address, r.permanent) for r in bounce.recipients] == [(address, permanent)]


def test_a_person_who_writes_about_a_bounce_is_a_person() -> None:
    mail = parse(
        b"From: ada@example.org\nSubject: Help with returned parcel\n\nMy mail to b@example.org came back: user unknown.\n"
    )
    assert read_bounce(mail) is None


def test_a_report_that_a_gateway_wrapped_into_a_notice_of_its_own_is_found() -> None:
    bounce = read_bounce(parse(raw("bounce_wrapped_by_a_gateway")))
    assert bounce is not None
    assert [tuple(r) for r in bounce.recipients] == [("gone@example.org", True, "5.1.1")]
    assert bounce.original_message_id == "token.ghi@example.com"


def test_a_report_carried_by_a_persons_mail_is_no_bounce_of_ours() -> None:
    mail = raw("bounce_wrapped_by_a_gateway").replace(
        b"From: postmaster@gateway.example.net\nTo: desk@example.com\nSubject: Returned mail",
        b"From: ada@example.org\nTo: desk@example.com\nSubject: Please look at this",
        1,
    )
    assert read_bounce(parse(mail)) is None


@pytest.mark.parametrize(
    ("final", "address"),
    [("gone@store7.example.org", "gone@example.org"), ("gone@elsewhere.example.net", "gone@elsewhere.example.net"), ("other@store7.example.org", "other@store7.example.org")],
)  # fmt: skip
def test_only_a_box_rewritten_to_its_own_host_is_taken_back_to_the_address_we_wrote_to(
    final: str, address: str
) -> None:
    mail = raw("delivery_report").replace(
        b"Original-Recipient: rfc822; gone@example.org\nFinal-Recipient: rfc822; gone@mailhost.example.org",
        b"Final-Recipient: rfc822; " + final.encode(),
    )
    bounce = read_bounce(parse(mail))
    assert bounce is not None
    assert bounce.recipients[0].address == address


def test_a_box_named_without_its_domain_is_one_of_the_servers_own() -> None:
    mail = parse(
        b"From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.net>\nSubject: Mail Delivery Problem\n\n"
        b"Your mail to these recipients could not be delivered:\n\tlovelace\n\thopper\n\nBetter luck next time\n"
    )
    bounce = read_bounce(mail)
    assert bounce is not None
    assert [r.address for r in bounce.recipients] == ["lovelace@mx.example.net", "hopper@mx.example.net"]
