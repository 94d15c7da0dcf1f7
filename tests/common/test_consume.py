"""What a worker's handler may rely on: its row is ended, postponed or left to the bus."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from common.db import Database
from common.errors import Temporary
from common.local import Hub
from common.messages import Message
from common.outbox import Outbox, backoff, consume
from tests.common import outboxes
from tests.common.outboxes import table


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with outboxes.opened(f"sqlite:///{tmp_path}") as opened:
        yield opened


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database, table)


def out(outbox: Outbox, times: int = 1) -> Message:
    """A message whose row is out, for so many times now."""
    with outbox.database.write() as tx:
        id = outbox.put(tx, "mail.received", "t", {"mail": "m"})
    for _ in range(times - 1):
        outbox.claim(lambda _: 9, {})
        with outbox.database.write() as tx:
            outbox.postpone(tx, id, 0.0, failed=True)
    [message] = outbox.claim(lambda _: 9, {})
    return message


def handle(outbox: Outbox, message: Message, handler: Callable[[Message], None]) -> list[dict[str, object]]:
    """Let a worker handle the message to its end; returns the lines it logged."""
    bus, probe = Hub(pause=0.05).bus("inbound"), Message("probe", "mail.received", "t", {})
    with capture_logs() as lines:

        def only(one: Message) -> None:
            if one.id == message.id:
                handler(one)

        consume(bus, outbox, "mail.received", only, 1, backoff=lambda attempts: 100.0 * attempts)
        bus.publish([message, probe])
        deadline = time.monotonic() + 60
        while any(queue._ready or queue._later for queue in bus._hub.queues.values()) and time.monotonic() < deadline:
            time.sleep(0.005)
        bus.close(10.0)
    return [dict(line) for line in lines]


def wait_of(outbox: Outbox, message: Message) -> float:
    """Seconds until the row goes out again."""
    with outbox.database.read() as tx:
        row = tx.execute(select(table.c.available_at, table.c.sent_until).where(table.c.id == message.id)).one()
    assert row.sent_until is None
    return float(row.available_at) - outbox.database.now()


def refuse(fault: Exception) -> Callable[[Message], None]:
    def handler(_message: Message) -> None:
        raise fault

    return handler


@pytest.mark.parametrize(("times", "wait"), [(1, 100), (3, 300)])
def test_a_handler_that_raises_has_its_row_postponed_by_the_attempts(outbox: Outbox, times: int, wait: float) -> None:
    message = out(outbox, times)
    lines = handle(outbox, message, refuse(ValueError("a mistake")))
    assert wait - 30 < wait_of(outbox, message) <= wait
    [line] = lines
    assert (line["event"], line["message"], line["attempts"]) == ("handler_failed", message.id, times)
    assert line["exc_info"], "a mistake is logged with its trace"


@pytest.mark.parametrize(("asked", "wait"), [(None, 100), (20.0, 100), (500.0, 500)])
def test_a_temporary_fault_waits_as_long_as_it_asks_for_at_least(
    outbox: Outbox, asked: float | None, wait: float
) -> None:
    message = out(outbox)
    lines = handle(outbox, message, refuse(Temporary("Jira is busy.", retry_after=asked)))
    assert wait - 30 < wait_of(outbox, message) <= wait
    assert [line["event"] for line in lines] == ["handler_postponed"]


def test_turns_that_a_handler_waited_for_do_not_count_as_failures(outbox: Outbox) -> None:
    message = out(outbox, 3)
    with outbox.database.write() as tx:
        outbox.postpone(tx, message.id, 0.0)
    [again] = outbox.claim(lambda _: 9, {})
    handle(outbox, again, refuse(Temporary("Jira is busy.")))
    assert 70 < wait_of(outbox, message) <= 100


def test_what_the_handler_itself_decided_stays(outbox: Outbox) -> None:
    first, second = out(outbox), out(outbox)

    def postpone(message: Message) -> None:
        with outbox.database.write() as tx:
            outbox.postpone(tx, message.id, 42.0)

    def done(message: Message) -> None:
        with outbox.database.write() as tx:
            outbox.done(tx, message.id)

    assert handle(outbox, first, postpone) == []
    assert handle(outbox, second, done) == []
    assert 10 < wait_of(outbox, first) <= 42
    assert outbox.depths()["mail.received"].rows == 1


def test_a_copy_whose_row_is_ended_or_waits_is_known_and_changes_nothing_even_if_it_fails(outbox: Outbox) -> None:
    ended, waiting, at_work = out(outbox), out(outbox), out(outbox)
    with outbox.database.write() as tx:
        outbox.done(tx, ended.id)
        outbox.postpone(tx, waiting.id, 60.0)
    with outbox.database.read() as tx:
        known = [outbox.still_out(tx, message.id) for message in (ended, waiting, at_work)]
    assert known == [False, False, True]
    for message in (ended, waiting):
        handle(outbox, message, refuse(Temporary("the database was away")))
    assert 30 < wait_of(outbox, waiting) <= 60
    assert outbox.depths()["mail.received"].rows == 2


def test_a_message_of_another_service_is_given_again_by_the_bus(outbox: Outbox) -> None:
    bus = Hub(pause=0.05).bus("inbound")
    seen: list[Message] = []

    def at_the_second_time(message: Message) -> None:
        seen.append(message)
        if len(seen) == 1:
            raise Temporary("not now")

    consume(bus, outbox, "tenant.changed", at_the_second_time, 1)
    bus.publish([Message("id", "tenant.changed", "t", {})])
    deadline = time.monotonic() + 60
    while len(seen) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    bus.close(1.0)
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("attempts", "least", "most"),
    [(0, 1, 2), (1, 1, 2), (2, 2, 4), (5, 16, 32), (9, 256, 512), (10, 450, 900), (11, 450, 900), (10_000, 450, 900)],
)
def test_the_pause_doubles_up_to_a_quarter_of_an_hour(attempts: int, least: float, most: float) -> None:
    assert (backoff(attempts, 0.0), backoff(attempts, 1.0)) == (least, most)
    assert all(least <= backoff(attempts) <= most for _ in range(50))
