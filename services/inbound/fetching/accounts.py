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
        self._since = float(numbered.created_at)
        self._id = numbered.id
        self._baseline = int(numbered.baseline)
        self._high = self._baseline
        self._settled: set[str] = set()  # of an unordered source, what is known to be accounted for

    def compare(self) -> Compared:
        """Look at everything that is there: also what an unusual server shows late, and what was asked for since."""
        there = self._source.listed(None)
        with self._database.read() as tx:
            asked = frozenset(store_sources.find_backlog(tx, self._id))
            known = store_ledger.known(tx, self._id, there)
            alone = frozenset[str]() if self._ordered else store_sources.left_alone_of(tx, self._id)
        if alone and there and not alone.intersection(there) and not known:
            alone = self._renamed(there)
        missing = tuple(id for id in there if id in asked or (id not in known and self._ours(id, alone)))
        if not self._ordered:
            self._settled = set(there).difference(missing)
        return Compared(there, missing, tuple(asked.difference(there)))

    def _renamed(self, there: tuple[str, ...]) -> frozenset[str]:
        """Not one message has a name that we know: the server may have given all of them new ones. What lay there before the
        mailbox was connected is no more ours than it was then."""
        recent = frozenset(self._source.since(self._since - _CLOCKS))
        older = frozenset(there).difference(recent)
        with self._database.write() as tx:
            store_sources.leave_alone(tx, self._id, older)
        return older

    def news(self) -> tuple[str, ...]:
        """What came since the last look; cheap."""
        if self._ordered:
            return self._source.listed(str(self._high))
        return tuple(id for id in self._source.listed(None) if id not in self._settled)

    def looked_at(self, ids: tuple[str, ...]) -> None:
        """These were taken, or are gone."""
        if self._ordered:
            self._high = max(self._high, *map(int, ids)) if ids else self._high
        else:
            self._settled.update(ids)

    def _ours(self, id: str, alone: frozenset[str]) -> bool:
        return int(id) > self._baseline if self._ordered else id not in alone
