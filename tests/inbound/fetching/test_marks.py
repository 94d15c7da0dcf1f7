"""A fetcher that starts again goes on where it was: at Graph one call instead of the whole folder, and no message less."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import func, select, update

from common.db import Database
from inbound import store, store_sources
from inbound.config import Config
from inbound.fetcher import Fetcher
from inbound.fetching.accounts import Accounts
from inbound.sources.opening import account_of, grants_for, source_for
from inbound.tables import mailbox, outbox, source
from tests.inbound import rig
from tests.inbound.mailserver import letter
from tests.inbound.rig import wait_for
from tests.inbound.signing import USER, Cloud, add_signed_in, cloud, secret_of, settings


@pytest.fixture
def graph() -> Iterator[Cloud]:
    with cloud() as running:
        running.graph.add(USER)
        yield running


@pytest.fixture
def config(graph: Cloud) -> Config:
    return graph.config(POLL_SECONDS="1")


@pytest.fixture
def id(graph: Cloud, config: Config, database: Database) -> str:
    """A mailbox with sixty messages (six pages), read once, and nothing left to do."""
    for number in range(60):
        graph.graph.deliver(USER, letter(str(number)), read=True, at=float(number + 1))
    id = add_signed_in(database, config, graph.granted(kind="graph"), kind="graph", backlog="none")
    with fetching(config, database):
        wait_for(lambda: kept(database) is not None)
    graph.graph.calls.clear()
    return id


@contextmanager
def fetching(config: Config, database: Database) -> Iterator[None]:
    fetcher = Fetcher(config, database)
    fetcher.start()
    try:
        yield
    finally:
        fetcher.stop(30)


def kept(database: Database) -> bytes | None:
    with database.read() as tx:
        found: bytes | None = tx.execute(select(source.c.mark)).scalar_one_or_none()
        return found


def names(database: Database) -> list[str]:
    return [row.remote_id for row in rig.mails(database)]


def pages_before_the_first_message(graph: Cloud) -> int:
    calls = list(graph.graph.calls)
    first = next(number for number, call in enumerate(calls) if call.endswith("$value"))
    return sum(call.endswith("/messages/delta") for call in calls[:first])


def test_a_restart_costs_one_call_for_what_changed(graph: Cloud, config: Config, database: Database, id: str) -> None:
    new = graph.graph.deliver(USER, letter("new"))
    with fetching(config, database):
        wait_for(lambda: names(database) == [new])
    assert pages_before_the_first_message(graph) == 1


def test_the_link_is_kept_sealed_and_goes_with_the_mailbox(database: Database, id: str) -> None:
    assert b"deltatoken" not in (kept(database) or b"")
    with database.write() as tx:
        store.remove_mailbox(tx, id)
    assert kept(database) is None


def test_a_link_that_expired_meanwhile_costs_a_full_look_and_no_message(
    graph: Cloud, config: Config, database: Database, id: str
) -> None:
    graph.graph.expire_links()
    new = graph.graph.deliver(USER, letter("new"))
    with fetching(config, database):
        wait_for(lambda: names(database) == [new])
    assert pages_before_the_first_message(graph) >= 7


def test_a_link_of_another_key_is_not_used(graph: Cloud, config: Config, database: Database, id: str) -> None:
    with database.write() as tx:
        tx.execute(update(source).values(mark=b"\x01" + b"rubbish" * 9))
    new = graph.graph.deliver(USER, letter("new"))
    with fetching(config, database):
        wait_for(lambda: names(database) == [new])


def test_what_was_stored_before_a_crash_and_told_again_after_it_is_there_once(
    graph: Cloud, config: Config, database: Database, id: str
) -> None:
    """The process dies after a batch and before its link: the older link tells of the batch again."""
    older = kept(database)
    first = graph.graph.deliver(USER, letter("first"))
    with fetching(config, database):
        wait_for(lambda: names(database) == [first] and kept(database) != older)
    with database.write() as tx:
        tx.execute(update(source).values(mark=older))
    second = graph.graph.deliver(USER, letter("second"))
    with fetching(config, database):
        wait_for(lambda: names(database) == [first, second])
    with database.read() as tx:
        assert tx.execute(select(func.count()).select_from(outbox)).scalar_one() == 2


def test_no_link_is_kept_beyond_a_message_that_is_not_in_the_ledger(
    graph: Cloud, config: Config, database: Database, id: str
) -> None:
    bad = graph.graph.deliver(USER, letter("bad"), at=1_000.0)
    graph.graph.broken[bad] = "silent"  # so that the tries that it gets take longer than it takes us to look
    good = graph.graph.deliver(USER, letter("good"), at=2_000.0)
    with fetching(graph.config(POLL_SECONDS="1", IMAP_TIMEOUT="5"), database):
        wait_for(lambda: good in names(database))
    assert bad not in names(database), "it is to be tried some times more"
    graph.graph.broken.clear()
    with fetching(config, database):
        wait_for(lambda: sorted(names(database)) == sorted([bad, good]))
    assert not any("problem" in row.record for row in rig.mails(database))


def test_what_was_left_alone_is_not_taken_for_having_changed(
    graph: Cloud, config: Config, database: Database, id: str
) -> None:
    folder = graph.graph.add(USER)["inbox"]
    for message in list(folder.messages.values())[:3]:
        graph.graph.mark(folder, message, False)
    new = graph.graph.deliver(USER, letter("new"))
    with fetching(config, database):
        wait_for(lambda: names(database) == [new] and folder.messages[new].read)
    assert names(database) == [new]
    assert sum(call.endswith("$value") for call in graph.graph.calls) == 1


def test_there_is_no_mark_while_something_of_what_was_told_is_not_taken(
    graph: Cloud, config: Config, database: Database, id: str
) -> None:
    """As when the fetcher is told to stop in the middle of a batch."""
    with database.read() as tx:
        row, numbered = settings(database, id), tx.execute(select(source)).one()
    grants = grants_for(config, database)
    account = account_of(row, "", grants.of_mailbox(row, secret_of(database, config, id)))
    with closing(source_for("graph", account, config)) as found:
        accounts = Accounts(database, found, found.open(), numbered)
        assert accounts.compare().missing == () and accounts.mark
        before = accounts.mark
        new = tuple(graph.graph.deliver(USER, letter(name), at=at) for at, name in ((1e9, "first"), (2e9, "second")))
        assert accounts.news() == new and accounts.mark == ""
        accounts.looked_at(new[:1])
        assert accounts.mark == ""
        accounts.looked_at(new[1:])
        assert accounts.mark not in ("", before)
        graph.graph.deliver(USER, letter("third"), at=3e9)
        assert len(accounts.compare().missing) == 3 and accounts.mark == "", "none of them is in the ledger"


@pytest.mark.parametrize(
    "changes",
    [
        {"reconciled": None},
        {"reconciled": {"at": 1.0, "unaccounted": 0}},
        {"reconciled": {"at": 9e9, "unaccounted": 1}},
        {"backlog_again": True},
        {"asked_at": 1.0},
    ],
)
def test_everything_is_looked_at_where_something_else_than_new_mail_is_to_be_done(
    database: Database, id: str, changes: dict[str, Any]
) -> None:
    with database.write() as tx:
        place = tx.execute(select(source.c.place)).scalar_one()
        assert store_sources.find_mark(tx, settings(database, id), place, 3600.0) is not None
        tx.execute(mailbox.update().values(**changes))
    with database.read() as tx:
        assert store_sources.find_mark(tx, settings(database, id), place, 3600.0) is None


def test_what_was_asked_for_and_not_brought_yet_is_looked_for(database: Database, id: str) -> None:
    with database.write() as tx:
        row = tx.execute(select(source)).one()
        store_sources.add_backlog(tx, row.id, ["wanted"])
        assert store_sources.find_mark(tx, settings(database, id), row.place, 3600.0) is None
