"""An admin has to do something about a mailbox: outbound is told, in the transaction that makes it so, and writes to them.

Outbound does not know our mailboxes: what the letter says is in the message, and which addresses it must not go to.
"""

from typing import Any, Literal

from sqlalchemy import Connection, Row

from common.outbox import Outbox
from inbound import store_notices

TOPIC = "admin.notice"

_LONGEST = 1000
_MOST_ADDRESSES = 500


def tell(
    tx: Connection,
    post: Outbox,
    row: Row[Any],
    kind: Literal["reconnect", "expiring", "trouble"],
    reason: str,
    remedy: str = "",
    *,
    days: int | None = None,
) -> None:
    """Tell of the mailbox `row`. reason, remedy: sentences for an admin; days: whole days left until its secret ends."""
    body = {
        "kind": kind,
        "mailbox": row.id,
        "name": row.name,
        "address": row.address,
        "account_id": row.connected_by,
        "reason": reason[:_LONGEST],
        "remedy": remedy[:_LONGEST],
        "days": days,
        "at": store_notices.clock(tx),
        "own": store_notices.own_addresses(tx, row.tenant, _MOST_ADDRESSES),
    }
    post.put(tx, TOPIC, row.tenant, body)
