"""How long a mail and a comment take on a system that has nothing else to do, and what large mails cost in memory."""

import imaplib
import time
from typing import Any

from sandbox.servers.dovecot import PASSWORD
from tests.bench import letters
from tests.bench.machine import peak_memory, speed
from tests.bench.world import WINDOW, World

_HANDLED = "SELECT count(*) FROM inbound.mail WHERE state = 'handled'"
_ISSUE = (
    "SELECT step.done_at FROM inbound.step JOIN inbound.mail ON mail.id = step.mail_id"
    " WHERE step.kind = 'issue' ORDER BY mail.received_at DESC LIMIT 1"
)
_SENT = "SELECT count(*) FROM outbound.delivery WHERE state = 'sent'"
_SENT_AT = "SELECT sent_at FROM outbound.delivery WHERE state = 'sent' ORDER BY sent_at DESC LIMIT 1"


def latency(world: World, count: int) -> dict[str, Any]:
    """Mail arrival → issue, and comment → mail, one after the other."""
    agent = world.agent
    mails: list[float] = []
    comments: list[float] = []
    for number in range(count):
        done = int(world.ask(_HANDLED)[0][0])
        began = time.time()
        world.put([letters.small(number)])
        world.wait(_HANDLED, done + 1, 60)
        mails.append(float(world.ask(_ISSUE)[0][0]) - began)
    keys = [
        row[0] for row in world.ask("SELECT issue_key FROM inbound.mail WHERE outcome = 'issue' LIMIT " + str(count))
    ]
    for key in keys:
        done = int(world.ask(_SENT)[0][0])
        began = time.time()
        world.stage.sandbox.comment(key, agent, "Is it still on fire?")
        world.wait(_SENT, done + 1, 60)
        comments.append(float(world.ask(_SENT_AT)[0][0]) - began)
    return {
        "name": "latency on an idle system",
        "samples": count,
        "window_seconds": WINDOW,
        "mail_to_issue_seconds": spread(mails),
        "told_by_the_mail_server_seconds": spread(_told(world, count)),
        "comment_to_mail_seconds": spread(comments),
        "load": speed(0.1).load,
    }


def _told(world: World, count: int) -> list[float]:
    """How long the mail server takes to tell a client in IDLE of a new mail: before that nobody can know of it."""
    user, waits = f"idle-{time.monotonic_ns()}", []
    with imaplib.IMAP4("127.0.0.1", world.dovecot.imap_port) as imap:
        imap.login(user, PASSWORD)
        imap.select("INBOX")
        imap.send(b"wait IDLE\r\n")
        while not imap.readline().startswith(b"+"):
            pass
        for number in range(count):
            began = time.time()
            world.put([letters.small(number)], user)
            while b"EXISTS" not in imap.readline():
                pass
            waits.append(time.time() - began)
        imap.send(b"DONE\r\n")
        while not imap.readline().startswith(b"wait OK"):
            pass
    return waits


def memory(world: World, count: int, octets: int) -> dict[str, Any]:
    """The most that fetcher and worker need while so many mails of so many octets are in hand at once."""
    world.restart("inbound.fetcher", "inbound.worker", MAILBRIDGE_JIRA_PARALLEL="8", MAILBRIDGE_INBOUND_CONCURRENCY="8")
    names = ("inbound.fetcher", "inbound.worker")
    rest = {name: peak_memory(pid) for name, pid in zip(names, world.pids(*names), strict=True)}
    with world.without_webhooks():
        done = int(world.ask(_HANDLED)[0][0])
        with world.asleep("inbound.fetcher"):
            world.put([letters.large(number, octets) for number in range(count)])
        began = time.monotonic()
        world.wait(_HANDLED, done + count, 240)
        seconds = time.monotonic() - began
    peak = {name: peak_memory(pid) for name, pid in zip(names, world.pids(*names), strict=True)}
    return {
        "name": f"memory with {count} mails of {octets / 1e6:.0f} MB, 8 at a time",
        "mail_octets": octets,
        "seconds": seconds,
        "fetcher_rest": rest["inbound.fetcher"],
        "fetcher_peak": peak["inbound.fetcher"],
        "worker_rest": rest["inbound.worker"],
        "worker_peak": peak["inbound.worker"],
        "load": speed(0.1).load,
    }


def spread(values: list[float]) -> dict[str, float]:
    """The middle, the 99th percentile (of few values: the largest) and the largest."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return {"p50": ordered[last // 2], "p99": ordered[min(last, round(last * 0.99))], "most": ordered[-1]}
