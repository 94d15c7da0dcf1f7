"""From a mail server to the ledger, and no further: how fast, how soon, and what mailboxes cost that only wait.

The bare loops are imapclient's: one fetches everything and throws it away, the other waits in IDLE and does nothing else.
Started as `python -m tests.bench.fetching` the first one runs in a process of its own, with its settings on standard input.
"""

import imaplib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imapclient import IMAPClient

from sandbox.servers.dovecot import PASSWORD
from sandbox.story import MAILBOX
from scripts.fleet import ROOT
from tests.bench import letters
from tests.bench.machine import speed
from tests.bench.waits import spread
from tests.bench.world import World

FETCHER, WORKER = "inbound.fetcher", "inbound.worker"
_LEDGER = "SELECT count(*) FROM inbound.mail"
_OPEN = "SELECT count(*) FROM inbound.mail WHERE state IN ('received', 'delivering')"
_CONNECTED = "SELECT count(*) FROM inbound.mailbox WHERE state = 'connected' AND deleted_at IS NULL"
_BATCH = 50


def fetched(world: World, count: int, kind: str) -> dict[str, Any]:
    """Mails that stand in the mailbox until each is in the ledger, against a loop that only fetches them."""
    make = {"small": letters.small, "page": letters.page}[kind]
    mails = [make(number) for number in range(count)]
    user = f"only-fetched-{time.monotonic_ns()}"
    world.put(mails, user)
    bare = [_bare(world, user, count)]
    with world.asleep(WORKER):
        done = int(world.ask(_LEDGER)[0][0])
        with world.asleep(FETCHER):
            world.put(mails)
            cpu = world.cpu(FETCHER)
            began = time.monotonic()
        world.wait(_LEDGER, done + count, 240)
        wall, cpu = time.monotonic() - began, world.cpu(FETCHER) - cpu
    bare.append(_bare(world, user, count))
    _drained(world)
    bare_wall, bare_cpu = (sum(one[name] for one in bare) / len(bare) for name in ("wall", "cpu"))
    return {
        "name": f"{len(mails[0]) / 1000:.1f} kB",
        "mails": count,
        "per_second": count / wall,
        "bare_per_second": count / bare_wall,
        "ratio_wall": wall / bare_wall,
        "per_core": count / max(cpu, 0.01),
        "bare_per_core": count / max(bare_cpu, 0.01),
        "ratio_cpu": cpu / max(bare_cpu, 0.01),
        "load": speed(0.1).load,
    }


def noticed(world: World, count: int) -> dict[str, Any]:
    """From APPEND to the ledger with IDLE, one mail after the other, against the time until a bare loop in IDLE hears of it."""
    ours = []
    with world.asleep(WORKER):
        done = int(world.ask(_LEDGER)[0][0])
        for number in range(count):
            began = _append(world, MAILBOX, letters.small(number))
            world.wait(_LEDGER, done + number + 1, 60)
            ours.append(float(world.ask("SELECT max(received_at) FROM inbound.mail")[0][0]) - began)
    _drained(world)
    bare = _heard(world, count)
    mine, theirs = spread(ours), spread(bare)
    ratios = {name: mine[name] / max(theirs[name], 1e-4) for name in ("p50", "p99")}
    return {"samples": count, "ledger_seconds": mine, "bare_seconds": theirs, "ratios": ratios, "load": speed(0.1).load}


def _heard(world: World, count: int) -> list[float]:
    """The bare loop: how long after each APPEND it hears of it."""
    user, waits = f"only-heard-{time.monotonic_ns()}", []
    with IMAPClient("127.0.0.1", world.dovecot.imap_port, ssl=False, timeout=60) as client:
        client.login(user, PASSWORD)
        client.select_folder("INBOX")
        client.idle()
        for number in range(count):
            sender = _Later(lambda number=number: _append(world, user, letters.small(number)))  # type: ignore[misc]
            while not any(b"EXISTS" in line for line in client.idle_check(60)):
                pass
            heard = time.time()
            waits.append(heard - sender.result())
        client.idle_done()
    return waits


