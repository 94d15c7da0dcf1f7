"""Chaos over the mailboxes: `python -m tests.chaos.mailboxes --runs 3 --mails 1000 --seed N --table var/mailboxes.md` (`make chaos`).

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
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests

from sandbox.client import ClientError
from sandbox.servers.postgres import Postgres
from sandbox.servers.rabbitmq import RabbitMQ
from tests.chaos import acts, arrivals, auditor, boxes, plan, stream
from tests.chaos.arrivals import Arrival
from tests.chaos.auditor import Findings, Seen
from tests.chaos.balance import Balance, Row, Touched, balance
from tests.chaos.boxes import BOXES, DONE, Box
from tests.chaos.human import Human
from tests.chaos.plan import Act
from tests.chaos.stream import Sent
from tests.chaos.watchman import Watchman
from tests.chaos.world import World, world

SECOND = ("inbound.fetcher.2", "inbound.worker.2")
SETTINGS = {"MAILBRIDGE_POLL_SECONDS": "5"}
DRAINED = 420.0  # seconds within which everything must be done once the last act is over
_STEP, _LEAP = 3.0, 120.0
_ROWS = """SELECT b.username, m.id, m.fingerprint, m.state, m.marked AND m.disposal IS DISTINCT FROM 'due'
 FROM inbound.mail m JOIN inbound.mailbox b ON b.id = m.mailbox_id"""


@dataclass(frozen=True)
class Size:
    """How much happens: different mails and comments over so many seconds; two deaths and a crash every so many."""

    mails: int
    comments: int
    seconds: float
    deaths: float = 8.0
    crashes: float = 18.0


@dataclass(frozen=True)
class Result:
    """What a run came to. unaccounted: what the reconciliations say; early: what left its folder before it was handled;
    left: what lies in a folder and should not, or the other way round; drained: seconds, None if it was not done in time."""

    seed: int
    size: Size
    delivered: int
    kills: Counter[str]
    balance: Balance
    words: Findings
    unaccounted: int
    early: list[str]
    left: list[str]
    human: Human
    seconds: float
    drained: float | None
    last_words: list[str]
    strange: list[Any]
    report: str

    @property
    def clean(self) -> bool:
        """Whether the run is as it must be."""
        wrong = self.unaccounted or self.early or self.left or self.strange or self.human.failed
        return self.balance.clean and self.words.clean and self.drained is not None and not wrong


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
    before = auditor.marks_in_jira(place.stage.sandbox.issues())[1]
    old = {row[1] for row in place.sql(_ROWS)}, boxes.fingerprints(place, BOXES[0].address)
    place.sandbox.parts.faults._chance = random.Random(seed)
    acts.start_faults(place)
    came = arrivals.make(seed, mails=size.mails, seconds=size.seconds, boxes=[box.address for box in BOXES])
    human = Human(place, BOXES[0].address, seed)
    watchmen = [Watchman(place, box, every=0.2) for box in BOXES if box.strategy != "read"]
    began = time.monotonic()
    for thread in (human, *watchmen):
        thread.start()
    sent, senders = stream.pour(place.stage, rooms, seed, 0, size.comments, size.seconds)
    postman = Postman(place, came)
    postman.start()
    storm = plan.storm(seed, size.seconds, deaths=size.deaths, crashes=size.crashes)
    lanes = acts.Lanes(place, storm, say)
    lanes.join(size.seconds + 300)
    for thread in (postman, *senders):
        thread.join(300)
    assert (postman.brought, len(sent.words)) == (len(came), size.comments), "the stream broke off: nothing is proven"
    human.stop()
    place.stage.sandbox.clear_faults()
    over = time.monotonic()
    unaccounted, drained = _drain(place, ids, over)
    for watchman in watchmen:
        watchman.stop()
    rows = _rows(place, old[0])
    touched = Touched(human.taken, human.brought_back)
    issues = place.stage.sandbox.issues()
    in_jira = auditor.marks_in_jira(issues)[0]
    found = balance(came, rows, in_jira, _files(issues), touched)
    words = _words(place, sent, issues, before)
    early = [text for watchman in watchmen for text in watchman.early]
    left = [text for box in BOXES for text in _left(place, box, came, old[1], human)]
    result = Result(
        seed, size, len(came), _kills(storm), found, words, unaccounted, early, left, human, over - began, drained,
        place.last_words, place.stage.sandbox.violations(), "",
    )  # fmt: skip
    return result if result.clean else Result(**{**vars(result), "report": _report(place, result)})


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


def _drain(place: World, ids: dict[str, str], began: float) -> tuple[int, float | None]:
    """Wait until nothing is under way; what the reconciliations say then, and the seconds it took (None: too long)."""
    leap = time.monotonic()
    while True:
        late = time.monotonic() - began > DRAINED
        unaccounted = -1
        try:
            if (not place.waiting() and not _open(place) and place.sandbox.parts.webhooks.idle()) or late:
                unaccounted = sum(_reconciled(place, id) for id in ids.values())
                if late or not (unaccounted or place.waiting() or _open(place)):
                    return unaccounted, None if late else time.monotonic() - began
            elif time.monotonic() - leap > _STEP:
                place.let_time_pass(_LEAP)
                leap = time.monotonic()
        except (ClientError, requests.RequestException, psycopg.Error):
            if late:
                return unaccounted, None
        time.sleep(0.5)


def _open(place: World) -> int:
    """How many mails have no end, or something left to do in their mailbox."""
    return sum(state not in auditor.FINAL or not tidy for _, _, _, state, tidy in place.sql(_ROWS))


def _reconciled(place: World, id: str) -> int:
    """What Mailbridge itself says of a mailbox: how many of its messages are unaccounted for."""
    return int(place.stage.api().post(f"/api/inbound/mailboxes/{id}/reconcile")["unaccounted"])


def _rows(place: World, old: set[str]) -> list[Row]:
    return [Row(box, print_, state, tidy) for box, id, print_, state, tidy in place.sql(_ROWS) if id not in old]


def _files(issues: Sequence[Any]) -> Counter[str]:
    return Counter(str(file["filename"]) for issue in issues for file in issue["attachments"])


def _words(place: World, sent: Sent, issues: Sequence[Any], before: int) -> Findings:
    """What became of the agents' comments: who read them, and how often."""
    letters = [
        auditor.read_letter(reader, letter.raw)
        for reader, found in place.sandbox.parts.post.inboxes().items()
        for letter in found
    ]
    in_jira, unmarked = auditor.marks_in_jira(issues)
    return auditor.audit({}, sent.words, Seen(Counter(), {}, in_jira, unmarked, letters), issues_before=before)


