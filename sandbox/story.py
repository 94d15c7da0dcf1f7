"""The story, played once: `python -m sandbox.story --sandbox URL --app URL [--attach connect|forge|token]`.

Mailbridge is attached to Jira in one of three ways and gets a mailbox and an outgoing server through its public API. Then a
customer's mail becomes an issue, an agent's comment becomes mail, the customer's reply a comment; an out-of-office answer and
a bounce are recorded and create nothing. Each step is a line with its time; a step that does not come true ends the story
with 1.

Every step is a function over `Stage`, for tests that want one of them or all.
"""

import argparse
import base64
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import requests

from sandbox.client import ClientError, Late, SandboxClient
from sandbox.mail.program import reply, small_picture
from sandbox.stage import CAROL, DAVE, MAILBOX, PASSWORD, PROJECT, Stage, StoryFailed
from sandbox.ways import NAMES, way


def install(stage: Stage) -> str:
    """Mailbridge is attached, and an administrator opens its page."""
    stage.app, line = stage.way.attach(stage.sandbox, stage.app_url, stage.agent)
    if not stage.app.login()["admin"]:
        raise StoryFailed("Alice administers Jira, but her page session says that she does not.")
    return line


def connect_mailbox(stage: Stage) -> str:
    """An administrator connects the mailbox: test, then save."""
    api = stage.api()
    project = next(one for one in api.get("/api/connect/projects", query=PROJECT) if one["key"] == PROJECT)
    kinds = [kind for kind in api.get(f"/api/connect/projects/{PROJECT}/issue-types") if not kind["subtask"]]
    wanted = {
        "name": "Support", "kind": "imap", "host": "127.0.0.1", "port": stage.imap_port, "security": "none",
        "username": MAILBOX, "secret": PASSWORD, "folder": "INBOX", "address": MAILBOX, "validate_certificate": True,
        "authserv_id": None, "sub_addresses": True, "project": project,
        "issue_type": {"id": kinds[0]["id"], "name": kinds[0]["name"]}, "default_reporter": None, "enabled": True,
    }  # fmt: skip
    test = api.post("/api/inbound/mailboxes/test", wanted)
    if not test["ok"]:
        raise StoryFailed(f"The test of the mailbox failed: {test['problem']}")
    known = [one for one in api.get("/api/inbound/mailboxes") if one["address"] == MAILBOX]
    if known:
        stage.mailbox = api.put(f"/api/inbound/mailboxes/{known[0]['id']}", wanted)
    else:
        stage.mailbox = api.post("/api/inbound/mailboxes", {**wanted, "backlog": "none"})

    def connected() -> bool:
        stage.mailbox = api.get(f"/api/inbound/mailboxes/{stage.mailbox['id']}")
        return bool(stage.mailbox["state"] == "connected")

    stage.wait("the mailbox to be connected", connected, lambda: stage.mailbox)
    return f"{MAILBOX} is connected: its mail becomes {project['key']} issues of type {kinds[0]['name']}"


def connect_sender(stage: Stage) -> str:
    """An administrator sets the outgoing server."""
    sender = {
        "host": "127.0.0.1", "port": stage.smtp_port, "security": "none", "username": None, "secret": None,
        "from_name": "Support", "from_address": MAILBOX, "window_seconds": stage.window, "validate_certificate": True,
    }  # fmt: skip
    stage.api().put("/api/outbound/sender", sender)
    return f"Outgoing mail goes by 127.0.0.1:{stage.smtp_port}; events are gathered for {stage.window:g} s"


