"""Mailbridge's two ways, driven hard: processor time and wall time a mail, all of it in the seven processes."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.bench import bare, letters
from tests.bench.machine import speed
from tests.bench.world import World

INBOUND = ("inbound.fetcher", "inbound.worker")
OUTBOUND = ("connect.app", "connect.worker", "outbound.worker")
_HANDLED = "SELECT count(*) FROM inbound.mail WHERE state = 'handled'"
_SENT = "SELECT count(*) FROM outbound.delivery WHERE state = 'sent'"


@dataclass(frozen=True, slots=True)
class Run:
    """How many mails, in how many seconds by the clock, for how many of the processor."""

    mails: int
    wall: float
    cpu: float
    transactions: float = 0.0  # of the database
    parts: dict[str, float] = field(default_factory=dict)  # processor time by process

    @property
    def per_core(self) -> float:
        """Mails for each second of one core."""
        return self.mails / self.cpu


def inbound(world: World, count: int, kind: str) -> dict[str, Any]:
    """Mails that stand in the mailbox until each is an issue; the bare loop before and after, in the same run."""
    make = {"small": letters.small, "page": letters.page}[kind]
    mails = [make(number) for number in range(count)]
    before = bare.run("inbound", world, mails)
    with world.without_webhooks():
        ours = _inbound_once(world, mails)
    after = bare.run("inbound", world, mails)
    return _result(f"inbound, {len(mails[0]) / 1000:.1f} kB", ours, [before, after])


def outbound(world: World, count: int) -> dict[str, Any]:
    """Comments in Jira until each is a mail with the mail server; every comment on an issue of its own."""
    keys = _issues(world, count)
    before = bare.run("outbound", world, [letters.webhook()] * count)
    done = int(world.ask(_SENT)[0][0])
    agent = world.agent
    meter = _Meter(world, OUTBOUND)
    for key in keys:
        world.stage.sandbox.comment(key, agent, "Please pull the plug, then read this.")
    world.wait(_SENT, done + count, 180)
    ours = meter.run(count)
    after = bare.run("outbound", world, [letters.webhook()] * count)
    return _result("outbound, a comment to one customer", ours, [before, after])


def parallel(world: World, count: int, seconds: float = 0.2, flight: int = 64) -> dict[str, Any]:
    """A Jira that takes 200 ms for every call, with 64 calls in flight: what the waiting costs."""
    settings = {"MAILBRIDGE_JIRA_PARALLEL": str(flight), "MAILBRIDGE_INBOUND_CONCURRENCY": str(flight)}
    world.restart("inbound.fetcher", "inbound.worker", **settings)
    sandbox = world.stage.sandbox
    with world.without_webhooks():
        calls = len(sandbox.calls())
        sandbox.fault("slow", seconds=seconds, match=" /rest/")
        try:
            ours = _inbound_once(world, [letters.small(number) for number in range(count)])
        finally:
            sandbox.clear_faults()
        made = len(sandbox.calls()) - calls
    load = speed(0.1).load
    return {
        "name": f"inbound at a Jira of {seconds * 1000:.0f} ms, {flight} in flight",
        "mails_per_second": ours.mails / ours.wall,
        "jira_calls_per_second": made / ours.wall,
        "calls_per_mail": made / ours.mails,
        "ceiling_calls_per_second": flight / seconds,
        "cpu_ms_per_mail": 1000 * ours.cpu / ours.mails,
        "load": load,
    }


def _inbound_once(world: World, mails: list[bytes]) -> Run:
    done = int(world.ask(_HANDLED)[0][0])
    with world.asleep("inbound.fetcher"):
        world.put(mails)
        meter = _Meter(world, INBOUND)
    world.wait(_HANDLED, done + len(mails), 240)
    return meter.run(len(mails))


class _Meter:
    """What these processes use from here on."""

    def __init__(self, world: World, names: tuple[str, ...]) -> None:
        self._world = world
        self._cpu = {name: world.cpu(name) for name in names}
        self._transactions = self._ended()
        self._began = time.monotonic()

    def run(self, mails: int) -> Run:
        """Up to now."""
        wall = time.monotonic() - self._began
        parts = {name: self._world.cpu(name) - before for name, before in self._cpu.items()}
        return Run(mails, wall, sum(parts.values()), self._ended() - self._transactions, parts)

    def _ended(self) -> float:
        query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        return float(self._world.ask(query)[0][0])


def _issues(world: World, count: int) -> list[str]:
    """Keys of issues that a customer's mail made; more mails are sent in when there are not enough."""
    query = f"SELECT issue_key FROM inbound.mail WHERE outcome = 'issue' ORDER BY received_at DESC LIMIT {count}"
    missing = count - len(world.ask(query))
    if missing > 0:
        with world.without_webhooks():
            _inbound_once(world, [letters.small(number) for number in range(missing)])
    return [str(row[0]) for row in world.ask(query)]


def _result(name: str, ours: Run, loops: list[Run]) -> dict[str, Any]:
    loop = Run(sum(one.mails for one in loops), sum(one.wall for one in loops), sum(one.cpu for one in loops))
    return {
        "name": name,
        "ratio_cpu": loop.per_core / ours.per_core,
        "per_core": ours.per_core,
        "bare_per_core": loop.per_core,
        "per_second": ours.mails / ours.wall,
        "cpu_ms_per_mail": 1000 * ours.cpu / ours.mails,
        "bare_cpu_ms_per_mail": 1000 * loop.cpu / loop.mails,
        "transactions_per_mail": ours.transactions / ours.mails,
        "ms_per_mail_by_process": {name: 1000 * cpu / ours.mails for name, cpu in ours.parts.items()},
        "ours": asdict(ours),
        "bare": [asdict(one) for one in loops],
        "load": speed(0.1).load,
    }
