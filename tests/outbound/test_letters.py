"""What a recipient reads, and the octets that carry it."""

import email
import email.policy

import pytest

from outbound import mime, render, threads
from outbound.facts import Account, Comment, Issue, Item, Mailed
from tests.outbound.people import ALICE, adf, change_item, comment_item, mail_issue

RENDERER = render.Renderer()
ENVELOPE = mime.Envelope("Alice", "help@company.test", "Carl", "carl@customer.test")
HEADS = threads.headers("t.o.k.n@company.test", ["first@customer.test"], "help@company.test", sub_addresses=False)


def letter(*items: Item, issue: Issue | None = None, linked: bool = False, answerable: bool = True) -> render.Letter:
    made = render.content(items, issue or mail_issue(), "https://site.test", {"alice": "Alice Agent"})
    return RENDERER.letter(made, range(len(items)), ["A reason."], linked=linked, answerable=answerable)


def test_a_comment_is_shown_in_text_and_html() -> None:
    made = letter(comment_item())
    assert made.author == "Alice Agent"
    for part in (made.text, made.html):
        assert "Alice Agent commented on HELP-1:" in part
        assert "Try water." in part
        assert "A reason." in part
    assert made.text.startswith(render.MARKER)


def test_only_people_with_an_account_get_a_link() -> None:
    assert "https://site.test/browse/HELP-1" in letter(comment_item(), linked=True).text
    assert 'href="https://site.test/browse/HELP-1"' in letter(comment_item(), linked=True).html
    assert "site.test" not in letter(comment_item()).text + letter(comment_item()).html


def test_where_no_reply_is_read_none_is_asked_for() -> None:
    made = letter(comment_item(), answerable=False)
    assert "Reply to this mail" not in made.text + made.html
    assert "above this line" not in made.text + made.html


def test_markup_is_escaped_wherever_it_stands() -> None:
    evil = "<img src=x onerror=alert(1)>"
    issue = Issue("1", f"K{evil}", evil, {"status": evil})
    item = Item("comment_created", 1.0, "x", evil, Comment("1", ALICE, adf(evil)))
    made = render.content([item, change_item("status")], issue, "https://site.test", {"alice": evil})
    html = RENDERER.letter(made, [0, 1], [evil], linked=True, answerable=True).html
    assert "<img" not in html
    assert html.count("&lt;img") >= 5


def test_template_language_in_a_comment_stays_text() -> None:
    item = Item("comment_created", 1.0, "x", "A", Comment("1", ALICE, adf("{{ issue.url }}{% if %}")))
    assert "{{ issue.url }}{% if %}" in letter(item).text


def test_customers_see_only_their_fields() -> None:
    item = change_item("status", "priority")
    assert "Priority" not in letter(item).text
    assert "Priority: none" in letter(item, linked=True).text
    assert "Status: Done" in letter(item).text
    assert "Alice Agent changed HELP-1:" in letter(item).text


def test_a_created_issue_shows_its_description() -> None:
    issue = mail_issue(description=adf("It burns."))
    made = letter(Item("issue_created", 1.0, "app", "Carl"), issue=issue)
    assert "Carl created HELP-1:" in made.text
    assert "It burns." in made.html


def test_letters_of_two_authors_are_from_the_desk() -> None:
    other = Item("comment_created", 2.0, "bob", "Bob", Comment("2", Account("bob", "Bob"), adf("Me too.")))
    assert letter(comment_item(), other).author == ""


def parsed(
    subject: str = "Re: [HELP-1] Printer", envelope: mime.Envelope = ENVELOPE, made: render.Letter | None = None
):
    data = mime.message(envelope, subject, made or letter(comment_item()), HEADS, 0.0)
    return data, email.message_from_bytes(data, policy=email.policy.default)


def test_the_mail_is_seven_bit_with_short_lines() -> None:
    odd = render.Letter("", "Grüße 😄\n" + "x" * 5000 + "\n.\n\ud800", "<p>" + "ü" * 5000 + "</p>")
    data, mail = parsed(
        "Grüße " * 30, mime.Envelope("Älice " * 10, "help@company.test", "Zoë", "carl@customer.test"), odd
    )
    assert data.isascii()
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert mail["Subject"] == ("Grüße " * 30).strip()
    assert mail.get_body(("plain",)).get_content().splitlines()[0] == "Grüße 😄"
    assert mail["From"].addresses[0].addr_spec == "help@company.test"
    assert mail.get_content_type() == "multipart/alternative"


def test_the_headers_of_automatic_mail() -> None:
    _, mail = parsed()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "DR, RN, NRN, OOF, AutoReply"
    assert "List-Id" not in mail
    assert "Precedence" not in mail
    assert mail["Reply-To"] == "help@company.test"
    assert mail["References"] == "<first@customer.test> <t.o.k.n@thread.company.test>"


@pytest.mark.parametrize("evil", ["a\r\nBcc: victim@x.test", "a\n\nbody", "a\x00\x0b\x0c\u2028Bcc: victim@x.test"])
def test_nothing_in_names_or_subject_makes_a_header(evil: str) -> None:
    _, mail = parsed(evil, mime.Envelope(evil, "help@company.test", evil, "carl@customer.test"))
    assert "Bcc" not in mail
    assert len(mail.get_all("To")) == 1
    assert [one.addr_spec for one in mail["To"].addresses] == ["carl@customer.test"]


def test_content_is_json_with_what_a_thread_needs() -> None:
    made = render.content(
        [comment_item()], mail_issue(mailed=Mailed(None, root="r@x", mailbox="m@x")), "https://s.test", {}
    )
    assert (made["root"], made["mailbox"]) == ("r@x", "m@x")
