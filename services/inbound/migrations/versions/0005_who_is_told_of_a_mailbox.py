"""Who is told of a mailbox, and of what they were told."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("mailbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("connected_by", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("expiry_told", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("trouble_since", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("trouble_told_at", sa.Double(), nullable=True))
