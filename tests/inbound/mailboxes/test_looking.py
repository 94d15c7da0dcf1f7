"""A look at a Graph folder before something is chosen: few calls, however much lies there, and what came since it was read."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from common.crypto import Vault
from common.db import Database
from inbound.fetcher import Fetcher
from inbound.mailboxes.looking import looked
from inbound.sources.opening import account_of, grants_for, source_for
from inbound.tables import data_key, source
from tests.inbound import rig
from tests.inbound.mailserver import letter
from tests.inbound.rig import wait_for
from tests.inbound.signing import USER, Cloud, add_signed_in, cloud, secret_of, settings

MESSAGES = 400


@pytest.fixture
def graph() -> Iterator[Cloud]:
    with cloud() as running:
        for number in range(MESSAGES):
            running.graph.deliver(USER, letter(str(number)), at=1_000_000.0 + number)
        yield running


def look(graph: Cloud, database: Database, id: str, *, changed: bool, since: float | None = None) -> Any:
    config = graph.config()
    row = settings(database, id)
    grants = grants_for(config, database)
    account = account_of(row, "", grants.of_mailbox(row, secret_of(database, config, id)))
    vault = Vault(config.settings.master_key, data_key)
    body = {"kind": "graph", "strategy": "read", "move_to": None, "since": since}
    graph.graph.calls.clear()
    with closing(source_for("graph", account, config)) as found:
        return looked(database, vault, found, account, row if changed else None, body)


def test_a_look_costs_few_calls_however_much_lies_there(graph: Cloud, database: Database) -> None:
    id = add_signed_in(database, graph.config(), graph.granted(kind="graph"), kind="graph")
    found = look(graph, database, id, changed=False, since=1_000_100.0)
    assert (found["total"], found["unread"], found["oldest_at"]) == (MESSAGES, MESSAGES, 1_000_000.0)
    assert found["since"]["count"] == MESSAGES - 100 and found["meanwhile"] is None
    assert len(graph.graph.calls) == 4


def test_what_came_since_the_folder_was_read_is_had_from_its_mark(graph: Cloud, database: Database) -> None:
    config = graph.config(POLL_SECONDS="1")
    id = add_signed_in(database, config, graph.granted(kind="graph"), kind="graph", backlog="none")
    assert look(graph, database, id, changed=True)["meanwhile"] is None
    fetcher = Fetcher(config, database)
    fetcher.start()
    try:
        wait_for(lambda: (settings(database, id).reconciled or {}).get("seen") == MESSAGES)
        wait_for(lambda: _marked(database))
    finally:
        fetcher.stop(10)
    for name in ("one", "two"):
        graph.graph.deliver(USER, letter(name))
    found = look(graph, database, id, changed=True)
    assert found["meanwhile"]["count"] == 2 and found["meanwhile"]["would"] in found["would"]
    assert len(graph.graph.calls) <= 4 and rig.mails(database) == []
    graph.graph.expire_links()
    found = look(graph, database, id, changed=True)
    assert found["meanwhile"]["count"] is None and "came since then is taken" in found["meanwhile"]["would"]
    assert len(graph.graph.calls) <= 4


def _marked(database: Database) -> bool:
    with database.read() as tx:
        return any(row.mark for row in tx.execute(source.select()))
