"""Mails that somebody passed on."""

from inbound.reading.forward import read_forward
from inbound.reading.parse import parse
from inbound.reading.parsed import Address
from tests.inbound.samples import raw


def test_the_forwarded_sender_and_words_are_found() -> None:
    forwarded = read_forward(parse(raw("forwarded")))
    assert forwarded is not None
    assert forwarded.sender == Address("Ada Fischer", "ada@example.org")
    assert forwarded.subject == "Broken door"
    assert forwarded.text == "The door does not close."
    assert forwarded.before == "Can you look at this?"


def test_apples_quoted_form_in_another_language() -> None:
    text = "Schau mal.\n\nAnfang der weitergeleiteten Nachricht:\n\n> Von: Ada <ada@example.org>\n> Betreff: Tür\n> Datum: 2. März 2026\n> An: ivo@example.com\n> \n> Die Tür klemmt.\n"
    forwarded = read_forward(
        parse(
            f"From: ivo@example.com\nTo: desk@example.com\nSubject: WG: =?utf-8?q?T=C3=BCr?=\nContent-Type: text/plain; charset=utf-8\n\n{text}".encode()
        )
    )
    assert forwarded is not None
    assert (forwarded.sender, forwarded.text) == (Address("Ada", "ada@example.org"), "Die Tür klemmt.")


def test_a_reply_that_quotes_with_a_header_is_no_forward() -> None:
    text = "It works.\n\nFrom: Desk <desk+token@example.com>\nSent: Monday\nTo: Ada\nSubject: DEMO-1\n\nDid it help?"
    assert (
        read_forward(parse(f"From: ada@example.org\nTo: desk@example.com\nSubject: RE: DEMO-1\n\n{text}".encode()))
        is None
    )


def test_an_ordinary_mail_is_no_forward() -> None:
    assert read_forward(parse(raw("plain"))) is None
