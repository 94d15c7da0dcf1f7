"""A comparison of a folder with the ledger for somebody who waits: the fetcher that owns the mailbox makes it."""

import time
from typing import Any

from common.db import Database
from inbound import store_sources

_TURN = 0.25


def reconcile(database: Database, mailbox_id: str, patience: float) -> dict[str, Any] | None:
    """What a comparison that begins from now on finds (seen, accounted, unaccounted, missing, at); None if there is no answer
    within `patience` seconds: then it stands with the mailbox when it is made."""
    with database.write() as tx:
        asked = store_sources.ask(tx, mailbox_id)
    until = time.monotonic() + patience
    while True:
        with database.read() as tx:
            row = store_sources.settings(tx, mailbox_id)
        if row.reconciled is not None and row.reconciled["at"] >= asked and row.asked_at != asked:
            return dict(row.reconciled)
        if time.monotonic() > until:
            return None
        time.sleep(_TURN)
