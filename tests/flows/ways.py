"""The three ways of being attached, for the flow tests: the settings each needs, and the link that a start prints."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import story
from sandbox.app import Sandbox
from sandbox.story import Stage
from sandbox.ways import Connect, Forge, Token, Way, forge_settings
from tests.flows.conftest import stage
from tests.running import Standalone, sandbox_settings, wait_for

NAMES = ("connect", "forge", "token")
SERVICES = ("connect", "inbound", "outbound")
READY = (story.install, story.connect_mailbox, story.connect_sender)
POLL = "10"  # seconds; the least that Mailbridge takes


def settings_of_ways(sandbox: Sandbox) -> dict[str, str]:
    """Standalone with every door open."""
    return {
        **sandbox_settings(sandbox),
        **forge_settings(sandbox.url),
        "MAILBRIDGE_LOGIN": "on",
        "MAILBRIDGE_JIRA_POLL_SECONDS": POLL,
        "MAILBRIDGE_JIRA_TIMEOUT": "30",  # a call that is given up is made again, and calls are counted
    }


def way_of(name: str, log: Path, *, webhook: bool = True) -> Way:
    """The way of that name to a Mailbridge that writes this log."""
    if name == "token":
        return Token(setup_link(log), webhook=webhook)
    return Forge() if name == "forge" else Connect()


def setup_link(log: Path) -> str:
    """The link by which the page's first password is set; the newest in the log."""
    links = re.findall(r"https?://\S+#setup=\S+", log.read_text(errors="replace"))
    assert links, log.read_text(errors="replace")[-2000:]
    return links[-1]


def stage_of(
    name: str, sandbox: Sandbox, process: Standalone, *, webhook: bool = True, patience: float = 120.0
) -> Stage:
    """A stage on which Mailbridge is attached in the way of that name."""
    scene = stage(sandbox, process.url, patience=patience)
    scene.way = way_of(name, process.log, webhook=webhook)
    return scene


@dataclass
class Place:
    """A sandbox and a Mailbridge whose clock can be put forward."""

    sandbox: Sandbox
    process: Standalone
    data: Path

    def attached(self, name: str) -> Stage:
        """Attached in the way of that name, with mailbox and outgoing server."""
        scene = stage_of(name, self.sandbox, self.process)
        for step in READY:
            step(scene)
        return scene

    def let_time_pass(self, seconds: float) -> None:
        """As if so many seconds had gone by for messages that are postponed."""
        for service in SERVICES:
            self.sql(service, "UPDATE outbox SET available_at = available_at - ?", seconds)

    def settle(self) -> None:
        """Waits until nothing is on its way: no webhook, no message, no window that is still open."""
        webhooks, events = self.sandbox.parts.webhooks, self.sandbox.parts.forge.deliveries

        def told() -> tuple[int, int]:
            return len(webhooks.attempts()), len(events.attempts())

        def at_rest() -> bool:
            idle, before = self.sandbox.wait_idle(), told()
            waiting = [self.sql(service, "SELECT count(*) FROM outbox")[0][0] for service in SERVICES]
            # What ended while we counted may have made Jira tell something.
            return idle and not any(waiting) and webhooks.idle() and events.idle() and told() == before

        wait_for(at_rest, 120, self.process.tail)

    def sql(self, service: str, statement: str, *values: object) -> list[Any]:
        """Looks into a database or changes it, behind Mailbridge's back; the rows."""
        connection = sqlite3.connect(self.data / f"{service}.sqlite3", timeout=60)
        try:
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()


@contextmanager
def a_place(sandbox: Sandbox, folder: Path) -> Iterator[Place]:
    """Mailbridge in one process with every door open, stopped at the end."""
    with Standalone(folder, settings_of_ways(sandbox)) as process:
        yield Place(sandbox, process, folder / "data")
