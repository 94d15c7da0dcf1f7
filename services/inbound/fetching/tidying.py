"""What is done in the mailbox with mail that is in the ledger: marked read at once; deleted or moved when it is handled."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row

from common.db import Database
from inbound import store_ledger
from inbound.sources import MARK, Disposal, Source

READ_ONLY = "The folder can only be read, so handled mail stays in it as it is."


def tidy(database: Database, hold: Callable[[Connection], None], source: Source, row: Row[Any], source_id: str) -> None:
    """Do what is due: with this session's mails, and with those of one that was cut short. row: the mailbox.

    The mailbox comes first and the ledger's note of it after: what a crash leaves in between is only done again.
    """
    waits = row.strategy != "read"
    with database.read() as tx:
        unmarked = store_ledger.unmarked(tx, source_id, wait=waits)
        disposable = store_ledger.disposable(tx, source_id) if waits else []
    if unmarked:
        source.done(unmarked, MARK)
        with database.write() as tx:
            hold(tx)
            store_ledger.set_marked(tx, source_id, unmarked)
    if disposable:
        source.done(disposable, Disposal(row.strategy, row.move_to or ""))
        with database.write() as tx:
            hold(tx)
            store_ledger.set_marked(tx, source_id, disposable, "done")
