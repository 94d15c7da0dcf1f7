"""Processes that a script starts, waits for and ends again; the key files they share. Their logs are in var/log."""

import base64
import http.client
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.servers.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
LOGS = VAR / "log"
START_SECONDS = 240.0


class Failed(Exception):
    """A process did not come up or died; the text says which and where its log is."""


def keys(folder: Path) -> dict[str, str]:
    """The settings that name the key files, which are made at the first start and kept."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = {}
    for name in ("MASTER_KEY", "ROLE_KEY_INBOUND", "ROLE_KEY_OUTBOUND"):
        path = folder / name.lower()
        if not path.exists():
            # Whole or not at all: two that start at the same moment end up with the same key.
            mine = folder / f".{name.lower()}-{secrets.token_hex(8)}"
            mine.touch(mode=0o600)
            mine.write_text(base64.b64encode(secrets.token_bytes(32)).decode(), encoding="ascii")
            with suppress(FileExistsError):
                os.link(mine, path)
            mine.unlink()
        found[f"MAILBRIDGE_{name}_FILE"] = str(path)
    return found


def wanted_port(wanted: int) -> int:
    """`wanted`, or some free port when another program holds it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            other = free_port()
            print(f"  (port {wanted} is taken; using {other} instead)")
            return other
    return wanted


@contextmanager
def child(name: str, command: list[object], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module as a process, its output in var/log; ended with SIGTERM, after ten seconds with SIGKILL."""
    with (LOGS / f"{name}.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *map(str, command)],
            env=with_path(environment),
            cwd=ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches us first, and we end it in order
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def with_path(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the import roots on PYTHONPATH."""
    return {**environment, "PYTHONPATH": f"{ROOT / 'services'}{os.pathsep}{ROOT}", "PYTHONUNBUFFERED": "1"}


def wait(title: str, process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    """Until `ready()`; raises Failed when the process dies or takes longer than a minute."""
    began = time.monotonic()
    while not ready():
        if process.poll() is not None:
            raise Failed(died(process))
        if time.monotonic() - began > START_SECONDS:
            raise Failed(f"{title} did not come up within {START_SECONDS:.0f} s; see var/log.")
        time.sleep(0.05)
    print(f"  {title:<58} up ({time.monotonic() - began:.1f} s)")


def died(process: subprocess.Popen[bytes]) -> str:
    """A sentence with the last lines of the log of a process that ended by itself."""
    name = str(process.args[2]) if isinstance(process.args, list) else "a process"
    tail = (LOGS / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
    return f"{name} ended with code {process.returncode}:\n  " + "\n  ".join(tail)


def answers(url: str) -> bool:
    """True if a GET of the URL is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, http.client.HTTPException):
        return False


def setup_link(log: Path) -> str:
    """The link that Mailbridge printed at its start; raises Failed."""
    found = re.findall(r"https?://\S+#setup=\S+", log.read_text(encoding="utf-8", errors="replace"))
    if not found:
        raise Failed(f"Mailbridge printed no set-up link; its log is {log}.")
    return str(found[-1])
