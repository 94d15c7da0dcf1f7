"""What goes wrong when in one chaos run: a pure function of the seed.

Lanes run beside each other, each one act after the other: processes are killed, servers break, edges are cut.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.fleet import NAMES

SERVERS = (
    "rabbitmq restarts",
    "rabbitmq freezes",
    "rabbitmq's disk is full",
    "rabbitmq comes back empty",
    "postgresql restarts",
    "postgresql freezes",
)
EDGES = ("imap is cut", "imap is cut again", "smtp is cut after the final dot", "the fetcher is paused")

#: Who dies in a storm over the mailboxes, in two lanes so that at times both of a kind are away: two of each that reads or
#: handles mail, and those who share broker and database with them.
CREWS = (
    ("inbound.fetcher", "inbound.worker", "connect.worker"),
    ("inbound.fetcher.2", "inbound.worker.2", "outbound.worker"),
)
STILL = "the workers stand still"
#: Past its heartbeat, so that the other takes its mailboxes before it goes on.
PAUSES = ("inbound.fetcher stands still", "inbound.fetcher.2 stands still")
CRASHES = ("rabbitmq restarts", "rabbitmq is killed", "postgresql crashes", STILL, *PAUSES)
QUICK = ("rabbitmq is killed", "postgresql crashes", STILL)

#: kind → the share of calls to Jira that it hits (or of webhooks), and its seconds.
FAULTS = {
    "timeout_after_write": (0.02, 8.0),
    "500_after_write": (0.01, 0.0),
    "reset_after_write": (0.01, 0.0),
    "reset": (0.02, 0.0),
    "500": (0.01, 0.0),
    "503": (0.01, 1.0),
    "429": (0.02, 1.0),
    "webhook_duplicate": (0.15, 0.0),
    "webhook_reorder": (0.15, 1.0),
}


@dataclass(frozen=True)
class Act:
    """One thing that goes wrong: `at` seconds after the beginning, for `lasts` seconds where that has a meaning."""

    lane: str
    at: float
    name: str
    lasts: float


@dataclass(frozen=True)
class Plan:
    """A run: so many mails and comments spread over `seconds`, and what goes wrong meanwhile."""

    seed: int
    mails: int
    comments: int
    seconds: float
    acts: tuple[Act, ...]

    def lane(self, name: str) -> tuple[Act, ...]:
        """The acts of one lane in their order."""
        return tuple(act for act in self.acts if act.lane == name)


def make(seed: int, *, mails: int, comments: int, seconds: float, whole: bool) -> Plan:
    """The plan of a seed. whole: every act there is; else some of them, drawn."""
    chance = random.Random(seed)
    acts: list[Act] = []
    for lane, names, some in (("kill -9", NAMES, 4), ("servers", SERVERS, 2), ("edges", EDGES, 3)):
        chosen: Sequence[str] = chance.sample(names, len(names) if whole else some)
        slot = 0.9 * seconds / len(chosen)
        for number, name in enumerate(chosen):
            at = 1.0 + slot * (number + chance.uniform(0.0, 0.6))
            acts.append(Act(lane, round(at, 2), name, round(chance.uniform(0.5, 5.0), 2)))
    return Plan(seed, mails, comments, seconds, tuple(acts))


def storm(seed: int, seconds: float, *, deaths: float, crashes: float, whole: bool = True) -> list[list[Act]]:
    """Lanes of random moments: in each of two a process dies every `deaths` seconds or so, in the third a server crashes every
    `crashes` seconds. Everything befalls somebody before it befalls the same again, and once at least. whole: of all CRASHES;
    else of those that do not take long."""
    chance = random.Random(f"storm {seed}")
    # First of all mail comes in, and nobody handles it: what left its mailbox now would have left it too early.
    severe = CRASHES if whole else QUICK
    lanes = [[Act("servers", 1.0, STILL, 3.0)], *([] for _ in CREWS)]
    for acts, lane, names, pause in zip(
        lanes, ("servers", "kill -9", "kill -9"), (severe, *CREWS), (crashes, deaths, deaths), strict=True
    ):
        moments = sorted(chance.uniform(2.0, 0.95 * seconds) for _ in range(max(len(names), round(seconds / pause))))
        waiting: list[str] = []
        for at in moments:
            waiting = waiting or chance.sample(names, len(names))
            acts.append(Act(lane, round(at, 2), waiting.pop(), round(chance.uniform(0.3, 9.0), 2)))
    return lanes
