"""Bringing messages of a source into the ledger, batch by batch, each in one transaction."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from common import log, metrics
from common.crypto import Vault
from common.db import Database
from common.errors import Fault, Temporary
from common.outbox import Outbox
from inbound import store_ledger, store_sources
from inbound.fetching.entries import brought_again, fingerprint_of, ledger_entry, raw_aad
from inbound.sources import Message, Source

# Recorded without their content, and wanted now.
_ASKED = (store_ledger.READ_ELSEWHERE, store_ledger.ASKED_FOR, store_ledger.ASKED_AGAIN)
_STUMBLES = 2
_UNFETCHABLE = "The mail server broke off each time this message was fetched, so it was left in the mailbox."

_log = log.get(__name__)


class Taking:
    """Takes the mail of one mailbox, over one connection after the other.

    hold: raises unless the mailbox is still ours; keeps others from taking it until the transaction ends.
    """

    def __init__(
        self, database: Database, vault: Vault, outbox: Outbox, hold: Callable[[Connection], None], max_bytes: int
    ) -> None:
        self._database = database
        self._vault = vault
        self._outbox = outbox
        self._hold = hold
        self._most = max_bytes
        self._stumbles = 0  # faults in a row while fetching, without a message in between
        self.left = 0  # messages still to be taken of those last asked for

    def take(
        self, source: Source, row: Row[Any], source_id: str, ids: Sequence[str], stopped: Callable[[], bool]
    ) -> tuple[str, ...]:
        """Bring these messages into the ledger; returns the ids that were looked at.

        A message at which the connection breaks again and again would keep all later ones out: they are taken one by one
        then, and the one that breaks it is at last recorded without its content.
        """
        rest = list(ids)
        self.left = len(rest)
        most = min(row.max_bytes or self._most, self._most)
        while rest and not stopped():
            if self._stumbles >= 2 * _STUMBLES:
                self._record(row, source_id, [Message(rest[0], 0, b"", _UNFETCHABLE)])
                self._stumbles, part = _STUMBLES, rest[:1]
                self.left -= 1
            else:
                part = rest[:1] if self._stumbles >= _STUMBLES else rest
                self._take_part(source, row, source_id, part, most, stopped)
            rest = rest[len(part) :]
        if not rest:
            self._stumbles = self.left = 0  # what is gone from the mailbox was counted, and never came
        return tuple(ids[: len(ids) - len(rest)])

    def _take_part(
        self,
        source: Source,
        row: Row[Any],
        source_id: str,
        ids: Sequence[str],
        most: int,
        stopped: Callable[[], bool],
    ) -> None:
        try:
            for batch in source.messages(ids, most):
                new = self._record(row, source_id, batch)
                metrics.MAIL_RECEIVED.inc(new)
                self.left -= len(batch)
                _log.info("batch_recorded", messages=len(batch), new=new)
                self._stumbles = min(self._stumbles, _STUMBLES)
                if stopped():
                    return
        except Fault as fault:
            # A server that asks for patience says nothing about the message.
            if not (isinstance(fault, Temporary) and fault.retry_after is not None):
                self._stumbles += 1
            raise

    def _record(self, row: Row[Any], source_id: str, batch: Sequence[Message]) -> int:
        prints = {message.id: fingerprint_of(message) for message in batch}
        with self._database.write() as tx:
            self._hold(tx)
            there = store_ledger.find_remote(tx, source_id, (message.id for message in batch))
            earlier = store_ledger.seen_before(tx, row.id, (text for text in prints.values() if text))
            rows, sealed, filled = [], {}, []
            for message in batch:
                known = there.get(message.id)
                if known is not None and known.reason not in _ASKED:
                    continue
                fingerprint = prints[message.id]
                entry = ledger_entry(row, source_id, message, fingerprint, earlier.get(fingerprint or ""))
                if known is None:
                    rows.append(entry)
                else:
                    entry = brought_again(entry, known)
                    filled.append(entry)
                if entry["state"] == "received":
                    sealed[entry["id"]] = self._vault.seal(tx, row.tenant, message.raw, raw_aad(entry["id"]))
                    if fingerprint:
                        earlier[fingerprint] = entry["id"]
            new = set(store_ledger.record(tx, rows, sealed))
            for entry in filled:
                store_ledger.fill(tx, entry["id"], entry, sealed.get(entry["id"]))
                new.add(entry["id"])
            bodies = [{"mail": id, "size": len(octets)} for id, octets in sealed.items() if id in new]
            self._outbox.put_all(tx, "mail.received", row.tenant, bodies)
            store_sources.advance(tx, source_id, [message.id for message in batch])
        return len(new)
