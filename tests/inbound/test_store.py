"""The stores on both databases: what must hold when two do the same at the same time."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, select

from common import migrations
from common.crypto import Vault
from common.db import Database
from common.ids import new_id
from inbound import store, store_conversation, store_ledger, store_sources, store_steps
from inbound.fetching.entries import ledger_entry, raw_aad
from inbound.handling.conversation import Ids
from inbound.sources import Account, Message
from inbound.store_ledger import Busy, Claimed, Final, Quarantined
from inbound.tables import data_key, fetcher, mail, mailbox, metadata, source
from tests.inbound import rig

T = TypeVar("T")
CONFIG = rig.config()
ME, OTHER = "a" * 16, "b" * 16


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with rig.opened(database_url) as found:
        yield found


@pytest.fixture
def mailbox_id(database: Database) -> str:
    return rig.add_mailbox(database, CONFIG, None)


@pytest.fixture
def source_id(database: Database, mailbox_id: str) -> str:
    with database.write() as tx:
        return str(store_sources.add_source(tx, mailbox_id, "place", "1", 0, ()).id)


def entry(database: Database, mailbox_id: str, source_id: str, number: int) -> dict[str, Any]:
    with database.read() as tx:
        row = store_sources.settings(tx, mailbox_id)
    return ledger_entry(row, source_id, Message(str(number), 3, b"abc"), None, None)


@pytest.fixture
def mail_id(database: Database, mailbox_id: str, source_id: str) -> str:
    one = entry(database, mailbox_id, source_id, 1)
    with database.write() as tx:
        store_ledger.record(tx, [one], {})
    return str(one["id"])


def at_once(database: Database, *jobs: Callable[[Connection], T]) -> list[T]:
    """Each job in a transaction and a thread of its own, begun together."""
    together = threading.Barrier(len(jobs))

    def run(job: Callable[[Connection], T]) -> T:
        together.wait(60)
        with database.write() as tx:
            return job(tx)

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_the_migrations_make_the_tables(database: Database) -> None:
    assert migrations.differences(database, metadata) == []


def test_one_worker_gets_the_mail(database: Database, mail_id: str) -> None:
    claims = at_once(database, *[lambda tx: store_ledger.claim(tx, mail_id, 60.0, 5)] * 4)
    assert sorted(type(one).__name__ for one in claims) == ["Busy", "Busy", "Busy", "Claimed"]


def test_a_claim_that_ran_out_is_taken_over_and_its_holder_is_fenced_off(database: Database, mail_id: str) -> None:
    with database.write() as tx:
        assert isinstance(store_ledger.claim(tx, mail_id, -1.0, 5), Claimed)
    with database.write() as tx:
        again = store_ledger.claim(tx, mail_id, 60.0, 5)
        assert isinstance(again, Claimed) and again.mail.attempts == 2
    with database.write() as tx:
        assert not store_ledger.renew(tx, mail_id, 1, 60.0)
        assert not store_ledger.finish(tx, mail_id, 1, "handled")
        assert not store_ledger.postpone(tx, mail_id, 1, "")
        assert store_ledger.renew(tx, mail_id, 2, 60.0)
        assert store_ledger.finish(tx, mail_id, 2, "handled")
        assert isinstance(store_ledger.claim(tx, mail_id, 60.0, 5), Final)


def test_claims_without_an_outcome_end_in_quarantine_and_postponing_is_an_outcome(
    database: Database, mail_id: str
) -> None:
    def die(times: int) -> None:
        for _ in range(times):
            with database.write() as tx:
                assert isinstance(store_ledger.claim(tx, mail_id, -1.0, 3), Claimed)

    die(2)
    with database.write() as tx:
        claimed = store_ledger.claim(tx, mail_id, 60.0, 3)
        assert isinstance(claimed, Claimed)
        assert store_ledger.postpone(tx, mail_id, claimed.mail.attempts, "Jira is away.")
    die(3)
    with database.write() as tx:
        assert isinstance(store_ledger.claim(tx, mail_id, 60.0, 3), Quarantined)
    with database.write() as tx:
        assert isinstance(store_ledger.claim(tx, mail_id, 60.0, 3), Final)


def test_a_claim_that_is_held_says_for_how_long(database: Database, mail_id: str) -> None:
    with database.write() as tx:
        store_ledger.claim(tx, mail_id, 60.0, 5)
        busy = store_ledger.claim(tx, mail_id, 60.0, 5)
    assert isinstance(busy, Busy) and 50 < busy.seconds <= 60


def test_a_message_is_recorded_once(database: Database, mailbox_id: str, source_id: str) -> None:
    entries = [entry(database, mailbox_id, source_id, 7) for _ in range(3)]
    new = at_once(database, *[lambda tx, one=one: store_ledger.record(tx, [one], {}) for one in entries])
    assert sorted(len(one) for one in new) == [0, 0, 1]


def test_one_fetcher_takes_a_mailbox(database: Database, mailbox_id: str) -> None:
    taken = at_once(
        database,
        lambda tx: store_sources.take(tx, ME, mailbox_id, None),
        lambda tx: store_sources.take(tx, OTHER, mailbox_id, None),
    )
    assert sorted(taken) == [False, True]


def test_shares_are_even_and_the_dead_leave_theirs(database: Database) -> None:
    ids = {rig.add_mailbox(database, CONFIG, None) for _ in range(3)}
    with database.write() as tx:
        for id in sorted(ids):
            store_sources.beat(tx, ME)
            assert store_sources.take(tx, ME, id, None)
        assert store_sources.share(tx, ME).surplus == ()
        store_sources.beat(tx, OTHER)
        mine = store_sources.share(tx, ME)
        assert (len(mine.owned), len(mine.surplus)) == (2, 1)
        assert store_sources.share(tx, OTHER).orphans == ()
        store_sources.give_back(tx, ME, mine.surplus)
        assert store_sources.share(tx, OTHER).orphans == ((mine.surplus[0], None),)
        tx.execute(fetcher.update().where(fetcher.c.id == ME).values(heartbeat_at=1.0))
        assert {id for id, owner in store_sources.share(tx, OTHER).orphans} == ids
        assert store_sources.take(tx, OTHER, mine.owned[0].mailbox_id, ME)
        assert not store_sources.hold(tx, ME, mine.owned[0]), "the epoch has moved on"


def test_a_fetcher_that_is_known_to_be_gone_leaves_its_mailboxes_at_once(database: Database, mailbox_id: str) -> None:
    with database.write() as tx:
        store_sources.beat(tx, OTHER)
        assert store_sources.take(tx, OTHER, mailbox_id, None)
        assert store_sources.share(tx, ME).orphans == ()
        assert store_sources.share(tx, ME, OTHER.__eq__).orphans == ((mailbox_id, OTHER),)


def test_claims_in_hand_are_renewed_together_unless_they_were_lost(database: Database, mail_id: str) -> None:
    with database.write() as tx:
        assert isinstance(store_ledger.claim(tx, mail_id, 5.0, 5), Claimed)
        assert store_ledger.renew_all(tx, [(mail_id, 1), (mail_id, 2), (new_id(), 1)], 60.0) == {(mail_id, 1)}
        busy = store_ledger.claim(tx, mail_id, 60.0, 5)
        assert isinstance(busy, Busy) and busy.seconds > 50
        tx.execute(mail.update().values(claim_until=1.0))
        assert store_ledger.renew_all(tx, [(mail_id, 1)], 60.0) == set(), "another may have taken it"


def test_of_two_mails_that_claim_a_conversation_together_one_sees_the_other_first(
    database: Database, mailbox_id: str, source_id: str
) -> None:
    for number in range(5):
        pair = [entry(database, mailbox_id, source_id, 10 * number + one) for one in (1, 2)]
        with database.write() as tx:
            store_ledger.record(tx, pair, {})
        first, second = (str(one["id"]) for one in pair)
        shared = (new_id(),)
        results = at_once(
            database,
            partial(store_conversation.claim, tenant=rig.TENANT, mail_id=first, ids=Ids("", shared)),
            partial(store_conversation.claim, tenant=rig.TENANT, mail_id=second, ids=Ids("", shared)),
        )
        assert sum(len(companions) for _, _, companions in results) == 1
        assert results[0][0] != results[1][0]


def test_a_claim_of_a_conversation_keeps_its_first_time(database: Database, mail_id: str) -> None:
    with database.write() as tx:
        first, _, _ = store_conversation.claim(tx, rig.TENANT, mail_id, Ids("own", ("other",)))
    with database.write() as tx:
        again, clock, companions = store_conversation.claim(tx, rig.TENANT, mail_id, Ids("own", ("other",)))
    assert again == first <= clock and companions == []


def test_the_highest_number_only_grows(database: Database) -> None:
    numbers = (5, 9, 7)
    at_once(database, *[lambda tx, one=one: store_steps.raise_high(tx, rig.TENANT, "10001", one) for one in numbers])
    with database.read() as tx:
        assert store_steps.high(tx, rig.TENANT, "10001") == 9
        assert store_steps.high(tx, rig.TENANT, "10002") is None


def test_the_backlog_shrinks_and_the_mark_only_rises(database: Database, mailbox_id: str) -> None:
    with database.write() as tx:
        row = store_sources.add_source(tx, mailbox_id, "elsewhere", str(2**32 - 1), 2**32 - 5, ("3", "5", "9"))
        store_sources.advance(tx, row.id, (str(2**32 - 2), "5"))
        store_sources.advance(tx, row.id, ("9",))
        assert store_sources.find_backlog(tx, row.id) == ["3"]
        assert tx.execute(select(source.c.high).where(source.c.id == row.id)).scalar_one() == 2**32 - 2
        assert store_sources.find_source(tx, "elsewhere", str(2**32 - 1)) is not None
        assert store_sources.find_source(tx, "elsewhere", "2") is None
        assert store_sources.first_connected(tx, "elsewhere") and store_sources.first_connected(tx, "nowhere") is None


def test_a_place_is_server_account_and_folder() -> None:
    account = Account("imap.test", 993, "tls", "me", "secret", "INBOX")
    places = {
        store_sources.place_of(*one)
        for one in (
            ("m", "imap", account),
            ("n", "imap", account),
            ("m", "imap", Account("imap.test", 993, "tls", "me", "secret", "Sent")),
            ("m", "imap", Account("imap.test", 993, "tls", "you", "secret", "INBOX")),
            ("m", "imap", Account("other.test", 993, "tls", "me", "secret", "INBOX")),
        )
    }
    assert len(places) == 5
    assert store_sources.place_of("m", "imap", Account("IMAP.test", 993, "starttls", "me", "x", "INBOX")) in places


def test_pages_follow_each_other_without_gaps(database: Database, mailbox_id: str, source_id: str) -> None:
    entries = [entry(database, mailbox_id, source_id, number) for number in range(5)]
    with database.write() as tx:
        store_ledger.record(tx, entries, {})
    wanted = {"mailbox_id": mailbox_id, "state": "received"}
    seen: list[str] = []
    with database.read() as tx:
        while page := store_ledger.page(tx, rig.TENANT, **wanted, before=seen[-1] if seen else None, limit=2):
            seen += [row.id for row in page]
    assert seen == [one["id"] for one in reversed(entries)]


def test_raw_mail_is_sealed_and_bound_to_its_row(database: Database, mailbox_id: str, source_id: str) -> None:
    vault = Vault(CONFIG.settings.master_key, data_key)
    one = entry(database, mailbox_id, source_id, 1)
    with database.write() as tx:
        sealed = vault.seal(tx, rig.TENANT, b"Subject: secret", raw_aad(one["id"]))
        store_ledger.record(tx, [one], {one["id"]: sealed})
        found = store_ledger.sealed_raw(tx, one["id"])
        assert found is not None and b"secret" not in found
        assert vault.unseal(tx, rig.TENANT, found, raw_aad(one["id"])) == b"Subject: secret"


def test_a_removed_tenant_is_read_no_more(database: Database, mailbox_id: str) -> None:
    with database.write() as tx:
        assert store.disable_mailboxes(tx, rig.TENANT) == 1
        assert store.disable_mailboxes(tx, rig.TENANT) == 0
        assert store_sources.share(tx, ME).orphans == ()
        assert tx.execute(select(mailbox.c.state)).scalar_one() == "disabled"


def test_states_are_counted(database: Database, mail_id: str) -> None:
    with database.write() as tx:
        tx.execute(mail.update().values(state="held"))
        states = store_ledger.states(tx)
        assert {state: count for state, (count, _) in states.items()} == {"held": 1}
        assert 0 <= states["held"][1] < 3600
        assert store_sources.states(tx) == {"new": 1}
