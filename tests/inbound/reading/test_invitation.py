"""Calendar parts: what, when, where, who, and who accepts."""

import time

import pytest

from inbound.explain_page import page
from inbound.handling import contents
from inbound.reading.invitation import MAX_ATTENDEES, read_invitation
from inbound.reading.parse import parse
from inbound.reading.parsed import Address
from tests.inbound.samples import raw


def test_an_answer_to_an_invitation_says_who_accepts_what_and_when() -> None:
    mail = parse(raw("invitation_accepted"))
    found = mail.invitation
    assert found is not None
    assert (found.method, found.summary, found.location) == ("REPLY", "Printer visit, second floor", "Room 7; knock")
    assert (found.start, found.end) == ("2026-03-02 09:15 Europe/Berlin", "2026-03-02 10:00 Europe/Berlin")
    assert found.organizer == Address("Desk: first line", "desk@example.com")
    assert [(one.who.address, one.status) for one in found.attendees] == [
        ("grace@example.org", "accepted"),
        ("ada@example.org", "needs-action"),
    ]
    assert not found.cancelled


def test_the_calendar_part_stays_attached_and_the_text_stays_the_text() -> None:
    mail = parse(raw("invitation_accepted"))
    assert [a.content_type for a in mail.attachments] == ["text/calendar"]
    assert mail.text.strip() == "Grace has accepted."


def test_a_mail_that_is_nothing_but_an_invitation_becomes_what_it_says() -> None:
    calendar = (
        b"From: ada@example.org\r\nSubject: Visit\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"
        b"SUMMARY:Printer visit\r\nDTSTART:20260302T091500Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    for document in (contents.description(parse(calendar), ""), contents.comment(parse(calendar), "")):
        assert "Printer visit" in str(document) and "2026-03-02 09:15 UTC" in str(document)


def test_explain_shows_it() -> None:
    shown = page("x.eml", raw("invitation_accepted"))
    assert "Answer to an invitation" in shown
    assert "2026-03-02 09:15 Europe/Berlin to 2026-03-02 10:00 Europe/Berlin" in shown
    assert "Grace <grace@example.org>: accepted" in shown


@pytest.mark.parametrize(
    ("written", "start"),
    [
        ("DTSTART:20260302T091500Z", "2026-03-02 09:15 UTC"),
        ("DTSTART;VALUE=DATE:20260302", "2026-03-02"),
        ("DTSTART:20260302T0915", "2026-03-02 09:15"),
        ('DTSTART;TZID="W. Europe: Standard":20260302T091500', "2026-03-02 09:15 W. Europe: Standard"),
        ("DTSTART:next Monday", "next Monday"),
        ("SUMMARY:x", ""),
    ],
)
def test_times_keep_their_zone_as_written(written: str, start: str) -> None:
    found = read_invitation(f"BEGIN:VEVENT\r\n{written}\r\nEND:VEVENT\r\n", "")
    assert found is not None
    assert found.start == start


def test_a_cancelled_event_is_called_off() -> None:
    found = read_invitation("BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT", "cancel")
    assert found is not None
    assert (found.method, found.cancelled) == ("CANCEL", True)


@pytest.mark.parametrize(
    "text", ["", "hello", "BEGIN:VCALENDAR\nEND:VCALENDAR", "END:VEVENT\nBEGIN:VEVENT", "\n ;;;:::"]
)
def test_a_text_without_an_event_is_no_invitation(text: str) -> None:
    assert read_invitation(text, "REQUEST") is None


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN:VEVENT\n" + "ATTENDEE:mailto:a@example.org\n" * 100_000,
        "BEGIN:VEVENT\nSUMMARY:" + "\n x" * 200_000,
        "BEGIN:VEVENT\nATTENDEE" + ';A="' * 200_000 + ":mailto:x",
        "BEGIN:" * 100_000,
        "BEGIN:VEVENT\n" * 100_000 + "SUMMARY:x",
        "BEGIN:VEVENT\nX" + ";" * 500_000 + ":x",
    ],
)
def test_a_hostile_calendar_costs_little(text: str) -> None:
    started = time.process_time()
    found = read_invitation(text, "")
    assert time.process_time() - started < 4
    assert found is None or len(found.attendees) <= MAX_ATTENDEES


def test_an_end_too_many_stops_nothing() -> None:
    found = read_invitation("BEGIN:VEVENT\nSUMMARY:Visit\nEND:VALARM\nEND:X\nLOCATION:Room 7\nEND:VEVENT", "")
    assert found is not None
    assert found.summary == "Visit"
