"""A private PostgreSQL: `with Postgres(folder) as server: server.url("name")`."""

import os
import signal
from pathlib import Path

from sandbox.servers.ports import free_port
from sandbox.servers.private import PrivateServer, Running, answers, hand_over, program, run


class Postgres(PrivateServer):
    """A cluster in `folder` (made at the first start, kept afterwards) with the superuser `app` and no password."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__()
        self._bin = Path(program("/usr/lib/postgresql/*/bin/postgres", "postgres", package="postgresql")).parent
        self._folder = folder
        self.port = port or free_port()
        self._environment = {"PATH": f"{self._bin}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}

    def start(self) -> None:
        """Start it and wait until it answers; raises DidNotStart."""
        data = self._folder / "data"
        if not data.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            hand_over(self._folder)
            initdb = [str(self._bin / "initdb"), "-D", str(data), "-U", "app", "--auth=trust", "--no-sync"]
            run([*initdb, "-E", "UTF8", "--locale=C.UTF-8"], self._folder, self._environment)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
        }
        command = [str(self._bin / "postgres"), "-D", str(data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._server = Running(command, self._folder, self._environment)
        with self._coming_up():
            self._server.wait_until(self._ready, 120.0)

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Immediate shutdown, as when the machine fails: nothing is written any more, and the next start recovers."""
        self._end(signal.SIGQUIT)

    def create_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        self._psql("postgres", f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop the database, with whoever is connected to it."""
        self._psql("postgres", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def url(self, name: str) -> str:
        """The URL of the database of that name."""
        return f"postgresql://app@127.0.0.1:{self.port}/{name}"

    def _ready(self) -> bool:
        pid_file = self._folder / "data" / "postmaster.pid"
        lines = pid_file.read_text().splitlines() if pid_file.exists() and os.access(pid_file, os.R_OK) else []
        return len(lines) > 7 and lines[7].strip() == "ready" and answers(self.port)

    def _psql(self, database: str, statement: str) -> None:
        psql = [str(self._bin / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        run([*psql, "-c", statement], self._folder, self._environment)
