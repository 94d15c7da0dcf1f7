"""Which messages of a source are accounted for: those in the ledger, and those left alone at connection time."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from common.db import Database
from inbound import store_ledger, store_sources
from inbound.sources import Place, Source

_CLOCKS = 600.0  # seconds that the mail server's clock and ours may be apart
_NAMED = 100  # how many of the missing ids are kept


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison saw. there: every id in the folder; missing: those to be brought into the ledger, in the order of
    `there`; gone: what was to be taken and is not there any more."""

    there: tuple[str, ...]
    missing: tuple[str, ...]
    gone: tuple[str, ...] = ()

    def after(self, later: "Compared") -> dict[str, Any]:
        """The balance, when `later` is what a second look saw after the missing ones were taken: what came in between is
        not counted."""
        seen, left = set(self.there).intersection(later.there), set(self.missing).intersection(later.missing)
        missing = [id for id in self.missing if id in left]
        return {
            "seen": len(seen),
            "accounted": len(seen) - len(missing),
            "unaccounted": len(missing),
            "missing": missing[:_NAMED],
        }


class Accounts:
    """The accounts of one opened source. numbered: its row in the table `source`."""

    def __init__(self, database: Database, source: Source, place: Place, numbered: Row[Any]) -> None:
        self._database = database
        self._source = source
        self._ordered = place.ordered
        self._numbered = numbered
        self._id = numbered.id
        self._high = int(numbered.baseline)
        self._settled: set[str] = set()  # of an unordered source, what is known to be accounted for
        self._open: set[str] = set()  # what the last look found and nobody has taken yet

    def compare(self) -> Compared:
        """Look at everything that is there: also what an unusual server shows late, and what was asked for since."""
        there = self._source.listed(None)
        if not self._ordered and there:
            self._perhaps_renamed(there)
        with self._database.read() as tx:
            asked = frozenset(store_sources.find_backlog(tx, self._id))
            missing = store_sources.waiting(tx, self._numbered, there, ordered=self._ordered)
        if not self._ordered:
            self._settled = set(there).difference(missing)
        self._open = set(missing)
        return Compared(there, missing, tuple(asked.difference(there)))

    def _perhaps_renamed(self, there: tuple[str, ...]) -> None:
        """Not one message has a name that we know: the server may have given all of them new ones. What lay there before the
        mailbox was connected is no more ours than it was then."""
        with self._database.read() as tx:
            alone = store_sources.left_alone_of(tx, self._id)
            if not alone or alone.intersection(there) or store_ledger.known(tx, self._id, there):
                return
        recent = frozenset(self._source.since(float(self._numbered.created_at) - _CLOCKS))
        with self._database.write() as tx:
            store_sources.leave_alone(tx, self._id, frozenset(there).difference(recent))

    def news(self) -> tuple[str, ...]:
        """What came since the last look, or since the mark that the source was opened with; cheap."""
        if self._ordered:
            return self._source.listed(str(self._high))
        changed = self._source.changed()
        if changed is None:
            return self.compare().missing
        found = tuple(id for id in changed if id not in self._settled)
        if found:  # a session that went on from a mark knows of nothing yet
            with self._database.read() as tx:
                missing = store_sources.waiting(tx, self._numbered, found, ordered=False)
            self._settled.update(set(found).difference(missing))
            found = missing
        self._open = set(found)
        return found

    @property
    def mark(self) -> str:
        """What the source can go on from later; "" while something of what it told is not in the ledger, or where it has none."""
        return "" if self._open else self._source.mark

    def looked_at(self, ids: tuple[str, ...]) -> None:
        """These were taken, or are gone."""
        self._open.difference_update(ids)
        if self._ordered:
            self._high = max(self._high, *map(int, ids)) if ids else self._high
        else:
            self._settled.update(ids)
