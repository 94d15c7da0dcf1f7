"""Looking at a folder for somebody who is about to choose: a few small commands, whatever lies there, and nothing changed."""

from typing import Any

from sqlalchemy import Row

from common.crypto import Vault
from common.db import Database
from common.errors import Permanent
from inbound import store_sources
from inbound.mailboxes import preview
from inbound.mailboxes.preview import Meanwhile
from inbound.sources import Account, Count, Place, Source

_PAGES = 20
_CLOCKS = 600.0  # as the fetcher has it: seconds that the mail server's clock and ours may be apart


def looked(
    database: Database, vault: Vault, source: Source, account: Account, stored: Row[Any] | None, body: dict[str, Any]
) -> dict[str, Any]:
    """What the API shows. source: not connected yet, and left connected; stored: the mailbox that is being changed; body: what
    was asked (kind, strategy, move_to, since). Raises as the source does."""
    place = "" if stored is None else store_sources.place_of(stored.id, body["kind"], account)
    opened = source.open(_mark(database, vault, stored, place) if stored is not None else "")
    found = source.overview()
    meanwhile = _meanwhile(database, source, opened, place) if stored is not None else None
    since = None if body["since"] is None or not found.total else source.counted(body["since"])
    return {
        "total": found.total,
        "unread": found.unread,
        "oldest_at": found.oldest_at,
        "would": preview.would(found, body["kind"], body["strategy"], body["move_to"], meanwhile),
        "choices": preview.choices(body["kind"]),
        "since": None if body["since"] is None else preview.counted(body["since"], since or Count(0)),
        "meanwhile": None if meanwhile is None else preview.told(meanwhile),
    }


def _mark(database: Database, vault: Vault, stored: Row[Any], place: str) -> str:
    with database.read() as tx:
        known = store_sources.last_mark(tx, place)
        if known is None:
            return ""
        try:
            return vault.unseal(tx, stored.tenant, known.sealed, store_sources.mark_aad(known.source_id)).decode()
        except Permanent:
            return ""


def _meanwhile(database: Database, source: Source, opened: Place, place: str) -> Meanwhile | None:
    """None for a folder that this mailbox never read."""
    with database.read() as tx:
        known = store_sources.find_source(tx, place, opened.validity)
        first = store_sources.first_connected(tx, place)
    if known is None:
        return None if first is None else Meanwhile(source.counted(first - _CLOCKS), renumbered=True)
    there = source.listed(str(known.baseline)) if opened.ordered else source.changed(_PAGES)
    if there is None:
        return Meanwhile(None)  # only by listing everything
    with database.read() as tx:
        return Meanwhile(Count(len(store_sources.waiting(tx, known, there, ordered=opened.ordered))))
