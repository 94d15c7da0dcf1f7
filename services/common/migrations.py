"""Schema migrations by Alembic, without an ini file: each service has `migrations/env.py` and `migrations/versions/`.

`python -m <service>.migrate` brings a service's tables up to date; `python -m common.migrations <service> "what changes"`
writes the next migration from the difference between `<service>.tables` and the migrations there are.
"""

import contextlib
import importlib
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateSchema

from common.db import Database, open_database
from common.env import Env, read_or_exit
from common.errors import Temporary

_one_at_a_time = threading.Lock()  # alembic.context is one for the whole process


def main_upgrade(package: str, environment: dict[str, str]) -> None:
    """What `python -m <service>.migrate` does: bring the schema at MAILBRIDGE_DATABASE_URL up to date."""
    env = Env(environment)
    database = read_or_exit(lambda: open_database(env.text("MAILBRIDGE_DATABASE_URL", "sqlite:///var/data"), package))
    try:
        upgrade(database, package)
    except Temporary as fault:
        raise SystemExit(str(fault)) from None
    finally:
        database.close()


def upgrade(database: Database, package: str) -> None:
    """Bring the schema up to the newest migration of `package`, all or nothing; safe to call from many processes at once.
    Raises Temporary when the database cannot be reached."""
    with _one_at_a_time, _alone(database, package) as connection:
        config = _config(package)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check_current(database: Database, package: str) -> None:
    """Raises Temporary while the schema is not at the newest migration of `package`."""
    newest = ScriptDirectory.from_config(_config(package)).get_current_head()
    with database.read() as tx:
        current = MigrationContext.configure(tx).get_current_revision()
    if current != newest:
        raise Temporary(
            f"The tables of {package} are at migration {current or 'none'}, this version needs {newest}: "
            f"run python -m {package}.migrate."
        )


def run_env(metadata: MetaData) -> None:
    """The whole of a service's `migrations/env.py`: run the migrations on the connection that `upgrade` holds."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        render_as_batch=True,  # SQLite alters a table by making it anew
        transactional_ddl=True,
    )
    context.run_migrations()


def differences(database: Database, metadata: MetaData) -> list[Any]:
    """What Alembic would still change in the database to make it like `metadata`; [] when migrations and tables agree."""
    engine = database.fresh_engine()
    try:
        with engine.begin() as connection:
            return list(compare_metadata(MigrationContext.configure(connection), metadata))
    finally:
        engine.dispose()


def write_revision(package: str, message: str) -> Path:
    """Write the next migration of `package` and return its path; the reader checks it and adds what moves data."""
    metadata: MetaData = importlib.import_module(f"{package}.tables").metadata
    folder = _folder(package) / "versions"
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("[0-9]*.py"))) + 1
    with tempfile.TemporaryDirectory() as scratch:
        database = open_database(f"sqlite:///{scratch}", package)
        upgrade(database, package)
        engine = database.fresh_engine()
        with engine.begin() as connection:
            script = produce_migrations(MigrationContext.configure(connection), metadata)
        engine.dispose()
        database.close()
    assert script.upgrade_ops is not None
    lines = render_python_code(script.upgrade_ops, render_as_batch=number > 1).splitlines()
    body = "\n".join(line for line in lines if line.strip() and not line.strip().startswith("# ###"))
    path = folder / f"{number:04}_{re.sub('[^a-z0-9]+', '_', message.lower()).strip('_')}.py"
    path.write_text(
        _REVISION.format(message=message.rstrip("."), number=number, before=_before(number), body=body),
        encoding="utf-8",
    )
    return path


@contextlib.contextmanager
def _alone(database: Database, package: str) -> Iterator[Connection]:
    """One transaction on a connection of its own, in which nobody else migrates this service."""
    engine = database.fresh_engine()
    try:
        with engine.begin() as connection:  # BEGIN IMMEDIATE on SQLite: that alone makes it the only one
            if database.postgresql:
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"migrate {package}"))))
                connection.execute(CreateSchema(database.service, if_not_exists=True))
            yield connection
    except OperationalError as error:
        raise Temporary(
            f"The tables of {package} could not be brought up to date: {str(error.orig).strip()}"
        ) from error
    finally:
        engine.dispose()


def _config(package: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_folder(package)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations, f"no package {package}"
    return Path(next(iter(spec.submodule_search_locations))) / "migrations"


def _before(number: int) -> str:
    return f'"{number - 1:04}"' if number > 1 else "None"


_REVISION = '''"""{message}."""

import sqlalchemy as sa
from alembic import op

revision = "{number:04}"
down_revision = {before}


def upgrade() -> None:
{body}
'''

if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit('usage: python -m common.migrations connect|inbound|outbound "what changes"')
    print(write_revision(sys.argv[1], sys.argv[2]))
