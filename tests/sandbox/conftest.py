"""A sandbox for each test, and an app that may ask its Jira."""

from collections.abc import Iterator

import pytest

from sandbox.app import Sandbox
from tests.sandbox.connect_app import ConnectApp, JiraCaller
from tests.sandbox.forge_app import Forge, ForgeApp


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Everything listens on free ports; webhooks are tried again at once."""
    with Sandbox(port=0, imap_port=0, smtp_port=0, retry_seconds=0.02) as running:
        yield running


@pytest.fixture
def jira(sandbox: Sandbox) -> Iterator[JiraCaller]:
    """An installed app's signed calls, without an app behind it."""
    caller = JiraCaller(sandbox.url, sandbox.parts.installer.register())
    yield caller
    caller.close()


@pytest.fixture
def app(sandbox: Sandbox) -> Iterator[ConnectApp]:
    """A small Connect app that listens, not yet installed."""
    with ConnectApp(sandbox.url) as listening:
        yield listening


@pytest.fixture
def remote(sandbox: Sandbox) -> Iterator[ForgeApp]:
    """A small Forge remote that listens, its app not yet installed."""
    with ForgeApp(sandbox.url) as listening:
        yield listening


@pytest.fixture
def forge(sandbox: Sandbox) -> Iterator[Forge]:
    """The Forge host, asked from outside."""
    client = Forge(sandbox.url)
    yield client
    client.close()
