"""How connections to the two databases are set up, and whose turn it is to write to SQLite."""

import select
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import InvalidatePoolError

from common.errors import Temporary

POOL = 5  # connections a process keeps open
RUSH = 15  # and as many more for a moment
RESTED = 5.0  # seconds after which a resting connection is tried before it is used


def make_engine(url: URL, service: str, patience: float, pragma: str = "", *, pooled: bool = True) -> Engine:
    """An engine for `service`; patience: seconds to wait for a lock or a free connection.

    pragma: a further line for each SQLite connection. pooled: False for one connection at a time without time limits.
    """
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
        _write_ahead(cursor, patience)
        for line in ("synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {line}")
        if pragma:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("mailbridge_begin", "BEGIN IMMEDIATE"))

    return engine


def _write_ahead(cursor: Any, patience: float) -> None:
    """Turn a new file to write-ahead logging. SQLite does not wait for others who do so at the same moment: we do."""
    end = time.monotonic() + patience
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


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
        # A server that went away without a word is noticed within a minute, not after the system's two hours.
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
        "application_name": f"mailbridge-{service}",
    }
    engine = sqlalchemy.create_engine(url, connect_args=arguments, **options)
    if patience is not None:  # a migration looks at the catalogue, parts of which SQLAlchemy reads as text only
        _look_at_rested(engine)
        _take_binary(engine)
    return engine


def _look_at_rested(engine: Engine) -> None:
    """A connection that has rested, or on which the server has said something meanwhile (a farewell), is tried before it is
    used. One just used is not: that would double the transactions."""

    @event.listens_for(engine, "checkin")
    def _rests(_connection: Any, record: Any) -> None:
        record.info["rests"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _wakes(connection: Any, record: Any, _fairy: Any) -> None:
        if time.monotonic() - record.info.get("rests", float("inf")) > RESTED or _has_spoken(connection):
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise InvalidatePoolError from error


def _has_spoken(connection: Any) -> bool:
    """Whether something can be read from a connection on which nothing was asked."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _take_binary(engine: Engine) -> None:
    """Results come in binary form: a mail as text would be twice as long, and as long again while it is decoded."""

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        class Cursor(connection.cursor_factory):  # type: ignore[misc]
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                self.format = 1

        connection.cursor_factory = Cursor


class Turn:
    """Threads of one process write to SQLite one after the other: waiting here is fair, waiting inside SQLite is polling."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._holder: int | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the turn and hold it; raises Temporary after `patience` seconds, RuntimeError if this thread has it."""
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
def held(turn: Turn | None) -> Iterator[None]:
    """Hold the turn for the block, if there is one to wait for."""
    if turn is None:
        yield
        return
    with turn.held():
        yield
