"""The three ways of being attached, for the flow tests: the settings each needs, and the link that a start prints."""

import re
from pathlib import Path

from sandbox.app import Sandbox
from sandbox.story import Stage
from sandbox.ways import Connect, Forge, Token, Way, forge_settings
from tests.flows.conftest import stage
from tests.running import Standalone, sandbox_settings

NAMES = ("connect", "forge", "token")
POLL = "10"  # seconds; the least that Mailbridge takes


def settings_of_ways(sandbox: Sandbox) -> dict[str, str]:
    """Standalone with every door open."""
    return {
        **sandbox_settings(sandbox),
        **forge_settings(sandbox.url),
        "MAILBRIDGE_LOGIN": "on",
        "MAILBRIDGE_JIRA_POLL_SECONDS": POLL,
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
    name: str, sandbox: Sandbox, process: Standalone, *, webhook: bool = True, patience: float = 60.0
) -> Stage:
    """A stage on which Mailbridge is attached in the way of that name."""
    scene = stage(sandbox, process.url, patience=patience)
    scene.way = way_of(name, process.log, webhook=webhook)
    return scene
