"""People at the same mailbox while we read it: they open, move and delete mail, rename folders, and change the account.

Against Dovecot, but for the account of the same UIDVALIDITY, which needs a server that gives one on request.
"""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from imapclient import IMAPClient
from sqlalchemy import Row, select

from common.db import Database
from common.ids import new_id
from inbound.fetcher import Fetcher
from inbound.reading.parse import parse
from inbound.tables import mail, mailbox
from sandbox.servers import dovecot as dovecot_server
from sandbox.servers.dovecot import Dovecot
from tests.inbound.mailserver import letter
from tests.inbound.rig import add_mailbox, config, wait_for
from tests.inbound.scripted import Scripted

CONFIG = config(POLL_SECONDS="1", IMAP_TIMEOUT="30")
MAILS = 60


class Account:
    """A user of Dovecot's, and what people do in their mailbox."""

    def __init__(self, server: Dovecot) -> None:
        self.port, self.user = server.imap_port, f"{new_id()}@example.test"

    @contextmanager
    def person(self, folder: str = "INBOX") -> Iterator[IMAPClient]:
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=30) as client:
            client.login(self.user, dovecot_server.PASSWORD)
            client.select_folder(folder)
            yield client

    def connect(self, database: Database, **changes: Any) -> str:
        secret = dovecot_server.PASSWORD
        return add_mailbox(database, CONFIG, None, port=self.port, username=self.user, secret=secret, **changes)


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return Account(dovecot)


@contextmanager
def fetching(database: Database) -> Iterator[Fetcher]:
    fetcher = Fetcher(CONFIG, database)
    fetcher.start()
    try:
        yield fetcher
    finally:
        fetcher.stop(30)


def rows(database: Database, id: str | None = None) -> list[Row[Any]]:
    query = select(mail).order_by(mail.c.received_at)
    with database.read() as tx:
        return list(tx.execute(query if id is None else query.where(mail.c.mailbox_id == id)))


def taken(database: Database, id: str | None = None) -> Counter[str]:
    """How often each octet string was taken in to be handled."""
    return Counter(row.fingerprint for row in rows(database, id) if row.state == "received")


def state(database: Database, id: str) -> str:
    with database.read() as tx:
        return str(tx.execute(select(mailbox.c.state).where(mailbox.c.id == id)).scalar_one())


def change(database: Database, id: str, **values: Any) -> None:
    """As the admin's form does."""
    with database.write() as tx:
        row = mailbox.update().where(mailbox.c.id == id)
        tx.execute(row.values(**values, changed_at=mailbox.c.changed_at + 1))


@pytest.mark.dovecot
def test_somebody_who_works_in_the_mailbox_makes_nothing_come_twice_or_not_at_all(
    database: Database, account: Account
) -> None:
    hand, gone = random.Random(20261122), set[str]()
    with account.person() as person:
        person.create_folder("Archive")
    id = account.connect(database)
    arriving = threading.Event()

    def colleague() -> None:
        with account.person() as person:
            while not arriving.is_set():
                person.noop()
                there = person.search()
                for number in hand.sample(there, min(3, len(there))):
                    act = hand.choice(("open", "unread", "away", "away and back", "delete"))
                    header = person.fetch([number], ["BODY.PEEK[HEADER]"]).get(number, {}).get(b"BODY[HEADER]")
                    if header is None:
                        continue
                    subject = parse(header).subject
                    if act == "open":
                        person.add_flags([number], [rb"\Seen"])
                    elif act == "unread":
                        person.remove_flags([number], [rb"\Seen"])
                    elif act == "delete":
                        person.add_flags([number], [rb"\Deleted"])
                        person.uid_expunge([number])
                        gone.add(subject)
                    else:
                        person.move([number], "Archive")
                        if act == "away":
                            gone.add(subject)
                        else:
                            person.select_folder("Archive")
                            person.move(person.search(["SUBJECT", subject]), "INBOX")
                            person.select_folder("INBOX")

    with fetching(database):
        wait_for(lambda: state(database, id) == "connected")
        helper = threading.Thread(target=colleague)
        helper.start()
        try:
            with account.person() as sender:
                for number in range(MAILS):
                    flags = [rb"\Seen"] if number % 5 == 0 else []
                    sender.append("INBOX", letter(f"mail-{number:03}"), flags)
        finally:
            arriving.set()
            helper.join(60)
        assert not helper.is_alive()
        wanted = {f"mail-{number:03}" for number in range(MAILS)} - gone

        def all_there() -> bool:
            return wanted <= set(subjects(database, account))

        wait_for(all_there, 90)
    assert max(taken(database).values()) == 1, "what came back under another number was seen before"
    assert {row.state for row in rows(database)} <= {"received", "ignored"}
    assert all(row.fingerprint for row in rows(database)), "no row is of a message that was not there"


