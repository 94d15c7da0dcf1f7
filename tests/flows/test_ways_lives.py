"""The life of an attachment in each way: attached, used, renamed, its secrets rotated, detached, attached again; and moved."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import story
from sandbox.app import Sandbox
from sandbox.client import ClientError
from sandbox.story import CAROL, Stage
from sandbox.ways import Forge, Token
from tests.flows.ways import NAMES, READY, a_place, stage_of
from tests.running import Standalone, wait_for


@pytest.fixture
def process(sandbox: Sandbox, tmp_path: Path) -> Iterator[Standalone]:
    """Mailbridge in one process, every door open."""
    with a_place(sandbox, tmp_path) as ready:
        yield ready.process


def use(scene: Stage, tag: str) -> None:
    """A mail becomes an issue, a comment a mail, its answer a comment."""
    scene.tag = tag
    for step in (story.mail_becomes_an_issue, story.comment_becomes_mail, story.reply_becomes_a_comment):
        step(scene)


def to_bob(scene: Stage) -> str:
    """What Bob, who has an account, reads of a comment on the issue at hand; a link to the issue among it."""
    bob = scene.sandbox.users()["Bob Builder"]["accountId"]
    scene.sandbox.watch(scene.issue_key, bob)
    text = f"This is for Bob ({scene.tag})."
    scene.sandbox.comment(scene.issue_key, scene.agent, text)
    letter = wait_for(lambda: [one for one in scene.sandbox.inbox("bob@acme.example") if text in one["text"]], 120)[0]
    return str(letter["text"])


def heard(scene: Stage, text: str) -> bool:
    """Whether Carol was told."""
    return any(text in letter["text"] for letter in scene.sandbox.inbox(CAROL))


def site(scene: Stage) -> Any:
    return scene.api().get("/api/connect/site")


def rename(name: str, scene: Stage, url: str) -> None:
    """The site has another address, and Mailbridge is told as it is in this way."""
    scene.sandbox.rename(url)
    if name == "connect":
        scene.sandbox.install(scene.app_url)
    elif name == "forge":
        scene.sandbox.tick_forge()
    else:
        made = scene.sandbox.new_token(scene.agent)
        wanted = {"url": url, "email": made["email"], "api_token": made["token"], "token_expires_at": None}
        with pytest.raises(
            ClientError, match="409"
        ):  # issues of another site have the same numbers: say that it is the same
            scene.api().put("/api/connect/site", wanted)
        scene.api().put("/api/connect/site", {**wanted, "renamed": True})
    wait_for(lambda: site(scene)["site"] == url, 120, lambda: str(site(scene)))


def rotate(name: str, scene: Stage, sandbox: Sandbox) -> None:
    """The secrets between the two are made anew. (A new key of Forge's own is asked for each half minute at most, so
    tests/connect/test_forge_keys.py has that.)"""
    if name == "connect":
        before = [app.shared_secret for app in sandbox.parts.site.installations.values()]
        scene.sandbox.install(scene.app_url)
        assert [app.shared_secret for app in sandbox.parts.site.installations.values()] != before
    elif name == "forge":
        scene.sandbox.age_forge_tokens(4 * 3600)
        scene.sandbox.tick_forge()
    else:
        scene.sandbox.revoke_tokens(scene.agent)
        made = scene.sandbox.new_token(scene.agent)
        wanted = {
            "url": site(scene)["site"],
            "email": made["email"],
            "api_token": made["token"],
            "token_expires_at": None,
        }
        scene.api().put("/api/connect/site", wanted)
        for webhook in sandbox.parts.webhooks.hooks.admin():
            scene.sandbox.remove_webhook(webhook.id)
        values = scene.api().post("/api/connect/site/webhook/secret")["webhook"]
        scene.sandbox.add_webhook(**{part: values[part] for part in ("url", "secret", "events", "jql")})


def detach(name: str, scene: Stage) -> None:
    if name == "connect":
        scene.sandbox.uninstall()
    elif name == "forge":
        scene.sandbox.uninstall_forge()
    else:
        scene.api().delete("/api/connect/site")


@pytest.mark.parametrize("name", NAMES)
def test_an_attachment_lives(sandbox: Sandbox, process: Standalone, name: str) -> None:
    scene = stage_of(name, sandbox, process)
    for step in READY:
        step(scene)
    tenant = scene.api().login()["tenant"]
    use(scene, "as-new")
    rename(name, scene, sandbox.url.replace("127.0.0.1", "localhost"))
    use(scene, "renamed")
    assert f"http://localhost:{sandbox.port}/browse/" in to_bob(scene)  # people are led to the new address
    rotate(name, scene, sandbox)
    use(scene, "rotated")
    assert scene.api().login()["tenant"] == tenant  # all the while the same one
    mails = len(scene.mails())
    assert mails >= 6

    detach(name, scene)
    key = scene.issue_key
    scene.sandbox.comment(key, scene.agent, "Nobody is there to tell this.")
    for step in READY:  # attached again
        step(scene)
    use(scene, "again")
    scene.sandbox.comment(key, scene.agent, "Now somebody is there.")
    wait_for(lambda: heard(scene, "Now somebody is there."), 120, process.tail)
    assert not heard(scene, "Nobody is there to tell this.")
    assert scene.sandbox.violations() == []


def test_a_site_that_moves_from_connect_to_forge_keeps_all_it_has(sandbox: Sandbox, process: Standalone) -> None:
    scene = stage_of("connect", sandbox, process)
    for step in (*READY, story.mail_becomes_an_issue, story.comment_becomes_mail):
        step(scene)
    tenant, mailbox, ledger = scene.api().login()["tenant"], scene.mailbox["id"], scene.mails()
    sender = scene.api().get("/api/outbound/sender")

    scene.way = Forge()
    story.install(scene)
    session = scene.api().login()
    assert (session["tenant"], session["scheme"]) == (tenant, "forge")
    assert [one["id"] for one in scene.api().get("/api/inbound/mailboxes")] == [mailbox]
    assert scene.mails() == ledger
    assert scene.api().get("/api/outbound/sender") == sender

    scene.sandbox.uninstall()  # the Connect app goes, and leaves all to Forge
    before = len(scene.sandbox.calls())
    story.reply_becomes_a_comment(scene)  # the answer to a mail of before
    use(scene, "after-the-move")
    assert {call["how"] for call in scene.sandbox.calls()[before:]} == {"forge"}
    assert scene.sandbox.violations() == []


def test_an_api_token_that_ends_is_warned_of(sandbox: Sandbox, process: Standalone) -> None:
    scene = stage_of("token", sandbox, process)
    assert isinstance(scene.way, Token)
    scene.way.expires_in = 5 * 86_400
    story.install(scene)
    shown = site(scene)
    assert shown["token_expires_at"] is not None
    assert "5 days" in str(shown) or "4 days" in str(shown), shown
