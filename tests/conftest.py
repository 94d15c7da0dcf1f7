"""Real servers for the tests: started once a session when first asked for, on loopback, stopped at the end whatever happens.

A server whose program is not installed skips its tests with a sentence; with MAILBRIDGE_REQUIRE_SERVERS=1 they fail instead.
Tests do not see each other: each has a virtual host, a database, or a mail user of its own.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from common.ids import new_id
from sandbox.servers.dovecot import Dovecot
from sandbox.servers.postfix import Postfix
from sandbox.servers.postgres import Postgres
from sandbox.servers.private import NotAvailable
from sandbox.servers.rabbitmq import RabbitMQ


class _Server(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


S = TypeVar("S", bound=_Server)


def pytest_configure() -> None:
    """An end by SIGTERM (`timeout 400 pytest`) stops the servers too, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Made-up examples are the same in each run, and may take as long as a crowded machine takes for them.
    hypothesis.register_profile("ours", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    hypothesis.load_profile("ours")


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """The session's RabbitMQ."""
    yield from _started(RabbitMQ)


@pytest.fixture
def rabbitmq_url(rabbitmq: RabbitMQ) -> Iterator[str]:
    """The AMQP URL of a virtual host of the test's own."""
    name = new_id()
    yield rabbitmq.create_vhost(name)
    rabbitmq.delete_vhost(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's PostgreSQL."""
    yield from _started(Postgres)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    name = new_id()
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """The session's IMAP server; every user name is a mailbox, so take one of your own."""
    yield from _started(Dovecot)


@pytest.fixture(scope="session")
def smtp_server() -> Iterator[Postfix]:
    """The session's SMTP server; every address receives, so take one of your own."""
    yield from _started(Postfix)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database's URL: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data"
    url: str = request.getfixturevalue("postgres_url")
    return url


def _started(make: Callable[[Path], S]) -> Iterator[S]:
    folder = Path(tempfile.mkdtemp(prefix="mailbridge-test-"))
    folder.chmod(0o711)  # the server's account passes through
    try:
        try:
            server = make(folder / "server")
        except NotAvailable as error:
            if os.environ.get("MAILBRIDGE_REQUIRE_SERVERS") == "1":
                pytest.fail(str(error))
            pytest.skip(str(error))
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
