"""Marks: what a session with a mailbox goes on from when the one before ended: a restart does not list everything anew.

A mark is kept when all that it stands behind is in the ledger, in a transaction of its own after theirs: a crash in between
leaves the mark before it, and what that tells again is known by then. It is sealed, for Graph's link holds a token.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from common.crypto import Vault
from common.db import Database
from common.errors import Permanent
from inbound import store_sources
from inbound.store_sources import mark_aad

_QUIET = 600.0  # seconds after which a newer mark is kept though nothing came: an older one only tells more


@dataclass(frozen=True, slots=True)
class GoesOn:
    """What to open a source with; age: seconds since the whole folder was compared with the ledger."""

    mark: str = field(repr=False)
    age: float


class Marks:
    """The mark of one mailbox's source. hold: raises unless the mailbox is still ours."""

    def __init__(self, database: Database, vault: Vault, hold: Callable[[Connection], None]) -> None:
        self._database = database
        self._vault = vault
        self._hold = hold
        self._kept = ""
        self._kept_at = float("-inf")

    def find(self, row: Row[Any], place: str, most: float) -> GoesOn | None:
        """What a session of the mailbox `row` goes on from; None: it has to look at everything first."""
        with self._database.read() as tx:
            found = store_sources.find_mark(tx, row, place, most)
            if found is None:
                return None
            mark, age = found
            try:
                text = self._vault.unseal(tx, row.tenant, mark.sealed, mark_aad(mark.source_id)).decode()
            except Permanent:
                return None  # of another key: everything is there to be seen anew
        return GoesOn(text, age)

    def keep(self, row: Row[Any], source_id: str, mark: str, *, now: bool) -> None:
        """Remember this one; "" is none. now: something came, so it should not be told again."""
        if not mark or mark == self._kept or not (now or time.monotonic() - self._kept_at > _QUIET):
            return
        with self._database.write() as tx:
            self._hold(tx)
            sealed = self._vault.seal(tx, row.tenant, mark.encode(), mark_aad(source_id))
            store_sources.set_mark(tx, source_id, sealed)
        self._kept, self._kept_at = mark, time.monotonic()
