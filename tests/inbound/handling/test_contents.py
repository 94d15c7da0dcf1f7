"""What a mail becomes in Jira's words, and the rule that names project and type."""

from typing import Any

import pytest

from inbound.handling import contents, plan
from inbound.handling.plan import Origin, Reporter
from inbound.handling.route import Comment, Target
from inbound.handling.rules import Rule, summary
from inbound.reading.identity import Identity
from inbound.reading.parse import parse
from inbound.reading.parsed import Address, Attachment, ParsedMail

OWN = frozenset({"support@sandbox.test"})
PROVEN, UNPROVEN = Identity("proven", "Yes."), Identity("unproven", "No.")
RULE = Rule(3, "10001", "SUP", "10010", "Email request", "acc", "Alice")


def mail(**changes: Any) -> ParsedMail:
    return ParsedMail(
        **{"sender": Address("Ann", "Ann@Customer.test"), "subject": "Printer", "text": "It burns.", **changes}
    )


def origin(identity: Identity = UNPROVEN, **changes: Any) -> Origin:
    return Origin("m" * 16, mail(**changes), OWN, "support@sandbox.test", identity)


@pytest.mark.parametrize(
    ("sender", "identity", "line"),
    [
        (Address("Ann", "ann@x.test"), PROVEN, "Ann <ann@x.test> wrote by email:"),
        (Address("", "ann@x.test"), UNPROVEN, "ann@x.test wrote by email (not proven to be them):"),
        (None, UNPROVEN, "Somebody wrote by email; the mail names no sender."),
    ],
)
def test_the_first_line_says_who_wrote(sender: Address | None, identity: Identity, line: str) -> None:
    assert contents.lead(sender, identity) == line


@pytest.mark.parametrize(
    ("name", "taken", "unique"),
    [
        ("a.txt", (), "a.txt"),
        ("A.txt", ("a.txt",), "A (2).txt"),
        ("a.txt", ("a.txt", "a (2).txt"), "a (3).txt"),
        ("noending", ("noending",), "noending (2)"),
        (".profile", (".profile",), ".profile (2)"),
        ("x" * 300 + ".pdf", (), "x" * 189 + ".pdf"),
    ],
)
def test_names_are_made_unique(name: str, taken: tuple[str, ...], unique: str) -> None:
    assert contents.unique_name(name, taken) == unique


def test_files_leave_out_what_is_empty_and_logos_that_are_there() -> None:
    logo = Attachment("logo.png", "image/png", b"xyz", inline=True)
    files = (Attachment("a.txt", "text/plain", b"1"), Attachment("b.txt", "text/plain", b""), logo)
    message = mail(attachments=files)
    assert contents.files(message, ()) == [(0, "a.txt"), (2, "logo.png")]
    assert contents.files(message, (("logo.png", 3), ("a.txt", 9))) == [(0, "a (2).txt")]
    assert contents.files(message, (("logo.png", 4),)) == [(0, "a.txt"), (2, "logo (2).png")]


def test_others_are_all_people_but_the_sender_and_us() -> None:
    to = (Address("", "Support@sandbox.test"), Address("", "support+x.y@sandbox.test"), Address("Bob", "bob@x.test"))
    cc = (
        Address("", "ann@customer.test"),
        Address("", "BOB@x.test"),
        Address("Undisclosed", ""),
        Address("Eve", "eve@x.test"),
    )
    found = contents.others(mail(to=to, cc=cc), OWN)
    assert found == [{"name": "Bob", "address": "bob@x.test"}, {"name": "Eve", "address": "eve@x.test"}]


def test_people_are_merged_once() -> None:
    known = {
        "mail": "1",
        "from": {"name": "", "address": "ann@customer.test"},
        "cc": [{"name": "", "address": "bob@x.test"}],
    }
    assert contents.merged_people(known, mail(), OWN) is None
    assert contents.merged_people(known, mail(cc=(Address("", "bob@x.test"),)), OWN) is None
    merged = contents.merged_people(known, mail(cc=(Address("", "eve@x.test"),)), OWN)
    assert merged is not None and [one["address"] for one in merged["cc"]] == ["bob@x.test", "eve@x.test"]
    assert merged["mail"] == "1"


def test_a_description_is_the_whole_mail_and_a_comment_what_is_new() -> None:
    message = parse(
        b"From: ann@x.test\r\nSubject: Re\r\n\r\nThanks!\r\n\r\nOn Monday Bob wrote:\r\n> Try again\r\n> and again\r\n"
    )
    assert "Try again" in str(contents.description(message, ""))
    assert "Try again" not in str(contents.comment(message, "")) and "Thanks!" in str(contents.comment(message, ""))


def test_html_without_words_falls_back_on_the_text() -> None:
    assert "It burns." in str(contents.description(mail(html="<p> </p><hr>"), ""))
    assert contents.NO_TEXT in str(contents.description(mail(html="<p></p>", text=" "), ""))


def test_a_new_issue_is_planned_with_its_files() -> None:
    made = plan.new_issue(
        origin(attachments=(Attachment("a.txt", "text/plain", b"1"),)), RULE, Reporter("acc", False, "Because.")
    )
    assert [kind for kind, _ in made.steps] == ["issue", "attachment"]
    assert made.steps[0][1]["summary"] == "Printer" and made.steps[0][1]["silent"] is False
    assert made.explanation[1:] == ("Because.", "It brings 1 file.")


def test_a_proven_reporter_needs_no_first_line() -> None:
    own = Reporter("acc", True, "")
    assert plan.new_issue(origin(PROVEN), RULE, own).steps[0][1]["silent"] is True
    assert plan.new_issue(origin(UNPROVEN), RULE, own).steps[0][1]["silent"] is False


def test_a_comment_on_an_issue_that_is_not_ours_leaves_its_property_alone() -> None:
    route = Comment(Target("1", "SUP-1"), ())
    made = plan.comment(origin(cc=(Address("", "eve@x.test"),)), route, None, ())
    assert [kind for kind, _ in made.steps] == ["comment"]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Printer", "Printer"),
        (" a\r\n\tb\x00c ", "a b c"),
        ("", "(no subject)"),
        ("\u3000 ", "(no subject)"),
        ("x" * 255, "x" * 255),
        ("x" * 256, "x" * 254 + "…"),
        ("😀" * 200, "😀" * 127 + "…"),
    ],
)
def test_a_subject_becomes_a_summary_that_jira_takes(subject: str, expected: str) -> None:
    assert summary(subject) == expected
    assert len(summary(subject).encode("utf-16-le")) // 2 <= 255


def test_a_rule_is_read_from_its_version() -> None:
    body = {"project": {"id": 1, "key": "SUP"}, "issue_type": {"id": 2, "name": "Task"}, "default_reporter": None}
    assert Rule.read(7, body) == Rule(7, "1", "SUP", "2", "Task")


def test_the_document_of_one_mail_is_made_once_and_never_taken_for_anothers() -> None:
    mail, other = (parse(f"From: a@b.test\nSubject: x\n\nText {n}\n".encode()) for n in (1, 2))
    planned, sent = contents.description(mail, "Ann wrote:"), contents.description(mail, "")
    assert planned["content"][-1] is sent["content"][-1]
    assert "Text 2" in str(contents.description(other, "")) and "Text 1" in str(contents.description(mail, ""))
    assert contents.comment(mail, "")["content"][-1] is not sent["content"][-1]
