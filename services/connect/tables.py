"""The tables of the connect service. SQL over them stands in `store.py`."""

from sqlalchemy import JSON, Column, Double, LargeBinary, String, Table, Text, UniqueConstraint

from common.crypto import data_key_table
from common.db import metadata as new_metadata
from common.outbox import outbox_table

metadata = new_metadata()

data_key = data_key_table(metadata)
outbox = outbox_table(metadata)

tenant = Table(
    "tenant",
    metadata,
    Column("id", String(16), primary_key=True),
    # Jira's identity of the installation; base_url may change, this does not.
    Column("client_key", String(255), nullable=False, unique=True),
    Column("base_url", String(500), nullable=False),
    Column("app_key", String(64), nullable=False),
    # Sealed with the tenant's data key; null once the app was removed.
    Column("shared_secret", LargeBinary),
    Column("state", String(10), nullable=False),
    Column("display_url", String(500)),
    Column("account_id", String(128)),
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("tenant", String(16), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("body", JSON, nullable=False),
    Column("received_at", Double, nullable=False, index=True),
    UniqueConstraint("tenant", "fingerprint"),
)

# Nonces of credential requests, kept while a request of that time could still be accepted.
nonce = Table(
    "nonce",
    metadata,
    Column("value", Text, primary_key=True),
    Column("seen_at", Double, nullable=False, index=True),
)
