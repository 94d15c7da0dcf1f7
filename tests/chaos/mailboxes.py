"""Chaos over the mailboxes: `python -m tests.chaos.mailboxes --runs 10 --mails 1000 --seed N --table var/mailboxes.md` (`make chaos`).

Five mailboxes of every strategy, read by two fetchers, handled by two workers; a human works in one of them. Fetchers, workers,
broker and database die at random moments. A run is repeated by `--runs 1 --seed N`. Then the books are balanced: what arrived, what
the ledger has, what Jira has, what is left in the mailboxes, and what Mailbridge's own reconciliation says.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sandbox.servers.postgres import Postgres
from sandbox.servers.rabbitmq import RabbitMQ
from tests.chaos import acts, arrivals, boxes, closing, plan, stream
from tests.chaos.arrivals import Arrival
from tests.chaos.boxes import BOXES
from tests.chaos.human import Human
from tests.chaos.plan import Act
from tests.chaos.result import HEAD, Result, Size, errors_in, kills_of, line
from tests.chaos.stream import Rooms, Sent
from tests.chaos.watchman import Watchman
from tests.chaos.world import World, world

SECOND = ("inbound.fetcher.2", "inbound.worker.2")
SETTINGS = {"MAILBRIDGE_POLL_SECONDS": "5"}


def run(
    seed: int, size: Size, rabbitmq: RabbitMQ, postgres: Postgres, folder: Path, say: Callable[[str], None] = print
) -> Result:
    """Play one run from beginning to end. Needs Dovecot."""
    with world(rabbitmq, postgres, folder, SETTINGS) as place:
        assert place.dovecot is not None, "Dovecot is not installed"
        for name in SECOND:
            place.crew.spawn(name)
        for name in SECOND:
            place.crew.wait_ready(name)
        keeper = threading.Thread(target=place.look_after, daemon=True)
        keeper.start()
        try:
            return _run(seed, size, place, say)
        finally:
            place.stop_looking()
            keeper.join()


def _run(seed: int, size: Size, place: World, say: Callable[[str], None]) -> Result:
    rooms = stream.open_rooms(place.stage)
    ids = boxes.connect(place)
    books = closing.opened(place, BOXES[0].address)
    human = Human(place, BOXES[0].address, seed)
    watchmen = [Watchman(place, box, every=0.2) for box in BOXES if box.strategy != "read"]
    storm = plan.storm(seed, size.seconds, deaths=size.deaths, crashes=size.crashes, whole=size.whole)
    began = time.monotonic()
    for thread in (human, *watchmen):
        thread.start()
    came, sent = _play(seed, size, place, rooms, storm, say)
    human.stop()
    over = time.monotonic()
    unaccounted, drained = closing.drain(place, ids.values(), over)
    for watchman in watchmen:
        watchman.stop()
    early = [text for watchman in watchmen for text in watchman.early]
    found, words, left = closing.closed(place, books, came, sent, human)
    result = Result(
        seed, size, len(came), kills_of(storm), found, words, unaccounted, early, left, human, over - began, drained,
        place.last_words, errors_in(place.crew.logs), place.stage.sandbox.violations(), "",
    )  # fmt: skip
    return result if result.clean else replace(result, report=_report(place, result))


def _play(
    seed: int, size: Size, place: World, rooms: Rooms, storm: Sequence[Sequence[Act]], say: Callable[[str], None]
) -> tuple[Sequence[Arrival], Sent]:
    """Mails and comments come in while everything breaks; what came, when the last thing that broke runs again."""
    came = arrivals.make(seed, mails=size.mails, seconds=size.seconds, boxes=[box.address for box in BOXES])
    place.sandbox.parts.faults._chance = random.Random(seed)
    acts.start_faults(place)
    sent, senders = stream.pour(place.stage, rooms, seed, 0, size.comments, size.seconds)
    postman = Postman(place, came)
    postman.start()
    with acts.Lanes(place, storm, say) as lanes:
        lanes.join(size.seconds + 300)
    for thread in (postman, *senders):
        thread.join(300)
    assert (postman.brought, len(sent.words)) == (len(came), size.comments), "the stream broke off: nothing is proven"
    place.stage.sandbox.clear_faults()
    return came, sent


class Postman(threading.Thread):
    """Brings each mail when it is due."""

    def __init__(self, place: World, came: Sequence[Arrival]) -> None:
        super().__init__(daemon=True)
        self.brought = 0
        self._place = place
        self._came = came

    def run(self) -> None:
        began = time.monotonic()
        for one in self._came:
            time.sleep(max(0.0, began + one.at - time.monotonic()))
            self._place.sandbox.parts.imap.append(one.box, one.octets)
            self.brought += 1


def _report(place: World, result: Result) -> str:
    logs = [
        f"{path.stem}: {line[:600]}"
        for path in sorted(place.crew.logs.glob("*.log"))
        for line in path.read_text(errors="replace").splitlines()
        if ('"error"' in line or "Traceback" in line) and "pika" not in line
    ]
    facts = (result.balance, result.words, result.unaccounted, result.early[:10], result.left, result.strange[:5])
    return "\n".join(map(str, (*facts, result.human.failed, place.waiting(), *logs[-20:])))


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """All runs; exit code 1 if one of them is not clean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--mails", type=int, default=1000, help="different ones; a tenth of them comes twice")
    parser.add_argument("--comments", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=180.0, help="over which a run's mails and comments are spread")
    parser.add_argument("--table", type=Path, help="gets the table's rows appended as they come")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are stopped on the way out
    print(f"seed {options.seed}\n{HEAD}", end="", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="mailbridge-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the servers' account passes through
        with RabbitMQ(folder / "rabbitmq") as rabbitmq, Postgres(folder / "postgres") as postgres:
            for number in range(options.runs):
                size = Size(options.mails, options.comments, options.seconds)
                result = run(options.seed + number, size, rabbitmq, postgres, folder / str(number), _say)
                print(line(result), flush=True)
                if options.table:
                    with options.table.open("a", encoding="utf-8") as table:
                        table.write(line(result) + "\n")
                for words in result.last_words:
                    print(f"  died by itself: {words}", flush=True)
                for text, times in sorted(result.errors.items()):
                    print(f"  logged as an error: {text} × {times}", flush=True)
                if not result.clean:
                    failed += 1
                    kept = Path("var") / f"chaos-{result.seed}"
                    shutil.copytree(folder / str(number) / "logs", kept, dirs_exist_ok=True)
                    print(f"{result.report}\nThe logs lie in {kept}.", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
