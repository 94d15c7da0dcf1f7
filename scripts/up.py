"""`make up`: the seven processes on real servers, the sandbox as their world; play the story, stay up until Ctrl-C.

Usage: python -m scripts.up [--demo 0|1] [--attach connect|forge|token] [--folder PATH]
RabbitMQ, PostgreSQL, Dovecot, Postfix and nginx run as instances of our own under var/up (or PATH), on loopback, made anew
at each start. Without Dovecot or Postfix the sandbox's own servers stand in, without nginx a small proxy: a line says so.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sandbox.app import PASSWORD
from sandbox.oauth.provider import sign_in_settings
from sandbox.servers.dovecot import Dovecot
from sandbox.servers.nginx import Nginx
from sandbox.servers.postfix import Postfix
from sandbox.servers.postgres import Postgres
from sandbox.servers.private import DidNotStart, NotAvailable
from sandbox.servers.rabbitmq import RabbitMQ
from sandbox.ways import NAMES, forge_settings
from scripts.fleet import Fleet, Front, small_proxy
from scripts.processes import LOGS, ROOT, VAR, Failed, child, died, keys, wait, wanted_port
from scripts.run import tell


class Server(Protocol):
    """A private server of the sandbox."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


S = TypeVar("S", bound=Server)


@dataclass(frozen=True)
class Base:
    """The servers below Mailbridge. imap and smtp: the ports of Dovecot and Postfix, None where the sandbox stands in.
    sink: where the sandbox's own SMTP listens, to which Postfix relays."""

    database: str
    broker: str
    management: int
    imap: int | None
    smtp: int | None
    sink: int


def main() -> int:
    """Run until Ctrl-C; the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--demo", choices=("0", "1"), default="1", help="0: without the story")
    arguments.add_argument("--attach", choices=NAMES, default="connect", help="how Mailbridge is attached to Jira")
    arguments.add_argument("--folder", type=Path, default=VAR / "up", help="is emptied first")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
    try:
        with ExitStack() as stack:
            stack.callback(signal.signal, signal.SIGINT, signal.default_int_handler)
            return up(stack, options.folder.resolve(), options.attach, story=options.demo == "1")
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0
    except (Failed, NotAvailable, DidNotStart, RuntimeError) as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1


def up(stack: ExitStack, home: Path, attach: str, *, story: bool) -> int:
    """Start all there is, attach it, the story if asked for, and wait. What was started last is stopped first."""
    shutil.rmtree(home, ignore_errors=True)
    for folder in (home, LOGS):
        folder.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)  # the servers' account passes through
    print("Starting:")
    base = servers(stack, home)
    sandbox, world = start_sandbox(stack, home, base)
    app = wanted_port(8080)
    crew = Fleet(settings(base, world["url"]), LOGS, front(home, app), lambda line: print(f"  {line}"))
    stack.callback(crew.stop)
    crew.start()
    link = crew.said("connect.setup_link") if attach == "token" else None
    page = tell(attach, world["url"], crew.url, link, story=story)
    print(f"""
Open:
  {world["url"]}/        everything at a glance: issues, inboxes, write a mail, comment as an agent
  {page}
  http://127.0.0.1:{base.management}/    RabbitMQ's queues (guest, guest)
