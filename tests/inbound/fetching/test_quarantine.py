"""A message of Graph's that is not handed over: it is set aside with its reason, keeps no other out, and is tried again by hand.

For IMAP see test_fetcher, for POP3 test_pop3, for mail that is pushed tests/inbound/push/test_quarantine.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from common.crypto import Vault
from common.db import Database
from inbound import store_ledger, store_sources
from inbound.fetcher import Fetcher
from inbound.fetching.entries import raw_aad
from inbound.tables import data_key
from tests.inbound import rig
from tests.inbound.mailserver import letter
from tests.inbound.rig import wait_for
from tests.inbound.signing import Cloud, add_signed_in, cloud, settings

WAYS = ("404", "500", "short", "silent")
HANGING = ("short", "silent")


@pytest.fixture
def graph() -> Iterator[Cloud]:
    with cloud() as running:
        yield running


def test_a_message_that_graph_does_not_hand_over_is_set_aside_and_tried_again_by_hand(
    graph: Cloud, database: Database
) -> None:
    """A mailbox for each way to fail, at the same time."""
    config = graph.config(POLL_SECONDS="1")
    bad, ids = dict[str, str](), dict[str, str]()
    for way in WAYS:
        user = f"{way}@sandbox.test"
        names = [graph.graph.deliver(user, letter(f"{way} {at}"), at=float(at)) for at in (1, 2, 3)]
        bad[way] = names[1]
        # Only where a call ends by the timeout it is short: on a busy machine a good call may take its time.
        changes = {"username": user, "address": user, "account": user, "timeout": 3 if way in HANGING else None}
        ids[way] = add_signed_in(database, config, graph.granted(kind="graph", account=user), kind="graph", **changes)
    graph.graph.broken |= {bad[way]: way for way in WAYS}

    def rows(way: str) -> dict[str, Any]:
        return {row.remote_id: row for row in rig.mails(database) if row.mailbox_id == ids[way]}

    def balanced(way: str) -> bool:
        found = settings(database, ids[way]).reconciled
        return found is not None and (found["seen"], found["unaccounted"]) == (3, 0)

    fetcher = Fetcher(config, database)
    fetcher.start()
    try:
        for way in WAYS:
            wait_for(lambda way=way: len(rows(way)) >= 2, 90)
            assert "problem" not in str([row.record for name, row in rows(way).items() if name != bad[way]])
        for way in WAYS:
            wait_for(lambda way=way: len(rows(way)) == 3 and balanced(way), 150)
            assert "broke off" in rows(way)[bad[way]].record["problem"]
            folder = graph.graph.add(f"{way}@sandbox.test")["inbox"]
            wait_for(lambda folder=folder: [one.read for one in folder.messages.values()] == [True, False, True])
        graph.graph.broken.clear()
        with database.write() as tx:
            for way in WAYS:
                row = rows(way)[bad[way]]
                tx.execute(store_ledger.mail.update().where(store_ledger.mail.c.id == row.id).values(state="held"))
                assert store_ledger.ask_again(tx, row.id)  # as the page's Retry does
                store_sources.add_backlog(tx, row.source_id, [row.remote_id])
                store_sources.ask(tx, row.mailbox_id)
        vault = Vault(config.settings.master_key, data_key)
        for way in WAYS:
            row = wait_for(lambda way=way: (one := rows(way)[bad[way]]).state == "received" and one, 90)
            assert "problem" not in row.record
            with database.read() as tx:
                sealed = store_ledger.sealed_raw(tx, row.id) or b""
                assert vault.unseal(tx, row.tenant, sealed, raw_aad(row.id)) == letter(f"{way} 2")
    finally:
        fetcher.stop(30)
