"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "data_key",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_data_key")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("available_at", sa.Double(), nullable=False),
        sa.Column("sent_until", sa.Double(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_out",
        "outbox",
        ["topic", "tenant", "sent_until"],
        unique=False,
        sqlite_where=sa.text("sent_until IS NOT NULL"),
        postgresql_where=sa.text("sent_until IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["topic", "tenant", "available_at", "id"],
        unique=False,
        sqlite_where=sa.text("sent_until IS NULL"),
        postgresql_where=sa.text("sent_until IS NULL"),
    )
    op.create_table(
        "own_address",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "address", name=op.f("pk_own_address")),
    )
    op.create_table(
        "participant",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("issue_id", sa.String(length=40), nullable=False),
        sa.Column("address_hash", sa.String(length=32), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "issue_id", "address_hash", name=op.f("pk_participant")),
    )
    op.create_table(
        "sender",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("security", sa.String(length=10), nullable=False),
        sa.Column("username", sa.String(length=320), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("from_name", sa.String(length=200), nullable=False),
        sa.Column("from_address", sa.String(length=320), nullable=False),
        sa.Column("window_seconds", sa.Double(), nullable=False),
        sa.Column("validate_certificate", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_sender")),
    )
    op.create_table(
        "suppression",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("address_hash", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "address_hash", name=op.f("pk_suppression")),
    )
    op.create_table(
        "thread",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("issue_id", sa.String(length=40), nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("mailbox", sa.String(length=320), nullable=False),
        sa.Column("sub_addresses", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "issue_id", "message_id", name=op.f("pk_thread")),
    )
    op.create_table(
        "window",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("issue_id", sa.String(length=40), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("closes_at", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window")),
    )
    op.create_index("ix_window_issue", "window", ["tenant", "issue_id", "state"], unique=False)
    op.create_index(
        "ix_window_open",
        "window",
        ["tenant", "issue_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_window_opened_at", "window", ["opened_at"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("window_id", sa.String(length=16), nullable=False),
        sa.Column("issue_id", sa.String(length=40), nullable=False),
        sa.Column("issue_key", sa.String(length=100), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("recipient_hash", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("event", sa.String(length=30), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("message_id", sa.String(length=320), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim_until", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("sent_at", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["window_id"], ["window.id"], name=op.f("fk_delivery_window_id_window")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index("ix_delivery_created_at", "delivery", ["created_at"], unique=False)
    op.create_index("ix_delivery_issue", "delivery", ["tenant", "issue_id", "recipient_hash"], unique=False)
    op.create_index("ix_delivery_issue_key", "delivery", ["tenant", "issue_key", "id"], unique=False)
    op.create_index("ix_delivery_tenant_id", "delivery", ["tenant", "id"], unique=False)
    op.create_index("ix_delivery_window_id", "delivery", ["window_id", "state"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("issue_id", sa.String(length=40), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("window_id", sa.String(length=16), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["window_id"], ["window.id"], name=op.f("fk_event_window_id_window")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("tenant", "fingerprint", name=op.f("uq_event_tenant_fingerprint")),
    )
    op.create_index("ix_event_received_at", "event", ["received_at"], unique=False)
    op.create_index(op.f("ix_event_window_id"), "event", ["window_id"], unique=False)
