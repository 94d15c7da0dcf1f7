"""What a run over the mailboxes came to, and how it is told: a row of a table."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.auditor import Findings
from tests.chaos.balance import Balance
from tests.chaos.human import Human
from tests.chaos.plan import Act


@dataclass(frozen=True)
class Size:
    """How much happens: different mails and comments over so many seconds; two deaths and a crash every so many.

    whole: also what takes its time (`plan.storm`).
    """

    mails: int
    comments: int
    seconds: float
    deaths: float = 8.0
    crashes: float = 12.0
    whole: bool = True


@dataclass(frozen=True)
class Result:
    """What a run came to.

    unaccounted: what the reconciliations say. early: what left its folder before it was handled; left: where a folder holds what
    it should not, or not what it should. drained: seconds, None if it was not done in time. errors: what was logged as such.
    """

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
    errors: Counter[str]
    strange: list[Any]
    report: str

    @property
    def clean(self) -> bool:
        """Whether the run is as it must be."""
        wrong = self.unaccounted or self.early or self.left or self.strange or self.human.failed
        return self.balance.clean and self.words.clean and self.drained is not None and not wrong


HEAD = """\
| seed | mails | delivered | kill -9: fetcher | inbound worker | other workers | stood still | broker down (killed) | database crashed \
| human: acts (took away unseen) | seconds | drained in | lost | doubled | unaccounted | sent twice |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def line(result: Result) -> str:
    """The run as a row of the table."""
    kills, found, words = result.kills, result.balance, result.words
    broker = kills["rabbitmq restarts"] + kills["rabbitmq is killed"]
    still = sum(times for name, times in kills.items() if "still" in name)
    drained = "not in time" if result.drained is None else f"{result.drained:.0f}"
    return (
        f"| {result.seed} | {result.size.mails} | {result.delivered} | {kills['inbound.fetcher']} | {kills['inbound.worker']} "
        f"| {kills['connect.worker'] + kills['outbound.worker']} | {still} | {broker} ({kills['rabbitmq is killed']}) "
        f"| {kills['postgresql crashes']} | {result.human.did.total()} ({found.unseen}) | {result.seconds:.0f} | {drained} "
        f"| {len(found.lost) + len(words.lost)} | {len(found.doubled) + len(words.doubled) + words.invented} "
        f"| {len(found.unaccounted) + result.unaccounted + len(result.early) + len(result.left)} | {words.repeats} |"
    )


def kills_of(storm: Sequence[Sequence[Act]]) -> Counter[str]:
    """How often each act; both of a kind count as one."""
    return Counter(act.name.removesuffix(".2") for lane in storm for act in lane)


def errors_in(logs: Path) -> Counter[str]:
    """What the processes logged as errors, by event: a fault of the world is none, so each is worth a look."""
    found: Counter[str] = Counter()
    for path in logs.glob("*.log"):
        for text in path.read_text(errors="replace").splitlines():
            if '"level": "error"' in text:
                found[f"{path.stem.removesuffix('.2')}: {_event(text)}"] += 1
    return found


def _event(text: str) -> str:
    try:
        return str(json.loads(text)["event"]).splitlines()[0][:120]
    except (ValueError, KeyError, IndexError):  # whoever wrote it was killed within the line
        return text[:120]
