"""Chaos over the seven processes: `python -m tests.chaos.run --runs 20 --seed N --table docs/chaos.md` (`make chaos`).

Each run has a seed of its own (the first one's, counted up), which makes its plan; a run is repeated by `--runs 1 --seed N`.
The waits of minutes (a message that is out, a second sending, a long pause between tries) are shortened by
moving the clocks of what waits, so that what a run takes is the work itself; `--real-time` waits them out.
"""

import argparse
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests

from sandbox.client import ClientError, SandboxClient
from sandbox.servers.postgres import Postgres
from sandbox.servers.rabbitmq import RabbitMQ
from tests.chaos import acts, auditor, stream
from tests.chaos.auditor import Findings, Seen
from tests.chaos.plan import Plan, make
from tests.chaos.stream import Rooms, Sent
from tests.chaos.world import World, world

DRAINED = 180.0  # seconds within which everything must be done once the last fault is over
REAL = 900.0  # the same where no clock is moved: second sendings after five minutes
_STEP = 3.0
_LEAP = 120.0


@dataclass(frozen=True)
class Result:
    """What a run came to. drained: seconds after the last fault; strange: calls that Jira would not have understood."""

    plan: Plan
    findings: Findings
    drained: float | None
    mails: int
    words: int
    letters: int
    died: Counter[str]
    last_words: list[str]
    strange: list[Any]
    report: str

    @property
    def clean(self) -> bool:
        """Whether the run is as it must be."""
        return self.findings.clean and self.drained is not None and not self.strange


def run(
    plan: Plan,
    rabbitmq: RabbitMQ,
    postgres: Postgres,
    folder: Path,
    say: Callable[[str], None] = print,
    *,
    real_time: bool = False,
) -> Result:
    """Play one plan from beginning to end. real_time: wait out the minutes that are shortened otherwise."""
    with world(rabbitmq, postgres, folder) as stage:
        stage.real_time = real_time
        keeper = threading.Thread(target=stage.look_after, daemon=True)
        keeper.start()
        try:
            return _run(plan, stage, say)
        finally:
            stage.stop_looking()
            keeper.join()


def _run(plan: Plan, place: World, say: Callable[[str], None]) -> Result:
    rooms = stream.open_rooms(place.stage)
    before = auditor.marks_in_jira(place.stage.sandbox.issues())[1]
    place.sandbox.parts.faults._chance = random.Random(plan.seed)
    acts.start_faults(place)
    sent, senders = stream.pour(place.stage, rooms, plan.seed, plan.mails, plan.comments, plan.seconds)
    with acts.Lanes(place, [plan.lane(name) for name in ("kill -9", "servers", "edges")], say) as lanes:
        lanes.join(plan.seconds + 240)
    for sender in senders:
        sender.join(120)
    assert (len(sent.mails), len(sent.words)) == (plan.mails, plan.comments), "the stream broke off: nothing is proven"
    place.stage.sandbox.clear_faults()
    place.sandbox.parts.smtp.accept_all()
    began = time.monotonic()
    findings, drained = _drain(place, sent, rooms, plan, before, began)
    letters = sum(len(found) for found in place.sandbox.parts.post.inboxes().values())
    report = "" if findings.clean else _report(place, findings)
    return Result(
        plan, findings, drained, len(sent.mails), len(sent.words), letters, place.died, place.last_words,
        place.stage.sandbox.violations(), report,
    )  # fmt: skip


def _drain(
    place: World, sent: Sent, rooms: Rooms, plan: Plan, before: int, began: float
) -> tuple[Findings, float | None]:
    """Wait until nothing is under way; the findings then, and the seconds it took (None: it did not come to that)."""
    leap = time.monotonic()
    while True:
        late = time.monotonic() - began > (REAL if place.real_time else DRAINED)
        try:
            quiet = place.sandbox.parts.webhooks.idle() and not place.waiting()
            if quiet or late:
                findings = auditor.audit(sent.mails, sent.words, look(place), issues_before=before)
                # Mail that is not in the ledger yet lies in a mailbox whose killed fetcher still counts as alive.
                if findings.clean or late or not (findings.unaccounted or place.waiting()):
                    return findings, None if late else time.monotonic() - began
            elif time.monotonic() - leap > _STEP:
                place.let_time_pass(_LEAP)
                leap = time.monotonic()
        except (ClientError, requests.RequestException, psycopg.Error):
            if late:
                raise
        time.sleep(0.5)


