"""Erasing a person: their mails, what others' mails say of them, their address in the ledger; outbound is told to do the same.

Asking writes the receipt; a worker does it, mail by mail, and writes down what it erased. What stays: that a mail came and what
became of it, hashes of Message-IDs (no address can be had from them), and what is in Jira, which is Jira's.
"""

import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from common import log
from common.crypto import Vault, derive
from common.db import Database
from common.errors import Permanent
from common.messages import Message
from common.outbox import Outbox
from common.problems import Problem
from inbound import store_erasing, store_keeping, store_ledger
from inbound.fetching.entries import raw_aad
from inbound.privacy import mentions

COUNTS = ("mails", "contents", "rows")
_SENTENCE = "What this mail said and who wrote it was erased: its sender asked for it."
_BATCH = 50
_AT_A_TIME = 20.0  # seconds; then other work has its turn
_OPEN_PAUSE = 30.0
_log = log.get(__name__)


class Erasing:
    """`ask` for the page, `on_due` for a worker."""

    def __init__(self, database: Database, outbox: Outbox, vault: Vault, master: bytes) -> None:
        self._database = database
        self._outbox = outbox
        self._vault = vault
        self._key = derive(master, "mailbridge inbound erasures")

    def ask(self, tenant: str, asked_by: str, address: str) -> Row[Any]:
        """The receipt of an erasure that begins now; Problem 422 for an address that is one of the mailboxes' own."""
        address = address.strip().lower()
        with self._database.write() as tx:
            if name := store_erasing.mailbox_with(tx, tenant, address):
                sentence = f"This is the address of the mailbox {name}: delete that mailbox first."
                raise Problem(422, errors={"address": [sentence]})
            receipt = store_erasing.ask(tx, tenant, self._hash(tenant, address), asked_by)
            body = {"erasure": receipt.id, "address": address}
            self._outbox.put(tx, "erasure.due", tenant, body)
            self._outbox.put(tx, "person.erased", tenant, body)
        _log.info("erasure_asked", erasure=receipt.id)
        return receipt

    def on_due(self, message: Message) -> None:
        """Go on with an erasure for a while. Doing a part of it twice is doing it once."""
        with self._database.write() as tx:
            receipt = store_erasing.find(tx, message.tenant, str(message.body["erasure"]))
            if not self._outbox.still_out(tx, message.id):
                return
            if receipt is None or receipt.done_at is not None:
                self._outbox.done(tx, message.id)
                return
        self._go_on(message, receipt, dict(receipt.counts or {}), str(message.body["address"]))

    def _go_on(self, message: Message, receipt: Row[Any], counts: dict[str, Any], address: str) -> None:
        end = time.monotonic() + _AT_A_TIME
        while True:
            rows = self._next(receipt, counts)
            done, pause = not rows, 0.0
            if not done:
                left = self._erase(receipt, rows, counts, address)
                # Mails at work come to their end first; they are looked at again when all others are done.
                if counts.get("listed"):
                    done, pause = not left, _OPEN_PAUSE
                    counts["open"] = left
                else:
                    counts["open"] = [*counts.get("open", []), *left]
                    counts["after"] = rows[-1].id
            elif not counts.get("listed"):
                counts["listed"] = True
                done = not counts.get("open")
            with self._database.write() as tx:
                store_erasing.progress(tx, receipt.id, counts, done=done)
                if done:
                    self._outbox.done(tx, message.id)
                elif pause or time.monotonic() > end:
                    self._outbox.postpone(tx, message.id, pause)
            if done:
                _log.info("person_erased", erasure=receipt.id, **{name: counts.get(name, 0) for name in COUNTS})
            if done or pause or time.monotonic() > end:
                return

    def _next(self, receipt: Row[Any], counts: dict[str, Any]) -> Sequence[Row[Any]]:
        with self._database.read() as tx:
            if counts.get("listed"):
                return store_erasing.these(tx, counts.get("open", []))
            after = counts.get("after", "")
            return store_erasing.next_mails(tx, receipt.tenant, after, receipt.asked_at, _BATCH)

    def _erase(self, receipt: Row[Any], rows: Sequence[Row[Any]], counts: dict[str, Any], address: str) -> list[str]:
        """Erase what these mails have of the person; returns those that are still at work."""
        left = [row.id for row in rows if row.state in store_ledger.OPEN]
        ended = [row for row in rows if row.state not in store_ledger.OPEN]
        own = [row.id for row in ended if (row.sender or "") == address[:320] or self._is_from(row, address)]
        others = [row for row in ended if row.id not in own]
        naming = [row.id for row in others if self._names(row, address)]
        wanted = mentions.pattern(address)
        with self._database.write() as tx:
            store_keeping.forget(tx, own, _SENTENCE)
            dropped = store_keeping.drop_content(tx, naming) if naming else 0
            scrubbed = sum(store_erasing.scrub(tx, row, wanted) for row in others)
        for name, number in zip(COUNTS, (len(own), dropped, scrubbed), strict=True):
            counts[name] = counts.get(name, 0) + number
        return left

    def _is_from(self, row: Row[Any], address: str) -> bool:
        """Whether a mail that was never read (quarantined) is from them."""
        if row.sender is not None:
            return False
        raw = self._raw(row)
        return raw is not None and mentions.is_from(raw, address)

    def _names(self, row: Row[Any], address: str) -> bool:
        raw = self._raw(row)
        return raw is not None and mentions.in_mail(raw, address)

    def _raw(self, row: Row[Any]) -> bytes | None:
        with self._database.read() as tx:
            sealed = store_ledger.sealed_raw(tx, row.id)
            try:
                return None if sealed is None else self._vault.unseal(tx, row.tenant, sealed, raw_aad(row.id))
            except Permanent:
                return None  # what nobody can unseal says nothing of anybody

    def _hash(self, tenant: str, address: str) -> str:
        return hmac.digest(self._key, f"{tenant}\0{address}".encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
