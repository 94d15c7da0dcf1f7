"""Answers to mail that is too large."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("mailbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("answer_oversized", sa.Boolean(), server_default=sa.false(), nullable=False))
