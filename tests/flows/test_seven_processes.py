"""Rolling restart in mid-stream: each of the seven processes gets SIGTERM while mails and comments stream through.

It ends by itself within its grace period, leaves nothing claimed, gives mailboxes back at once; nothing is lost or doubled.
"""

import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.client import wait_for
from sandbox.servers.postgres import Postgres
from sandbox.servers.rabbitmq import RabbitMQ
from sandbox.story import MAILBOX
from scripts.fleet import NAMES, WORKERS
from tests.chaos import auditor, stream
from tests.chaos.acts import frozen
from tests.chaos.run import look
from tests.chaos.stream import ROOMS
from tests.chaos.world import World, world

GRACE = 27.0 + 15.0  # what process.run allows itself (Kubernetes kills after 30), and what a crowded machine takes

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


@pytest.mark.timeout(600)
@pytest.mark.rabbitmq
@pytest.mark.postgres
def test_a_rolling_restart_in_mid_stream_loses_and_doubles_nothing(seven: World) -> None:
    rooms = stream.open_rooms(seven.stage)
    seven.stage.sandbox.fault("slow", seconds=0.3)  # so that there is always something in hand
    sent, senders = stream.pour(seven.stage, rooms, seed=1, mails=80, comments=80, seconds=40)
    wait_for("the stream to run", lambda: len(sent.mails) > 5, 120)
    for name in NAMES:
        restart(seven, name)
    for sender in senders:
        sender.join(180)
    seven.stage.sandbox.clear_faults()
    wait_for("everything to be done", lambda: done(seven), 240, lambda: seven.waiting(kept=False))
    findings = auditor.audit(sent.mails, sent.words, look(seven), issues_before=ROOMS)
    assert findings.clean and findings.repeats == 0, findings


@pytest.mark.timeout(600)
@pytest.mark.rabbitmq
@pytest.mark.postgres
def test_a_worker_that_cannot_finish_in_time_gives_back_what_it_has_in_hand(
    rabbitmq: RabbitMQ, postgres: Postgres, tmp_path: Path
) -> None:
    hang = {"MAILBRIDGE_JIRA_TIMEOUT": "120", "MAILBRIDGE_SMTP_TIMEOUT": "120"}
    with world(rabbitmq, postgres, tmp_path, hang) as place:
        rooms = stream.open_rooms(place.stage)
        [room, readers] = next(iter(rooms.readers.items()))
        place.stage.sandbox.fault("timeout_after_write", seconds=150, match="POST /rest/api/3/issue$", count=1)
        place.stage.sandbox.mail(
            from_="erin@customer.example", to=MAILBOX, subject="Hanging", text="This is mail-1-0.\n"
        )
        slow = SlowSmtp()
        with slow:
            place.stage.api().put("/api/outbound/sender", {**sender(place), "port": slow.port})
            place.stage.sandbox.comment(room, place.stage.agent, "This is word-1-0.")
            wait_for("the mail to hang in Jira", lambda: hit(place), 120)
            wait_for("the letters to hang in SMTP", lambda: slow.met, 120)
            workers = ("inbound.worker", "outbound.worker")
            for name in workers:
                place.crew.processes[name].terminate()  # both at once: each waits its whole grace period
            for name in workers:
                assert place.crew.processes[name].wait(GRACE) == 0, f"{name} did not end in order"
                assert place.sql(HELD[name]) == [], f"{name} left something in hand when it ended"
        place.stage.api().put("/api/outbound/sender", sender(place))
        for name in workers:
            place.crew.spawn(name)
        wait_for("everything to be done", lambda: done(place), 240, lambda: place.waiting(kept=False))
        words = {"word-1-0": readers}
        findings = auditor.audit({"mail-1-0": "Hanging"}, words, look(place), issues_before=ROOMS)
        assert findings.clean and findings.repeats == 0, findings


@pytest.mark.timeout(600)
@pytest.mark.rabbitmq
@pytest.mark.postgres
def test_a_broker_that_stands_still_keeps_nobody_from_ending_in_time(seven: World) -> None:
    stream.open_rooms(seven.stage)
    with frozen(seven.rabbitmq.pid):
        seven.stage.sandbox.mail(
            from_="erin@customer.example", to=MAILBOX, subject="Unheard", text="This is mail-1-0.\n"
        )
        unpublished = "SELECT id FROM inbound.outbox WHERE topic = 'mail.received' AND sent_until IS NOT NULL"
        wait_for("a relay to be at publishing", lambda: seven.sql(unpublished), 120)
        for name in WORKERS:
            seven.crew.processes[name].terminate()
        for name in WORKERS:
            assert seven.crew.processes[name].wait(GRACE) == 0, f"{name} did not end in order"
            assert name not in HELD or seven.sql(HELD[name]) == []
    for name in WORKERS:
        seven.crew.spawn(name)
    seven.let_time_pass(
        300.0
    )  # nobody can know whether the message was published: it goes out again after five minutes
    wait_for("everything to be done", lambda: done(seven), 240, lambda: seven.waiting(kept=False))
    findings = auditor.audit({"mail-1-0": "Unheard"}, {}, look(seven), issues_before=ROOMS)
    assert findings.clean, findings


def sender(place: World) -> dict[str, object]:
    """The outgoing server's settings, as they were set."""
    return {
        "host": "127.0.0.1", "port": place.stage.smtp_port, "security": "none", "username": None, "secret": None,
        "from_name": "Support", "from_address": MAILBOX, "window_seconds": 1.0, "validate_certificate": True,
    }  # fmt: skip


def hit(place: World) -> bool:
    """Whether the fault has hit a call."""
    return any(fault.hits for fault in place.sandbox.parts.faults.all())


class SlowSmtp:
    """Accepts connections and never says a word. `met`: somebody has connected."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    @property
    def met(self) -> bool:
        """Whether a connection waits to be accepted."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def __enter__(self) -> "SlowSmtp":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


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
