"""Polling tells since when, and how it goes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("DELETE FROM polled")  # nothing polled before this version
    with op.batch_alter_table("polled", schema=None) as batch_op:
        batch_op.add_column(sa.Column("since", sa.Double(), nullable=False))
        batch_op.add_column(sa.Column("polled_at", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("problem", sa.Text(), nullable=True))
