"""Chaos over the mailboxes, the short form: every strategy, a human in between, everything dies (CHAOS_SEED repeats a run)."""

import os
from pathlib import Path

import pytest

from sandbox.servers.postgres import Postgres
from sandbox.servers.rabbitmq import RabbitMQ
from tests.chaos.mailboxes import run
from tests.chaos.result import Size, line

SEED = int(os.environ.get("CHAOS_SEED", "7"))
SIZE = Size(mails=100, comments=10, seconds=20.0, deaths=6.0, crashes=7.0, whole=False)


@pytest.mark.timeout(600)
@pytest.mark.rabbitmq
@pytest.mark.postgres
@pytest.mark.dovecot
@pytest.mark.usefixtures("dovecot")  # which says why there is none
def test_every_mail_of_every_mailbox_is_handled_once_whatever_dies(
    rabbitmq: RabbitMQ, postgres: Postgres, tmp_path: Path
) -> None:
    print(f"\nCHAOS_SEED={SEED}")
    result = run(SEED, SIZE, rabbitmq, postgres, tmp_path)
    print(line(result))
    assert result.clean, result.report
