"""A person asked to be forgotten: their address goes from what outbound keeps, and nothing more is sent to them.

What stays is that something was sent, when and about which issue, and of a suppression its hash: so that somebody who wants no
mail does not get some again for having been forgotten. Letters that are being made still name them until they are sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update

from common import log
from common.db import Database
from common.messages import Message
from outbound import store
from outbound.facts import Recipient
from outbound.marks import Marks
from outbound.sealing import Sealing
from outbound.store_letters import UNSENT
from outbound.tables import admin_letter, delivery, participant, person

ERASED = "This person was erased."

_LETTERS = {"deliveries": delivery, "admin_letters": admin_letter}
_BATCH = 500
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Erasure:
    """The handler of `person.erased`; the second time it changes nothing."""

    database: Database
    sealing: Sealing
    marks: Marks

    def on_erased(self, message: Message) -> None:
        """Forget the address in the body."""
        address = message.body.get("address")
        if not isinstance(address, str) or "@" not in address:
            _log.error("erasure_without_address", message=message.id)
            return
        mark = self.marks.of(message.tenant, address)
        counts = {name: self._forget_letters(table, message.tenant, mark) for name, table in _LETTERS.items()}
        with self.database.write() as tx:
            counts |= _forget_people(tx, message.tenant, mark)
            counts["told"] = self._forget_told(tx, message.tenant, address)
        _log.info("person_erased", **counts)

    def _forget_letters(self, table: Table, tenant: str, mark: str) -> int:
        forgotten, some = 0, _BATCH
        while some == _BATCH:
            with self.database.write() as tx:
                some = self._forget_some(tx, table, tenant, mark)
            forgotten += some
        return forgotten

    def _forget_some(self, tx: Connection, table: Table, tenant: str, mark: str) -> int:
        theirs = (table.c.tenant == tenant, table.c.recipient_hash == mark)
        rows = tx.execute(select(table.c.id, table.c.state).where(*theirs).limit(_BATCH)).all()
        nobody = Recipient(kind="address", name="", address="", account_id=None)
        for row in rows:
            values: dict[str, Any] = {
                "recipient": self.sealing.recipient(tx, tenant, row.id, nobody),
                "recipient_hash": "",
            }
            if row.state in UNSENT:
                values |= {"state": "skipped", "claim_until": None, "reason": ERASED}
            tx.execute(update(table).where(table.c.id == row.id).values(**values))
        return len(rows)

    def _forget_told(self, tx: Connection, tenant: str, address: str) -> int:
        sender = store.sender_of(tx, tenant)
        told = self.sealing.read_told(tx, tenant, sender.told) if sender is not None else []
        left = [one for one in told if one.lower() != address.strip().lower()]
        if len(left) < len(told):
            store.set_told(tx, tenant, self.sealing.told(tx, tenant, left))
        return len(told) - len(left)


def _forget_people(tx: Connection, tenant: str, mark: str) -> Mapping[str, int]:
    people = delete(person).where(person.c.tenant == tenant, person.c.address_hash == mark)
    others = delete(participant).where(participant.c.tenant == tenant, participant.c.address_hash == mark)
    return {"people": tx.execute(people).rowcount, "participants": tx.execute(others).rowcount}
