"""The command as people and measuring scripts use it."""

import io
import json
import subprocess
import sys
from pathlib import Path

from inbound.explain import main
from tests.inbound.samples import MAILS

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, source: str = "") -> tuple[int, str, str]:
    out, complaints = io.StringIO(), io.StringIO()
    return main(list(arguments), io.StringIO(source), out, complaints), out.getvalue(), complaints.getvalue()


def test_a_page_says_what_is_read_and_what_would_be_done() -> None:
    status, out, complaints = run(str(MAILS / "outlook_reply.eml"))
    assert (status, complaints) == (0, "")
    for said in (
        "RE: DEMO-1",
        "Ada Fischer <ada@example.org>",
        "a person's mail",
        "It works again, thank you.",
        "Cut off",
        "Did the update help?",
    ):
        assert said in out


def test_a_page_shows_attachments_defects_and_bounces() -> None:
    _, out, _ = run(str(MAILS / "attachments_of_all_kinds.eml"), str(MAILS / "delivery_report.eml"))
    assert "Angebot für Zürich.pdf" in out
    assert "gone@example.org  for good  5.1.1" in out


def test_control_characters_never_reach_the_terminal(tmp_path: Path) -> None:
    mail = tmp_path / "m.eml"
    mail.write_bytes(b"From: a@b.c\nSubject: x\n\nred \x1b[31m text\n")
    assert "\x1b" not in run(str(mail))[1]


def test_a_missing_file_is_one_sentence_and_status_2() -> None:
    status, out, complaints = run("no-such-mail.eml")
    assert (status, out) == (2, "")
    assert complaints.count("\n") == 1 and "no-such-mail.eml" in complaints


def test_an_unknown_option_is_the_usage_and_status_2() -> None:
    assert run("--json")[0] == 2 and run()[0] == 2
    assert run("--help")[0] == 0


def test_lines_answer_lines_and_an_unreadable_file_is_an_error_in_its_line() -> None:
    name = str(MAILS / "out_of_office.eml")
    status, out, _ = run("--jsonl", source=f"{name}\nmissing.eml\n")
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 0 and [row["file"] for row in rows] == [name, "missing.eml"]
    assert rows[0]["error"] is None and rows[0]["automatic"] == "auto-submitted: auto-replied"
    assert rows[0]["from"] == {"name": "Ivo", "address": "ivo@example.org"}
    assert rows[1]["error"]
    assert {
        "subject",
        "to",
        "message_id",
        "text",
        "html",
        "reply",
        "attachments",
        "bounce",
        "report",
        "forwarded",
        "seconds",
    } <= rows[0].keys()


def test_it_starts_without_the_web_and_the_database() -> None:
    script = (
        "import sys, inbound.explain; print(sorted({'flask', 'sqlalchemy', 'pika', 'requests'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": "services"},
        timeout=90,
    )
    assert done.stdout == "[]\n", done.stderr


def test_it_answers_each_line_before_the_next_is_asked() -> None:
    command = [sys.executable, "-m", "inbound.explain", "--jsonl"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={"PYTHONPATH": "services"}
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for name in ("plain", "signed"):
            process.stdin.write(f"{MAILS / name}.eml\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["error"] is None
        process.stdin.close()
        assert process.wait(timeout=90) == 0
