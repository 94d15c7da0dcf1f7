"""Where flows happen: the sandbox in this process, Mailbridge in processes of its own over either bus."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from sandbox.client import SandboxClient
from sandbox.story import Stage
from scripts.fleet import fleet
from tests.running import Standalone, sandbox_settings


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A fresh stand-in Jira with mail servers."""
    with Sandbox(port=0, imap_port=0, smtp_port=0, retry_seconds=0.2) as world:
        yield world


@pytest.fixture
def standalone(sandbox: Sandbox, tmp_path: Path) -> Iterator[Standalone]:
    """Mailbridge in one process on SQLite and the in-process bus."""
    with Standalone(tmp_path, sandbox_settings(sandbox)) as process:
        yield process


@pytest.fixture(
    params=["one process", pytest.param("seven processes", marks=[pytest.mark.rabbitmq, pytest.mark.postgres])]
)
def mailbridge_url(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Iterator[str]:
    """Mailbridge's address: once on SQLite and the in-process bus, once as seven processes on PostgreSQL and RabbitMQ."""
    if request.param == "one process":
        yield request.getfixturevalue("standalone").url
        return
    environment = {
        **sandbox_settings(sandbox),
        "MAILBRIDGE_DATABASE_URL": request.getfixturevalue("postgres_url"),
        "MAILBRIDGE_BROKER_URL": request.getfixturevalue("rabbitmq_url"),
    }
    with fleet(environment, tmp_path / "logs") as seven:
        yield seven.url


def stage(sandbox: Sandbox, url: str, *, patience: float = 120.0) -> Stage:
    """A stage for the story's steps on this sandbox and this Mailbridge."""
    return Stage(SandboxClient(sandbox.url), url, sandbox.imap_port, sandbox.smtp_port, patience=patience)
