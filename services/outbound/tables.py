"""The tables of the outbound service. SQL over them stands in `store`."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from common.crypto import data_key_table
from common.db import metadata as new_metadata
from common.outbox import outbox_table

metadata = new_metadata()

data_key = data_key_table(metadata)
outbox = outbox_table(metadata)

_ID = String(16)
_MARK = String(32)
_PLACE = String(40)

sender = Table(
    "sender",
    metadata,
    Column("tenant", _ID, primary_key=True),
    Column("host", String(255), nullable=False),
    Column("port", Integer, nullable=False),
    Column("security", String(10), nullable=False),
    Column("username", String(320), nullable=False),
    Column("secret", LargeBinary),
    Column("from_name", String(200), nullable=False),
    Column("from_address", String(320), nullable=False),
    Column("window_seconds", Double, nullable=False),
    Column("validate_certificate", Boolean, nullable=False),
    Column("state", String(10), nullable=False),
    Column("last_error", Text),
    # Who is told when a mailbox needs an administrator: a list of addresses as JSON, sealed; null for nobody in particular.
    Column("told", LargeBinary),
    Column("changed_at", Double, nullable=False),
)

# One batching window of one issue. `place` is what the window is about: the id, or for a comment whose issue
# the webhook did not tell, `comment-` and its id. A window is open until a worker gathers it; at most one is open.
window = Table(
    "window",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("tenant", _ID, nullable=False),
    Column("issue_id", _PLACE, nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("closes_at", Double, nullable=False),
    Column("state", String(10), nullable=False),
    # What its letters are made of (sealed), while one of them is still to be sent.
    Column("content", LargeBinary),
    Column("note", Text),
    Index("ix_window_issue", "tenant", "issue_id", "state"),
    Index(
        "ix_window_open",
        "tenant",
        "issue_id",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("ix_window_opened_at", "opened_at"),
)

event = Table(
    "event",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("tenant", _ID, nullable=False),
    Column("fingerprint", String(200), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("issue_id", _PLACE, nullable=False),
    Column("body", JSON, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("window_id", _ID, ForeignKey("window.id"), index=True),
    # Why nobody was told of it.
    Column("note", Text),
    UniqueConstraint("tenant", "fingerprint"),
    Index("ix_event_received_at", "received_at"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("tenant", _ID, nullable=False),
    Column("window_id", _ID, ForeignKey("window.id"), nullable=False),
    Column("issue_id", _PLACE, nullable=False),
    Column("issue_key", String(100), nullable=False),
    # {"name", "address", "account"} as JSON, sealed; the hash is keyed, and "" for someone without a known address.
    Column("recipient", LargeBinary, nullable=False),
    Column("recipient_hash", _MARK, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("event", String(30), nullable=False),
    # Indexes of the window's items that this person may read; the sentences of why they get this mail.
    Column("items", JSON, nullable=False),
    Column("reasons", JSON, nullable=False),
    # Why they get it, or why not, in one sentence.
    Column("reason", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("message_id", String(320)),
    Column("attempts", Integer, nullable=False),
    # How often Jira was asked to send it without our knowing what came of it; only where Jira sends (kind notify).
    Column("asked", Integer, nullable=False, server_default="0"),
    Column("claim_until", Double),
    Column("created_at", Double, nullable=False),
    Column("sent_at", Double),
    Column("error", Text),
    Index("ix_delivery_tenant_id", "tenant", "id"),
    Index("ix_delivery_issue", "tenant", "issue_id", "recipient_hash"),
    Index("ix_delivery_issue_key", "tenant", "issue_key", "id"),
    Index("ix_delivery_window_id", "window_id", "state"),
    Index("ix_delivery_created_at", "created_at"),
)

# Letters to whoever has to do something about a mailbox, and to senders whose mail was too large (kind oversized). notice: the
# message that told of it.
admin_letter = Table(
    "admin_letter",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("tenant", _ID, nullable=False),
    Column("notice", _ID, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(12), nullable=False),
    # What it says (`admin_notice`, `sender_notice`) as JSON, sealed.
    Column("content", LargeBinary, nullable=False),
    # As a delivery's; null while nobody knows yet who is to be told, or where there is nobody.
    Column("recipient", LargeBinary),
    Column("recipient_hash", _MARK, nullable=False),
    # Why they get it, or why not, in one sentence.
    Column("reason", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("message_id", String(320)),
    Column("attempts", Integer, nullable=False),
    Column("claim_until", Double),
    Column("created_at", Double, nullable=False),
    Column("sent_at", Double),
    Column("error", Text),
    UniqueConstraint("notice", "number"),
    Index("ix_admin_letter_tenant_id", "tenant", "id"),
    Index("ix_admin_letter_recipient", "tenant", "recipient_hash"),
    Index("ix_admin_letter_created_at", "created_at"),
)

# Message-IDs of mail that became part of an issue, so that ours continues the same conversation.
thread = Table(
    "thread",
    metadata,
    Column("tenant", _ID, primary_key=True),
    Column("issue_id", _PLACE, primary_key=True),
    Column("message_id", String(255), primary_key=True),
    Column("mailbox", String(320), nullable=False),
    Column("sub_addresses", Boolean, nullable=False),
    Column("at", Double, nullable=False),
)

# Addresses of our own mailboxes: mail to them would be a loop.
own_address = Table(
    "own_address",
    metadata,
    Column("tenant", _ID, primary_key=True),
    Column("address", String(320), primary_key=True),
)

# People without an account whom a participant's later mail brought into the conversation.
participant = Table(
    "participant",
    metadata,
    Column("tenant", _ID, primary_key=True),
    Column("issue_id", _PLACE, primary_key=True),
    Column("address_hash", _MARK, primary_key=True),
    Column("person", LargeBinary, nullable=False),
    Column("at", Double, nullable=False),
)

suppression = Table(
    "suppression",
    metadata,
    Column("tenant", _ID, primary_key=True),
    Column("address_hash", _MARK, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", Double, nullable=False),
)

# People with an account whom an issue of ours concerned. address: sealed; null where nobody tells it.
person = Table(
    "person",
    metadata,
    Column("tenant", _ID, primary_key=True),
    Column("account_id", String(128), primary_key=True),
    Column("address", LargeBinary),
    Column("address_hash", _MARK, nullable=False),
    # Who told it: profile, own, email-api, lookup; "" for nobody.
    Column("source", String(10), nullable=False),
    Column("seen_at", Double, nullable=False, index=True),
)

# Whether Atlassian lets a tenant's app ask for addresses: works, refused or unknown.
email_api = Table(
    "email_api",
    metadata,
    Column("tenant", _ID, primary_key=True),
    Column("state", String(10), nullable=False),
    Column("checked_at", Double, nullable=False),
)
