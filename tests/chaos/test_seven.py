"""Chaos over the seven processes, the short form: some of what can go wrong, drawn by a seed (CHAOS_SEED repeats a run)."""

import os
from pathlib import Path

import pytest

from sandbox.servers.postgres import Postgres
from sandbox.servers.rabbitmq import RabbitMQ
from tests.chaos.plan import make
from tests.chaos.run import line, run

SEED = int(os.environ.get("CHAOS_SEED", "7"))


@pytest.mark.timeout(1200)
@pytest.mark.rabbitmq
@pytest.mark.postgres
def test_whatever_dies_nothing_is_lost_or_doubled(rabbitmq: RabbitMQ, postgres: Postgres, tmp_path: Path) -> None:
    print(f"\nCHAOS_SEED={SEED}")
    plan = make(SEED, mails=100, comments=100, seconds=30.0, whole=False)
    result = run(plan, rabbitmq, postgres, tmp_path)
    print(line(result))
    assert result.findings.clean, result.report
    assert result.drained is not None, result.report
    assert result.strange == []
