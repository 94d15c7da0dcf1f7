"""What goes wrong between Jira and Mailbridge in each way of being attached: nothing is lost, and all goes on afterwards."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import story
from sandbox.app import Sandbox
from sandbox.story import CAROL, Stage
from sandbox.ways import Token
from tests.flows.ways import Place, a_place
from tests.running import wait_for

OLD = 4 * 3600.0  # seconds; older than any Forge token


@pytest.fixture
def place(sandbox: Sandbox, tmp_path: Path) -> Iterator[Place]:
    with a_place(sandbox, tmp_path) as ready:
        yield ready


def refused(scene: Stage) -> list[str]:
    return [f"{call['method']} {call['path']}" for call in scene.sandbox.calls() if call["status"] == 401]


def send(scene: Stage, subject: str) -> None:
    scene.sandbox.mail(from_=CAROL, to=story.MAILBOX, subject=subject, text="Please help.\n")


def row(scene: Stage, subject: str) -> dict[str, object]:
    return next((mail for mail in scene.mails() if mail["subject"] == subject), {})


def handled(place: Place, scene: Stage, subject: str) -> dict[str, object]:
    """The ledger's row once it is handled; what was postponed is taken up at once."""

    def look() -> dict[str, object] | None:
        place.let_time_pass(600)
        found = row(scene, subject)
        return found if found.get("state") == "handled" else None

    return wait_for(look, 120, lambda: f"{scene.mails()} {place.process.tail()}") or {}


def named(scene: Stage, subject: str) -> int:
    return sum(issue["fields"]["summary"] == subject for issue in scene.sandbox.issues())


def test_events_that_no_webhook_told_are_repaired(place: Place) -> None:
    scene = place.attached("connect")
    story.mail_becomes_an_issue(scene)
    assert place.sandbox.wait_idle()
    site = place.sandbox.parts.site
    scene.sandbox.fault("webhook_lost")
    text = "Nobody told of this."
    with site.lock:  # five minutes ago, so that a webhook can no longer be under way
        site.issue(scene.issue_key).created -= 300
        clock, site.clock = site.clock, lambda: time.time() - 120
    scene.sandbox.comment(scene.issue_key, scene.agent, text)
    with site.lock:
        site.clock = clock
    wait_for(lambda: place.sql("connect", "SELECT tenant FROM polled"), 120, place.process.tail)
    place.sql("connect", "UPDATE polled SET since = since - 600, until = until - 600, due_at = 0")
    letters = wait_for(
        lambda: [one for one in scene.sandbox.inbox(CAROL) if text in one["text"]], 120, place.process.tail
    )
    assert len(letters) == 1
    assert scene.sandbox.violations() == []


def test_mail_waits_while_forges_tokens_are_too_old_and_goes_on_with_a_newer_one(place: Place) -> None:
    scene = place.attached("forge")
    story.mail_becomes_an_issue(scene)
    assert place.sandbox.wait_idle()
    scene.sandbox.quiet_forge(True)
    scene.sandbox.age_forge_tokens(OLD)
    send(scene, "While nobody may ask")
    wait_for(lambda: refused(scene), 120, place.process.tail)
    place.let_time_pass(600)
    assert row(scene, "While nobody may ask")["state"] in ("received", "delivering")
    assert named(scene, "While nobody may ask") == 0
    scene.sandbox.quiet_forge(False)
    scene.sandbox.tick_forge()
    handled(place, scene, "While nobody may ask")
    assert named(scene, "While nobody may ask") == 1
    story.comment_becomes_mail(scene)
    story.reply_becomes_a_comment(scene)


def test_mail_waits_while_the_api_token_is_revoked_and_goes_on_with_another(place: Place) -> None:
    scene = place.attached("token")
    story.mail_becomes_an_issue(scene)
    scene.sandbox.revoke_tokens(scene.agent)
    send(scene, "While nobody may ask")
    wait_for(lambda: refused(scene), 120, place.process.tail)
    assert row(scene, "While nobody may ask")["state"] in ("received", "delivering")
    assert isinstance(scene.way, Token)
    site = scene.way.give_token(scene.api(), scene.sandbox, scene.agent)
    assert site["account"]["name"] == "Alice Agent"
    handled(place, scene, "While nobody may ask")
    assert named(scene, "While nobody may ask") == 1
    story.comment_becomes_mail(scene)
    story.reply_becomes_a_comment(scene)


def test_a_spent_quota_is_waited_out(place: Place) -> None:
    scene = place.attached("token")
    scene.sandbox.limit(points=1)
    send(scene, "Too many calls")
    wait_for(lambda: [call for call in scene.sandbox.calls() if call["status"] == 429], 120, place.process.tail)
    assert named(scene, "Too many calls") == 0
    assert row(scene, "Too many calls")["state"] in ("received", "delivering")
    scene.sandbox.limit(points=None)
    place.let_time_pass(3600)
    handled(place, scene, "Too many calls")
    assert named(scene, "Too many calls") == 1
