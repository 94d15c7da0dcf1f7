"""Hear what other processes notify on a PostgreSQL channel, for ever: the connection is made again when it is lost.

A lost connection costs no message, only promptness: relays look at their table each second anyway.
"""

import threading
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from common.bell import Bell

_LOOK = 0.5  # seconds between looks at the stop signal
_PAUSE = 2.0  # seconds before the next try to connect


class Listener:
    """A thread with a connection of its own that rings the bell for each notification; `start` may be called again."""

    def __init__(self, engine: Engine, channel: str, bell: Bell) -> None:
        self._engine = engine
        self._channel = channel
        self._bell = bell
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen in a thread; returns at once."""
        with self._starting:
            if self._thread is None:
                self._stopping.clear()
                self._thread = threading.Thread(target=self._run, name=f"listen-{self._channel}", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Stop listening and give the connection up."""
        with self._starting:
            self._stopping.set()
            if self._thread is not None:
                self._thread.join()
                self._thread = None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._hear()
            except Exception as error:
                if not isinstance(error, SQLAlchemyError | self._engine.dialect.dbapi.Error):  # type: ignore[union-attr]
                    raise
                self._stopping.wait(_PAUSE)

    def _hear(self) -> None:
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()  # it stays with this thread: the pool's places are for transactions
        try:
            connection.autocommit = True
            connection.execute(f'LISTEN "{self._channel}"')
            self._bell.ring()  # what was put before we listened
            while not self._stopping.is_set():
                for _ in connection.notifies(timeout=_LOOK):
                    self._bell.ring()
        finally:
            connection.close()
