"""Alembic's entry: see common/migrations.py."""

from common.migrations import run_env
from outbound.tables import metadata

run_env(metadata)
