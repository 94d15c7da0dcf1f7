"""What an admin is told of a mailbox: once each change, whoever writes it down and whoever dies meanwhile; on either database."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from common.db import Database
from common.outbox import Outbox
from inbound import store, store_grants, store_notices, store_sources, telling
from inbound.mailboxes.expiring import DAY, Expiring
from inbound.tables import mailbox, outbox
from tests.inbound import rig

CONFIG = rig.config()
HOUR = 3600.0


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with rig.opened(database_url) as found:
        yield found


def told(database: Database) -> list[dict[str, Any]]:
    """What is on its way to outbound, oldest first."""
    with database.read() as tx:
        rows = select(outbox.c.body).where(outbox.c.topic == telling.TOPIC).order_by(outbox.c.created_at, outbox.c.id)
        return list(tx.execute(rows).scalars())


def trouble(database: Database, id: str) -> bool:
    """It could not be read just now; whether an admin is to be told."""
    with database.write() as tx:
        return store_notices.in_trouble(tx, id, HOUR)


def let_time_pass(database: Database, id: str, seconds: float) -> None:
    with database.write() as tx:
        tx.execute(update(mailbox).where(mailbox.c.id == id).values(trouble_since=mailbox.c.trouble_since - seconds))


def test_an_hour_of_trouble_is_told_once_until_it_was_well(database: Database) -> None:
    id = rig.add_mailbox(database, CONFIG, None)
    assert not trouble(database, id)
    let_time_pass(database, id, HOUR / 2)
    assert not trouble(database, id)
    let_time_pass(database, id, HOUR / 2)
    assert [trouble(database, id) for _ in range(3)] == [True, False, False]
    with database.write() as tx:
        store_notices.well(tx, id)
    assert not trouble(database, id)
    let_time_pass(database, id, HOUR)
    assert trouble(database, id)


def test_trouble_with_a_short_good_time_is_no_hour_of_trouble(database: Database) -> None:
    id = rig.add_mailbox(database, CONFIG, None)
    trouble(database, id)
    let_time_pass(database, id, HOUR - 60)
    with database.write() as tx:
        store_notices.well(tx, id)
    trouble(database, id)
    let_time_pass(database, id, HOUR - 60)
    assert not trouble(database, id)


def test_a_mailbox_that_needs_a_sign_in_is_not_told_of_twice(database: Database) -> None:
    id = rig.add_mailbox(database, CONFIG, None, grant_state="reconnect")
    trouble(database, id)
    let_time_pass(database, id, 2 * HOUR)
    assert not trouble(database, id)
    with database.write() as tx:  # signed in again, and it is no better
        store_grants.reconnect(tx, id, b"", by="alice")
    trouble(database, id)
    let_time_pass(database, id, HOUR)
    assert trouble(database, id)


def test_whoever_sets_it_up_anew_is_told_of_what_is_wrong_then(database: Database) -> None:
    id = rig.add_mailbox(database, CONFIG, None)
    trouble(database, id)
    let_time_pass(database, id, HOUR)
    assert trouble(database, id)
    with database.write() as tx:
        row = store_sources.settings(tx, id)
        fields = {name: getattr(row, name) for name in ("enabled", *store.RULE_FIELDS)}
        store.change_mailbox(tx, row, fields, None)
    assert not trouble(database, id)
    let_time_pass(database, id, HOUR)
    assert trouble(database, id)


def test_what_is_told_goes_or_stays_with_the_change(database: Database) -> None:
    """As when the process dies between the two: both are there, or neither."""
    id = rig.add_mailbox(database, CONFIG, None)
    trouble(database, id)
    let_time_pass(database, id, HOUR)
    post = Outbox(database, outbox)

    def tell(*, dies: bool) -> None:
        with database.write() as tx:
            if store_notices.in_trouble(tx, id, HOUR):
                telling.tell(tx, post, store_notices.mailbox_of(tx, id), "trouble", "It is dark.")
                if dies:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tell(dies=True)
    assert told(database) == []
    for _ in range(2):
        tell(dies=False)
    assert [one["reason"] for one in told(database)] == ["It is dark."]


def test_a_notice_says_which_mailbox_whose_and_where_mail_must_not_go(database: Database) -> None:
    id = rig.add_mailbox(
        database, CONFIG, None, connected_by="alice", address="Help@company.test", addresses=["Help@company.test", "desk@company.test"]
    )  # fmt: skip
    rig.add_mailbox(database, CONFIG, None, folder="Other", address="other@company.test", username="no-address")
    with database.write() as tx:
        row = store_notices.mailbox_of(tx, id)
        telling.tell(tx, Outbox(database, outbox), row, "expiring", "r" * 5000, "Renew it.", days=29)
    (body,) = told(database)
    assert body["own"] == ["desk@company.test", "help@company.test", "other@company.test", row.username.lower()]
    del body["own"]
    assert body.pop("at") > 1e9 and len(body.pop("reason")) == 1000
    assert body == {
        "kind": "expiring", "mailbox": id, "name": "Support", "address": "Help@company.test", "account_id": "alice",
        "remedy": "Renew it.", "days": 29,
    }  # fmt: skip


def test_two_fetchers_that_look_at_once_warn_once_of_each_end(database: Database) -> None:
    now = database.now()
    fields: dict[str, Any] = {"auth": "client_credentials", "provider": "microsoft", "grant_state": "good"}
    id = rig.add_mailbox(database, CONFIG, None, **fields, secret_expires_at=now + 29.5 * DAY)

    def all_look() -> None:
        threads = [threading.Thread(target=Expiring(database).look) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    all_look()
    all_look()
    assert [(one["kind"], one["days"]) for one in told(database)] == [("expiring", 29)]
    with database.write() as tx:
        tx.execute(update(mailbox).where(mailbox.c.id == id).values(secret_expires_at=now + 6.5 * DAY))
    all_look()
    all_look()
    assert [one["days"] for one in told(database)] == [29, 6]
    assert "client secret" in told(database)[0]["reason"]


def test_a_new_secret_is_warned_of_anew(database: Database) -> None:
    now = database.now()
    fields: dict[str, Any] = {"auth": "client_credentials", "provider": "microsoft", "grant_state": "good"}
    id = rig.add_mailbox(database, CONFIG, None, **fields, secret_expires_at=now + 5.5 * DAY)
    Expiring(database).look()
    with database.write() as tx:
        row = store_sources.settings(tx, id)
        kept = {name: getattr(row, name) for name in ("enabled", *store.RULE_FIELDS)}
        store.change_mailbox(tx, row, {**kept, "secret_expires_at": now + 20.5 * DAY}, None)
    Expiring(database).look()
    assert [one["days"] for one in told(database)] == [5, 20]


def test_who_connected_it_is_forgotten_with_the_mailbox_and_with_the_tenant(database: Database) -> None:
    one = rig.add_mailbox(database, CONFIG, None, connected_by="alice")
    other = rig.add_mailbox(database, CONFIG, None, folder="Other", connected_by="bob")
    with database.write() as tx:
        store.remove_mailbox(tx, one)
    with database.read() as tx:
        assert [store_sources.settings(tx, id).connected_by for id in (one, other)] == [None, "bob"]
    with database.write() as tx:
        assert store.disable_mailboxes(tx, rig.TENANT) == 1
    with database.read() as tx:
        assert store_sources.settings(tx, other).connected_by is None
