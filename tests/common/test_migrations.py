"""Migrations, on SQLite and on a real PostgreSQL, with a package made up for the test."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import MetaData, inspect

from common import migrations
from common.db import Database, open_database
from common.errors import Temporary
from common.migrations import check_current, differences, upgrade, write_revision

_SERVICES = Path(migrations.__file__).parent.parent

_TABLES = """
    from sqlalchemy import JSON, Column, Double, ForeignKey, Integer, String, Table
    from common.db import metadata as new_metadata
    from common.outbox import outbox_table

    metadata = new_metadata()
    outbox = outbox_table(metadata)
    thing = Table("thing", metadata, Column("id", String(16), primary_key=True), Column("count", Integer, unique=True))
    part = Table(
        "part", metadata, Column("thing_id", ForeignKey("thing.id"), primary_key=True), Column("at", Double, index=True),
        Column("body", JSON), {more}
    )
"""
_ENV = """
    from common.migrations import run_env
    from {package}.tables import metadata

    run_env(metadata)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A service's package with tables and `migrations/env.py`, and no migration yet."""
    name = f"service_{os.urandom(4).hex()}"
    folder = tmp_path / "code" / name
    (folder / "migrations").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "migrations" / "env.py").write_text(dedent(_ENV.format(package=name)))
    write_tables(folder)
    monkeypatch.syspath_prepend(str(folder.parent))
    return name


def write_tables(folder: Path, more: str = "") -> None:
    (folder / "tables.py").write_text(dedent(_TABLES.format(more=more)))


def metadata_of(package: str, folder: Path) -> MetaData:
    scope: dict[str, MetaData] = {}
    exec((folder / package / "tables.py").read_text(), scope)
    return scope["metadata"]


@pytest.fixture
def database(database_url: str, package: str) -> Iterator[Database]:
    database = open_database(database_url, package)
    yield database
    database.close()


def test_the_first_migration_makes_the_tables_and_leaves_no_difference(
    database: Database, package: str, tmp_path: Path
) -> None:
    path = write_revision(package, "First tables.")
    assert path.name == "0001_first_tables.py"
    with pytest.raises(Temporary, match=f"none.*0001.*python -m {package}.migrate"):
        check_current(database, package)
    upgrade(database, package)
    upgrade(database, package)
    check_current(database, package)
    assert differences(database, metadata_of(package, tmp_path / "code")) == []


def test_a_second_migration_alters_a_table_and_is_missed_until_it_ran(
    database: Database, package: str, tmp_path: Path
) -> None:
    write_revision(package, "first")
    upgrade(database, package)
    folder = tmp_path / "code" / package
    write_tables(folder, 'Column("colour", String(10))')
    assert "colour" in str(differences(database, metadata_of(package, tmp_path / "code")))
    sys.modules.pop(f"{package}.tables")
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    assert write_revision(package, "colours").name == "0002_colours.py"
    with pytest.raises(Temporary, match=r"0001.*0002"):
        check_current(database, package)
    upgrade(database, package)
    check_current(database, package)
    assert differences(database, metadata_of(package, tmp_path / "code")) == []


def test_a_migration_that_fails_leaves_nothing_behind(database: Database, package: str, tmp_path: Path) -> None:
    path = write_revision(package, "first")
    path.write_text(path.read_text() + "    raise ValueError('half way')\n")
    with pytest.raises(ValueError, match="half way"):
        upgrade(database, package)
    engine = database.fresh_engine()
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_processes_that_migrate_at_once_do_not_disturb_each_other(
    database: Database, database_url: str, package: str, tmp_path: Path
) -> None:
    write_revision(package, "first")
    code = f"import os; from common.migrations import main_upgrade; main_upgrade({package!r}, dict(os.environ))"
    environment = {
        "PYTHONPATH": f"{_SERVICES}:{tmp_path / 'code'}",
        "MAILBRIDGE_DATABASE_URL": database_url,
        "PATH": "/usr/bin:/bin",
    }
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [(process.communicate(timeout=100)[1], process.returncode) for process in started] == [("", 0)] * 4
    check_current(database, package)


@pytest.mark.parametrize("service", ["connect", "inbound", "outbound"])
def test_the_services_migrations_make_the_tables_that_their_code_uses(service: str, database_url: str) -> None:
    tables = pytest.importorskip(f"{service}.tables", reason=f"{service} has no tables yet")
    database = open_database(database_url, service)
    try:
        upgrade(database, service)
        check_current(database, service)
        assert differences(database, tables.metadata) == []
    finally:
        database.close()


def test_a_database_that_is_not_there_ends_the_command_with_a_sentence() -> None:
    with pytest.raises(SystemExit, match="could not be brought up to date"):
        migrations.main_upgrade("inbound", {"MAILBRIDGE_DATABASE_URL": "postgresql://app@127.0.0.1:9/none"})


def test_a_bad_url_ends_the_command_with_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        migrations.main_upgrade("inbound", {"MAILBRIDGE_DATABASE_URL": "nonsense"})
    assert caught.value.code == 2 and "MAILBRIDGE_DATABASE_URL" in capsys.readouterr().err
