"""The tables of the connect service. SQL over them stands in `store.py`."""

from sqlalchemy import JSON, Column, Double, Index, LargeBinary, String, Table, Text, UniqueConstraint

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
    # How its Jira is called now: connect, forge or token.
    Column("scheme", String(10), nullable=False, server_default="connect"),
    # Jira's identity of a Connect installation; base_url may change, this does not. Null without Connect.
    Column("client_key", String(255), unique=True),
    # The site as people see it; empty while a self-hosted Mailbridge waits to be attached.
    Column("base_url", String(500), nullable=False),
    Column("app_key", String(64)),
    # Sealed with the tenant's data key; null once the app was removed.
    Column("shared_secret", LargeBinary),
    Column("state", String(10), nullable=False),
    Column("display_url", String(500)),
    Column("account_id", String(128)),
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
)

# A tenant that has the Forge app. Calls go to api_base_url with the newest system token that an invocation brought.
forge = Table(
    "forge",
    metadata,
    Column("installation_id", String(255), primary_key=True),  # ari:cloud:ecosystem::installation/…
    Column("tenant", String(16), nullable=False, unique=True),
    Column("cloud_id", String(64), nullable=False, index=True),
    Column("api_base_url", String(500), nullable=False),
    Column("environment", String(40)),
    Column("app_version", String(40)),
    Column("system_token", LargeBinary),  # sealed
    Column("token_at", Double),
    # When Jira refused the token that stands here; null once a newer one came.
    Column("refused_at", Double),
    Column("scopes", JSON),  # those granted, or null while nobody told
    Column("heard_at", Double, nullable=False),
)

# A tenant that is attached by an account's API token.
site_token = Table(
    "site_token",
    metadata,
    Column("tenant", String(16), primary_key=True),
    Column("email", String(320), nullable=False),
    Column("token", LargeBinary),  # sealed; null once detached
    Column("token_expires_at", Double),
    # The webhook that an administrator of Jira adds by hand: the end of its path, its secret (sealed), its last event.
    Column("hook", String(40), nullable=False, unique=True),
    Column("hook_secret", LargeBinary, nullable=False),
    Column("hook_heard_at", Double),
    Column("rights", JSON),  # what the last check found: account, rights, problem
    Column("checked_at", Double),
)

# The account that only finds people and judges rights, where the app itself may not.
lookup_user = Table(
    "lookup_user",
    metadata,
    Column("tenant", String(16), primary_key=True),
    Column("email", String(320), nullable=False),
    Column("token", LargeBinary, nullable=False),  # sealed
    Column("token_expires_at", Double),
    Column("account_id", String(128)),
    Column("problem", Text),
    Column("checked_at", Double),
)

# How far the search for events that nobody told has come.
polled = Table(
    "polled",
    metadata,
    Column("tenant", String(16), primary_key=True),
    # What happened before is nobody's business: the site was not attached then.
    Column("since", Double, nullable=False),
    Column("until", Double, nullable=False),
    Column("due_at", Double, nullable=False, index=True),
    Column("polled_at", Double),  # when a search last came to its end
    Column("problem", Text),  # why the last one did not, or null
)

# People who may log in to a page that no Jira surrounds.
login_account = Table(
    "login_account",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("tenant", String(16), nullable=False),
    Column("name", String(320), nullable=False),
    Column("password", Text),  # hashed
    Column("subject", String(255), unique=True),  # of OpenID Connect: issuer and sub
    Column("created_at", Double, nullable=False),
)

# Their logins and the links of first use, by the hash of the secret that the browser holds.
login = Table(
    "login",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("kind", String(10), nullable=False),  # session, setup or state (OpenID Connect under way)
    Column("account", String(16)),
    Column("body", JSON),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
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
    Index("ix_event_tenant_received_at", "tenant", "received_at"),
)

# Nonces of credential requests, kept while a request of that time could still be accepted.
nonce = Table(
    "nonce",
    metadata,
    Column("value", Text, primary_key=True),
    Column("seen_at", Double, nullable=False, index=True),
)
