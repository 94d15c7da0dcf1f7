"""Person, program, bounce, own mail or complaint; and the sentence that says why."""

import pytest

from inbound.parse import parse
from inbound.screen import automatic, screen
from tests.inbound.reading import raw


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("plain", "person"),
        ("by_a_discussion_list", "person"),
        ("out_of_office", "automatic"),
        ("newsletter", "automatic"),
        ("delivery_report", "bounce"),
        ("exim_bounce", "bounce"),
        ("abuse_report", "abuse"),
    ],
)
def test_each_kind_of_mail_is_told_and_explained(name: str, kind: str) -> None:
    screening = screen(parse(raw(name)), frozenset(), ())
    assert screening.kind == kind
    assert bool(screening.evidence) == (kind != "person")


def test_mail_from_our_own_mailbox_is_our_own() -> None:
    screening = screen(parse(raw("plain")), frozenset({"ada@example.org"}), ())
    assert screening.kind == "own" and "ada@example.org" in screening.evidence


def test_a_valid_token_in_the_message_id_is_our_own_mail_coming_back() -> None:
    assert screen(parse(raw("plain")), frozenset(), ("abcdefghijklm",)).kind == "own"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("Auto-Submitted: auto-generated", True),
        ("Auto-Submitted: no", False),
        ("Auto-Submitted: No (really)", False),
        ("Precedence: bulk", True),
        ("Precedence: first-class", False),
        ("X-Autoreply: yes", True),
        ("X-Autoreply: no", False),
        ("X-Autorespond: vacation", True),
        ("X-FC-MachineGenerated: true", True),
        ("Return-Path: <>", True),
        ("Return-Path: <ada@example.org>", False),
        ("X-Auto-Response-Suppress: All", False),
    ],
)
def test_headers_that_programs_write(header: str, found: bool) -> None:
    assert (automatic(parse(f"From: ada@example.org\nSubject: Hello\n{header}\n\nx".encode())) is not None) == found


def test_a_localized_subject_alone_is_no_evidence() -> None:
    assert automatic(parse(b"From: a@b.c\nSubject: Out of office printer\n\nIt is broken.")) is None