def look(place: World) -> Seen:
    """What the auditor compares, by the ways a stranger has: control API, inboxes, admin API."""
    sandbox = SandboxClient(place.sandbox.url)
    folders = sandbox._json("GET", "/control/mailboxes")
    stored = [mail for folder in folders.values() for mails in folder.values() for mail in mails]
    in_jira, unmarked = auditor.marks_in_jira(sandbox.issues())
    sandbox.close()
    letters = [
        auditor.read_letter(reader, letter.raw)
        for reader, found in place.sandbox.parts.post.inboxes().items()
        for letter in found
    ]
    ledger: dict[str, list[str]] = {}
    for mail in ledger_rows(place):
        ledger.setdefault(str(mail["subject"]), []).append(mail["state"])
    return Seen(Counter(str(mail["subject"]) for mail in stored), ledger, in_jira, unmarked, letters)


def ledger_rows(place: World) -> list[dict[str, Any]]:
    """Every mail of the ledger, page by page."""
    rows: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while True:
        page = place.stage.api().get("/api/inbound/mails", limit=200, **more)
        rows += page["mails"]
        if not page["next"]:
            return rows
        more = {"before": page["next"]}


def _report(place: World, findings: Findings) -> str:
    rows = [row for row in ledger_rows(place) if row["state"] != "handled"]
    logs = [
        f"{path.stem}: {line[:600]}"
        for path in sorted(place.crew.logs.glob("*.log"))
        for line in path.read_text(errors="replace").splitlines()
        if ('"error"' in line or "Traceback" in line) and "pika" not in line
    ]
    return f"{findings}\nledger: {rows[:10]}\nwaiting: {place.waiting()}\n" + "\n".join(logs[-20:])


def line(result: Result) -> str:
    """The run as a row of the table."""
    plan, found = result.plan, result.findings
    drained = "not in time" if result.drained is None else f"{result.drained:.0f} s"
    died = ", ".join(f"{name} × {count}" for name, count in sorted(result.died.items())) or "–"
    return (
        f"| {plan.seed} | {result.mails} | {result.words} | {len(plan.acts)} | {result.letters} | {len(found.lost)} "
        f"| {len(found.doubled)} | {len(found.unaccounted)} | {found.repeats} | {drained} | {died} |"
    )


HEAD = """\
| seed | mails | comments | acts | letters | lost | doubled | unaccounted | sent again | drained in | died by itself |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|
"""


def main() -> int:
    """All runs; exit code 1 if one of them is not clean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--mails", type=int, default=500)
    parser.add_argument("--comments", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=90.0, help="over which a run's mails and comments are spread")
    parser.add_argument("--real-time", action="store_true", help="move no clocks: a run takes ten minutes")
    parser.add_argument("--table", type=Path, help="gets the table's rows appended as they come")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are stopped on the way out
    print(f"seed {options.seed}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="mailbridge-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the servers' account passes through
        with RabbitMQ(folder / "rabbitmq") as rabbitmq, Postgres(folder / "postgres") as postgres:
            for number in range(options.runs):
                plan = make(
                    options.seed + number, mails=options.mails, comments=options.comments,
                    seconds=options.seconds, whole=True,
                )  # fmt: skip
                result = run(
                    plan,
                    rabbitmq,
                    postgres,
                    folder / str(number),
                    lambda text: print(text, flush=True),
                    real_time=options.real_time,
                )
                print(line(result), flush=True)
                if options.table:
                    with options.table.open("a", encoding="utf-8") as table:
                        table.write(line(result) + "\n")
                for words in result.last_words:
                    print(f"  died by itself: {words}", flush=True)
                if not result.clean:
                    failed += 1
                    print(result.report, result.strange[:5], file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
