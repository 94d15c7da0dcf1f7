"""Whatever goes wrong between Mailbridge and Jira, a mail becomes one issue or one comment, and people get one mail."""

import pytest

from sandbox import story
from sandbox.app import Sandbox
from sandbox.story import CAROL, DAVE, Stage
from tests.flows.conftest import stage
from tests.running import Standalone, wait_for


@pytest.fixture
def ready(sandbox: Sandbox, standalone: Standalone) -> Stage:
    """Installed, the mailbox connected, the outgoing server set."""
    scene = stage(sandbox, standalone.url)
    for step in (story.install, story.connect_mailbox, story.connect_sender):
        step(scene)
    return scene


def send(scene: Stage, subject: str, **more: str) -> None:
    fields = {"from_": CAROL, "to": story.MAILBOX, "text": f"{subject} please\n", **more}
    scene.sandbox.mail(subject=subject, **fields)


def settled(scene: Stage, subject: str) -> list[dict[str, object]]:
    """The ledger's rows of a subject once none is under way."""

    def rows() -> list[dict[str, object]]:
        found = [mail for mail in scene.mails() if mail["subject"] == subject]
        return [] if any(mail["state"] in ("received", "delivering") for mail in found) else found

    return wait_for(rows, 120, lambda: str(scene.mails()))


def issues_named(scene: Stage, subject: str) -> list[dict[str, object]]:
    return [issue for issue in scene.sandbox.issues() if issue["fields"]["summary"] == subject]


def letters(scene: Stage, reader: str, word: str) -> list[dict[str, object]]:
    return [letter for letter in scene.sandbox.inbox(reader) if f"This is the {word} comment." in letter["text"]]


@pytest.mark.parametrize("fault", ["timeout_after_write", "500", "503", "429", "reset"])
def test_a_fault_of_jiras_leaves_one_issue(ready: Stage, fault: str) -> None:
    ready.sandbox.index_lag("infinite")
    ready.sandbox.fault(fault, match="POST /rest/api/3/issue$", count=1)
    send(ready, "Once only")
    assert [row["state"] for row in settled(ready, "Once only")] == ["handled"]
    assert len(issues_named(ready, "Once only")) == 1


@pytest.mark.parametrize("fault", ["timeout_after_write", "500", "reset"])
def test_a_fault_of_jiras_leaves_one_comment(ready: Stage, fault: str) -> None:
    story.mail_becomes_an_issue(ready)
    story.comment_becomes_mail(ready)
    ready.sandbox.index_lag("infinite")
    ready.sandbox.fault(fault, match="POST /rest/api/3/issue/[^/]+/comment$", count=1)
    story.reply_becomes_a_comment(ready)  # the comment may be there before Mailbridge knows that it is
    wait_for(lambda: all(mail["state"] == "handled" for mail in ready.mails()), 120, lambda: str(ready.mails()))
    texts = [comment["text"] for comment in ready.sandbox.issue(ready.issue_key)["comments"]]
    assert sum("quiet now" in text for text in texts) == 1


def test_a_fault_of_jiras_leaves_one_attachment(ready: Stage) -> None:
    ready.sandbox.fault("timeout_after_write", match="POST /rest/api/3/issue/[^/]+/attachments$", count=1)
    story.mail_becomes_an_issue(ready)
    wait_for(lambda: ready.mails()[0]["state"] == "handled", 120, lambda: str(ready.mails()))
    assert len(ready.sandbox.issue(ready.issue_key)["attachments"]) == 1


def test_webhooks_told_twice_and_out_of_order_make_one_mail(ready: Stage) -> None:
    story.mail_becomes_an_issue(ready)
    ready.sandbox.fault("webhook_duplicate")
    ready.sandbox.fault("webhook_reorder")
    for word in ("first", "second", "last"):  # the last one's arrival shows that the others' copies had their time
        ready.sandbox.comment(ready.issue_key, ready.agent, f"This is the {word} comment.")
        for reader in (CAROL, DAVE):
            wait_for(lambda: len(letters(ready, reader, word)) >= 1, 120)  # noqa: B023 - called at once
    for reader in (CAROL, DAVE):
        assert [len(letters(ready, reader, word)) for word in ("first", "second", "last")] == [1, 1, 1]


def test_one_mail_to_two_mailboxes_is_one_issue(ready: Stage) -> None:
    wanted = {
        name: ready.mailbox[name] for name in ("kind", "host", "port", "security", "folder", "project", "issue_type")
    }
    second = {
        **wanted, "name": "Second", "username": "help@sandbox.test", "secret": "second", "address": "help@sandbox.test",
        "validate_certificate": True, "authserv_id": None, "sub_addresses": True, "default_reporter": None,
        "enabled": True, "backlog": "none",
    }  # fmt: skip
    ready.sandbox._json("POST", "/control/mailboxes", {"address": "help@sandbox.test", "password": "second"})
    other = ready.api().post("/api/inbound/mailboxes", second)
    wait_for(lambda: ready.api().get(f"/api/inbound/mailboxes/{other['id']}")["state"] == "connected", 120)
    send(ready, "To both of you", to=f"{story.MAILBOX}, help@sandbox.test")

    def both() -> bool:
        found = ready.api().get("/api/inbound/mails", limit=50)["mails"]
        rows = [mail for mail in found if mail["subject"] == "To both of you"]
        return len(rows) == 2 and all(mail["state"] in ("handled", "ignored") for mail in rows)

    wait_for(both, 120, lambda: str(ready.api().get("/api/inbound/mails", limit=50)))
    assert len(issues_named(ready, "To both of you")) == 1


def test_an_internal_comment_never_reaches_a_customer(ready: Stage) -> None:
    story.mail_becomes_an_issue(ready)
    ready.sandbox.comment(ready.issue_key, ready.agent, "Between us: he pulled the wrong plug.", internal=True)
    story.comment_becomes_mail(ready)  # a public one after it, so that the internal one had its time
    for reader in (CAROL, DAVE):
        assert not any("Between us" in letter["text"] for letter in ready.sandbox.inbox(reader))
