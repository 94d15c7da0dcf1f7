"""The database of one service: SQLite in a file of its own, or PostgreSQL in a schema of its own.

    with database.write() as tx:     one writing transaction, committed at the end, rolled back when the block raises
    with database.read() as tx:      one consistent look; writing inside it is an error

`tx` is a SQLAlchemy Core Connection. SQLite begins every writing transaction with BEGIN IMMEDIATE: with the default deferred
BEGIN, writers that read first lose to each other ("database is locked", at once and however long the busy timeout is).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InterfaceError, OperationalError

from common.bell import Bell
from common.db_engine import Turn, held, make_engine
from common.db_sql import insert_all_once, insert_once, metadata, now
from common.env import BadSetting
from common.errors import Temporary
from common.listen import Listener

__all__ = ["Database", "insert_all_once", "insert_once", "metadata", "now", "open_database", "wake"]

PATIENCE = 30.0  # seconds to wait for a lock or for a free connection before Temporary

# Primary SQLite result codes that another try may cure: BUSY, LOCKED, NOMEM, IOERR, FULL, CANTOPEN, PROTOCOL.
_SQLITE_PASSING = frozenset({5, 6, 7, 10, 13, 14, 15})
# After a failover an old connection may still lead to the server that is now a replica: read_only_sql_transaction.
_POSTGRES_REPLICA = "25006"


def open_database(url: str, service: str, *, patience: float = PATIENCE) -> "Database":
    """The database of `service` at `sqlite:///folder` (file <service>.sqlite3 in it) or `postgresql://…` (schema <service>).
    patience: seconds to wait for a lock or a free connection.

    Connects lazily; the SQLite folder is made. Raises BadSetting for a URL of another kind or a folder that cannot be made.
    """
    if url.startswith("sqlite:///"):
        folder = Path(url.removeprefix("sqlite:///") or ".")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(
                f"MAILBRIDGE_DATABASE_URL names the folder {folder}, which cannot be made: {error}."
            ) from error
        return Database(URL.create("sqlite", database=str(folder / f"{service}.sqlite3")), service, patience)
    if url.startswith(("postgresql://", "postgres://")):
        try:
            return Database(make_url(url).set(drivername="postgresql+psycopg"), service, patience)
        except (ArgumentError, ValueError) as error:
            raise BadSetting(f"MAILBRIDGE_DATABASE_URL cannot be read: {error}.") from error
    raise BadSetting("MAILBRIDGE_DATABASE_URL: give sqlite:///folder or postgresql://user:password@host/database.")


class Database:
    """A pool of connections to one service's tables; safe to use from many threads."""

    def __init__(self, url: URL, service: str, patience: float = PATIENCE) -> None:
        self.service = service
        self._patience = patience
        self.committed = Bell()  # rung after each commit that gave this process's relays something to do
        self._url = url
        self._writing = make_engine(url, service, patience)
        self.postgresql = self._writing.dialect.name == "postgresql"
        # A second pool on SQLite, for "read only" is a property of the connection there.
        self._reading = (
            self._writing if self.postgresql else make_engine(url, service, patience, "PRAGMA query_only = ON")
        )
        self._listening = False
        self._turn = Turn(patience) if not self.postgresql else None
        self._listener = Listener(self._writing, self.channel, self.committed) if self.postgresql else None

    @property
    def channel(self) -> str:
        """The PostgreSQL notification channel on which processes tell each other about new outbox rows."""
        return f"mailbridge_{self.service}"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One writing transaction. Raises Temporary when the database cannot be had (`maybe_done` if that showed at the
        commit only); IntegrityError and mistakes in SQL pass as they are. It does not nest."""
        with _faults(self.service, self._patience, writing=True), held(self._turn), self._writing.connect() as tx:
            tx.info.clear()
            with tx.begin() as transaction:
                yield tx
                wakes, notifies = tx.info.get("wakes"), tx.info.get("notifies")
                if notifies and self.postgresql and not self._listening:
                    tx.execute(select(sqlalchemy.func.pg_notify(self.channel, "")))
                try:
                    transaction.commit()
                except IntegrityError:
                    raise
                except DBAPIError as error:
                    raise Temporary(_sentence(self.service, error), maybe_done=True) from error
        if wakes:
            self.committed.ring()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent look at the tables, ended by a rollback. Raises Temporary when the database cannot be had."""
        with _faults(self.service, self._patience, writing=False), self._reading.connect() as tx:
            if self.postgresql:
                tx.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
            else:
                tx.execution_options(mailbridge_begin="BEGIN")
            with tx.begin() as transaction:
                yield tx
                transaction.rollback()

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        with self.read() as tx:
            return float(tx.execute(select(now())).scalar_one())

    def listen(self) -> None:
        """From now on ring `committed` when another process puts an outbox row (PostgreSQL; SQLite has no such call).
        Who listens carries his own rows: he does not tell the others of them."""
        self._listening = True
        if self._listener:
            self._listener.start()

    def fresh_engine(self) -> Engine:
        """An engine of its own for migrations: no pool, no statement timeout, foreign keys unchecked while tables are
        rebuilt; the caller disposes of it."""
        return make_engine(self._url, self.service, PATIENCE, "PRAGMA foreign_keys = OFF", pooled=False)

    def close(self) -> None:
        """Close all connections; a later use opens new ones."""
        if self._listener:
            self._listener.stop()
        self._writing.dispose()
        self._reading.dispose()


def wake(tx: Connection, *, others: bool = False) -> None:
    """After this transaction's commit ring the relays of this process, with `others` also those of other processes."""
    tx.info["wakes"] = True
    if others:
        tx.info["notifies"] = True


@contextmanager
def _faults(service: str, patience: float, *, writing: bool) -> Iterator[None]:
    try:
        yield
    except sqlalchemy.exc.TimeoutError as error:
        raise Temporary(f"No free connection to the database of {service} within {patience:g} seconds.") from error
    except DBAPIError as error:
        if not _passing(error, writing):
            raise
        raise Temporary(_sentence(service, error)) from error


def _passing(error: DBAPIError, writing: bool) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_PASSING
    if getattr(error.orig, "sqlstate", None) == _POSTGRES_REPLICA:
        return writing
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def _sentence(service: str, error: DBAPIError) -> str:
    # Never the statement's parameters: they may hold secrets.
    return f"The database of {service} cannot be used just now: {str(error.orig).strip()}."
