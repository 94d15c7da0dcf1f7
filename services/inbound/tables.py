"""The tables of the inbound service. SQL over them stands in the `store*` modules."""

from sqlalchemy import (
    JSON,
    BigInteger,
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
    false,
    true,
)

from common.crypto import data_key_table
from common.db import metadata as new_metadata
from common.outbox import outbox_table

metadata = new_metadata()

data_key = data_key_table(metadata)
outbox = outbox_table(metadata)

_ID = String(16)

mailbox = Table(
    "mailbox",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("tenant", _ID, nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("host", String(255), nullable=False),
    Column("port", Integer, nullable=False),
    Column("security", String(10), nullable=False),
    Column("username", String(320), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("folder", String(500), nullable=False),
    Column("address", String(320), nullable=False),
    Column("validate_certificate", Boolean, nullable=False),
    Column("authserv_id", String(255)),
    Column("sub_addresses", Boolean, nullable=False),
    Column("project", JSON, nullable=False),
    Column("issue_type", JSON, nullable=False),
    Column("default_reporter", JSON),
    # What to take of the mail that was there before: unread, all, since (the instant `backlog_since`) or none.
    Column("backlog", String(10), nullable=False),
    Column("backlog_since", Double),
    # An admin has chosen anew for a folder that is known already: the fetcher applies it once.
    Column("backlog_again", Boolean, nullable=False, server_default=false()),
    # How to log in: password, oauth, client_credentials, service_account or none; whose sign-in it is.
    Column("auth", String(20), nullable=False, server_default="password"),
    Column("provider", String(20)),
    Column("preset", String(40)),
    Column("timeout", Integer),  # seconds; null: 30
    Column("check_identity", Boolean, nullable=False, server_default=true()),
    # Every address that people write to; the first is `address`. Null: that one alone.
    Column("addresses", JSON),
    # read: mark read; delete, move: only when the ledger says that the mail is handled.
    Column("strategy", String(10), nullable=False, server_default="read"),
    Column("move_to", String(500)),
    Column("unnamed", String(10), nullable=False, server_default="take"),
    Column("max_bytes", BigInteger),
    # Who sends more than that is told so.
    Column("answer_oversized", Boolean, nullable=False, server_default=false()),
    Column("push_hash", String(64)),
    Column("grant_state", String(12)),
    Column("secret_expires_at", Double),
    # The account id of who connected it or signed in last: they are told when it needs somebody.
    Column("connected_by", String(128)),
    # Of which warning (days ahead) an admin was told; since when it cannot be read, and when an admin was told of that.
    Column("expiry_told", Integer),
    Column("trouble_since", Double),
    Column("trouble_told_at", Double),
    Column("config_version", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("state", String(10), nullable=False),
    Column("last_error", Text),
    Column("checked_at", Double),
    # Somebody waits for a comparison of folder and ledger; what the last one found.
    Column("asked_at", Double),
    Column("reconciled", JSON),
    Column("owner", _ID, index=True),
    # The fence: a fetcher's batch commits only while the epoch is the one under which it took the mailbox.
    Column("owner_epoch", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    # Set when an admin deletes the mailbox: its mails stay in the ledger, its secret goes.
    Column("deleted_at", Double),
)

rule_version = Table(
    "rule_version",
    metadata,
    Column("mailbox_id", _ID, ForeignKey("mailbox.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", JSON, nullable=False),
    Column("published_at", Double, nullable=False),
)

fetcher = Table(
    "fetcher",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("heartbeat_at", Double, nullable=False),
)

source = Table(
    "source",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("mailbox_id", _ID, ForeignKey("mailbox.id"), nullable=False, index=True),
    Column("identity", String(64), nullable=False, unique=True),
    # Server, account and folder without the UIDVALIDITY: tells a renumbered folder from another folder.
    Column("place", String(64), nullable=False),
    # Remote ids up to the baseline were there at connection time; of those only `backlog` is ours.
    Column("baseline", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("backlog", JSON, nullable=False),
    # Sealed: what a later session goes on from (Graph: its delta link). All that it stands behind is in the ledger.
    Column("mark", LargeBinary),
    Column("created_at", Double, nullable=False),
)

# What lay in an unordered source (POP3, Graph) at connection time and is not ours.
left_alone = Table(
    "left_alone",
    metadata,
    Column("source_id", _ID, ForeignKey("source.id"), primary_key=True),
    Column("remote_id", String(500), primary_key=True),
)

# Somebody is signing in at a provider in another window.
sign_in = Table(
    "sign_in",
    metadata,
    Column("state_hash", String(64), primary_key=True),
    Column("tenant", _ID, nullable=False),
    Column("mailbox_id", _ID),
    Column("provider", String(20), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the verifier, later the grant
    Column("account", String(320)),
    Column("problem", Text),
    Column("done_at", Double),
    Column("expires_at", Double, nullable=False, index=True),
)

# A process is asking for a new access token with the mailbox's refresh token: no other may meanwhile, for each use may be the
# last one that the provider takes. Over when the new one is stored, or when `until` has passed.
renewal = Table(
    "renewal",
    metadata,
    Column("mailbox_id", _ID, primary_key=True),
    Column("holder", _ID, nullable=False),
    Column("until", Double, nullable=False),
)

keeping = Table(
    "keeping",
    metadata,
    Column("tenant", _ID, primary_key=True),
    Column("days", Integer, nullable=False),
    Column("content", Boolean, nullable=False),
    Column("changed_at", Double, nullable=False),
)

erasure = Table(
    "erasure",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("tenant", _ID, nullable=False, index=True),
    Column("address_hash", String(64), nullable=False),
    Column("asked_by", String(128), nullable=False),
    Column("asked_at", Double, nullable=False),
    Column("done_at", Double),
    Column("counts", JSON),
)

mail = Table(
    "mail",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("tenant", _ID, nullable=False),
    Column("mailbox_id", _ID, ForeignKey("mailbox.id"), nullable=False),
    Column("source_id", _ID, ForeignKey("source.id"), nullable=False),
    Column("remote_id", String(500), nullable=False),
    Column("fingerprint", String(64)),
    Column("size", BigInteger, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("state", String(12), nullable=False),
    Column("outcome", String(10)),
    Column("reason", Text),
    Column("issue_id", String(20)),
    Column("issue_key", String(100)),
    Column("comment_id", String(20)),
    # attempts counts claims (and is their fence); unfinished counts those that no outcome has followed yet.
    Column("attempts", Integer, nullable=False),
    Column("unfinished", Integer, nullable=False),
    Column("claim_until", Double),
    Column("sender", String(320)),
    Column("subject", Text),
    Column("message_id", Text),
    Column("config_version", Integer),
    Column("record", JSON, nullable=False),
    Column("marked", Boolean, nullable=False),
    # Deleting or moving it in the mailbox: null, due or done.
    Column("disposal", String(10)),
    Column("handled_at", Double),
    UniqueConstraint("source_id", "remote_id"),
    Index("ix_mail_fingerprint", "mailbox_id", "fingerprint"),
    Index("ix_mail_tenant", "tenant", "received_at", "id"),
    Index("ix_mail_state", "tenant", "state", "received_at"),
    Index("ix_mail_mailbox", "mailbox_id", "received_at", "id"),
    Index("ix_mail_mailbox_state", "mailbox_id", "state"),
    Index("ix_mail_issue", "tenant", "issue_id"),
    Index("ix_mail_marked", "source_id", "marked"),
)

mail_raw = Table(
    "mail_raw",
    metadata,
    Column("mail_id", _ID, ForeignKey("mail.id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

conversation = Table(
    "conversation",
    metadata,
    Column("tenant", _ID, primary_key=True),
    Column("id_hash", String(64), primary_key=True),
    Column("mail_id", _ID, ForeignKey("mail.id"), primary_key=True),
    # True for the mail's own Message-ID, False for an id that it refers to.
    Column("own", Boolean, nullable=False),
    Column("claimed_at", Double, nullable=False),
    Index("ix_conversation_mail_id", "mail_id"),
)

step = Table(
    "step",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("mail_id", _ID, ForeignKey("mail.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("state", String(10), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("intended_at", Double),
    Column("done_at", Double),
    UniqueConstraint("mail_id", "number"),
)

project_high = Table(
    "project_high",
    metadata,
    Column("tenant", _ID, primary_key=True),
    Column("project_id", String(20), primary_key=True),
    Column("number", Integer, nullable=False),
)