Each process tells /metrics, /readyz and /healthz on its health port above.
The mailbox is support@sandbox.test (password {PASSWORD}) at 127.0.0.1, IMAP {world["imap_port"]}.
Outgoing mail passes by SMTP on port {base.smtp or base.sink}.
PostgreSQL: {base.database}   Logs: {LOGS.relative_to(ROOT)}/. Stop with Ctrl-C.""")
    while True:
        if sandbox.poll() is not None:
            raise Failed(died(sandbox))
        for name, process in crew.processes.items():
            if process.poll() is not None:
                raise Failed(f"{name} ended with code {process.returncode}; its log is {LOGS / name}.log.")
        time.sleep(0.5)


def servers(stack: ExitStack, home: Path) -> Base:
    """RabbitMQ and PostgreSQL, which there must be; Dovecot and Postfix, where there are."""
    rabbitmq = begin(stack, "RabbitMQ", RabbitMQ(home / "rabbitmq"))
    postgres = begin(stack, "PostgreSQL", Postgres(home / "postgres"))
    sink = wanted_port(8025)
    dovecot = begin_if_there(
        stack, "Dovecot, where the mailbox lives", lambda: Dovecot(home / "dovecot", password=PASSWORD)
    )
    postfix = begin_if_there(
        stack, "Postfix, which passes outgoing mail on", lambda: Postfix(home / "postfix", relay_port=sink)
    )
    return Base(
        database=postgres.create_database("mailbridge"),
        broker=rabbitmq.create_vhost("mailbridge"),
        management=rabbitmq.management_port,
        imap=dovecot.imap_port if dovecot else None,
        smtp=postfix.port if postfix else None,
        sink=sink,
    )


def start_sandbox(stack: ExitStack, home: Path, base: Base) -> tuple["subprocess.Popen[bytes]", dict[str, Any]]:
    """The stand-in Jira over these mail servers; its process and what its ready file says."""
    ready = home / "ready.json"
    command: list[object] = ["sandbox", "--port", wanted_port(8090), "--imap-port", 0, "--smtp-port", base.sink]
    if base.imap:
        command += ["--imap-server", base.imap]
    if base.smtp:
        command += ["--outgoing-port", base.smtp]
    process = stack.enter_context(child("sandbox", [*command, "--ready-file", ready], os.environ))
    wait("the stand-in Jira", process, ready.exists)
    return process, json.loads(ready.read_text(encoding="utf-8"))


def settings(base: Base, jira: str) -> Mapping[str, str]:
    """What all seven processes share; `Fleet` adds each one's own keys and ports."""
    return {
        **os.environ,
        "MAILBRIDGE_DATABASE_URL": base.database,
        "MAILBRIDGE_BROKER_URL": base.broker,
        "MAILBRIDGE_CONNECT_KEYS_URL": jira + "/install-keys",
        "MAILBRIDGE_CONNECT_ALL_JS": jira + "/connect/all.js",
        **sign_in_settings(jira),
        **forge_settings(jira),
        "MAILBRIDGE_LOGIN": "on",
        "MAILBRIDGE_JIRA_POLL_SECONDS": "10",
        "MAILBRIDGE_ALLOW_PLAIN": "true",
        "MAILBRIDGE_ALLOW_NETWORKS": "127.0.0.0/8",
        "MAILBRIDGE_MASTER_KEY": Path(keys(VAR / "keys")["MAILBRIDGE_MASTER_KEY_FILE"]).read_text(encoding="ascii"),
    }


def front(home: Path, port: int) -> Callable[[Mapping[str, int]], Front]:
    """Makes nginx on that port before the web processes, or the small proxy where there is no nginx."""

    def make(services: Mapping[str, int]) -> Front:
        try:
            return Nginx(home / "nginx", port, services)
        except NotAvailable as reason:
            print(f"  (a small proxy stands in for nginx: {reason})")
            return small_proxy(services)

    return make


def begin(stack: ExitStack, title: str, server: S) -> S:
    """Start a server, say so, and stop it at the end."""
    began = time.monotonic()
    server.start()
    stack.callback(server.stop)
    print(f"  {title:<58} up ({time.monotonic() - began:.1f} s)")
    return server


def begin_if_there(stack: ExitStack, title: str, make: Callable[[], S]) -> S | None:
    """The same with a server that the sandbox can stand in for; None then."""
    try:
        return begin(stack, title, make())
    except NotAvailable as reason:
        print(f"  (the sandbox stands in: {reason})")
        return None


if __name__ == "__main__":
    raise SystemExit(main())
