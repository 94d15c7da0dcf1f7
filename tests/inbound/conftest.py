"""Fixtures of the inbound tests: one pymap server a module, a database a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.db import Database
from tests.inbound import mailserver, rig


@pytest.fixture
def mail_server() -> Iterator[mailserver.MailServer]:
    with mailserver.running() as server:
        yield server


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with rig.database(tmp_path / "db") as opened:
        yield opened