def _left(place: World, box: Box, came: Sequence[Arrival], old: Counter[str], human: Human) -> list[str]:
    """Where handled mail is not where the mailbox's strategy wants it."""
    brought = Counter(one.fingerprint for one in came if one.box == box.address)
    inbox = boxes.fingerprints(place, box.address)
    wanted = {"INBOX": Counter[str]() if box.strategy != "read" else brought}
    if box.strategy == "move":
        wanted[DONE] = brought
    wrong = []
    for name, expected in wanted.items():
        there = inbox if name == "INBOX" else boxes.fingerprints(place, box.address, name)
        if box == BOXES[0]:
            there = Counter({one: times for one, times in (there - old).items() if one not in human.taken})
            expected = Counter({one: times for one, times in expected.items() if one not in human.taken})
        missing, more = (expected - there).total(), (there - expected).total()
        if missing or more:
            wrong.append(f"{box.address} {name}: {missing} are missing, {more} should not be there")
    return wrong


def _kills(storm: Sequence[Sequence[Act]]) -> Counter[str]:
    return Counter(act.name.removesuffix(".2") for lane in storm for act in lane)


def _report(place: World, result: Result) -> str:
    logs = [
        f"{path.stem}: {line[:600]}"
        for path in sorted(place.crew.logs.glob("*.log"))
        for line in path.read_text(errors="replace").splitlines()
        if ('"error"' in line or "Traceback" in line) and "pika" not in line
    ]
    facts = (result.balance, result.words, result.unaccounted, result.early[:10], result.left, result.strange[:5])
    return "\n".join(map(str, (*facts, result.human.failed, place.waiting(), *logs[-20:])))


HEAD = """\
| seed | mails | delivered | kill -9: fetcher | inbound worker | other workers | broker down (killed) | database crashed | human: acts (took away unseen) \
| seconds | drained in | lost | doubled | unaccounted | sent twice |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def line(result: Result) -> str:
    """The run as a row of the table."""
    kills, found, words = result.kills, result.balance, result.words
    broker = kills["rabbitmq restarts"] + kills["rabbitmq is killed"]
    drained = "not in time" if result.drained is None else f"{result.drained:.0f}"
    return (
        f"| {result.seed} | {result.size.mails} | {result.delivered} | {kills['inbound.fetcher']} | {kills['inbound.worker']} "
        f"| {kills['connect.worker'] + kills['outbound.worker']} | {broker} ({kills['rabbitmq is killed']}) "
        f"| {kills['postgresql crashes']} | {result.human.did.total()} ({found.unseen}) | {result.seconds:.0f} | {drained} "
        f"| {len(found.lost) + len(words.lost)} | {len(found.doubled) + len(words.doubled) + words.invented} "
        f"| {len(found.unaccounted) + result.unaccounted + len(result.early) + len(result.left)} | {words.repeats} |"
    )


def main() -> int:
    """All runs; exit code 1 if one of them is not clean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1)
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
                say = lambda text: print(text, flush=True)  # noqa: E731
                result = run(options.seed + number, size, rabbitmq, postgres, folder / str(number), say)
                print(line(result), flush=True)
                if options.table:
                    with options.table.open("a", encoding="utf-8") as table:
                        table.write(line(result) + "\n")
                for words in result.last_words:
                    print(f"  died by itself: {words}", flush=True)
                if not result.clean:
                    failed += 1
                    kept = Path("var") / f"chaos-{result.seed}"
                    shutil.copytree(folder / str(number) / "logs", kept, dirs_exist_ok=True)
                    print(f"{result.report}\nThe logs lie in {kept}.", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