def idle(world: World, count: int, seconds: float = 20.0) -> dict[str, Any]:
    """What one fetcher needs for so many mailboxes in IDLE: memory, threads, database connections, processor time."""
    world.restart(FETCHER)
    world.wait(_CONNECTED, 1, 30)
    alone = _memory(world)
    with _mailboxes(world, count):
        began = time.monotonic()
        world.wait(_CONNECTED, 1 + count, 300)
        connected = time.monotonic() - began
        cpu, many = world.cpu(FETCHER), _memory(world)
        time.sleep(seconds)  # what it costs to wait is what is measured
        cpu = world.cpu(FETCHER) - cpu
        soon = _soon(world, count)
        many = {name: max(value, _memory(world)[name]) for name, value in many.items()}
        links = world.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")[0][0]
    return {
        "mailboxes": count,
        "connected_seconds": connected,
        "rest": alone["memory"],
        "memory": many["memory"],
        "each": (many["memory"] - alone["memory"]) / count,
        "threads": many["threads"],
        "database_connections": int(links),
        "core_share": cpu / seconds,
        "ledger_seconds": spread(soon),
        "load": speed(0.1).load,
    }


def _soon(world: World, count: int) -> list[float]:
    """How long a mail to one of many mailboxes takes to the ledger."""
    waits = []
    with world.asleep(WORKER):
        for number in range(0, count, max(1, count // 5)):
            done = int(world.ask(_LEDGER)[0][0])
            began = _append(world, f"idle{number}@sandbox.test", letters.small(number))
            world.wait(_LEDGER, done + 1, 60)
            waits.append(float(world.ask("SELECT max(received_at) FROM inbound.mail")[0][0]) - began)
    _drained(world)
    return waits


@contextmanager
def _mailboxes(world: World, count: int) -> Iterator[None]:
    """So many more mailboxes, each of a user of its own; deleted at the end."""
    api = world.stage.api()
    like = api.get("/api/inbound/mailboxes")[0]
    kept = (
        "kind",
        "host",
        "port",
        "security",
        "folder",
        "validate_certificate",
        "sub_addresses",
        "project",
        "issue_type",
    )
    fields = {name: like[name] for name in kept} | {"secret": PASSWORD, "backlog": "none", "enabled": True}
    made = []
    try:
        for number in range(count):
            user = f"idle{number}@sandbox.test"
            body = {**fields, "name": f"Idle {number}", "username": user, "address": user}
            made.append(api.post("/api/inbound/mailboxes", body)["id"])
        yield
    finally:
        for id in made:
            world.stage.api().delete(f"/api/inbound/mailboxes/{id}")


def _memory(world: World) -> dict[str, float]:
    """Octets in memory now, and threads, of the fetcher."""
    status = Path(f"/proc/{world.pids(FETCHER)[0]}/status").read_text()
    found = {name: int(number) for name, number in re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.MULTILINE)}
    return {"memory": found["VmRSS"] * 1024, "threads": found["Threads"]}


def _append(world: World, user: str, mail: bytes) -> float:
    """Put a mail into a mailbox; the instant at which that was begun, the login apart."""
    with imaplib.IMAP4("127.0.0.1", world.dovecot.imap_port) as imap:
        imap.login(user, PASSWORD)
        began = time.time()
        imap.append("INBOX", "", "", mail)
    return began


def _drained(world: World) -> None:
    deadline = time.monotonic() + 180
    while world.ask(_OPEN)[0][0]:
        assert time.monotonic() < deadline, "the worker does not come to its end"
        time.sleep(0.1)


class _Later:
    """A call in a thread of its own, a moment from now, and what it gave back."""

    def __init__(self, call: Callable[[], float]) -> None:
        self._found: list[float] = []
        self._thread = threading.Timer(0.2, lambda: self._found.append(call()))
        self._thread.start()

    def result(self) -> float:
        self._thread.join()
        return self._found[0]


def _bare(world: World, user: str, count: int) -> dict[str, float]:
    settings = {"port": world.dovecot.imap_port, "user": user, "count": count}
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.fetching"],
        input=json.dumps(settings), capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, float] = json.loads(done.stdout)
    return told


def _fetch(settings: dict[str, Any]) -> dict[str, float]:
    """Log in, list, fetch by fifty: what nothing that reads a mailbox can leave out."""
    began, cpu = time.monotonic(), time.process_time()
    octets = mails = 0
    with IMAPClient("127.0.0.1", settings["port"], ssl=False) as client:
        client.login(settings["user"], PASSWORD)
        client.select_folder("INBOX")
        numbers = client.search()
        for start in range(0, len(numbers), _BATCH):
            for item in client.fetch(numbers[start : start + _BATCH], ["BODY.PEEK[]"]).values():
                octets += len(item[b"BODY[]"])
                mails += 1
    assert mails == settings["count"], f"{mails} mails"
    return {"wall": time.monotonic() - began, "cpu": time.process_time() - cpu, "octets": octets}


if __name__ == "__main__":
    print(json.dumps(_fetch(json.load(sys.stdin))))
