"""Events by tenant and time, as polling asks for them."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("ix_event_tenant_received_at", "event", ["tenant", "received_at"], unique=False)
