"""Mail from a mail server's pipe, end to end: it becomes an issue, its sender is answered and, when they ask for it, forgotten."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from sandbox import story
from sandbox.app import Sandbox
from sandbox.client import wait_for
from sandbox.story import Stage
from tests.flows.conftest import stage

SUBMIT = Path(__file__).resolve().parents[2] / "services" / "inbound" / "submit.py"
CAROL = "carol@pushed.example"


def test_a_piped_mail_becomes_an_issue_and_its_sender_can_be_erased(
    sandbox: Sandbox, mailbridge_url: str, tmp_path: Path
) -> None:
    scene = stage(sandbox, mailbridge_url)
    for step in (story.install, story.connect_mailbox, story.connect_sender):
        step(scene)
    api, token_file = scene.api(), tmp_path / "token"
    mailbox = api.post("/api/inbound/mailboxes", pushed(scene))
    made = api.post(f"/api/inbound/mailboxes/{mailbox['id']}/push-token", {"via": "pipe"})
    token_file.write_text(made["token"], encoding="ascii")
    url = mailbridge_url + made["url"][made["url"].index("/api/") :]

    raw = f"From: Carol <{CAROL}>\r\nTo: pushed@sandbox.test\r\nSubject: By pipe\r\n\r\nThe printer is on fire.\r\n"
    command = [sys.executable, "-I", "-S", str(SUBMIT), "--url", url, "--token-file", str(token_file)]
    for _ in range(2):  # the mail server may have missed the first answer
        assert subprocess.run(command, input=raw.encode(), timeout=200, check=False).returncode == 0

    def handled() -> dict[str, Any] | None:
        rows = api.get("/api/inbound/mails", mailbox=mailbox["id"])["mails"]
        return next((row for row in rows if row["state"] == "handled"), None)

    row = wait_for("the pushed mail is handled", handled, 120.0)
    assert row["from"] == CAROL and len(api.get("/api/inbound/mails", mailbox=mailbox["id"])["mails"]) == 1
    assert scene.sandbox.issue(row["issue_key"])["fields"]["summary"] == "By pipe"

    scene.sandbox.comment(row["issue_key"], scene.agent, "Somebody is on the way.")
    wait_for("Carol is answered", lambda: scene.sandbox.inbox(CAROL), 120.0)
    recipients = [one["recipient"] for one in deliveries(api, row["issue_key"])]
    assert any(CAROL in str(one) for one in recipients)

    api.post("/api/inbound/erasures", {"address": CAROL})
    (receipt,) = wait_for(
        "Carol is erased", lambda: [one for one in api.get("/api/inbound/erasures") if one["done_at"]], 120.0
    )
    assert receipt["counts"]["mails"] == 1
    shown = api.get(f"/api/inbound/mails/{row['id']}")
    assert (shown["from"], shown["subject"], shown["issue_key"]) == (None, None, row["issue_key"])
    wait_for("outbound forgot Carol", lambda: CAROL not in str(deliveries(api, row["issue_key"])), 120.0)


def pushed(scene: Stage) -> dict[str, Any]:
    """A mailbox like the story's, that mail is pushed to."""
    names = ("project", "issue_type", "default_reporter")
    same = {name: scene.mailbox[name] for name in names}
    return {**same, "name": "Pushed", "kind": "push", "address": "pushed@sandbox.test", "sub_addresses": True}


def deliveries(api: Any, issue: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/api/outbound/deliveries", issue=issue, limit=50)["deliveries"]
    return found
