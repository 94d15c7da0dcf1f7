"""Octets to ParsedMail: one small mail for each thing that programs do."""

import subprocess
import sys
from pathlib import Path

import pytest

from inbound.reading.parse import Address, parse
from tests.inbound.samples import MAILS, raw


def test_a_plain_mail_is_read_whole() -> None:
    mail = parse(raw("plain"))
    assert mail.subject == "Printer on floor 3"
    assert mail.sender == Address("Ada Fischer", "ada@example.org")
    assert mail.to == (Address("Desk", "desk@example.com"), Address("Kovac, Ivo", "ivo@example.com"))
    assert mail.cc == (Address("", "team@example.com"),)
    assert mail.message_id == "one@example.org"
    assert mail.date == 1772439300.0
    assert mail.text == "The printer eats paper.\n\nAda\n"
    assert (mail.html, mail.attachments, mail.defects) == ("", (), ())


@pytest.mark.parametrize("name", ["blank_lines_and_mbox_line_first", "banner_before_the_header"])
def test_the_header_block_is_found_behind_other_lines(name: str) -> None:
    mail = parse(raw(name))
    assert mail.sender is not None and mail.sender.address == "ada@example.org"
    assert mail.text == "Still read.\n"


def test_raw_8_bit_headers_are_read_in_the_charset_of_the_body() -> None:
    mail = parse(raw("raw_shift_jis_header"))
    assert mail.subject == "請求書の件"
    assert mail.text == "こんにちは\n"
    assert any("Subject" in defect for defect in mail.defects)


def test_charset_names_that_python_does_not_know_are_read() -> None:
    mail = parse(raw("odd_charset_names"))
    assert mail.sender == Address("王芳", "wang@example.cn")
    assert mail.subject == "안녕"
    assert mail.text == "Привет\n"


def test_latin_text_without_a_charset_is_not_mistaken_for_another_script() -> None:
    mail = parse(raw("latin1_without_a_charset"))
    assert mail.subject == "Grüße aus Köln"
    assert mail.text == "Schöne Grüße, bis später\n"


def test_a_from_without_an_address_falls_back_to_the_other_fields_and_says_so() -> None:
    mail = parse(raw("sender_only_in_reply_to"))
    assert mail.sender == Address("Somebody without an address", "real@example.org")
    assert "no address in From: the sender is read from reply-to" in mail.defects


def test_attachments_get_safe_readable_names_and_keep_their_octets() -> None:
    mail = parse(raw("attachments_of_all_kinds"))
    assert [(a.filename, a.content_type, a.inline) for a in mail.attachments] == [
        ("logo.png", "image/png", True),
        ("Angebot für Zürich.pdf", "application/pdf", False),
        ("Notizen ü.txt", "text/plain", False),
        ("The first mail.eml", "message/rfc822", False),
        ("part-5.zip", "application/zip", False),
    ]
    assert mail.attachments[0].content_id == "logo@example.org"
    assert mail.attachments[1].content == b"%PDF-1.4\n"
    assert mail.attachments[1].size == 9 and len(mail.attachments[1].sha256) == 64
    assert mail.text == "See the files."
    assert "<b>files</b>" in mail.html


def test_a_carried_mail_stays_as_it_was_octet_by_octet() -> None:
    carried = parse(raw("attachments_of_all_kinds")).attachments[3]
    assert carried.content.startswith(b"From: someone@example.net\nSubject: The first mail\n")
    assert carried.content.endswith(b"inside\n--deep--")
    assert "inside" not in parse(raw("attachments_of_all_kinds")).text


def test_uuencoded_files_leave_the_text() -> None:
    mail = parse(raw("uuencoded_file"))
    assert [(a.filename, a.content) for a in mail.attachments] == [("hello.txt", b"hello world")]
    assert "begin 644" not in mail.text and "Here it is:" in mail.text and "Bye" in mail.text


