"""Mailboxes of every kind."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.String(length=128), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=False),
        sa.Column("done_at", sa.Double(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    with op.batch_alter_table("erasure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_erasure_tenant"), ["tenant"], unique=False)
    op.create_table(
        "keeping",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("content", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_keeping")),
    )
    op.create_table(
        "sign_in",
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("mailbox_id", sa.String(length=16), nullable=True),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.String(length=320), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("done_at", sa.Double(), nullable=True),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_sign_in")),
    )
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_expires_at"), ["expires_at"], unique=False)
    op.create_table(
        "left_alone",
        sa.Column("source_id", sa.String(length=16), nullable=False),
        sa.Column("remote_id", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_left_alone_source_id_source")),
        sa.PrimaryKeyConstraint("source_id", "remote_id", name=op.f("pk_left_alone")),
    )
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.add_column(sa.Column("disposal", sa.String(length=10), nullable=True))
        batch_op.alter_column(
            "remote_id", existing_type=sa.VARCHAR(length=100), type_=sa.String(length=500), existing_nullable=False
        )
    with op.batch_alter_table("mailbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("auth", sa.String(length=20), server_default="password", nullable=False))
        batch_op.add_column(sa.Column("provider", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("preset", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("timeout", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("check_identity", sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column("addresses", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("strategy", sa.String(length=10), server_default="read", nullable=False))
        batch_op.add_column(sa.Column("move_to", sa.String(length=500), nullable=True))
        batch_op.add_column(sa.Column("unnamed", sa.String(length=10), server_default="take", nullable=False))
        batch_op.add_column(sa.Column("max_bytes", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("push_hash", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("grant_state", sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column("secret_expires_at", sa.Double(), nullable=True))
