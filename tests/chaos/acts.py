"""What goes wrong, done: each act of the plan by its name, undone before the next of its lane."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from inbound.store_sources import ALIVE
from tests.chaos.plan import FAULTS, PAUSES, STILL, Act
from tests.chaos.world import World


def play(world: World, acts: Sequence[Act], began: float, say: Callable[[str], None], ended: threading.Event) -> None:
    """Do these acts at their times after `began` (monotonic), one after the other, until `ended`."""
    for act in acts:
        if ended.wait(max(0.0, began + act.at - time.monotonic())):
            return
        say(f"{time.monotonic() - began:6.1f} s  {act.lane}: {act.name}")
        if act.lane == "kill -9":
            kill(world, act.name, act.lasts)
        else:
            _BY_NAME[act.name](world, act.lasts)


def start_faults(world: World) -> None:
    """Jira begins to answer wrongly now and then, its webhooks to come twice and in another order."""
    for kind, (rate, seconds) in FAULTS.items():
        more = {"seconds": seconds} if seconds else {}
        world.stage.sandbox.fault(kind, rate=rate, **more)


def kill(world: World, name: str, down: float) -> None:
    """kill -9, and the same process again after a while."""
    with world.lock:
        world.down.add(name)
        world.crew.kill(name)
    time.sleep(down / 3)
    with world.lock:
        world.crew.spawn(name)
        world.down.discard(name)


def restart_rabbitmq(world: World, _lasts: float) -> None:
    world.rabbitmq.stop()
    world.rabbitmq.start()


def freeze_rabbitmq(world: World, lasts: float) -> None:
    with frozen(world.rabbitmq.pid):
        time.sleep(2 * lasts)


def fill_rabbitmqs_disk(world: World, lasts: float) -> None:
    world.rabbitmq.ctl("set_disk_free_limit", "1000000GB")
    try:
        time.sleep(2 * lasts)
    finally:
        world.rabbitmq.ctl("set_disk_free_limit", "50MB")


def empty_rabbitmq(world: World, lasts: float) -> None:
    world.rabbitmq.delete_vhost(world.vhost)
    time.sleep(lasts / 2)
    world.rabbitmq.create_vhost(world.vhost)


def kill_rabbitmq(world: World, lasts: float) -> None:
    world.rabbitmq.kill()
    time.sleep(lasts / 2)
    world.rabbitmq.start()


def crash_postgres(world: World, lasts: float) -> None:
    world.postgres.crash()
    time.sleep(lasts / 2)
    world.postgres.start()


def restart_postgres(world: World, lasts: float) -> None:
    world.postgres.stop()
    time.sleep(lasts / 2)
    world.postgres.start()


def freeze_postgres(world: World, lasts: float) -> None:
    with frozen(world.postgres.pid):
        time.sleep(2 * lasts)


def cut_imap(world: World, _lasts: float) -> None:
    """Every connection to the mailbox is gone, in whatever it was doing; those that bring customers' mails, which last for
    an instant only, are left alone."""
    if world.dovecot is None:
        world.sandbox.parts.imap.drop_connections()
        return
    for pid in _below(world.dovecot.pid):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "imap" and _age(pid) > 2.0:
                _signal(pid, signal.SIGKILL)


def _age(pid: int) -> float:
    """Seconds since the process began."""
    since_boot = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])  # in clock ticks
    return float(Path("/proc/uptime").read_text().split()[0]) - since_boot / os.sysconf("SC_CLK_TCK")


def cut_smtp(world: World, _lasts: float) -> None:
    world.stage.sandbox._json("POST", "/control/smtp/refusals", {"match": "@", "stage": "after_data", "count": 3})


def pause_fetcher(world: World, lasts: float) -> None:
    """One fetcher stands still past its heartbeat, a second one takes its mailbox, then the first goes on."""
    paused, second = "inbound.fetcher", "inbound.fetcher.2"
    with world.lock:
        world.crew.spawn(second)
    world.crew.wait_ready(second)
    with world.lock:
        process = world.crew.processes[paused]
        process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(ALIVE + 3.0 + lasts)
    finally:
        process.send_signal(signal.SIGCONT)
    time.sleep(lasts)
    with world.lock:
        world.down.add(second)
        world.crew.end(second)


def freeze_fetcher(world: World, lasts: float, name: str) -> None:
    """One of two fetchers stands still past its heartbeat, and then goes on as if nothing had been. It may be killed meanwhile."""
    with frozen(world.crew.processes[name].pid):
        time.sleep(ALIVE + 2.0 + lasts / 3)


def freeze_workers(world: World, lasts: float) -> None:
    """Mail comes into the ledger, and nobody handles it for a while."""
    with ExitStack() as still:
        for name, process in list(world.crew.processes.items()):
            if name.startswith("inbound.worker"):
                still.enter_context(frozen(process.pid))
        time.sleep(lasts)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """SIGSTOP to a process and all below it, SIGCONT at the end."""
    family = [pid, *_below(pid)]
    for one in family:
        _signal(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in reversed(family):
            _signal(one, signal.SIGCONT)


def _below(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_below(int(child))]
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


_BY_NAME: dict[str, Callable[[World, float], None]] = {
    "rabbitmq restarts": restart_rabbitmq,
    "rabbitmq is killed": kill_rabbitmq,
    "postgresql crashes": crash_postgres,
    "rabbitmq freezes": freeze_rabbitmq,
    "rabbitmq's disk is full": fill_rabbitmqs_disk,
    "rabbitmq comes back empty": empty_rabbitmq,
    "postgresql restarts": restart_postgres,
    "postgresql freezes": freeze_postgres,
    "imap is cut": cut_imap,
    "imap is cut again": cut_imap,
    "smtp is cut after the final dot": cut_smtp,
    STILL: freeze_workers,
    **{act: partial(freeze_fetcher, name=act.split()[0]) for act in PAUSES},
    "the fetcher is paused": pause_fetcher,
}


class Lanes:
    """The lanes of a plan, each in a thread; `join` raises what went wrong with the acts themselves. Leaving the context ends
    what is still to come and waits for the act in hand, so that nothing is started again any more."""

    def __init__(self, world: World, lanes: Sequence[Sequence[Act]], say: Callable[[str], None]) -> None:
        began = time.monotonic()
        self._failed: list[BaseException] = []
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(world, acts, began, say), daemon=True) for acts in lanes
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "Lanes":
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(120)

    def join(self, seconds: float) -> None:
        """Wait for the last act's end."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
            assert not thread.is_alive(), "an act did not come to its end"
        if self._failed:
            raise self._failed[0]

    def _run(self, world: World, acts: Sequence[Act], began: float, say: Callable[[str], None]) -> None:
        try:
            play(world, acts, began, say, self._ended)
        except BaseException as error:
            self._failed.append(error)
