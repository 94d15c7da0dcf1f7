"""From which message on a mailbox is read: its source's row, made at the first connection; and a backlog chosen anew."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from common import log
from common.db import Database
from inbound import store_ledger, store_sources
from inbound.fetching.entries import read_elsewhere
from inbound.fetching.first_look import start
from inbound.sources import Place, Source

_CLOCKS = 600.0  # seconds that the mail server's clock and ours may be apart

Hold = Callable[[Connection], None]

_log = log.get(__name__)


def numbered(database: Database, hold: Hold, source: Source, place: Place, row: Row[Any], identity: str) -> Row[Any]:
    """The row of the opened source. row: the mailbox; identity: what `store_sources.place_of` says of it; hold: raises unless
    the mailbox is still ours."""
    with database.read() as tx:
        known = store_sources.find_source(tx, identity, place.validity)
        connected_at = store_sources.first_connected(tx, identity)
    if known is None:
        return _begin(database, hold, source, place, row, identity, connected_at)
    if row.backlog_again:
        _choose(database, hold, source, place, row, known)
    return known


def _begin(
    database: Database,
    hold: Hold,
    source: Source,
    place: Place,
    row: Row[Any],
    identity: str,
    connected_at: float | None,
) -> Row[Any]:
    there = source.listed(None)
    ours = _wanted(source, row, there)
    if connected_at is not None:
        # The server has named the messages anew. What came since we first saw the folder may not be in the ledger yet;
        # what is there already is recognised by its fingerprint.
        ours |= set(source.since(connected_at - _CLOCKS))
    begun = start(place, there, ours)
    show = row.backlog == "unread" and connected_at is None and begun.shown
    headers = source.headers(begun.shown) if show else ()
    with database.write() as tx:
        hold(tx)
        added = store_sources.add_source(tx, row.id, identity, place.validity, begun.baseline, begun.backlog)
        if not place.ordered:
            store_sources.leave_alone(tx, added.id, begun.alone)
        store_ledger.record(tx, [read_elsewhere(row, added.id, message) for message in headers], {})
        store_sources.chosen(tx, row.id)
    _log.info("source_added", baseline=begun.baseline, backlog=len(begun.backlog), renumbered=connected_at is not None)
    return added


def _choose(database: Database, hold: Hold, source: Source, place: Place, row: Row[Any], known: Row[Any]) -> None:
    """Take what an admin wants of a folder that is known already. Nothing that was to be taken is left out for it."""
    there = source.listed(None)
    ours = _wanted(source, row, there)
    with database.write() as tx:
        hold(tx)
        recorded = store_ledger.known(tx, known.id, there).difference(store_ledger.read_elsewhere(tx, known.id))
        added = [id for id in there if id in ours and id not in recorded]
        if place.ordered:
            added = [id for id in added if int(id) <= known.baseline]
        store_sources.add_backlog(tx, known.id, added)
        store_sources.chosen(tx, row.id)
    _log.info("backlog_chosen", backlog=len(added))


def _wanted(source: Source, row: Row[Any], there: Sequence[str]) -> set[str]:
    if row.backlog == "all":
        return set(there)
    if row.backlog == "unread":
        return set(source.unread())
    if row.backlog == "since":
        return set(source.since(row.backlog_since or 0.0))
    return set()
