"""What every private server is and needs: an account that is not root, a wait until it answers, an end by process id."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class NotAvailable(Exception):
    """The server cannot run on this machine; `str()` says what is missing."""


class DidNotStart(Exception):
    """The server did not come up; `str()` has the end of what it wrote."""


class PrivateServer(ABC):
    """`with TheServer(folder) as server`: started at its head and ended at its end. A server says how it starts."""

    def __init__(self) -> None:
        self._server: Running | None = None

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it answers; raises DidNotStart."""

    def stop(self) -> None:
        """End it and all its processes."""
        self._end()

    @property
    def pid(self) -> int:
        """The process id of the running server; its children do the work."""
        assert self._server is not None, "the server does not run"
        return self._server.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @contextmanager
    def _coming_up(self) -> Iterator[None]:
        """If it does not come up in this block, what runs of it is ended."""
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def _end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._server:
            self._server.stop(number)
            self._server = None


def program(*patterns: str, package: str) -> str:
    """The path of the first program that exists, by name or by file pattern; raises NotAvailable."""
    for pattern in patterns:
        found = sorted(glob(pattern)) if "/" in pattern else [path for path in [shutil.which(pattern)] if path]
        if found:
            return found[-1]
    raise NotAvailable(f"{Path(patterns[0]).name} is not installed: apt-get install --no-install-recommends {package}")


def account() -> dict[str, Any]:
    """Arguments for Popen that give up root (to `nobody`); nothing when we are not root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def hand_over(folder: Path) -> None:
    """Give the folder and all in it to the account the server runs as."""
    who = account()
    if who:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, who["user"], who["group"])


def answers(port: int, greeting: bytes = b"") -> bool:
    """True if somebody on loopback accepts a connection and, if asked for, begins to speak with `greeting`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10.0) as connection:
            return not greeting or connection.recv(100).startswith(greeting)
    except OSError:
        return False


_WATCH = 'read -r nothing; kill -9 "-$1"'  # reads until the end, for nobody writes


class Running:
    """One process of a server in a session of its own, with its output in a file; it does not outlive this process."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], *, as_root: bool = False
    ) -> None:
        self._output = folder / f"{Path(command[0]).name}.out"
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **({} if as_root else account()),
            )
        # Who is killed stops nothing any more: the watch hears it by the end of its input, and ends the whole group.
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "watch", str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group too."""
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool], seconds: float, logs: Iterable[Path] = ()) -> None:
        """Return once `ready()`; raises DidNotStart when the process ends first or the time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                texts = [path.read_text(errors="replace")[-2000:] for path in (self._output, *logs) if path.exists()]
                raise DidNotStart("\n".join([f"{self._process.args!r} did not start:", *texts]))
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 60.0) -> None:
        """End it with `number`, and with SIGKILL (its whole group) when that takes longer than `seconds`."""
        self._watch.kill()  # before the group's number can be somebody else's
        self._watch.communicate()
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self._process.wait()


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run a server's tool as the server's account to its end; returns what it printed, raises DidNotStart on failure."""
    done = subprocess.run(
        command, cwd=folder, env=dict(environment), capture_output=True, text=True, timeout=240, **account()
    )
    if done.returncode:
        raise DidNotStart(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return str(done.stdout)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and 127.0.0.1 with its key, in `folder`; made by the openssl program."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    if not certificate.exists():
        openssl = [program("openssl", package="openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes"]
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        files = ["-days", "30", "-keyout", str(key), "-out", str(certificate)]
        run([*openssl, *names, *files], folder, {"PATH": "/usr/bin:/bin"})
    return certificate, key
