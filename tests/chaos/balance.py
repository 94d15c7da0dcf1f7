"""Balances what arrived in the mailboxes with the ledger and with Jira. Pure; shares no code with the services.

Mails are told apart by their octets (SHA-256), whatever the ledger read in them.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.arrivals import Arrival

_ENDS = frozenset({"handled", "ignored"})


@dataclass(frozen=True)
class Row:
    """A row of the ledger. tidy: what is due in the mailbox is done."""

    box: str
    fingerprint: str | None
    state: str
    tidy: bool


@dataclass(frozen=True)
class Touched:
    """What people took out of a mailbox, and how often they put it back, by fingerprint."""

    taken: Collection[str] = ()
    brought_back: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Balance:
    """What is wrong, and `unseen`: mails that people took away before Mailbridge saw them."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)
    unseen: int = 0

    @property
    def clean(self) -> bool:
        """Nothing lost, doubled or unaccounted."""
        return not (self.lost or self.doubled or self.unaccounted)


def balance(
    arrivals: Sequence[Arrival],
    rows: Sequence[Row],
    in_jira: Mapping[str, int],
    files: Mapping[str, int],
    touched: Touched,
) -> Balance:
    """in_jira: how often each mark, files: how often each file's name stands in Jira; rows: the ledger's, of these mailboxes."""
    found = Balance()
    ledger: dict[tuple[str, str | None], list[Row]] = defaultdict(list)
    for row in rows:
        ledger[row.box, row.fingerprint].append(row)
    came = Counter((one.box, one.fingerprint) for one in arrivals)
    _rows_of_each(found, came, ledger, touched)
    marks: dict[str, list[Arrival]] = defaultdict(list)
    for one in arrivals:
        marks[one.mark].append(one)
    for mark, copies in marks.items():
        mine = [row for key in {(one.box, one.fingerprint) for one in copies} for row in ledger[key]]
        if not mine and all(one.fingerprint in touched.taken for one in copies):
            found.unseen += 1
            if in_jira.get(mark, 0):
                found.unaccounted.append(f"{mark} is in Jira and not in the ledger")
            continue
        _once(found, mark, [row.state for row in mine], in_jira.get(mark, 0))
        for name in copies[0].files:
            _counted(found, f"{name} of {mark}", files.get(name, 0))
    return found


def _rows_of_each(
    found: Balance,
    came: Mapping[tuple[str, str], int],
    ledger: Mapping[tuple[str, str | None], Sequence[Row]],
    touched: Touched,
) -> None:
    """Each message has one row, with an end, and nothing is left to do with it in its mailbox."""
    for (box, fingerprint), times in came.items():
        rows = ledger.get((box, fingerprint), ())
        # Of a message that people took away there may be no row; one that came back is another message.
        least = 0 if fingerprint in touched.taken else times
        most = times + touched.brought_back.get(fingerprint, 0)
        if not least <= len(rows) <= most:
            found.unaccounted.append(f"{box} {fingerprint[:12]} came {times} times and has {len(rows)} rows")
        for row in rows:
            if row.state not in _ENDS or not row.tidy:
                left = "" if row.tidy else ", and something is left to do in the mailbox"
                found.unaccounted.append(f"{box} {fingerprint[:12]} is {row.state}{left}")
    for (box, named), rows in ledger.items():
        if named is None or (box, named) not in came:
            found.unaccounted.append(f"{box} {named}: {len(rows)} rows of what never came")


def _once(found: Balance, mark: str, states: Sequence[str], times: int) -> None:
    handled = states.count("handled")
    if handled != 1:
        found.unaccounted.append(f"{mark} was handled {handled} times: {', '.join(states) or 'not in the ledger'}")
    _counted(found, mark, times)


def _counted(found: Balance, what: str, times: int) -> None:
    if times == 0:
        found.lost.append(what)
    elif times > 1:
        found.doubled.append(f"{what} is {times} times in Jira")
