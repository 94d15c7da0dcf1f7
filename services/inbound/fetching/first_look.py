"""Which of the messages that lie in a folder at connection time are to be taken. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from inbound.sources import Place

SHOWN = 200
"""How many of the read messages at connection time get a row of their own; the others are accounted for without one."""


@dataclass(frozen=True, slots=True)
class Start:
    """backlog: to be taken of what is there; alone: there, and not ours (oldest first); baseline: of an ordered source, the
    highest number that this is about, else 0."""

    baseline: int
    backlog: tuple[str, ...]
    alone: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The newest of those left alone."""
        return self.alone[-SHOWN:]


def start(place: Place, there: Sequence[str], ours: Collection[str]) -> Start:
    """there: every id in the folder, listed after it was opened; ours: those wanted by the mailbox's backlog."""
    # What came between opening and listing is above what the server told then, and new.
    old = [id for id in there if not place.ordered or int(id) <= int(place.last)]
    # Some servers' next number is not to be believed: the highest that is there hides nothing that comes.
    baseline = max(map(int, old), default=0) if place.ordered else 0
    wanted = frozenset(ours)
    return Start(baseline, tuple(id for id in old if id in wanted), tuple(id for id in old if id not in wanted))
