"""A grant is revoked at the provider, and a mail arrives that tells an administrator: once, and again when it happens again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox import story
from sandbox.app import Sandbox
from sandbox.client import wait_for
from sandbox.jira.seed import ALICE
from sandbox.oauth.provider import sign_in_settings
from sandbox.stage import MAILBOX, PROJECT, Stage
from tests.flows.conftest import stage
from tests.running import Standalone, sandbox_settings

ADMIN, ALICES = "admin@acme.example", "alice@acme.example"
PATIENCE = 90.0


@pytest.fixture
def scene(sandbox: Sandbox, tmp_path: Path) -> Iterator[Stage]:
    """A mailbox of Microsoft 365 that Alice signed in for, and an outgoing server."""
    settings = {**sandbox_settings(sandbox), **sign_in_settings(sandbox.url), "MAILBRIDGE_POLL_SECONDS": "1"}
    process = Standalone(tmp_path, settings)
    process.start()
    scene = stage(sandbox, process.url, patience=PATIENCE)
    story.install(scene)
    story.connect_sender(scene)
    yield scene
    process.stop()


def test_a_revoked_grant_is_told_by_mail(sandbox: Sandbox, scene: Stage) -> None:
    assert scene.agent == ALICE
    mailbox = connected(scene, sandbox)
    revoke(scene, sandbox, mailbox)

    (letter,) = wait_for("Alice is told", lambda: scene.sandbox.inbox(ALICES), PATIENCE)
    assert letter["subject"] == "Sign in again for the mailbox Shared"
    for part in (f"cannot read the mailbox Shared ({MAILBOX}) any more", "invalid_grant", "Sign in again", "You connected this mailbox",
                 "/plugins/servlet/ac/", "Nothing is lost"):  # fmt: skip
        assert part in letter["text"], letter["text"]
    (row,) = wait_for("it is noted", lambda: told(scene, "sent"), PATIENCE)
    assert (row["recipient"], row["kind"], row["mailbox"], row["mailbox_id"]) == (
        ALICES,
        "reconnect",
        "Shared",
        mailbox["id"],
    )

    scene.api().put("/api/outbound/sender", {**scene.api().get("/api/outbound/sender"), "told": [ADMIN]})
    sign_in(scene, sandbox, mailbox["id"])
    wait_for("it is read again", lambda: state(scene, mailbox) == ("good", "connected"), PATIENCE)
    revoke(scene, sandbox, mailbox)
    (letter,) = wait_for("the administrator is told", lambda: scene.sandbox.inbox(ADMIN), PATIENCE)
    assert "stands under “Outgoing mail”" in letter["text"]
    wait_for("it is noted", lambda: len(told(scene, "sent")) == 2, PATIENCE)
    assert len(scene.sandbox.inbox(ALICES)) == 1
    assert scene.sandbox.issues() == [] and scene.sandbox.violations() == []


def test_what_is_told_to_a_mailbox_of_ours_goes_nowhere_and_the_page_says_so(sandbox: Sandbox, scene: Stage) -> None:
    scene.api().put("/api/outbound/sender", {**scene.api().get("/api/outbound/sender"), "told": [MAILBOX, ADMIN]})
    revoke(scene, sandbox, connected(scene, sandbox))
    wait_for("the other is told", lambda: scene.sandbox.inbox(ADMIN), PATIENCE)
    (row,) = told(scene, "skipped")
    assert row["recipient"] == MAILBOX and "Mailbridge's own" in row["reason"]
    assert not [one for one in scene.sandbox.inbox(MAILBOX) if "Sign in again" in one["subject"]]


def connected(scene: Stage, sandbox: Sandbox) -> dict[str, Any]:
    api = scene.api()
    project = next(one for one in api.get("/api/connect/projects", query=PROJECT) if one["key"] == PROJECT)
    kind = api.get(f"/api/connect/projects/{PROJECT}/issue-types")[0]
    mailbox: dict[str, Any] = api.post(
        "/api/inbound/mailboxes",
        {
            "name": "Shared", "kind": "graph", "auth": "oauth", "provider": "microsoft", "host": "graph.microsoft.com", "port": 443,
            "security": "tls", "username": MAILBOX, "address": MAILBOX, "folder": "INBOX", "sign_in": sign_in(scene, sandbox, None),
            "project": project, "issue_type": {"id": kind["id"], "name": kind["name"]}, "backlog": "new",
        },
    )  # fmt: skip
    wait_for(
        "it is read", lambda: state(scene, mailbox) == ("good", "connected"), PATIENCE, lambda: seen(scene, mailbox)
    )
    return mailbox


def sign_in(scene: Stage, sandbox: Sandbox, mailbox: str | None) -> str:
    """As a person does in the window that opens: yes, it was me; accept. Returns the state."""
    requests.put(
        f"{sandbox.url}/control/oauth", json={"answer": "accept", "account": MAILBOX}, timeout=10
    ).raise_for_status()
    begun = scene.api().post("/api/inbound/sign-in", {"provider": "microsoft", "mailbox": mailbox, "kind": "graph"})
    with requests.Session() as browser:
        answer = browser.post(begun["url"], timeout=30)
        assert f"signed in as {MAILBOX}" in answer.text, answer.text
    return str(begun["state"])


def revoke(scene: Stage, sandbox: Sandbox, mailbox: dict[str, Any]) -> None:
    requests.post(f"{sandbox.url}/control/oauth/revoke", json={"account": MAILBOX}, timeout=10).raise_for_status()
    requests.post(f"{sandbox.url}/control/oauth/end-tokens", timeout=10).raise_for_status()
    wait_for("it needs a sign-in", lambda: state(scene, mailbox)[0] == "reconnect", PATIENCE)


def state(scene: Stage, mailbox: dict[str, Any]) -> tuple[str, str]:
    found = scene.api().get(f"/api/inbound/mailboxes/{mailbox['id']}")
    return found["grant_state"], found["state"]


def told(scene: Stage, state: str) -> list[dict[str, Any]]:
    return [one for one in scene.api().get("/api/outbound/admin-letters")["letters"] if one["state"] == state]


def seen(scene: Stage, mailbox: dict[str, Any]) -> Any:
    return scene.api().get(f"/api/inbound/mailboxes/{mailbox['id']}")