def test_signed_mail_is_read_and_encrypted_mail_is_kept_and_said() -> None:
    signed, encrypted = parse(raw("signed")), parse(raw("encrypted"))
    assert (signed.protection, signed.text, signed.attachments) == ("signed", "Signed words.", ())
    assert encrypted.protection == "encrypted"
    assert [a.filename for a in encrypted.attachments] == ["smime.p7m"]


def test_flowed_text_is_joined_to_paragraphs_at_each_depth_of_quoting() -> None:
    assert (
        parse(raw("flowed")).text == "This paragraph was broken by the program.\n> a quoted line that was broken too\n"
    )


def test_a_multipart_without_its_boundary_gets_the_one_its_parts_have() -> None:
    mail = parse(raw("boundary_not_declared"))
    assert mail.text == "Read all the same."
    assert [a.filename for a in mail.attachments] == ["table.csv"]


def test_a_report_hands_its_machine_readable_parts_over() -> None:
    report = parse(raw("delivery_report")).report
    assert report.kind == "delivery-status"
    assert "Final-Recipient: rfc822; full@example.org" in report.status[0]
    assert "Message-ID: <token.abc@example.com>" in report.returned


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\n",
        b"\x00" * 50,
        b"From",
        b"From:\n",
        b"no header at all",
        b"Content-Type: multipart/mixed; boundary=\n\n--",
    ],
)
def test_junk_is_a_mail_without_much_in_it(junk: bytes) -> None:
    mail = parse(junk)
    assert mail.subject == "" and mail.attachments == ()


def test_damaged_words_in_a_subject_stay_as_they_are_written() -> None:
    subject = "=?UTF-8?B?nnDusSNdG92w6Fuw61fMjA==?="
    assert parse(f"Subject: {subject}\n\nx".encode()).subject == subject


NO_SIDE_EFFECTS = """
import sys
from inbound.explain import reading
from inbound.reading.parse import parse

def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and any(mode in arguments[1] for mode in "wax+")
    if writes or event.startswith(("subprocess.", "os.exec", "os.posix_spawn", "os.system", "tempfile.", "socket.")):
        raise SystemExit(f"reading a mail did: {event} {arguments}")

mails = [open(name, "rb").read() for name in sys.argv[1:]]
outlook = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)
mails += [outlook, b"From: a@b.c\\nContent-Type: application/vnd.ms-outlook; name=m.msg\\n\\n" + outlook]
sys.addaudithook(watch)
for mail in mails:
    reading(parse(mail))
print("done", len(mails))
"""


def test_reading_starts_no_program_writes_no_file_and_opens_no_connection() -> None:
    """mail-parser can convert Outlook's .msg by starting msgconvert on a temporary file; nothing that is read here reaches that."""
    names = [str(path) for path in sorted(MAILS.glob("*.eml"))]
    services = str(Path(__file__).parents[3] / "services")
    run = subprocess.run(
        [sys.executable, "-c", NO_SIDE_EFFECTS, *names],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": services},
        timeout=60,
    )
    assert run.stdout == f"done {len(names) + 2}\n", run.stderr


def test_each_of_our_mails_is_read_without_a_fault() -> None:
    names = sorted(path.stem for path in MAILS.glob("*.eml"))
    assert len(names) >= 20
    for name in names:
        assert parse(raw(name)).headers, name


@pytest.mark.parametrize("name", ["From", "To", "Cc", "Reply-To"])
def test_an_encoded_word_that_the_libraries_refuse_costs_only_itself(name: str) -> None:
    mail = parse(f"Sender: ada@example.org\r\n{name}: =?utf-8?B?ABCDE?= <s@example.com>\r\n\r\nHello\r\n".encode())
    people = {"From": (mail.sender,), "To": mail.to, "Cc": mail.cc, "Reply-To": mail.reply_to}[name]
    assert [person.address for person in people if person is not None] == ["s@example.com"]
    assert mail.text.strip() == "Hello"
    assert mail.attachments == ()
