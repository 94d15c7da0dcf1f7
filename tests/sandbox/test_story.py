"""The story fails loudly, and its letters are what mail programs write; that it comes true is shown in tests/flows."""

import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from sandbox.client import ClientError, Late, SandboxClient, wait_for
from sandbox.story import CAROL, DAVE, Stage, StoryFailed, mail_becomes_an_issue, play, reply, small_picture
from tests.sandbox.connect_app import ConnectApp

ROOT = Path(__file__).resolve().parents[2]


def test_a_story_without_an_app_ends_with_1_and_names_the_step(sandbox: Sandbox) -> None:
    command = [sys.executable, "-m", "sandbox.story", "--sandbox", sandbox.url, "--app", "http://127.0.0.1:9"]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "install: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_app_without_the_admin_api_breaks_the_story_off(sandbox: Sandbox, app: ConnectApp) -> None:
    client = SandboxClient(sandbox.url)
    with pytest.raises(StoryFailed, match=r"^install: "):
        play(Stage(client, app.url, sandbox.imap_port, sandbox.smtp_port), lambda _line: None)
    client.close()


def test_a_step_out_of_turn_says_what_is_missing(sandbox: Sandbox) -> None:
    client = SandboxClient(sandbox.url)
    with pytest.raises(StoryFailed, match="not installed yet"):
        mail_becomes_an_issue(Stage(client, "http://127.0.0.1:9", sandbox.imap_port, sandbox.smtp_port, patience=0.1))
    client.close()


def test_a_reply_quotes_and_refers(sandbox: Sandbox) -> None:
    letter = {
        "from": "Support <support@sandbox.test>", "reply_to": "support+tok@sandbox.test", "subject": "Re: x", "date": "today",
        "text": "one\ntwo\n", "message_id": "<b@c>", "references": ["<a@b>"],
    }  # fmt: skip
    written = reply(letter, CAROL, "Yes.\n")
    assert (written["to"], written["subject"]) == ("support+tok@sandbox.test", "Re: x")
    assert (written["in_reply_to"], written["references"]) == ("<b@c>", "<a@b> <b@c>")
    assert written["text"].endswith("wrote:\n> one\n> two\n")
    client = SandboxClient(sandbox.url)
    client.mail(**{**written, "to": DAVE})
    assert client.inbox(DAVE)[0]["references"] == ["<a@b>", "<b@c>"]
    client.close()


def test_the_picture_is_a_png() -> None:
    picture = small_picture()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (8, 8)


def test_waiting_ends_in_time_and_says_what_was_seen() -> None:
    begun = time.monotonic()
    with pytest.raises(Late, match=r"the moon to rise .* 'clouds'"):
        wait_for("the moon to rise", lambda: None, 0.2, lambda: "clouds")
    assert time.monotonic() - begun < 20


def test_a_refusal_says_what_was_asked(sandbox: Sandbox) -> None:
    client = SandboxClient(sandbox.url)
    with pytest.raises(ClientError, match=r"POST .*/control/comments answered 404"):
        client.comment("SUP-9", "712020:aaaaaaaa-0000-4000-8000-000000000001", "x")
    client.close()
