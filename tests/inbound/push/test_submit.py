"""The pipe as a mail server runs it: a process of its own, without any of our packages, against a real web server."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.db import Database
from common.serve import Server
from inbound.app import create_app
from inbound.tables import mailbox
from tests.inbound import rig
from tests.inbound.mailserver import letter
from tests.inbound.push.test_push import pushed

__all__ = ["pushed"]

SERVICES = Path(__file__).resolve().parents[3] / "services"


@pytest.fixture
def url(database: Database, pushed: dict[str, Any]) -> Iterator[str]:
    """A web process that takes mail of up to 20,000 octets."""
    server = Server(create_app(rig.config(MAX_MAIL_BYTES="20000"), database=database).wsgi_app)
    server.start()
    yield f"http://127.0.0.1:{server.port}/api/inbound/mail/{pushed['id']}"
    server.stop()


@pytest.fixture
def token_file(tmp_path: Path, pushed: dict[str, Any]) -> Path:
    path = tmp_path / "push-token"
    path.write_text(pushed["token"] + "\n", encoding="ascii")
    return path


def submit(raw: bytes, *arguments: str) -> tuple[int, str]:
    """The exit and what was said. -I -S: no site-packages, so that nothing but the standard library is there."""
    script = str(SERVICES / "inbound" / "submit.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", script, *arguments], input=raw, capture_output=True, timeout=90, check=False
    )
    assert done.stdout == b""
    return done.returncode, done.stderr.decode()


def test_a_mail_is_brought_into_the_ledger(url: str, token_file: Path, database: Database) -> None:
    assert submit(letter("Printer"), "--url", url, "--token-file", str(token_file)) == (0, "")
    assert len(rig.mails(database)) == 1
    assert submit(letter("Printer"), "--url", url, "--token-file", str(token_file)) == (0, "")
    assert len(rig.mails(database)) == 1


def test_it_runs_as_a_module_too(url: str, token_file: Path, database: Database) -> None:
    command = [sys.executable, "-m", "inbound.submit", "--url", url, "--token-file", str(token_file)]
    environment = {**os.environ, "PYTHONPATH": str(SERVICES)}
    done = subprocess.run(
        command, input=letter("Printer"), capture_output=True, timeout=90, check=False, env=environment
    )
    assert (done.returncode, done.stderr) == (0, b"") and len(rig.mails(database)) == 1


def test_the_envelope_line_of_a_mail_server_is_no_part_of_the_mail(
    url: str, token_file: Path, database: Database
) -> None:
    raw = b"From ann@customer.test Mon Jun  1 10:00:00 2026\n" + letter("Printer")
    assert submit(raw, "--url", url, "--token-file", str(token_file))[0] == 0
    (row,) = rig.mails(database)
    assert row.size == len(letter("Printer"))


def test_a_mail_that_is_too_large_goes_back_to_its_sender(url: str, token_file: Path, database: Database) -> None:
    raw = letter("Huge", text="x" * 3_000_000)
    code, said = submit(raw, "--url", url, "--token-file", str(token_file))
    assert code == 65 and "20 kB" in said and said.count("\n") == 1
    (row,) = rig.mails(database)
    assert row.size == len(raw)


def test_an_empty_mail_is_bad_data(url: str, token_file: Path) -> None:
    code, said = submit(b"", "--url", url, "--token-file", str(token_file))
    assert code == 65 and "no mail" in said


def test_a_wrong_token_lets_the_mail_wait(url: str, tmp_path: Path, database: Database) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong", encoding="ascii")
    code, said = submit(letter("Printer"), "--url", url, "--token-file", str(wrong))
    assert code == 75 and "401" in said and rig.mails(database) == []


def test_a_mailbox_that_is_switched_off_lets_the_mail_wait(url: str, token_file: Path, database: Database) -> None:
    with database.write() as tx:
        tx.execute(mailbox.update().values(enabled=False))
    code, said = submit(letter("Printer"), "--url", url, "--token-file", str(token_file))
    assert code == 75 and "switched off" in said


def test_without_a_server_the_mail_waits(token_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    code, said = submit(letter("Printer"), "--url", f"http://127.0.0.1:{port}/x", "--token-file", str(token_file))
    assert code == 75 and "cannot be reached" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--url", "http://127.0.0.1:1/"),
        ("--url", "http://127.0.0.1:1/", "--token-file", "/nonexistent/token"),
        ("--url", "ftp://127.0.0.1/", "--token-file", __file__),
        ("--unknown",),
    ],
)
def test_a_wrong_command_line_lets_the_mail_wait(arguments: tuple[str, ...]) -> None:
    code, said = submit(letter("Printer"), *arguments)
    assert code == 75 and said
