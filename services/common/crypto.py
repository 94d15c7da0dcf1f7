"""Secrets at rest: AES-256-GCM values, and a data key per tenant that the master key wraps.

A sealed value is `version octet, 12-octet nonce, ciphertext and tag`. The data key of a tenant stands in one row;
deleting that row makes everything sealed for the tenant unreadable, in this database and in its backups.
"""

import secrets
import threading
from collections import OrderedDict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import (
    Column,
    Connection,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    RootTransaction,
    String,
    Table,
    delete,
    select,
)

from common.db import insert_once, now
from common.errors import Permanent

_VERSION = b"\x01"
_NONCE = 12
_KEY = 32
_WRAP_INFO = "data key wrapping"


def derive(master: bytes, info: str) -> bytes:
    """A 32-octet key for the one use that `info` names (HKDF-SHA256, RFC 5869); the same inputs give the same key."""
    return HKDF(algorithm=SHA256(), length=_KEY, salt=None, info=b"mailbridge " + info.encode()).derive(master)


def seal(key: bytes, data: bytes, aad: bytes | str) -> bytes:
    """`data` encrypted and authenticated under a 32-octet key, bound to `aad`; a fresh nonce makes every result new."""
    nonce = secrets.token_bytes(_NONCE)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, data, _octets(aad))


def unseal(key: bytes, sealed: bytes, aad: bytes | str) -> bytes:
    """The data that `seal` was given; Permanent when the value was altered or sealed by another key or for another aad."""
    if sealed[:1] != _VERSION:
        raise Permanent("A stored secret is not in a form this version can read.", remedy=_REMEDY)
    nonce, rest = sealed[1 : 1 + _NONCE], memoryview(sealed)[1 + _NONCE :]  # a large mail is not copied
    try:
        return AESGCM(key).decrypt(nonce, rest, _octets(aad))
    except (InvalidTag, ValueError):
        raise Permanent(
            "A stored secret cannot be decrypted: it was altered, or the key is another.", remedy=_REMEDY
        ) from None


def data_key_table(metadata: MetaData) -> Table:
    """Table `data_key`: tenant, the wrapped key, the version of the wrapping (1), when it was made."""
    return Table(
        "data_key",
        metadata,
        Column("tenant", String(16), primary_key=True),
        Column("wrapped", LargeBinary, nullable=False),
        Column("version", Integer, nullable=False),
        Column("created_at", Double, nullable=False),
    )


class Vault:
    """Seals and unseals for tenants with their data keys. Safe to share between threads.

    A tenant's key is made at the first `seal`, in the caller's transaction: what is sealed in a transaction that
    rolls back is lost together with its key. Each transaction reads the row once, so a key destroyed or replaced by
    another process is never used from memory; only the unwrapping is remembered, for `remember` keys at most.
    """

    def __init__(self, master: bytes, table: Table, remember: int = 1000) -> None:
        self._wrapping = derive(master, _WRAP_INFO)
        self._table = table
        self._remember = remember
        self._unwrapped: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._current = _KeysInTransaction()

    def seal(self, tx: Connection, tenant: str, data: bytes, aad: bytes | str) -> bytes:
        """`data` sealed for the tenant and bound to `aad`; `tx` must be a writing transaction."""
        key = self._key(tx, tenant) or self._make(tx, tenant)
        return seal(key, data, _bind(tenant, aad))

    def unseal(self, tx: Connection, tenant: str, sealed: bytes, aad: bytes | str) -> bytes:
        """The data; Permanent when it was altered, belongs elsewhere, or the tenant's key was destroyed."""
        key = self._key(tx, tenant)
        if key is None:
            raise Permanent(f"Tenant {tenant} has no data key: its data was erased.")
        return unseal(key, sealed, _bind(tenant, aad))

    def destroy(self, tx: Connection, tenant: str) -> None:
        """Delete the tenant's key: nothing sealed so far can be read once `tx` is committed."""
        tx.execute(delete(self._table).where(self._table.c.tenant == tenant))
        self._current.of(tx).pop(tenant, None)
        with self._lock:
            self._unwrapped.clear()

    def _key(self, tx: Connection, tenant: str) -> bytes | None:
        keys = self._current.of(tx)
        if tenant not in keys:
            query = select(self._table.c.wrapped).where(self._table.c.tenant == tenant)
            wrapped = tx.execute(query).scalar_one_or_none()
            if wrapped is None:
                return None
            keys[tenant] = self._unwrap(tenant, bytes(wrapped))
        return keys[tenant]

    def _make(self, tx: Connection, tenant: str) -> bytes:
        wrapped = seal(self._wrapping, secrets.token_bytes(_KEY), _bind(tenant, _WRAP_INFO))
        # Another process may have made the key a moment ago: then its row stands and ours is forgotten.
        created_at = tx.execute(select(now())).scalar_one()
        insert_once(tx, self._table, {"tenant": tenant, "wrapped": wrapped, "version": 1, "created_at": created_at})
        key = self._key(tx, tenant)
        if key is None:
            raise Permanent(f"The data key of tenant {tenant} could not be stored.")
        return key

    def _unwrap(self, tenant: str, wrapped: bytes) -> bytes:
        with self._lock:
            known = self._unwrapped.get(wrapped)
            if known is not None:
                self._unwrapped.move_to_end(wrapped)
                return known
        key = unseal(self._wrapping, wrapped, _bind(tenant, _WRAP_INFO))
        with self._lock:
            self._unwrapped[wrapped] = key
            while len(self._unwrapped) > self._remember:
                self._unwrapped.popitem(last=False)
        return key


class _KeysInTransaction(threading.local):
    """The keys read in the transaction this thread is in; forgotten as soon as it is in another one."""

    def __init__(self) -> None:
        self._transaction: RootTransaction | None = None
        self._keys: dict[str, bytes] = {}

    def of(self, tx: Connection) -> dict[str, bytes]:
        transaction = tx.get_transaction()
        if transaction is None or tx.in_nested_transaction():
            return {}  # a savepoint may take a fresh key back with it: ask the table each time
        if transaction is not self._transaction:
            self._transaction, self._keys = transaction, {}
        return self._keys


_REMEDY = "Start with the MAILBRIDGE_MASTER_KEY that wrote the database, or enter the secret again."


def _bind(tenant: str, aad: bytes | str) -> bytes:
    return tenant.encode() + b"\x00" + _octets(aad)


def _octets(aad: bytes | str) -> bytes:
    return aad.encode() if isinstance(aad, str) else aad
