"""Mailbridge as a process of its own for flow, browser and chaos tests: `python -m standalone`, killed and started at will."""

import base64
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from sandbox.app import Sandbox
from sandbox.servers.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


def sandbox_settings(sandbox: Sandbox, *, settle: float = 1.0) -> dict[str, str]:
    """What any process needs to take the sandbox for the world."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'services'}{os.pathsep}{ROOT}",
        "PYTHONUNBUFFERED": "1",
        "MAILBRIDGE_CONNECT_KEYS_URL": sandbox.url + "/install-keys",
        "MAILBRIDGE_CONNECT_ALL_JS": sandbox.url + "/connect/all.js",
        "MAILBRIDGE_ALLOW_PLAIN": "true",
        "MAILBRIDGE_ALLOW_NETWORKS": "127.0.0.0/8",
        "MAILBRIDGE_JIRA_SETTLE": str(settle),
        "MAILBRIDGE_JIRA_TIMEOUT": "10",
        "MAILBRIDGE_LOG_LEVEL": "info",
    }


class Standalone:
    """One standalone process over a folder; `kill` is kill -9, `start` after it begins where the database stands."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._settings = {
            **settings,
            "MAILBRIDGE_DATABASE_URL": f"sqlite:///{folder / 'data'}",
            "MAILBRIDGE_PORT": str(port),
            "MAILBRIDGE_HEALTH_PORT": "0",
            "MAILBRIDGE_BASE_URL": self.url,
            **{f"MAILBRIDGE_{name}": _key() for name in ("MASTER_KEY", "ROLE_KEY_INBOUND", "ROLE_KEY_OUTBOUND")},
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "standalone.log"

    @property
    def settings(self) -> Mapping[str, str]:
        """Its environment."""
        return self._settings

    def __enter__(self) -> "Standalone":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *, seconds: float = 120.0) -> None:
        """Start it and wait until it is ready; raises AssertionError with its last words when it is not."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "standalone"], env=self._settings, cwd=ROOT, stdout=output, stderr=output
            )
        try:
            wait_for(self._ready, seconds, self.tail)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """kill -9: no handler runs, no transaction is finished."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(90)
        finally:
            self.kill()

    def tail(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])

    def _ready(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self.tail()
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=10) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


def wait_for(look: Callable[[], T], seconds: float, explain: Callable[[], str] = lambda: "") -> T:
    """What `look` returns as soon as it is true; fails with `explain()` when the time is over."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, f"not within {seconds:g} s. {explain()}"
        time.sleep(0.02)
    return seen


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
