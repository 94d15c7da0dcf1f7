"""Three ways of being attached."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "forge",
        sa.Column("installation_id", sa.String(length=255), nullable=False),
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("cloud_id", sa.String(length=64), nullable=False),
        sa.Column("api_base_url", sa.String(length=500), nullable=False),
        sa.Column("environment", sa.String(length=40), nullable=True),
        sa.Column("app_version", sa.String(length=40), nullable=True),
        sa.Column("system_token", sa.LargeBinary(), nullable=True),
        sa.Column("token_at", sa.Double(), nullable=True),
        sa.Column("refused_at", sa.Double(), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=True),
        sa.Column("heard_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", name=op.f("pk_forge")),
        sa.UniqueConstraint("tenant", name=op.f("uq_forge_tenant")),
    )
    with op.batch_alter_table("forge", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_forge_cloud_id"), ["cloud_id"], unique=False)
    op.create_table(
        "login",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("account", sa.String(length=16), nullable=True),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_login")),
    )
    with op.batch_alter_table("login", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_expires_at"), ["expires_at"], unique=False)
    op.create_table(
        "login_account",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=320), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_account")),
        sa.UniqueConstraint("subject", name=op.f("uq_login_account_subject")),
    )
    op.create_table(
        "lookup_user",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("token_expires_at", sa.Double(), nullable=True),
        sa.Column("account_id", sa.String(length=128), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("checked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_lookup_user")),
    )
    op.create_table(
        "polled",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_polled")),
    )
    with op.batch_alter_table("polled", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_polled_due_at"), ["due_at"], unique=False)
    op.create_table(
        "site_token",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("token_expires_at", sa.Double(), nullable=True),
        sa.Column("hook", sa.String(length=40), nullable=False),
        sa.Column("hook_secret", sa.LargeBinary(), nullable=False),
        sa.Column("hook_heard_at", sa.Double(), nullable=True),
        sa.Column("rights", sa.JSON(), nullable=True),
        sa.Column("checked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_site_token")),
        sa.UniqueConstraint("hook", name=op.f("uq_site_token_hook")),
    )
    with op.batch_alter_table("tenant", schema=None) as batch_op:
        batch_op.add_column(sa.Column("scheme", sa.String(length=10), server_default="connect", nullable=False))
        batch_op.alter_column("client_key", existing_type=sa.VARCHAR(length=255), nullable=True)
        batch_op.alter_column("app_key", existing_type=sa.VARCHAR(length=64), nullable=True)
