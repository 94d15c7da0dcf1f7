"""`make run JIRA_URL=… JIRA_EMAIL=… JIRA_API_TOKEN=…`: what Mailbridge is started with, and what its operator is told to do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from sandbox.jira.seed import ALICE
from scripts.processes import ROOT, Failed
from scripts.real import after, settings

GIVEN = {"JIRA_URL": "https://acme.example", "JIRA_EMAIL": "a@acme.example", "JIRA_API_TOKEN": "secret"}


def test_the_settings_are_those_of_a_standalone_that_keeps_its_data(tmp_path: Path) -> None:
    made = settings({**GIVEN, "PATH": "/bin"}, tmp_path, 8081)
    assert made["MAILBRIDGE_JIRA_URL"] == "https://acme.example" and made["MAILBRIDGE_JIRA_API_TOKEN"] == "secret"
    assert made["MAILBRIDGE_BASE_URL"] == "http://127.0.0.1:8081" and made["PATH"] == "/bin"
    assert made["MAILBRIDGE_DATABASE_URL"] == f"sqlite:///{tmp_path}/data"
    assert not made.keys() & GIVEN.keys() and "MAILBRIDGE_ALLOW_PLAIN" not in made
    again = settings({**GIVEN, "BASE_URL": "https://mail.acme.example"}, tmp_path, 8081)
    assert again["MAILBRIDGE_BASE_URL"] == "https://mail.acme.example"
    master = "MAILBRIDGE_MASTER_KEY_FILE"
    assert Path(again[master]).read_text() == Path(made[master]).read_text()  # the keys are kept


@pytest.mark.parametrize("name", list(GIVEN))
def test_what_is_missing_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(Failed, match=f"{name} not given"):
        settings({key: value for key, value in GIVEN.items() if key != name}, tmp_path, 8081)


@pytest.mark.parametrize(
    ("base_url", "reached"), [("https://mail.acme.example", True), ("http://127.0.0.1:8080", False)]
)
def test_the_operator_is_told_whether_jira_can_reach_mailbridge(base_url: str, reached: bool) -> None:
    environment = {
        "MAILBRIDGE_BASE_URL": base_url, "MAILBRIDGE_JIRA_URL": "https://acme.example",
        "MAILBRIDGE_DATABASE_URL": "sqlite:///var/data",
    }  # fmt: skip
    said = after(environment, "URL      x\nSecret   y", None)
    assert "     URL      x\n     Secret   y" in said and f"Log in with your password at: {base_url}/" in said
    assert ("cannot reach" in said) is not reached
    assert "is not attached yet" in after(environment, None, None)


@pytest.mark.timeout(600)
def test_it_attaches_the_site_and_prints_link_and_webhook(sandbox: Sandbox, tmp_path: Path) -> None:
    token = sandbox.parts.site.new_token(ALICE, None)
    output = tmp_path / "output"
    environment = {
        **os.environ, "PYTHONPATH": f"{ROOT / 'services'}:{ROOT}", "MAILBRIDGE_ALLOW_PLAIN": "true",
        "MAILBRIDGE_ALLOW_NETWORKS": "127.0.0.0/8", "MAILBRIDGE_DATABASE_URL": f"sqlite:///{tmp_path / 'data'}",
        "JIRA_URL": sandbox.url, "JIRA_EMAIL": "alice@acme.example", "JIRA_API_TOKEN": token.secret,
    }  # fmt: skip
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "scripts.run"], cwd=ROOT, env=environment, stdout=sink, stderr=sink
        )
    try:
        deadline = time.monotonic() + 300
        while "Stop with Ctrl-C." not in output.read_text():
            assert process.poll() is None and time.monotonic() < deadline, output.read_text()
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(120)
    said = output.read_text()
    assert code == 0 and "#setup=" in said and "/connect/hooks/" in said and "comment_deleted" in said, said
    assert token.secret not in said
    assert {call.how for call in sandbox.parts.calls.all()} == {"basic"}
