"""The first tables of connect."""

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
        "event",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("tenant", "fingerprint", name=op.f("uq_event_tenant_fingerprint")),
    )
    op.create_index(op.f("ix_event_received_at"), "event", ["received_at"], unique=False)
    op.create_table(
        "nonce",
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("value", name=op.f("pk_nonce")),
    )
    op.create_index(op.f("ix_nonce_seen_at"), "nonce", ["seen_at"], unique=False)
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
        "tenant",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("client_key", sa.String(length=255), nullable=False),
        sa.Column("base_url", sa.String(length=500), nullable=False),
        sa.Column("app_key", sa.String(length=64), nullable=False),
        sa.Column("shared_secret", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("display_url", sa.String(length=500), nullable=True),
        sa.Column("account_id", sa.String(length=128), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
        sa.UniqueConstraint("client_key", name=op.f("uq_tenant_client_key")),
    )