def mail_becomes_an_issue(stage: Stage) -> str:
    """A customer's mail with a picture, two people in copy, becomes an issue with the attachment."""
    picture = small_picture()
    stage.sandbox.mail(
        from_=f"Carol Customer <{CAROL}>", to=MAILBOX, subject=stage.subject,
        cc=[f"Dave Deputy <{DAVE}>", f"Gone Gustav <{stage.gone}>"],
        text="Hello,\n\nsmoke comes out of the printer on floor 3. A picture is attached.\n\nCarol\n",
        attachments=[{"filename": "printer.png", "content_type": "image/png", "base64": base64.b64encode(picture).decode()}],
    )  # fmt: skip
    issue = stage.wait(
        "the mail to become an issue with its attachment", lambda: stage.issue(attachments=1), stage.seen
    )
    stage.issue_key = issue["key"]
    name, size = issue["attachments"][0]["filename"], issue["attachments"][0]["size"]
    if size != len(picture) or "smoke comes out" not in issue["text"]:
        raise StoryFailed(
            f"{issue['key']} does not say what the mail said: text {issue['text']!r}, attachment of {size} bytes"
        )
    return f"Carol's mail is {issue['key']} with {name}   {stage.sandbox.url}/browse/{issue['key']}"


def comment_becomes_mail(stage: Stage) -> str:
    """An agent comments, and the customer and those in copy have it as mail."""
    text = f"Please pull the plug, then read this ({stage.tag})."
    stage.sandbox.comment(stage.issue_key, stage.agent, text)
    stage.letter = stage.wait(
        "Carol to have the comment as mail", lambda: stage.letter_with(text, CAROL), lambda: stage.sent(CAROL)
    )
    for reader in (DAVE, stage.gone):
        stage.wait(
            f"{reader} to have the comment as mail",
            partial(stage.letter_with, text, reader),
            partial(stage.sent, reader),
        )
    subject, inbox = stage.letter["subject"], f"{stage.sandbox.url}/control/inboxes/{CAROL}"
    return f"Alice's comment reached Carol and those in copy: “{subject}”   {inbox}"


def reply_becomes_a_comment(stage: Stage) -> str:
    """The customer answers from that mail: a comment on the same issue, and no new issue."""
    before = len(stage.sandbox.issues())
    answer = f"I did, it is quiet now ({stage.tag})."
    stage.sandbox.mail(**reply(stage.letter, CAROL, f"{answer}\n\nCarol\n"))

    def comment() -> Any:
        found = stage.sandbox.issue(stage.issue_key)["comments"]
        return next((one for one in found if answer in one["text"]), None)

    added = stage.wait("Carol's reply to become a comment", comment, stage.seen)
    if len(stage.sandbox.issues()) != before:
        raise StoryFailed("The reply became a comment and a new issue besides.")
    if "Please pull the plug" in added["text"]:
        raise StoryFailed(f"The comment repeats the mail it answers: {added['text']!r}")
    return f"Carol's reply is a comment on {stage.issue_key}, without the quotation"


def out_of_office_is_recorded(stage: Stage) -> str:
    """An automatic answer is recorded and creates nothing."""
    subject = f"Automatic reply: {stage.letter['subject']} ({stage.tag})"
    return _recorded_only(
        stage, "the out-of-office answer", subject,
        lambda: stage.sandbox.mail(
            from_=f"Dave Deputy <{DAVE}>", to=stage.letter["reply_to"] or MAILBOX, subject=subject,
            text="I am out of the office until Monday.\n", in_reply_to=stage.letter["message_id"],
            references=stage.letter["message_id"], headers={"Auto-Submitted": "auto-replied", "X-Autoreply": "yes"},
        ),
    )  # fmt: skip


def bounce_is_recorded(stage: Stage) -> str:
    """A reader's mail server returns our mail: the ledger has the report, the delivery is marked, nothing is created."""
    letter = next(one for one in reversed(stage.sandbox.inbox(stage.gone)) if one["envelope_from"] == MAILBOX)
    line = _recorded_only(
        stage, "the bounce", "Undelivered Mail Returned to Sender", lambda: stage.sandbox.bounce(letter["id"])
    )

    def marked() -> bool:
        return any(row["recipient"] == stage.gone and row["state"] == "bounced" for row in stage.deliveries())

    stage.wait("the delivery to be marked as bounced", marked, stage.deliveries)
    return line + f"; the delivery to {stage.gone} is marked"


