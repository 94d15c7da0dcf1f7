"""The author's own words out of a mail that quotes."""

import pytest

from inbound.reading.parse import parse
from inbound.reading.parsed import ParsedMail
from inbound.reading.reply import read_reply, shown_reply, split_text
from tests.inbound.samples import raw

INTRODUCTIONS = [
    "On Mon, Mar 2, 2026 at 9:15 AM Desk <desk@example.com> wrote:",
    "On Mon, Mar 2, 2026 at 9:15 AM Desk\n<desk@example.com> wrote:",
    "Am Mo., 2. März 2026 um 09:15 Uhr schrieb Desk <desk@example.com>:",
    "Desk <desk@example.com> schrieb am Mo., 2. März 2026, 09:15:",
    "Le lun. 2 mars 2026 à 09:15, Desk <desk@example.com> a écrit :",
    "El lun, 2 mar 2026 a las 9:15, Desk (<desk@example.com>) escribió:",
    "Em seg., 2 de mar. de 2026 às 09:15, Desk <desk@example.com> escreveu:",
    "Il giorno lun 2 mar 2026 alle ore 09:15 Desk <desk@example.com> ha scritto:",
    "Op ma 2 mrt 2026 om 09:15 schreef Desk <desk@example.com>:",
    "Den mån 2 mars 2026 kl 09:15 skrev Desk <desk@example.com>:",
    "man. 2. mar. 2026 kl. 09.15 skrev Desk <desk@example.com>:",
    "pon., 2 mar 2026 o 09:15 Desk <desk@example.com> napisał(a):",
    "po 2. 3. 2026 v 9:15 odesílatel Desk <desk@example.com> napsal:",
    "Desk <desk@example.com> ezt írta (időpont: 2026. márc. 2., H, 9:15):",
    "În lun., 2 mar. 2026 la 09:15, Desk <desk@example.com> a scris:",
    "Στις Δευ 2 Μαρ 2026 στις 9:15 π.μ., ο χρήστης Desk <desk@example.com> έγραψε:",
    "пн, 2 мар. 2026 г. в 09:15, Desk <desk@example.com>:",
    "2 марта 2026 г., в 9:15, Desk <desk@example.com> написал(а):",
    "Desk <desk@example.com>, 2 Mar 2026 Pzt, 09:15 tarihinde şunu yazdı:",
    "ma 2. maalisk. 2026 klo 9.15 Desk <desk@example.com> kirjoitti:",
    "2026年3月2日(月) 9:15 Desk <desk@example.com>:",
    "2026년 3월 2일 (월) 오전 9:15, Desk <desk@example.com>님이 작성:",
    "Desk <desk@example.com> 于2026年3月2日周一 09:15写道：",
    "في الاثنين، 2 مارس 2026 في 9:15 ص تمت كتابة ما يلي بواسطة Desk <desk@example.com>:",
    "Vào Th 2, 2 thg 3, 2026 vào lúc 09:15 Desk <desk@example.com> đã viết:",
]


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_the_introduction_of_a_quote_is_known_in_many_languages(introduction: str) -> None:
    kept, elided = split_text(f"Thank you, it works.\n\n{introduction}\n\n> Did it help?\n> Desk\n")
    assert kept == "Thank you, it works."
    assert "Did it help?" in elided and introduction.split("\n")[0] in elided


@pytest.mark.parametrize(
    "header",
    [
        "From: Desk <desk@example.com>\nSent: Monday, 2 March 2026 10:00\nTo: Ada\nSubject: DEMO-1",
        "________________________________\nVon: Desk <desk@example.com>\nGesendet: Montag, 2. März 2026 10:00\nAn: Ada\nBetreff: DEMO-1",
        "*De :* Desk\n*Envoyé :* lundi 2 mars 2026 10:00\n*À :* Ada\n*Objet :* DEMO-1",
        "-----Original Message-----\nFrom: Desk\nSubject: DEMO-1",
        "差出人: Desk <desk@example.com>\n送信日時: 2026年3月2日 10:00\n宛先: Ada\n件名: DEMO-1",
        "Od: Desk\nWysłano: poniedziałek, 2 marca 2026 10:00\nDo: Ada\nTemat: DEMO-1",
    ],
)
def test_outlooks_header_block_ends_the_reply(header: str) -> None:
    assert split_text(f"It works again.\n\n{header}\n\nDid it help?\n")[0] == "It works again."


def test_words_that_only_look_like_an_introduction_stay() -> None:
    text = "On the other hand, he wrote: do it.\nI will test this in 2 weeks and tell you\nwhat Ada has written: nothing so far.\nFrom: here to there"
    assert split_text(text) == (text, "")


def test_answers_between_the_lines_keep_the_lines_they_answer() -> None:
    text = "On 2 Mar 2026, at 9:15, Desk <desk@example.com> wrote:\n\n> Which printer?\n\nThe one on floor 3.\n\n> Since when?\n\nMonday.\n\n> Desk\n"
    assert split_text(text)[0] == "> Which printer?\n\nThe one on floor 3.\n\n> Since when?\n\nMonday."


def test_our_own_marker_comes_first_of_all() -> None:
    text = "Solved.\n\nOn 2 Mar 2026, Desk <desk@example.com> wrote:\n-- Please reply above this line --\n\nunquoted words of ours"
    assert split_text(text)[0] == "Solved."


def test_signatures_go_and_closing_words_stay() -> None:
    assert split_text("Fine.\n\nRegards\nAda\n\n-- \nAda Fischer\nExample AG")[0] == "Fine.\n\nRegards\nAda"
    assert split_text("Fine.\n\nSent from my iPhone")[0] == "Fine."
    assert split_text("Fine.\n\nSent from my desk, which is much easier.")[0].endswith("easier.")


