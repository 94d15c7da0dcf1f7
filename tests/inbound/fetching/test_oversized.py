"""Mail that is larger than a mailbox takes is recorded by its header, never dropped, whatever brings it.

Pushed mail: tests/inbound/push (test_push, test_submit, test_provider_hooks); what becomes of it then: test_worker.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from imapclient import IMAPClient
from sqlalchemy import update

from common.crypto import Vault
from common.db import Database
from common.ids import new_id
from inbound import store_ledger, store_sources
from inbound.config import Config
from inbound.fetcher import Fetcher
from inbound.fetching.entries import raw_aad
from inbound.reading.parse import parse
from inbound.tables import data_key, mail, mailbox
from sandbox.servers import dovecot as dovecot_server
from sandbox.servers.dovecot import Dovecot
from tests.inbound import rig
from tests.inbound.mailserver import MailServer, letter
from tests.inbound.rig import wait_for
from tests.inbound.signing import USER, add_signed_in, cloud

SMALL, HUGE = letter("small"), letter("huge", text="x" * 30_000, sender="bob@customer.test")
Way = tuple[Config, Callable[..., str]]


@pytest.fixture(params=["imap", pytest.param("pop3", marks=pytest.mark.dovecot), "graph"])
def way(request: pytest.FixtureRequest, database: Database) -> Iterator[Callable[..., Way]]:
    """Where a huge and a small mail lie; gives the settings and what connects a mailbox to it."""
    with _ways[request.param](request, database) as made:
        yield made


@contextmanager
def _imap(request: pytest.FixtureRequest, database: Database) -> Iterator[Callable[..., Way]]:
    server: MailServer = request.getfixturevalue("mail_server")
    server.deliver(HUGE, SMALL)

    def made(**environment: str) -> Way:
        config = rig.config(POLL_SECONDS="1", **environment)
        return config, lambda **changes: rig.add_mailbox(database, config, server, **changes)

    yield made


@contextmanager
def _pop3(request: pytest.FixtureRequest, database: Database) -> Iterator[Callable[..., Way]]:
    server: Dovecot = request.getfixturevalue("dovecot")
    user = f"{new_id()}@example.test"
    with IMAPClient("127.0.0.1", server.imap_port, ssl=False, timeout=30) as person:
        person.login(user, dovecot_server.PASSWORD)
        person.append("INBOX", HUGE)
        person.append("INBOX", SMALL)
    place = {"kind": "pop3", "port": server.pop3_port, "username": user, "secret": dovecot_server.PASSWORD}

    def made(**environment: str) -> Way:
        config = rig.config(POLL_SECONDS="1", **environment)
        return config, lambda **changes: rig.add_mailbox(database, config, None, **{**place, **changes})

    yield made


@contextmanager
def _graph(request: pytest.FixtureRequest, database: Database) -> Iterator[Callable[..., Way]]:
    with cloud() as running:
        running.graph.page = 100
        for number in range(60):  # a page of their list is larger than the smallest limit
            running.graph.deliver(USER, letter(f"old {number}"), read=True, at=float(number + 1))
        running.graph.deliver(USER, HUGE, at=1_000.0)
        running.graph.deliver(USER, SMALL, at=2_000.0)

        def made(**environment: str) -> Way:
            config = running.config(POLL_SECONDS="1", **environment)
            refresh = running.granted(kind="graph")
            return config, lambda **changes: add_signed_in(database, config, refresh, kind="graph", **changes)

        yield made


_ways: dict[str, Any] = {"imap": _imap, "pop3": _pop3, "graph": _graph}


@pytest.mark.parametrize("whose", ["operator", "mailbox"])
def test_a_mail_that_is_too_large_is_recorded_with_its_header(
    way: Callable[..., Way], database: Database, whose: str
) -> None:
    config, connect = way(**({"MAX_MAIL_BYTES": "10000"} if whose == "operator" else {}))
    id = connect(**({"max_bytes": 10_000} if whose == "mailbox" else {}))
    fetcher = Fetcher(config, database)
    fetcher.start()
    try:
        wait_for(lambda: len(received(database)) == 2, 90)
        (huge,) = [row for row in received(database) if "problem" in row.record]
        header = parse(content(config, database, huge.id))
        assert (header.subject, header.sender and header.sender.address) == ("huge", "bob@customer.test")
        assert huge.record["limit"] == 10_000
        assert header.text.strip() == "" and "at most" in huge.record["problem"] and huge.size >= len(HUGE)
        if whose == "operator":
            return
        # With a larger limit somebody tries it again: it is fetched whole.
        with database.write() as tx:
            told = {**huge.record, "answered": "oversized"}
            tx.execute(update(mail).where(mail.c.id == huge.id).values(state="held", record=told))
            tx.execute(update(mailbox).values(max_bytes=None, changed_at=mailbox.c.changed_at + 1))
            assert store_ledger.ask_again(tx, huge.id)
            store_sources.add_backlog(tx, huge.source_id, [huge.remote_id])
            store_sources.ask(tx, id)
        wait_for(lambda: ["problem" in row.record for row in received(database)] == [False, False], 90)
        assert content(config, database, huge.id) == HUGE
        (again,) = [row for row in received(database) if row.id == huge.id]
        assert again.record["answered"] == "oversized"  # and its sender is not told twice
    finally:
        fetcher.stop(30)


def received(database: Database) -> list[Any]:
    return [row for row in rig.mails(database) if row.state == "received"]


def content(config: Config, database: Database, id: str) -> bytes:
    vault = Vault(config.settings.master_key, data_key)
    with database.read() as tx:
        return vault.unseal(tx, rig.TENANT, store_ledger.sealed_raw(tx, id) or b"", raw_aad(id))
