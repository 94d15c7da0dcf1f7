"""How our mail joins a thread."""

import pytest

from outbound import threads

TOKEN = "abc.aaaaaaaaaaaaaaaa.bbbbbbb.ccccccccccccc"


def test_a_mail_continues_the_customers_thread() -> None:
    heads = threads.headers(
        f"{TOKEN}@company.test", ["first@customer.test", "second@customer.test"], None, sub_addresses=False
    )
    assert heads.message_id == f"<{TOKEN}@company.test>"
    assert heads.in_reply_to == "<second@customer.test>"
    assert heads.references == f"<first@customer.test> <second@customer.test> <{TOKEN}@thread.company.test>"
    assert heads.reply_to == ""


def test_a_first_mail_replies_to_nothing_and_still_carries_its_token_twice() -> None:
    heads = threads.headers(f"{TOKEN}@company.test", [], "box@company.test", sub_addresses=True)
    assert heads.in_reply_to == ""
    assert heads.references == f"<{TOKEN}@thread.company.test>"
    assert heads.reply_to == f"box+{TOKEN}@company.test"


def test_of_many_references_the_first_and_the_newest_stay() -> None:
    heads = threads.headers(f"{TOKEN}@c.test", [f"m{number}@x" for number in range(100)], None, sub_addresses=False)
    listed = heads.references.split()
    assert len(listed) == 21
    assert listed[0] == "<m0@x>"
    assert listed[-2] == "<m99@x>"


@pytest.mark.parametrize("bad", ["", "no-at", "a b@x", "a@x\r\nBcc: y@z", "ä@x", "a" * 300 + "@x", "<a><b>@x"])
def test_what_would_break_a_header_is_left_out(bad: str) -> None:
    heads = threads.headers(f"{TOKEN}@c.test", ["<good@x>", bad], None, sub_addresses=False)
    assert heads.references == f"<good@x> <{TOKEN}@thread.c.test>"


@pytest.mark.parametrize(
    ("mailbox", "sub", "expected"),
    [
        ("box@c.test", True, f"box+{TOKEN}@c.test"),
        ("box@c.test", False, "box@c.test"),
        ("a-mailbox-with-a-long-name@c.test", True, "a-mailbox-with-a-long-name@c.test"),
    ],
)
def test_the_reply_address_fits_into_64_octets(mailbox: str, sub: bool, expected: str) -> None:
    assert threads.reply_address(TOKEN, mailbox, sub_addresses=sub) == expected


def test_the_subject_is_one_line() -> None:
    assert threads.subject("HELP-1", "Printer\r\nBcc: x", reply=False) == "[HELP-1] Printer Bcc: x"
    assert threads.subject("HELP-1", "Printer", reply=True) == "Re: [HELP-1] Printer"
