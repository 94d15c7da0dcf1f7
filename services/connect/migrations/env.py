"""Alembic's entry: see common/migrations.py."""

from common.migrations import run_env
from connect.tables import metadata

run_env(metadata)
