"""The seven processes of the design as child processes on this machine, behind one address.

Used by the flow tests (and by anybody who wants to see them apart): three gunicorns, three workers, the fetcher, and a small
reverse proxy with the ingress's path table. RabbitMQ, PostgreSQL and the mail servers are given as settings.
"""

import base64
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sandbox.servers.ports import free_port
from scripts.proxy import Proxy

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 240.0
WEB = ("connect", "inbound", "outbound")
WORKERS = ("connect.worker", "inbound.fetcher", "inbound.worker", "outbound.worker")
NAMES = (*(f"{service}.app" for service in WEB), *WORKERS)

#: Which service answers a path; the first prefix that fits wins (the ingress has the same table).
PATHS = (("/api/inbound", "inbound"), ("/api/outbound", "outbound"), ("/u/", "outbound"), ("/", "connect"))


class Front(Protocol):
    """What stands before the web processes, as the ingress does: nginx, or the small proxy."""

    @property
    def port(self) -> int: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


def small_proxy(ports: Mapping[str, int]) -> Front:
    """The proxy in Python, on any free port. ports: of the web processes by service."""
    return Proxy([(prefix, ports[service]) for prefix, service in PATHS])


@dataclass
class Fleet:
    """Start and stop the seven; `url` is where Jira and people find them.

    environment: settings shared by all (database, broker, where Jira's keys are, …).
    logs: a folder for one log file a process.
    front: makes what stands before the web processes. say: hears a sentence for each process that is up.
    """

    environment: Mapping[str, str]
    logs: Path
    front: Callable[[Mapping[str, int]], Front] = small_proxy
    say: Callable[[str], None] = lambda _: None
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ports = {name: free_port() for name in NAMES}
        self._proxy = self.front({service: self._ports[f"{service}.app"] for service in WEB})
        self.url = f"http://127.0.0.1:{self._proxy.port}"
        role_keys = {service: _key() for service in ("inbound", "outbound")}
        self._settings = {
            **self.environment,
            "MAILBRIDGE_MASTER_KEY": self.environment.get("MAILBRIDGE_MASTER_KEY", _key()),
            "MAILBRIDGE_BASE_URL": self.url,
            "MAILBRIDGE_CONNECT_URL": f"http://127.0.0.1:{self._ports['connect.app']}",
            "PYTHONPATH": f"{ROOT / 'services'}:{ROOT}",
            "PYTHONUNBUFFERED": "1",
        }
        self._role_keys = role_keys

    def start(self) -> None:
        """Migrate, start all seven and wait until each is ready; raises RuntimeError with the log of one that is not."""
        self.logs.mkdir(parents=True, exist_ok=True)
        for service in WEB:
            subprocess.run(
                [sys.executable, "-m", f"{service}.migrate"], env=self._env(f"{service}.worker"), check=True, cwd=ROOT
            )
        self._proxy.start()
        began = time.monotonic()
        for name in NAMES:
            self.spawn(name)
        for name in NAMES:
            self.wait_ready(name)
            self.say(f"{name} ({time.monotonic() - began:.1f} s, health on port {self._ports[name]})")

    def spawn(self, name: str) -> None:
        """Start one process (again); `inbound.fetcher.2` is a second one of its kind."""
        service, part = name.split(".")[:2]
        self._ports.setdefault(name, free_port())
        if part == "app":
            bind = f"127.0.0.1:{self._ports[name]}"
            command = [
                "gunicorn",
                "--bind",
                bind,
                "--threads",
                "8",
                "--worker-class",
                "gthread",
                f"{service}.app:create_app()",
            ]
        else:
            command = [f"{service}.{part}"]
        with (self.logs / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=self._env(name),
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_ready(self, name: str) -> None:
        """Until /readyz of the process answers 200."""
        deadline = time.monotonic() + START_SECONDS
        while not _ready(self._ports[name]):
            if self.processes[name].poll() is not None or time.monotonic() > deadline:
                tail = (self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-30:]
                raise RuntimeError(f"{name} did not come up:\n" + "\n".join(tail))
            time.sleep(0.05)

    def said(self, module: str) -> str:
        """What a command of connect prints, in connect's environment."""
        command = [sys.executable, "-m", module]
        done = subprocess.run(
            command, env=self._env("connect.worker"), cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout

    def kill(self, name: str) -> None:
        """kill -9, and its children with it (gunicorn's workers)."""
        process = self.processes[name]
        os.killpg(process.pid, signal.SIGKILL)  # all at once: a gunicorn that outlives its worker makes a new one
        process.wait()

    def end(self, name: str, seconds: float = 30.0) -> int:
        """SIGTERM to one process; its exit code. Raises subprocess.TimeoutExpired when it outstays its grace period."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.processes[name] = process
            raise

    def stop(self) -> None:
        """SIGTERM to all, SIGKILL to those that are still there after their grace period."""
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)  # a test may have frozen it
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # its group: gunicorn has workers
                process.wait()
        self._proxy.stop()

    def _env(self, name: str) -> dict[str, str]:
        service = name.split(".")[0]
        settings = {**self._settings, "MAILBRIDGE_HEALTH_PORT": str(self._ports.get(name, 0))}
        if service == "connect":
            return settings | {f"MAILBRIDGE_ROLE_KEY_{role.upper()}": key for role, key in self._role_keys.items()}
        return settings | {"MAILBRIDGE_ROLE_KEY": self._role_keys[service]}


@contextmanager
def fleet(environment: Mapping[str, str], logs: Path) -> Iterator[Fleet]:
    """A started fleet, stopped at the end whatever happens."""
    crew = Fleet(environment, logs)
    try:
        crew.start()
        yield crew
    finally:
        crew.stop()


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
