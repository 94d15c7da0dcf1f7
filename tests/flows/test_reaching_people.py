"""People with an account, end to end: who hides the address hears by way of Jira; who may, writes under their own name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import story
from sandbox.app import Sandbox
from sandbox.jira.seed import BOB, DORA
from sandbox.story import Stage
from sandbox.ways import Connect, Forge, Token, Way, written_manifest
from tests.flows.conftest import stage
from tests.flows.ways import settings_of_ways, setup_link
from tests.running import Standalone, wait_for

BOBS, DORAS = "bob@acme.example", "dora@acme.example"
CALM = "Somebody looks at it."


@pytest.fixture
def process(sandbox: Sandbox, tmp_path: Path) -> Iterator[Standalone]:
    sandbox.parts.site.email_api_apps = frozenset()
    with Standalone(tmp_path, settings_of_ways(sandbox)) as process:
        yield process
    sandbox.parts.site.email_api_apps = None


def impersonating(app_url: str) -> str:
    """The manifest as `--post-as-people` writes it."""
    return written_manifest(app_url, "--post-as-people")


def on(sandbox: Sandbox, process: Standalone, way: Way) -> Stage:
    """Attached, with an issue that Carol's mail became."""
    scene = stage(sandbox, process.url, patience=120.0)
    scene.way = way
    for step in (story.install, story.connect_mailbox, story.connect_sender, story.mail_becomes_an_issue):
        step(scene)
    return scene


def letter(scene: Stage, reader: str, text: str, process: Standalone) -> dict[str, Any]:
    def arrived() -> dict[str, Any] | None:
        return next((one for one in scene.sandbox.inbox(reader) if text in one["text"]), None)

    return wait_for(arrived, 120, process.tail) or {}


@pytest.mark.parametrize("name", ["connect", "forge", "token"])
def test_who_hides_the_address_hears_by_way_of_jira(sandbox: Sandbox, process: Standalone, name: str) -> None:
    ways: dict[str, Way] = {"connect": Connect(), "forge": Forge(), "token": Token(setup_link(process.log))}
    scene = on(sandbox, process, ways[name])
    scene.sandbox.change(scene.issue_key, scene.agent, assignee=DORA)
    scene.sandbox.comment(scene.issue_key, scene.agent, CALM)
    got = letter(scene, DORAS, CALM, process)
    assert "jira@sandbox.test" in str(got["from"])
    assert "not to Mailbridge" in str(got["text"])

    def recorded() -> list[dict[str, Any]]:
        rows = scene.api().get("/api/outbound/deliveries", issue=scene.issue_key, limit=50)["deliveries"]
        return [row for row in rows if row["kind"] == "notify" and row["state"] == "sent"]

    rows = wait_for(recorded, 120, process.tail) or []
    assert {row["recipient"] for row in rows} == {"Dora Discreet"}
    assert all("Jira sends it" in str(row["reason"]) for row in rows)
    assert scene.sandbox.violations() == []


def test_under_forge_an_agents_answer_by_mail_is_their_own_comment(sandbox: Sandbox, process: Standalone) -> None:
    scene = on(sandbox, process, Forge(impersonating))
    scene.sandbox.change(scene.issue_key, scene.agent, assignee=BOB)
    scene.sandbox.comment(scene.issue_key, scene.agent, CALM)
    got = letter(scene, BOBS, CALM, process)
    scene.sandbox.mail(**story.reply(got, BOBS, "I do.\n"))

    def comment() -> dict[str, Any] | None:
        found = scene.sandbox.issue(scene.issue_key)["comments"]
        return next((one for one in found if "I do." in one["text"]), None)

    made = wait_for(comment, 120, process.tail) or {}
    assert made["author"]["accountId"] == BOB, made
    assert "wrote by email" not in str(made["text"])
    assert scene.sandbox.violations() == []


def test_without_the_scope_it_is_the_apps_in_their_name(sandbox: Sandbox, process: Standalone) -> None:
    scene = on(sandbox, process, Forge())
    scene.sandbox.change(scene.issue_key, scene.agent, assignee=BOB)
    scene.sandbox.comment(scene.issue_key, scene.agent, CALM)
    got = letter(scene, BOBS, CALM, process)
    scene.sandbox.mail(**story.reply(got, BOBS, "I do.\n"))

    def comment() -> dict[str, Any] | None:
        found = scene.sandbox.issue(scene.issue_key)["comments"]
        return next((one for one in found if "I do." in one["text"]), None)

    made = wait_for(comment, 120, process.tail) or {}
    assert made["author"]["accountId"] != BOB
    assert "wrote by email" in str(made["text"])
    # Jira shows the comment before the ledger says so.
    [row] = wait_for(lambda: [one for one in scene.mails() if one["comment_id"] == made["id"]], 120, process.tail)
    shown = scene.api().get(f"/api/inbound/mails/{row['id']}")
    assert any("own name" in sentence for sentence in shown["explanation"])
