"""A process that is started wrongly refuses with one sentence and exit code 2, before it touches anything."""

import base64
import os
import subprocess
import sys

import pytest

from tests.running import ROOT

KEYS = {
    f"MAILBRIDGE_{name}": base64.b64encode(bytes([number]) * 32).decode()
    for number, name in enumerate(("MASTER_KEY", "ROLE_KEY", "ROLE_KEY_INBOUND", "ROLE_KEY_OUTBOUND"), 1)
}


def start(module: str, settings: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'services'}{os.pathsep}{ROOT}", **settings}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.mark.parametrize(
    ("module", "settings", "words"),
    [
        ("standalone", {}, "MAILBRIDGE_MASTER_KEY is not set"),
        ("standalone", {**KEYS, "MAILBRIDGE_BROKER_URL": "amqp://127.0.0.1"}, "uses no broker"),
        ("standalone", {**KEYS, "MAILBRIDGE_DATABASE_URL": "mysql://x"}, "MAILBRIDGE_DATABASE_URL"),
        ("standalone", {**KEYS, "MAILBRIDGE_PORT": "http"}, "MAILBRIDGE_PORT is 'http'"),
        ("connect.worker", KEYS, "MAILBRIDGE_BROKER_URL is not set"),
        ("inbound.worker", KEYS, "MAILBRIDGE_BROKER_URL is not set"),
        ("inbound.fetcher", KEYS, "MAILBRIDGE_BROKER_URL is not set"),
        ("outbound.worker", KEYS, "MAILBRIDGE_BROKER_URL is not set"),
        ("inbound.migrate", {"MAILBRIDGE_DATABASE_URL": "nowhere"}, "MAILBRIDGE_DATABASE_URL"),
    ],
)
def test_a_wrong_start_is_refused_with_a_sentence(module: str, settings: dict[str, str], words: str) -> None:
    ended = start(module, settings)
    assert (ended.returncode, words in ended.stderr) == (2, True), ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_explain_names_a_missing_file() -> None:
    ended = start("inbound.explain", {}, "no-such-mail.eml")
    assert ended.returncode == 2 and "no-such-mail.eml" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
