"""Fixtures of the inbound tests: one pymap server and one sandbox a session, a folder and a database a test."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from common.db import Database
from common.ids import new_id
from inbound.app import create_app
from sandbox.app import Sandbox
from tests.inbound import mailserver, page, rig
from tests.inbound.office import Office
from tests.inbound.page import Call


@pytest.fixture(scope="session")
def session_mail_server() -> Iterator[mailserver.MailServer]:
    with mailserver.running() as server:
        yield server


@pytest.fixture
def mail_server(session_mail_server: mailserver.MailServer) -> mailserver.MailServer:
    """An empty folder of the test's own, with a name as people give them."""
    folder = f"Büro & Co/{new_id()}"
    with session_mail_server.person() as person:
        person.create_folder(folder)
    return mailserver.MailServer(session_mail_server.port, folder)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with rig.database(tmp_path / "db") as opened:
        yield opened


@pytest.fixture(scope="session")
def session_sandbox() -> Iterator[Sandbox]:
    with Sandbox(0, 0, 0) as sandbox:
        yield sandbox


@pytest.fixture
def office(session_sandbox: Sandbox, database: Database) -> Iterator[Office]:
    """A new site and an empty ledger; every call is held against Atlassian's OpenAPI file where that is at hand."""
    session_sandbox.parts.reset()
    session_sandbox.parts.site.index.set_lag(float("inf"), time.time())
    yield Office(session_sandbox, database)
    assert session_sandbox.parts.calls.violations() == []


@pytest.fixture(scope="session")
def connect_url() -> Iterator[str]:
    """connect, as far as session keys go."""
    with page.connect() as url:
        yield url


@pytest.fixture
def client(database: Database, connect_url: str) -> FlaskClient:
    return create_app(rig.config(CONNECT_URL=connect_url), database=database).test_client()


@pytest.fixture
def call(client: FlaskClient) -> Call:
    """A call by somebody who administers Jira, unless told otherwise."""

    def send(method: str, path: str, body: Any = None, *, tenant: str = rig.TENANT, admin: bool = True) -> Any:
        headers = page.session_of(tenant, admin=admin)
        return client.open("/api/inbound" + path, method=method, json=body, headers=headers)

    return send
