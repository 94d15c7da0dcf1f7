"""`make run`: start the sandbox and Mailbridge (standalone), play the story once, stay up until Ctrl-C.

Usage: python -m scripts.run [--demo 0|1]
Everything it writes is under var/: keys (kept), logs, and the sandbox's data (made anew at each start, because the stand-in
Jira and its mailboxes live in memory and begin empty).
"""

import argparse
import base64
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sandbox.servers.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
START_SECONDS = 60.0


def main() -> int:
    """Run until Ctrl-C; the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--demo", choices=("0", "1"), default="1", help="0: without the story")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with ExitStack() as stack:
            return up(stack, story=options.demo == "1")
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0
    except Failed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1


class Failed(Exception):
    """A process did not come up or died; the text says which and where its log is."""


def up(stack: ExitStack, *, story: bool) -> int:
    """Start both processes, the story if asked for, and wait."""
    data = VAR / "sandbox"
    shutil.rmtree(data, ignore_errors=True)
    (VAR / "log").mkdir(parents=True, exist_ok=True)
    data.mkdir(parents=True)
    ports = {
        name: wanted_port(wanted) for name, wanted in {"app": 8080, "jira": 8090, "imap": 8143, "smtp": 8025}.items()
    }
    jira, app = f"http://127.0.0.1:{ports['jira']}", f"http://127.0.0.1:{ports['app']}"
    print("Starting:")
    ready = data / "ready.json"
    sandbox_command = ["sandbox", "--port", ports["jira"], "--imap-port", ports["imap"], "--smtp-port", ports["smtp"]]
    sandbox = stack.enter_context(child("sandbox", [*sandbox_command, "--ready-file", ready], os.environ))
    wait("the stand-in Jira and the mail servers", sandbox, ready.exists)
    mailbridge = stack.enter_context(child("standalone", ["standalone"], settings(data, app, jira, ports["app"])))
    wait("Mailbridge (connect, inbound, outbound in one process)", mailbridge, lambda: answers(app + "/readyz"))
    if story:
        print("\nThe story:")
        told = subprocess.run(  # the story prints as it goes
            [sys.executable, "-m", "sandbox.story", "--sandbox", jira, "--app", app],
            env=with_path(os.environ),
            check=False,
        )
        if told.returncode:
            raise Failed(f"The story did not come true; Mailbridge's log is {VAR / 'log' / 'standalone.log'}.")
    else:
        post(jira + "/control/install", {"base_url": app})
    print(f"""
Open:
  {jira}/        everything at a glance: issues, inboxes, write a mail, comment as an agent
  {jira}/host    Mailbridge's page inside Jira (connect a mailbox, see what came in and why)
  {app}/metrics  what an operator watches
The mailbox is support@sandbox.test (password sandbox) at 127.0.0.1, IMAP {ports["imap"]}, SMTP {ports["smtp"]}, no TLS.
Logs: var/log/standalone.log and var/log/sandbox.log. Stop with Ctrl-C.""")
    while True:
        for process in (sandbox, mailbridge):
            if process.poll() is not None:
                raise Failed(died(process))
        time.sleep(0.5)


def settings(data: Path, app: str, jira: str, port: int) -> Mapping[str, str]:
    """The environment of the standalone process: the sandbox is its whole world."""
    return {
        **os.environ,
        "MAILBRIDGE_DATABASE_URL": f"sqlite:///{data / 'data'}",
        "MAILBRIDGE_PORT": str(port),
        "MAILBRIDGE_BASE_URL": app,
        "MAILBRIDGE_CONNECT_KEYS_URL": jira + "/install-keys",
        "MAILBRIDGE_CONNECT_ALL_JS": jira + "/connect/all.js",
        "MAILBRIDGE_ALLOW_PLAIN": "true",
        "MAILBRIDGE_ALLOW_NETWORKS": "127.0.0.0/8",
        **keys(VAR / "keys"),
    }


def keys(folder: Path) -> dict[str, str]:
    """The settings that name the key files, which are made at the first start and kept."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = {}
    for name in ("MASTER_KEY", "ROLE_KEY_INBOUND", "ROLE_KEY_OUTBOUND"):
        path = folder / name.lower()
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(base64.b64encode(secrets.token_bytes(32)).decode(), encoding="ascii")
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
    with (VAR / "log" / f"{name}.log").open("wb") as output:
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
    tail = (VAR / "log" / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
    return f"{name} ended with code {process.returncode}:\n  " + "\n  ".join(tail)


def answers(url: str) -> bool:
    """True if a GET of the URL is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, http.client.HTTPException):
        return False


def post(url: str, body: object) -> None:
    """POST JSON; raises Failed with what the other side said."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        raise Failed(f"{url} answered {error.code}: {error.read().decode(errors='replace')[:500]}") from error


if __name__ == "__main__":
    raise SystemExit(main())