def subjects(database: Database, account: Account) -> list[str]:
    """The subjects of what is in the folder and has a row under its number there."""
    with account.person() as person:
        headers = person.fetch(person.search(), ["BODY.PEEK[HEADER]"])
    known = {row.remote_id for row in rows(database)}
    return [parse(item[b"BODY[HEADER]"]).subject for number, item in headers.items() if str(number) in known]


@pytest.mark.dovecot
def test_a_renamed_folder_is_told_and_goes_on_under_its_new_name(database: Database, account: Account) -> None:
    with account.person() as person:
        person.create_folder("Help")
        person.append("Help", letter("before"))
    id = account.connect(database, folder="Help")
    with fetching(database):
        wait_for(lambda: sum(taken(database).values()) == 1 and rows(database)[0].marked)
    with account.person() as person:
        person.rename_folder("Help", "Help desk")
        person.append("Help desk", letter("after"))
    with fetching(database):
        wait_for(lambda: state(database, id) == "trouble")
        change(database, id, folder="Help desk")
        wait_for(lambda: sum(taken(database).values()) == 2)
    assert set(taken(database).values()) == {1}


@pytest.mark.dovecot
def test_two_mailboxes_of_one_account_have_a_folder_each(database: Database, account: Account) -> None:
    with account.person() as person:
        person.create_folder("Sales")
    one, two = account.connect(database), account.connect(database, folder="Sales", backlog="unread")
    with fetching(database):
        wait_for(lambda: {state(database, one), state(database, two)} == {"connected"})
        with account.person() as person:
            person.append("INBOX", letter("for both"))
            person.append("INBOX", letter("for support"))
            person.append("Sales", letter("for both"))
            wait_for(lambda: len(rows(database, one)) == 2 and len(rows(database, two)) == 1)
            person.noop()
            person.move(person.search(["SUBJECT", "for support"]), "Sales")
        wait_for(lambda: len(rows(database, two)) == 2)
    assert set(taken(database, one).values()) == set(taken(database, two).values()) == {1}
    assert [len(taken(database, id)) for id in (one, two)] == [2, 2], "each mailbox takes what lies in its folder"


def test_another_account_of_the_same_uidvalidity_is_another_source(database: Database) -> None:
    with Scripted() as server:
        for user in ("ann", "ben"):
            server.inbox(user).add(*(letter(f"{user} {number}") for number in range(3)))
        id = add_mailbox(database, CONFIG, None, port=server.port, username="ann")
        with fetching(database):
            wait_for(lambda: sum(taken(database).values()) == 3 and not server.inbox("ann").unread())
            change(database, id, username="ben")
            wait_for(lambda: sum(taken(database).values()) == 6 and not server.inbox("ben").unread())
            server.inbox("ann").add(letter("while ben was read"), seen=True)
            change(database, id, username="ann")
            wait_for(lambda: sum(taken(database).values()) == 7)
    assert set(taken(database).values()) == {1}
    assert len({(row.source_id, row.remote_id) for row in rows(database)}) == 7
    assert len({row.source_id for row in rows(database)}) == 2
