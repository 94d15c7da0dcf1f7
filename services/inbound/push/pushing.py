"""Mail that somebody brings to us: by HTTP from a mail server's pipe, or as a provider's webhook.

Nobody reads these mailboxes: what is taken here exists nowhere else. So a mail is in the ledger, its octets sealed and its
message in the outbox, before the caller hears that it was taken; what cannot be taken is refused, and the caller keeps it or
tells its sender.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from common import log, metrics
from common.crypto import Vault
from common.db import Database
from common.outbox import Outbox
from common.problems import Problem
from inbound import store_ledger, store_push
from inbound.config import Config
from inbound.fetching.entries import fingerprint_of, ledger_entry, raw_aad
from inbound.sources import Message, batches
from inbound.sources.opening import secret_aad
from inbound.tables import data_key, outbox

PIPE = "pipe"
_MOST_HEADER = 256 * 1024
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Entrance:
    """A mailbox that the caller may push to. via: "pipe" or a provider's name; key: what the provider's calls are verified
    with, or "" where it has none; limit: octets that a mail may have."""

    row: Row[Any]
    via: str
    key: str
    limit: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The mail's id; new: whether it was not there before; too_large: only its header was recorded."""

    mail: str
    new: bool
    too_large: bool = False


class Pushing:
    """Who may push, and taking what was pushed. Safe to share between threads."""

    def __init__(self, config: Config, database: Database) -> None:
        self._config = config
        self._database = database
        self._vault = Vault(config.settings.master_key, data_key)
        self._outbox = Outbox(database, outbox)

    @property
    def most(self) -> int:
        """Octets that a mail may have in any mailbox: what the operator allows."""
        return self._config.max_mail_bytes

    def new_token(self, row: Row[Any], via: str, key: str) -> str:
        """A token for the mailbox; the one before opens nothing any more. It is told here and never again."""
        token = secrets.token_urlsafe(32)
        with self._database.write() as tx:
            way = json.dumps({"via": via, "key": key}).encode()
            sealed = self._vault.seal(tx, row.tenant, way, secret_aad(row.id))
            store_push.set_token(tx, row.id, _hash(token), sealed)
        return token

    def entrance(self, mailbox_id: str, token: str, via: str) -> Entrance:
        """The mailbox that this token opens for mail by this way. Problem 401 for any other token, whatever the reason; 503
        while the mailbox is switched off: the mail is to be kept and brought again."""
        with self._database.read() as tx:
            row = store_push.entrance(tx, mailbox_id)
            if row is None or not hmac.compare_digest(row.push_hash or "", _hash(token)):
                raise Problem(
                    401, detail="This is not the push token of a mailbox: make a new one on the mailbox's page."
                )
            way = json.loads(self._vault.unseal(tx, row.tenant, row.secret, secret_aad(row.id)))
        if way["via"] != via:
            raise Problem(401, detail=f"This push token is for mail by {way['via']}: make one for {via}.")
        if not row.enabled:
            raise Problem(503, detail="This mailbox is switched off: bring the mail again later.", headers=_LATER)
        limit = min(row.max_bytes or self._config.max_mail_bytes, self._config.max_mail_bytes)
        return Entrance(row, via, way["key"], limit)

    def take(
        self,
        door: Entrance,
        raw: bytes,
        *,
        size: int | None = None,
        name: str = "",
        vouched: Mapping[str, str] | None = None,
    ) -> Taken:
        """Bring a mail into the ledger, once.

        size: octets that it has, if more than `raw`, which is its beginning then. name: what the provider calls it, the same
        each time it brings it. vouched: what the provider's signed call says of the sender.
        """
        size = max(size or 0, len(raw))
        too_large = size > door.limit
        if too_large:
            problem = f"The mail is too large. {batches.too_large(size, door.limit)} Only its header was recorded."
            message = Message("", size, header_of(raw), problem, limit=door.limit)
        else:
            message = Message("", size, raw)
        if not message.raw.strip():
            raise Problem(422, detail="There is no mail in this request.")
        digest = hashlib.sha256(message.raw).hexdigest()
        # Of a mail that is too large nobody has the fingerprint: its header and size tell it.
        remote_id = f"{door.via}-{name}"[:500] if name else f"{size}-{digest}" if too_large else digest
        taken = self._record(door, message, remote_id, dict(vouched or {}))
        if taken.new:
            metrics.MAIL_RECEIVED.inc()
        with log.bind(mail=taken.mail, tenant=door.row.tenant):
            _log.info("mail_pushed", via=door.via, new=taken.new, size=size, too_large=too_large)
        return Taken(taken.mail, taken.new, too_large)

    def _record(self, door: Entrance, message: Message, remote_id: str, vouched: dict[str, str]) -> Taken:
        row, fingerprint = door.row, fingerprint_of(message)
        with self._database.write() as tx:
            source_id = store_push.source_of(tx, row.id)
            earlier = store_push.known(tx, source_id, remote_id)
            if earlier is None and fingerprint:
                earlier = store_ledger.seen_before(tx, row.id, [fingerprint]).get(fingerprint)
            store_push.heard(tx, row.id)
            if earlier is not None:
                return Taken(earlier, False)
            entry = ledger_entry(row, source_id, message, fingerprint, None)
            record = {**entry["record"], "via": door.via, **({"vouched": vouched} if vouched else {})}
            entry = {**entry, "remote_id": remote_id, "record": record, "marked": True, "disposal": None}
            sealed = self._vault.seal(tx, row.tenant, message.raw, raw_aad(entry["id"]))
            if not store_ledger.record(tx, [entry], {entry["id"]: sealed}):
                # Another process took the same one at this moment.
                return Taken(store_push.known(tx, source_id, remote_id) or entry["id"], False)
            self._outbox.put(tx, "mail.received", row.tenant, {"mail": entry["id"], "size": len(message.raw)})
        return Taken(entry["id"], True)


def header_of(raw: bytes) -> bytes:
    """The header block, as far as it is within the first 256 KiB."""
    ends = [at + len(gap) for gap in (b"\r\n\r\n", b"\n\n") if (at := raw.find(gap, 0, _MOST_HEADER)) >= 0]
    return raw[: min(ends, default=_MOST_HEADER)]


_LATER = {"Retry-After": "300"}


def _hash(token: str) -> str:
    """Tokens are 256 bits of chance: one round of SHA-256 keeps them."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
