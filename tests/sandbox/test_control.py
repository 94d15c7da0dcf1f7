"""The control API: the fixed points of the design, and refusals that name the field."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox import contract
from sandbox.app import Sandbox
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.documents import doc

ALICE = "712020:aaaaaaaa-0000-4000-8000-000000000001"
BOB = "712020:aaaaaaaa-0000-4000-8000-000000000002"
ROOT = Path(__file__).resolve().parents[2]


def test_issues_show_fields_comments_attachments_and_properties(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create(description=doc("It burns."))["key"]
    jira("PUT", f"/issue/{key}/properties/mailbridge", json={"mail": "m"})
    jira(
        "POST",
        f"/issue/{key}/attachments",
        files={"file": ("a.txt", b"hello")},
        headers={"X-Atlassian-Token": "no-check"},
    )
    jira(
        "POST",
        f"/issue/{key}/comment",
        json={"body": doc("hi"), "properties": [{"key": "mailbridge", "value": {"mail": "c"}}]},
    )
    [issue] = requests.get(f"{sandbox.url}/control/issues", timeout=60).json()
    assert issue == requests.get(f"{sandbox.url}/control/issues/{key}", timeout=60).json()
    assert (issue["properties"], issue["text"]) == ({"mailbridge": {"mail": "m"}}, "It burns.")
    assert [(one["text"], one["internal"], one["properties"]) for one in issue["comments"]] == [
        ("hi", False, {"mailbridge": {"mail": "c"}})
    ]
    assert requests.get(issue["attachments"][0]["download"], timeout=60).content == b"hello"
    assert requests.get(f"{sandbox.url}/control/issues/SUP-9", timeout=60).status_code == 404


def test_calls_show_who_asked_what_and_what_came_of_it(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create()["key"]
    jira("GET", f"/issue/{key}?fields=summary")
    created, read = requests.get(f"{sandbox.url}/control/calls", timeout=60).json()
    assert (created["method"], created["path"], created["status"], created["who"]) == (
        "POST",
        "/rest/api/3/issue",
        201,
        jira.app.account_id,
    )
    assert created["body"]["fields"]["summary"] == "A thing"
    assert read["query"] == "fields=summary"
    assert read["time"] >= created["time"]
    later = requests.get(f"{sandbox.url}/control/calls?since={created['number']}", timeout=60).json()
    assert [call["number"] for call in later] == [read["number"]]


@pytest.mark.skipif(not contract.present(), reason="../shared/contracts is not beside this repository")
@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", "/nosuch", None, "no such operation"),
        ("GET", "/user/search?email=a", None, "unknown query parameter: email"),
        ("POST", "/issue/bulkfetch", {"issueIdsOrKeys": ["SUP-1"], "colour": "red"}, "colour"),
        ("GET", "/search?jql=x", None, "deprecated"),
        ("GET", "/field", None, "does not answer"),
    ],
)
def test_what_jira_would_not_understand_is_a_violation(
    sandbox: Sandbox, jira: JiraCaller, method: str, path: str, body: Any, words: str
) -> None:
    jira(method, path, **({} if body is None else {"json": body}))
    problems = [one["problem"] for one in requests.get(f"{sandbox.url}/control/violations", timeout=60).json()]
    assert any(words in problem for problem in problems), problems


def test_a_fault_of_the_sandbox_itself_is_loud(
    sandbox: Sandbox, jira: JiraCaller, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.parts.site.projects = None  # type: ignore[assignment]
    answer = jira("GET", "/project/search")
    assert answer.status_code == 500
    assert "the sandbox itself failed" in sandbox.parts.calls.violations()[0]["problem"]
    assert "Traceback" in caplog.text


def test_a_lenient_sandbox_judges_nothing() -> None:
    with Sandbox(0, 0, 0, strict=False) as sandbox:
        caller = JiraCaller(sandbox.url, sandbox.parts.installer.register())
        caller("GET", "/user/search?email=a")
        caller.close()
        assert sandbox.parts.calls.violations() == []


def test_people_are_added_and_changed(sandbox: Sandbox, jira: JiraCaller) -> None:
    body = {
        "name": "Nora New",
        "email": "nora@acme.example",
        "groups": ["support-agents"],
        "roles": {"HR": ["Administrators"]},
    }
    made = requests.post(f"{sandbox.url}/control/users", json=body, timeout=60).json()
    assert jira("GET", "/user/search?query=nora%40acme").json()[0]["accountId"] == made["accountId"]
    assert made["roles"]["HR"] == ["Administrators"]
    requests.post(
        f"{sandbox.url}/control/users", json={"accountId": made["accountId"], "email_shown": False}, timeout=5
    )
    assert jira("GET", "/user/search?query=nora%40acme").json() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/comments", {"issue": "SUP-1"}, "text"),
        ("POST", "/comments", {"text": "x"}, "issue"),
        ("POST", "/comments", {"issue": "SUP-1", "text": "x", "accountId": "nobody"}, "accountId"),
        ("POST", "/comments", {"issue": "SUP-1", "text": "x", "loud": True}, "loud"),
        ("PUT", "/issues/SUP-1", {"status": "Lost"}, "status"),
        ("PUT", "/issues/SUP-1", {"colour": "red"}, "colour"),
        ("POST", "/users", {"name": "x"}, "email"),
        ("POST", "/users", {"name": "x", "email": "x@y.z", "groups": ["nobodies"]}, "groups"),
        ("POST", "/mailboxes", {"address": "a+b@c.d", "password": "x"}, "address"),
        ("POST", "/install", {}, "base_url"),
        ("POST", "/bounce", {"letter": 7}, "letter"),
        ("PUT", "/webhooks", {"retry_seconds": -1}, "retry_seconds"),
        ("POST", "/faults", [], "body"),
    ],
)
def test_a_wrong_request_is_refused_by_its_field(
    sandbox: Sandbox, jira: JiraCaller, method: str, path: str, body: Any, field: str
) -> None:
    jira.create()
    answer = requests.request(method, f"{sandbox.url}/control{path}", json=body, timeout=60)
    assert answer.status_code in (400, 404)
    assert list(answer.json()["errors"]) == [field], answer.text


def test_fields_are_changed_as_a_person_types_them_or_as_rest_has_them(sandbox: Sandbox, jira: JiraCaller) -> None:
    url = f"{sandbox.url}/control/issues/{jira.create()['key']}"
    typed = {"accountId": BOB, "summary": "Typed", "description": "plain", "assignee": BOB, "status": "Done"}
    shown = requests.put(url, json=typed, timeout=60).json()
    assert (shown["fields"]["summary"], shown["text"], shown["fields"]["status"]["name"]) == ("Typed", "plain", "Done")
    rest = {"fields": {"summary": "Rest", "assignee": {"accountId": ALICE}, "status": {"name": "To Do"}}}
    shown = requests.put(url, json=rest, timeout=60).json()
    assert (shown["fields"]["summary"], shown["fields"]["assignee"]["accountId"]) == ("Rest", ALICE)
    assert shown["fields"]["status"]["name"] == "To Do"


def test_pages_of_other_sites_may_not_control(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/control/ports"
    assert requests.get(url, headers={"Origin": sandbox.url}, timeout=60).status_code == 200
    assert requests.get(url, headers={"Origin": "https://evil.example"}, timeout=60).status_code == 403


def test_reset_forgets_everything_but_the_installation(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create()["key"]
    requests.post(f"{sandbox.url}/control/mail", json={"from": "a@b.example", "subject": "s", "text": "t"}, timeout=60)
    requests.post(f"{sandbox.url}/control/faults", json={"kind": "500"}, timeout=60)
    assert requests.post(f"{sandbox.url}/control/reset", timeout=60).status_code == 204
    assert requests.get(f"{sandbox.url}/control/issues", timeout=60).json() == []
    assert sandbox.parts.imap.messages("support@sandbox.test") == []
    assert jira("GET", "/myself").status_code == 200
    assert jira.create()["key"] != key
    assert len(requests.get(f"{sandbox.url}/control/calls", timeout=60).json()) == 2


def test_the_process_writes_its_ready_file_and_ends_on_a_signal(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "--port",
        "0",
        "--imap-port",
        "0",
        "--smtp-port",
        "0",
        "--ready-file",
        str(ready),
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": "."}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "/host" in process.stdout.readline()
    told = json.loads(ready.read_text())
    assert told["pid"] == process.pid
    assert requests.get(told["url"] + "/control/ports", timeout=60).json() == {
        name: told[name] for name in ("url", "imap_port", "smtp_port")
    }
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    process.stdout.close()


def test_a_taken_port_is_one_sentence_and_exit_code_2(sandbox: Sandbox) -> None:
    command = [sys.executable, "-m", "sandbox", "--port", str(sandbox.port), "--imap-port", "0", "--smtp-port", "0"]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, len(ended.stderr.strip().splitlines())) == (2, 1)
