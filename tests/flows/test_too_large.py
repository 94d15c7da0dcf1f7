"""A mail that is too large arrives: its sender is told so by mail, once, and a program is not."""

from typing import Any

from sandbox import story
from sandbox.app import Sandbox
from sandbox.client import wait_for
from sandbox.stage import MAILBOX, Stage
from tests.flows.conftest import stage

PATIENCE = 120.0
CAROL, ROBOT = "carol@large.example", "robot@large.example"
LIMIT = 20_000


def test_who_sends_too_much_is_told_once_and_a_program_is_not(sandbox: Sandbox, mailbridge_url: str) -> None:
    scene = stage(sandbox, mailbridge_url, patience=PATIENCE)
    for step in (story.install, story.connect_mailbox, story.connect_sender):
        step(scene)
    answering(scene)
    large = {"to": MAILBOX, "text": "x" * 3 * LIMIT}
    scene.sandbox.mail(from_=ROBOT, subject="Report", headers={"Auto-Submitted": "auto-generated"}, **large)
    scene.sandbox.mail(from_=f"Carol <{CAROL}>", subject="Plans", **large)
    carols = wait_for("Carol's mail is held", lambda: held(scene, CAROL), PATIENCE, scene.mails)[0]
    (letter,) = wait_for("Carol is told", lambda: scene.sandbox.inbox(CAROL), PATIENCE)
    assert letter["subject"] == "Re: Plans" and "larger than 20 kB" in letter["text"]
    heads = {name.lower(): value for name, value in letter["headers"]}
    assert heads["auto-submitted"] == "auto-replied" and heads["reply-to"] == MAILBOX
    assert any("is to be told by mail" in one for one in explained(scene, carols))

    scene.sandbox.mail(from_=f"Carol <{CAROL}>", subject="Plans, once more", **large)
    wait_for("the second is held", lambda: len(held(scene, CAROL)) == 2, PATIENCE, scene.mails)
    states = wait_for("it is noted why she is not told again", lambda: told(scene, 2), PATIENCE)
    assert [one["state"] for one in states] == ["skipped", "sent"]
    assert "24 hours" in states[0]["reason"] and {one["recipient"] for one in states} == {CAROL}

    robots = wait_for("the program's mail is held", lambda: held(scene, ROBOT), PATIENCE, scene.mails)[0]
    assert any("sent by a program" in one for one in explained(scene, robots))
    assert len(scene.sandbox.inbox(CAROL)) == 1 and scene.sandbox.inbox(ROBOT) == []
    assert scene.sandbox.issues() == [] and scene.sandbox.violations() == []


def answering(scene: Stage) -> None:
    """The mailbox takes little from now on, and says so."""
    api, id = scene.api(), scene.mailbox["id"]
    names = (
        "name", "kind", "host", "port", "security", "username", "folder", "address", "validate_certificate", "sub_addresses",
        "project", "issue_type", "default_reporter", "enabled",
    )  # fmt: skip
    body = {name: scene.mailbox[name] for name in names}
    changed = api.put(f"/api/inbound/mailboxes/{id}", {**body, "max_bytes": LIMIT + 480, "answer_oversized": True})
    assert changed["answer_oversized"] is True
    wait_for("it is read again", lambda: api.get(f"/api/inbound/mailboxes/{id}")["state"] == "connected", PATIENCE)


def held(scene: Stage, sender: str) -> list[dict[str, Any]]:
    return [one for one in scene.mails() if one["from"] == sender and one["state"] == "held"]


def explained(scene: Stage, mail: dict[str, Any]) -> list[str]:
    sentences: list[str] = scene.api().get(f"/api/inbound/mails/{mail['id']}")["explanation"]
    return sentences


def told(scene: Stage, count: int) -> list[dict[str, Any]]:
    """The letters, newest first, when there are so many and each has come to its end."""
    rows: list[dict[str, Any]] = scene.api().get("/api/outbound/admin-letters")["letters"]
    done = len(rows) == count and all(one["state"] in ("sent", "skipped", "failed") for one in rows)
    return rows if done else []
