"""Reconciliation and backlog."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("mailbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("backlog_since", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("backlog_again", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("asked_at", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("reconciled", sa.JSON(), nullable=True))
