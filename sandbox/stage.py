"""Where a story plays: the stand-in Jira, Mailbridge behind the door of its way, and what can be seen of both.

Who is in it: Carol the customer and Dave in copy; Alice, who administers Jira and answers.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.client import SandboxClient, wait_for
from sandbox.doors import AppClient
from sandbox.ways import Connect, Way

CAROL = "carol@customer.example"
DAVE = "dave@customer.example"
MAILBOX, PASSWORD = "support@sandbox.test", "sandbox"
PROJECT = "SUP"


class StoryFailed(Exception):
    """A step did not come true: which one, and what was seen instead."""


@dataclass
class Stage:
    """Where the story plays. `way`: how Mailbridge is attached. `patience`: seconds for each thing to come true. `tag` tells
    this playing from others."""

    sandbox: SandboxClient
    app_url: str
    imap_port: int
    smtp_port: int
    way: Way = field(default_factory=Connect)
    patience: float = 30.0
    window: float = 1.0
    tag: str = field(default_factory=lambda: time.strftime("%H:%M:%S"))
    app: AppClient | None = None
    mailbox: dict[str, Any] = field(default_factory=dict)
    issue_key: str = ""
    letter: dict[str, Any] = field(default_factory=dict)

    @property
    def agent(self) -> str:
        """Alice's account, who administers Jira and answers customers."""
        account: str = self.sandbox.users()["Alice Agent"]["accountId"]
        return account

    @property
    def gone(self) -> str:
        """Somebody in copy whose mail server will return our mail; of this playing alone, for it is shut off after that."""
        return f"gone-{self.tag.replace(':', '')}@customer.example"

    @property
    def subject(self) -> str:
        """The subject of the customer's mail."""
        return f"The printer is on fire ({self.tag})"

    def api(self) -> AppClient:
        """The admin API, once the app is installed."""
        if self.app is None:
            raise StoryFailed("Mailbridge is not installed yet: play `install` first.")
        return self.app

    def wait(self, what: str, probe: Callable[[], Any], seen: Callable[[], Any] | None = None) -> Any:
        """Waits as long as the stage has patience."""
        return wait_for(what, probe, self.patience, seen)

    def mails(self) -> list[dict[str, Any]]:
        """What Mailbridge's ledger holds for the mailbox, newest first."""
        found: list[dict[str, Any]] = self.api().get("/api/inbound/mails", mailbox=self.mailbox["id"], limit=50)[
            "mails"
        ]
        return found

    def deliveries(self) -> list[dict[str, Any]]:
        """What Mailbridge sent, or not, for the issue; newest first."""
        found = self.api().get("/api/outbound/deliveries", issue=self.issue_key, limit=50)
        rows: list[dict[str, Any]] = found["deliveries"] if isinstance(found, dict) else found
        return rows

    def issue(self, attachments: int) -> dict[str, Any] | None:
        """The issue of the customer's mail, once it has so many attachments."""
        issues = (one for one in self.sandbox.issues() if one["fields"]["summary"] == self.subject)
        return next((one for one in issues if len(one["attachments"]) >= attachments), None)

    def letter_with(self, text: str, reader: str) -> dict[str, Any] | None:
        """The mail to this reader that says so."""
        return next((one for one in self.sandbox.inbox(reader) if text in one["text"]), None)

    def counts(self) -> tuple[int, int]:
        """How many issues there are, and how many comments on the issue of the story."""
        return len(self.sandbox.issues()), len(self.sandbox.issue(self.issue_key)["comments"])

    def seen(self) -> dict[str, Any]:
        """What to show when a mail did not come through: its rows in the ledger, and the last REST calls."""
        calls = [(call["method"], call["path"], call["status"]) for call in self.sandbox.calls()[-8:]]
        return {"ledger": self.mails()[:5], "last REST calls": calls}

    def sent(self, reader: str) -> dict[str, Any]:
        """What to show when a mail did not go out: what the reader has, and the deliveries of the issue."""
        letters = [(letter["from"], letter["subject"]) for letter in self.sandbox.inbox(reader)[-5:]]
        return {"inbox": letters, "deliveries": self.deliveries()[:5]}