STEPS: tuple[Callable[[Stage], str], ...] = (
    install,
    connect_mailbox,
    connect_sender,
    mail_becomes_an_issue,
    comment_becomes_mail,
    reply_becomes_a_comment,
    out_of_office_is_recorded,
    bounce_is_recorded,
)


def play(stage: Stage, say: Callable[[str], None] = print, steps: Sequence[Callable[[Stage], str]] = STEPS) -> None:
    """All steps in turn, each as a line with its seconds; raises StoryFailed naming the step."""
    begun = time.monotonic()
    for step in steps:
        at = time.monotonic()
        try:
            line = step(stage)
        except (StoryFailed, Late, ClientError, requests.RequestException, LookupError, StopIteration) as error:
            raise StoryFailed(f"{step.__name__}: {error}") from error
        say(f"{time.monotonic() - at:7.2f} s  {line}")
    violations = stage.sandbox.violations()
    if violations:
        raise StoryFailed(f"Jira would not have understood: {violations[:5]}")
    say(f"{time.monotonic() - begun:7.2f} s  in all. Look around: {stage.sandbox.url}/")


def _recorded_only(stage: Stage, what: str, subject: str, send: Callable[[], Any]) -> str:
    """Sends, waits until the ledger says that nothing comes of it, and looks that nothing did."""
    before = stage.counts()
    known = {mail["id"] for mail in stage.mails()}
    send()

    def settled() -> Any:
        new = [mail for mail in stage.mails() if mail["id"] not in known and mail["subject"] == subject]
        return next((mail for mail in new if mail["state"] not in ("received", "delivering")), None)

    mail = stage.wait(f"{what} to be recorded", settled, stage.seen)
    now = stage.counts()
    if now != before or mail["outcome"] not in (None, "none") or mail["state"] not in ("ignored", "handled"):
        raise StoryFailed(
            f"{what} should only be recorded, but it is {mail}; issues and comments went from {before} to {now}"
        )
    return f"{what[0].upper()}{what[1:]} is recorded ({mail['reason']}), nothing was created"


def main(arguments: list[str] | None = None) -> int:
    """Plays the story; exit code 1 when a step does not come true."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.story", description="Play the story once.")
    parser.add_argument("--sandbox", default="http://127.0.0.1:8090", help="address of the sandbox")
    parser.add_argument("--app", default="http://127.0.0.1:8080", help="address of Mailbridge, as Jira sees it")
    parser.add_argument("--patience", type=float, default=30.0, metavar="SECONDS", help="for each step to come true")
    parser.add_argument("--attach", choices=NAMES, default="connect", help="in which way (default: connect)")
    parser.add_argument("--setup-link", metavar="URL", help="token: the link that Mailbridge printed at its start")
    parser.add_argument("--password", help="token: of Mailbridge's page (default: a new one, which the link sets)")
    parser.add_argument("--polling", action="store_true", help="token: without a webhook")
    parser.add_argument("--attach-only", action="store_true", help="no further than that")
    options = parser.parse_args(arguments)
    if options.attach == "token" and not (options.setup_link or options.password):
        parser.error("--attach token needs the --setup-link that Mailbridge printed, or the --password it was given")
    sandbox = SandboxClient(options.sandbox)
    try:
        ports = sandbox.ports()
        taken = way(options.attach, options.setup_link, options.password, webhook=not options.polling)
        stage = Stage(sandbox, options.app, ports["imap_port"], ports["smtp_port"], taken, options.patience)
        play(stage, lambda line: print(line, flush=True), STEPS[:1] if options.attach_only else STEPS)
    except (StoryFailed, ClientError, requests.RequestException) as error:
        print(f"The story broke off. {error}", file=sys.stderr)
        return 1
    finally:
        sandbox.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
