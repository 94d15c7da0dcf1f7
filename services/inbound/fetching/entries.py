"""A fetched message as a row of the ledger."""

import hashlib
import time
from typing import Any

from sqlalchemy import Row

from common.ids import new_id
from inbound.reading.parse import parse
from inbound.sources import Message
from inbound.store_ledger import READ_ELSEWHERE

SEEN_BEFORE = "Seen before: the same mail is in the ledger already."


def raw_aad(mail_id: str) -> str:
    """What a mail's sealed octets are bound to."""
    return f"mail {mail_id}"


def fingerprint_of(message: Message) -> str | None:
    """What the same octets have in common; None where not all of them were fetched."""
    return hashlib.sha256(message.raw).hexdigest() if message.whole and message.raw else None


def ledger_entry(
    row: Row[Any], source_id: str, message: Message, fingerprint: str | None, earlier: str | None
) -> dict[str, Any]:
    """A new row of the ledger. row: the mailbox; fingerprint: of the octets, None without them; earlier: the mail that has
    the same one."""
    values = _row(row, source_id, message)
    record: dict[str, Any] = {"explanation": []}
    if message.arrived_at is not None and message.arrived_at > row.created_at:
        record["arrived_at"] = message.arrived_at  # what was there before the mailbox was set up did not wait for us
    if message.problem:
        record["problem"] = message.problem
        if message.limit:
            record["limit"] = message.limit
        values["marked"] = not message.raw  # nothing was had of it: in the mailbox it stays unread
    elif row.strategy != "read":
        values["disposal"] = "due"  # what was not had whole stays in the mailbox, whatever becomes of it
    if earlier is not None:
        record = {"explanation": [SEEN_BEFORE], "earlier": earlier}
        ended = {"state": "ignored", "outcome": "none", "reason": SEEN_BEFORE, "handled_at": time.time()}
        return {**values, **ended, "fingerprint": fingerprint, "record": record}
    return {**values, "fingerprint": fingerprint, "record": record}


def brought_again(entry: dict[str, Any], known: Row[Any]) -> dict[str, Any]:
    """The row of a message that is fetched again: the same mail as before, whose sender is not answered twice."""
    answered = known.record.get("answered")
    record = {**entry["record"], "answered": answered} if answered else entry["record"]
    return {**entry, "id": known.id, "record": record}


def read_elsewhere(row: Row[Any], source_id: str, message: Message) -> dict[str, Any]:
    """The row of a message that somebody had read before the mailbox `row` was connected; `message.raw` is its header."""
    mail = parse(message.raw)
    ended = {"state": "ignored", "outcome": "none", "reason": READ_ELSEWHERE, "handled_at": time.time()}
    read = {
        "sender": mail.sender.address.lower()[:320] if mail.sender else None,
        "subject": mail.subject[:1000],
        "message_id": mail.message_id[:1000],
    }
    record = {"explanation": [READ_ELSEWHERE]}
    return {**_row(row, source_id, message), **ended, **read, "record": record, "marked": True}


def _row(row: Row[Any], source_id: str, message: Message) -> dict[str, Any]:
    return {
        "id": new_id(),
        "tenant": row.tenant,
        "mailbox_id": row.id,
        "source_id": source_id,
        "remote_id": message.id,
        "fingerprint": None,
        "size": message.size or len(message.raw),
        "state": "received",
        "outcome": None,
        "reason": None,
        "attempts": 0,
        "unfinished": 0,
        "handled_at": None,
        "sender": None,
        "subject": None,
        "message_id": None,
        "record": {},
        "marked": False,
        "disposal": None,
    }