def test_lists_made_of_dashes_are_no_signature() -> None:
    text = "Because of:\n-- the first point\n-- the second point"
    assert split_text(text)[0] == text


def test_a_forwarded_mail_is_content() -> None:
    text = read_reply(parse(raw("forwarded"))).text
    assert "Can you look at this?" in text and "The door does not close." in text


def test_outlooks_html_is_cut_by_its_structure() -> None:
    reply = read_reply(parse(raw("outlook_reply")))
    assert reply.text == "It works again, thank you."
    assert reply.html is not None and "Did the update help" not in reply.html
    assert "Did the update help?" in reply.elided


@pytest.mark.parametrize(
    "html",
    [
        '<div>Yes.</div><div class="gmail_quote"><div class="gmail_attr">On Mon wrote:</div><blockquote>No?</blockquote></div>',
        '<div>Yes.</div><blockquote type="cite">No?</blockquote>',
        "<p>Yes.</p><div id='divRplyFwdMsg'><b>From:</b> a@b.c</div><p>No?</p>",
        "Yes.<br><br>On 2 Mar 2026, at 9:15, Desk &lt;desk@example.com&gt; wrote:<blockquote>No?</blockquote>",
        '<p>Yes.</p><div class="yahoo_quoted">No?</div>',
    ],
)
def test_html_quotes_of_the_known_programs_are_cut(html: str) -> None:
    assert read_reply(ParsedMail(html=html)).text == "Yes."


def test_html_that_is_nothing_but_a_quote_is_not_emptied() -> None:
    assert "No?" in read_reply(ParsedMail(html='<div class="gmail_quote">No?</div>')).text


def test_an_indented_block_of_html_is_the_authors_own() -> None:
    html = '<p>As agreed:</p><blockquote style="margin:0 0 0 40px;border:none;padding:0px">ten pieces</blockquote>'
    assert read_reply(ParsedMail(html=html)).text == "As agreed:\n\nten pieces"


def test_nothing_is_thrown_away() -> None:
    text = "A\n\nOn 2 Mar 2026, Desk <desk@example.com> wrote:\n> B\n> C\n\n-- \nD"
    kept, elided = split_text(text)
    assert sorted((kept + "\n" + elided).split()) == sorted(text.split())


@pytest.mark.parametrize(
    "html",
    [
        '<div>Yes, <b>do</b> it.</div><ol><li>one</li></ol><div>On 2 Mar 2026, at 9:15, Desk &lt;desk@example.com&gt; wrote:</div><blockquote type="cite">No?</blockquote>',
        "<p>Yes, <b>do</b> it.</p><ol><li>one</li></ol><p>From: Desk &lt;desk@example.com&gt;<br>Sent: Monday<br>To: Ada<br>Subject: DEMO-1</p><p>No?</p>",
        "<p>Yes, <b>do</b> it.</p><ol><li>one</li></ol><div>-- <br>Ada Fischer<br><img src='cid:logo'></div>",
    ],
)
def test_the_html_of_a_reply_is_cut_where_its_text_is(html: str) -> None:
    reply = read_reply(ParsedMail(html=html))
    assert reply.text == "Yes, do it.\n\n1. one"
    assert reply.html is not None and "<b>do</b>" in reply.html and "<li>one</li>" in reply.html
    for gone in ("wrote", "Subject", "No?", "Fischer", "img"):
        assert gone not in reply.html


@pytest.mark.parametrize(
    "mail",
    [
        ParsedMail(text="On 2 Mar 2026, Desk <desk@example.com> wrote:\n> Is it fixed?\n"),
        ParsedMail(text="-- Please reply above this line --\nIs it fixed?\n"),
        ParsedMail(
            text="On 2 Mar 2026, Desk <desk@example.com> wrote:\n> Is it fixed?\n",
            html="<div>On 2 Mar 2026, Desk wrote:<blockquote type=cite>Is it fixed?</blockquote></div>",
        ),
    ],
)
def test_a_mail_that_is_only_an_introduced_quote_is_shown_whole(mail: ParsedMail) -> None:
    assert read_reply(mail).text == ""
    reply = shown_reply(mail)
    assert reply.text == mail.text.strip()
    assert reply.elided == ""
    assert reply.html is None or "Is it fixed?" in reply.html


def test_a_mail_without_a_word_stays_empty() -> None:
    assert shown_reply(ParsedMail(text=" \n\n")).text == ""


def test_what_is_shown_of_any_other_mail_is_what_its_author_wrote() -> None:
    mail = ParsedMail(text="Yes.\n\nOn 2 Mar 2026, Desk <desk@example.com> wrote:\n> Is it fixed?\n")
    assert shown_reply(mail) == read_reply(mail)
    assert shown_reply(mail).text == "Yes."


@pytest.mark.parametrize("name", ["Subİect", "ſubject", "\u212aimden"])
def test_letters_that_only_case_blind_patterns_know_stop_nothing(name: str) -> None:
    text = f"Yes.\n\nFrom: desk@example.com\n{name}: Is it fixed?\nTo: ada@example.org\n\nIs it fixed?"
    assert split_text(text)[0].startswith("Yes.")


def test_the_name_that_a_program_sets_above_a_quoted_header_is_not_the_authors() -> None:
    header = "From: Bob Miller <bob@example.com>\nTo: ada@example.org\nSent: Friday\nSubject: Hello\n\nHello"
    assert split_text(f"Hi there\n\nBob Miller\n\n{header}")[0] == "Hi there"
    assert split_text(f"Hi there\n\nbob\n{header}")[0] == "Hi there"
    assert split_text(f"Hi there\n\nAda\n\n{header}")[0] == "Hi there\n\nAda"
    assert split_text(f"Bob Miller\n{header}")[0] == "Bob Miller"
