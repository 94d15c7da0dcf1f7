"""Mailboxes, ledger and steps."""

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
        "fetcher",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("heartbeat_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fetcher")),
    )
    op.create_table(
        "mailbox",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("security", sa.String(length=10), nullable=False),
        sa.Column("username", sa.String(length=320), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("folder", sa.String(length=500), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("validate_certificate", sa.Boolean(), nullable=False),
        sa.Column("authserv_id", sa.String(length=255), nullable=True),
        sa.Column("sub_addresses", sa.Boolean(), nullable=False),
        sa.Column("project", sa.JSON(), nullable=False),
        sa.Column("issue_type", sa.JSON(), nullable=False),
        sa.Column("default_reporter", sa.JSON(), nullable=True),
        sa.Column("backlog", sa.String(length=10), nullable=False),
        sa.Column("config_version", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("checked_at", sa.Double(), nullable=True),
        sa.Column("owner", sa.String(length=16), nullable=True),
        sa.Column("owner_epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("deleted_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox")),
    )
    op.create_index(op.f("ix_mailbox_owner"), "mailbox", ["owner"], unique=False)
    op.create_index(op.f("ix_mailbox_tenant"), "mailbox", ["tenant"], unique=False)
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
        "project_high",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("project_id", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "project_id", name=op.f("pk_project_high")),
    )
    op.create_table(
        "rule_version",
        sa.Column("mailbox_id", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("published_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_rule_version_mailbox_id_mailbox")),
        sa.PrimaryKeyConstraint("mailbox_id", "version", name=op.f("pk_rule_version")),
    )
    op.create_table(
        "source",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("mailbox_id", sa.String(length=16), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("baseline", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("backlog", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_source_mailbox_id_mailbox")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("identity", name=op.f("uq_source_identity")),
    )
    op.create_index(op.f("ix_source_mailbox_id"), "source", ["mailbox_id"], unique=False)
    op.create_table(
        "mail",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("mailbox_id", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=16), nullable=False),
        sa.Column("remote_id", sa.String(length=100), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("issue_id", sa.String(length=20), nullable=True),
        sa.Column("issue_key", sa.String(length=100), nullable=True),
        sa.Column("comment_id", sa.String(length=20), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("unfinished", sa.Integer(), nullable=False),
        sa.Column("claim_until", sa.Double(), nullable=True),
        sa.Column("sender", sa.String(length=320), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("config_version", sa.Integer(), nullable=True),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("marked", sa.Boolean(), nullable=False),
        sa.Column("handled_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_mail_mailbox_id_mailbox")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_mail_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("source_id", "remote_id", name=op.f("uq_mail_source_id_remote_id")),
    )
    op.create_index("ix_mail_fingerprint", "mail", ["mailbox_id", "fingerprint"], unique=False)
    op.create_index("ix_mail_issue", "mail", ["tenant", "issue_id"], unique=False)
    op.create_index("ix_mail_mailbox", "mail", ["mailbox_id", "received_at", "id"], unique=False)
    op.create_index("ix_mail_mailbox_state", "mail", ["mailbox_id", "state"], unique=False)
    op.create_index("ix_mail_marked", "mail", ["source_id", "marked"], unique=False)
    op.create_index("ix_mail_state", "mail", ["tenant", "state", "received_at"], unique=False)
    op.create_index("ix_mail_tenant", "mail", ["tenant", "received_at", "id"], unique=False)
    op.create_table(
        "conversation",
        sa.Column("tenant", sa.String(length=16), nullable=False),
        sa.Column("id_hash", sa.String(length=64), nullable=False),
        sa.Column("mail_id", sa.String(length=16), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("claimed_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"], name=op.f("fk_conversation_mail_id_mail")),
        sa.PrimaryKeyConstraint("tenant", "id_hash", "mail_id", name=op.f("pk_conversation")),
    )
    op.create_index("ix_conversation_mail_id", "conversation", ["mail_id"], unique=False)
    op.create_table(
        "mail_raw",
        sa.Column("mail_id", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"], name=op.f("fk_mail_raw_mail_id_mail")),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_mail_raw")),
    )
    op.create_table(
        "step",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("mail_id", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("intended_at", sa.Double(), nullable=True),
        sa.Column("done_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"], name=op.f("fk_step_mail_id_mail")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step")),
        sa.UniqueConstraint("mail_id", "number", name=op.f("uq_step_mail_id_number")),
    )
