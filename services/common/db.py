"""The database of one service: SQLite in a file of its own, or PostgreSQL in a schema of its own.

    with database.write() as tx:     one writing transaction, committed at the end, rolled back when the block raises
    with database.read() as tx:      one consistent look; writing inside it is an error

`tx` is a SQLAlchemy Core Connection. SQLite begins every writing transaction with BEGIN IMMEDIATE: with the default deferred
BEGIN, writers that read first lose to each other ("database is locked", at once and however long the busy timeout is).
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Double, Engine, MetaData, Table, event, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from common.bell import Bell
from common.env import BadSetting
from common.errors import Temporary
from common.listen import Listener

PATIENCE = 30.0  # seconds to wait for a lock or for a free connection before Temporary
POOL = 5  # connections a process keeps open
RUSH = 15  # and as many more for a moment

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
        self._writing = _engine(url, service, patience)
        self.postgresql = self._writing.dialect.name == "postgresql"
        # A second pool on SQLite, for "read only" is a property of the connection there.
        self._reading = self._writing if self.postgresql else _engine(url, service, patience, "PRAGMA query_only = ON")
        self._turn = _Turn(patience) if not self.postgresql else None
        self._listener = Listener(self._writing, self.channel, self.committed) if self.postgresql else None

    @property
    def channel(self) -> str:
        """The PostgreSQL notification channel on which processes tell each other about new outbox rows."""
        return f"mailbridge_{self.service}"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One writing transaction. Raises Temporary when the database cannot be had (`maybe_done` if that showed at the
        commit only); IntegrityError and mistakes in SQL pass as they are. It does not nest."""
        with _faults(self.service, self._patience, writing=True), _held(self._turn), self._writing.connect() as tx:
            tx.info.clear()
            with tx.begin() as transaction:
                yield tx
                wakes, notifies = tx.info.get("wakes"), tx.info.get("notifies")
                if notifies and self.postgresql:
                    tx.execute(select(sqlalchemy.func.pg_notify(self.channel, "")))
                try:
                    transaction.commit()
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
        """From now on ring `committed` when another process puts an outbox row (PostgreSQL; SQLite has no such call)."""
        if self._listener:
            self._listener.start()

    def fresh_engine(self) -> Engine:
        """An engine of its own for migrations: no pool, no statement timeout, foreign keys unchecked while tables are
        rebuilt; the caller disposes of it."""
        return _engine(self._url, self.service, PATIENCE, "PRAGMA foreign_keys = OFF", pooled=False)

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


def metadata() -> MetaData:
    """A MetaData whose constraints and indexes have predictable names, as migrations need them."""
    return MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def insert_once(tx: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert the row unless a unique key of the table has it already; True if it was inserted."""
    return bool(insert_all_once(tx, table, [values]))


def insert_all_once(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Insert those rows whose unique keys are new, in one statement; returns them in order. Rows carry the primary key."""
    if not rows:
        return []
    keys = [column.name for column in table.primary_key]
    insert = postgresql.insert(table) if tx.dialect.name == "postgresql" else sqlite.insert(table)
    statement = insert.on_conflict_do_nothing().returning(*table.primary_key)
    new = {tuple(row) for row in tx.execute(statement, [dict(row) for row in rows])}
    inserted = []
    for row in rows:
        key = tuple(row[name] for name in keys)
        if key in new:
            new.remove(key)
            inserted.append(row)
    return inserted


class now(FunctionElement[float]):  # noqa: N801 - reads as a function in SQL expressions
    """The SQL expression for seconds since 1970 by the database's clock, as double precision, fixed for one statement."""

    type = Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _now_sqlite(element: object, compiler: object, **options: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _now_postgresql(element: object, compiler: object, **options: object) -> str:
    # Not clock_timestamp(): that is volatile, and an index is not used for a comparison with a volatile value.
    return "extract(epoch from statement_timestamp())::double precision"


class _Turn:
    """Threads of one process write to SQLite one after the other: waiting here is fair, waiting inside SQLite is polling."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._holder: int | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        if self._holder == threading.get_ident():
            raise RuntimeError("write() inside write(): pass the transaction on instead")
        if not self._lock.acquire(timeout=self._patience):
            raise Temporary(f"Another thread has been writing to the database for {self._patience:g} seconds.")
        self._holder = threading.get_ident()
        try:
            yield
        finally:
            self._holder = None
            self._lock.release()


@contextmanager
def _held(turn: _Turn | None) -> Iterator[None]:
    if turn is None:
        yield
        return
    with turn.held():
        yield


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


def _engine(url: URL, service: str, patience: float, pragma: str = "", *, pooled: bool = True) -> Engine:
    options: dict[str, Any] = {"hide_parameters": True}
    if pooled:
        options |= {"pool_size": POOL, "max_overflow": RUSH, "pool_timeout": patience}
    else:
        options |= {"poolclass": sqlalchemy.NullPool}
    if url.get_backend_name() == "postgresql":
        return _postgresql_engine(url, service, options, patience if pooled else None)
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": patience}, **options)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: object) -> None:
        connection.isolation_level = None  # the driver shall begin nothing by itself
        cursor = connection.cursor()
        for line in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {line}")
        if pragma:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("mailbridge_begin", "BEGIN IMMEDIATE"))

    return engine


def _postgresql_engine(url: URL, service: str, options: dict[str, Any], patience: float | None) -> Engine:
    settings = {"search_path": service}
    if patience is not None:
        limits = {
            "lock_timeout": patience,
            "statement_timeout": 2 * patience,
            "idle_in_transaction_session_timeout": 300.0,
        }
        settings |= {name: f"{int(seconds * 1000)}ms" for name, seconds in limits.items()}
    own = " ".join(f"-c {name}={value}" for name, value in settings.items())
    theirs = url.query.get("options", "")
    arguments = {
        "options": f"{theirs} {own}".strip(),
        "connect_timeout": 10,
        "application_name": f"mailbridge-{service}",
    }
    return sqlalchemy.create_engine(url, connect_args=arguments, pool_pre_ping=True, **options)
