"""Mails broken at random, and mails made at random, are all read, without an exception and in their time.

`make fuzz` is the long form; it holds each mail to a second. Here the margin is wide: processor time too is longer next to others.
"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inbound.mutations import mutated, seeds, survive
from tests.inbound.samples import raw

COUNT = 6_000
SECONDS = 4.0
SEED = 5
LARGEST = 3_000  # octets of a seed; the long form takes larger ones

_ODD = st.sampled_from(
    ["\x00", "\r", "\n", "\ufffd", "\u2028", "=", "=?", "?=", "<", ">", '"', ";", ":", "@", "é", "件", "--b", "> "]
)
_WORDS = st.lists(st.one_of(_ODD, st.text(max_size=12)), max_size=12).map("".join)
_NAMES = st.sampled_from(
    [
        "From",
        "To",
        "Cc",
        "Reply-To",
        "Subject",
        "Date",
        "Message-ID",
        "References",
        "Content-Type",
        "Content-Disposition",
        "Content-Transfer-Encoding",
        "Auto-Submitted",
        "Return-Path",
        "Precedence",
        "X-Failed-Recipients",
    ]
)
_TYPES = st.sampled_from(
    ["text/plain", "text/html", "text/calendar; method=REQUEST", "message/rfc822", "message/delivery-status", "application/ms-tnef", "multipart/mixed; boundary=b", "multipart/report; report-type=delivery-status; boundary=b", "multipart/alternative"]
)  # fmt: skip
_PARTS = st.tuples(_TYPES, st.sampled_from(["", "base64", "quoted-printable", "x-uuencode", "7bit"]), _WORDS).map(
    lambda part: f"--b\r\nContent-Type: {part[0]}\r\nContent-Transfer-Encoding: {part[1]}\r\n\r\n{part[2]}\r\n"
)


@pytest.mark.timeout(
    900
)  # a quarter of a minute of processor time, far more on a machine that is busy with other things
def test_mails_broken_at_random_are_read() -> None:
    mails, chance = seeds(LARGEST), random.Random(SEED)
    findings = (survive(mutated(chance, mails), SECONDS) for _ in range(COUNT))
    assert [finding for finding in findings if finding is not None] == []


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(_NAMES, _WORDS), max_size=8),
    _TYPES,
    st.lists(_PARTS, max_size=5),
    st.sampled_from(["utf-8", "latin-1", "utf-16", "shift_jis"]),
)
def test_mails_made_at_random_are_read(
    fields: list[tuple[str, str]], kind: str, parts: list[str], charset: str
) -> None:
    header = "".join(f"{name}: {value}\r\n" for name, value in fields)
    mail = f"{header}Content-Type: {kind}\r\n\r\n{''.join(parts)}--b--\r\n"
    assert survive(mail.encode(charset, "replace"), SECONDS) is None


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=400))
def test_octets_that_are_no_mail_are_read(octets: bytes) -> None:
    assert survive(octets, SECONDS) is None


def test_the_same_seed_breaks_the_same_mails() -> None:
    mails = [raw("plain"), raw("outlook_reply")]
    first, second = random.Random(SEED), random.Random(SEED)
    assert [mutated(first, mails) for _ in range(50)] == [mutated(second, mails) for _ in range(50)]
