"""Rolling restart in mid-stream: each of the seven processes gets SIGTERM while mails and comments stream through.

It ends by itself within its grace period, leaves nothing claimed, gives mailboxes back at once; nothing is lost or doubled.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.client import wait_for
from sandbox.servers.postgres import Postgres
from sandbox.servers.rabbitmq import RabbitMQ
from scripts.fleet import NAMES
from tests.chaos import auditor, stream
from tests.chaos.run import look
from tests.chaos.stream import ROOMS
from tests.chaos.world import World, world

GRACE = 27.0  # what process.run allows itself; Kubernetes kills after 30

#: What a process must not leave behind when it has ended: rows that only it could have had in hand.
HELD = {
    "inbound.fetcher": "SELECT id FROM inbound.mailbox WHERE owner IS NOT NULL",
    "inbound.worker": "SELECT id FROM inbound.mail WHERE state = 'delivering' AND claim_until IS NOT NULL",
    "outbound.worker": "SELECT id FROM outbound.delivery WHERE state = 'sending'",
}


@pytest.fixture
def seven(rabbitmq: RabbitMQ, postgres: Postgres, tmp_path: Path) -> Iterator[World]:
    """The seven processes, installed and connected."""
    with world(rabbitmq, postgres, tmp_path) as place:
        yield place


@pytest.mark.timeout(300)
@pytest.mark.rabbitmq
@pytest.mark.postgres
def test_a_rolling_restart_in_mid_stream_loses_and_doubles_nothing(seven: World) -> None:
    rooms = stream.open_rooms(seven.stage)
    seven.stage.sandbox.fault("slow", seconds=0.3)  # so that there is always something in hand
    sent, senders = stream.pour(seven.stage, rooms, seed=1, mails=80, comments=80, seconds=40)
    wait_for("the stream to run", lambda: len(sent.mails) > 5, 30)
    for name in NAMES:
        restart(seven, name)
    for sender in senders:
        sender.join(60)
    seven.stage.sandbox.clear_faults()
    wait_for("everything to be done", lambda: done(seven), 90, lambda: seven.waiting(kept=False))
    findings = auditor.audit(sent.mails, sent.words, look(seven), issues_before=ROOMS)
    assert findings.clean and findings.repeats == 0, findings


def restart(place: World, name: str) -> None:
    """SIGTERM, look at what it left behind, start it again and wait until it is ready."""
    began = time.monotonic()
    assert place.crew.end(name, GRACE) == 0, f"{name} did not end in order"
    took = time.monotonic() - began
    if name in HELD:
        assert place.sql(HELD[name]) == [], f"{name} left something in hand when it ended"
    place.crew.spawn(name)
    place.crew.wait_ready(name)
    print(f"{name} ended in {took:.1f} s and was ready again after {time.monotonic() - began:.1f} s")


def done(place: World) -> bool:
    """Nothing is on its way any more."""
    return place.sandbox.parts.webhooks.idle() and not place.waiting(kept=False)
