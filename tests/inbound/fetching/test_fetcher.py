"""The fetcher against a real IMAP server: what comes into the ledger, once, and what is marked read."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import func, select

from common.db import Database
from inbound import store_ledger, store_sources
from inbound.config import Config
from inbound.fetcher import Fetcher
from inbound.tables import fetcher as fetchers
from inbound.tables import mail, mail_raw, mailbox, outbox, source
from tests.inbound.mailserver import MailServer, letter
from tests.inbound.rig import add_mailbox, config, mails, wait_for

CONFIG = config(POLL_SECONDS="1", IMAP_TIMEOUT="30")


@contextmanager
def fetching(database: Database, with_config: Config = CONFIG) -> Iterator[Fetcher]:
    fetcher = Fetcher(with_config, database)
    fetcher.start()
    try:
        yield fetcher
    finally:
        fetcher.stop(30)


def settled(database: Database, server: MailServer, count: int) -> bool:
    rows = mails(database)
    return len(rows) == count and all(row.marked for row in rows) and all(server.flags().values())


def state_of(database: Database, id: str) -> tuple[str, str | None]:
    with database.read() as tx:
        row = tx.execute(select(mailbox.c.state, mailbox.c.last_error).where(mailbox.c.id == id)).one()
        return row.state, row.last_error


def test_the_unread_backlog_and_new_mail_are_recorded_and_marked(database: Database, mail_server: MailServer) -> None:
    mail_server.deliver(letter("unread one"), letter("unread two"))
    mail_server.deliver(letter("read long ago"), seen=True)
    id = add_mailbox(database, CONFIG, mail_server)
    with fetching(database):
        wait_for(lambda: settled(database, mail_server, 3))
        assert state_of(database, id) == ("connected", None)
        mail_server.deliver(letter("new"))
        wait_for(lambda: settled(database, mail_server, 4))
    rows = mails(database)
    assert sorted(row.state for row in rows) == ["ignored", "received", "received", "received"]
    ignored = next(row for row in rows if row.state == "ignored")
    assert (ignored.subject, ignored.sender) == ("read long ago", "ann@customer.test")
    assert "Read elsewhere" in ignored.reason
    with database.read() as tx:
        bodies = set(tx.execute(select(outbox.c.body["mail"].as_string())).scalars())
        assert tx.execute(select(func.count()).select_from(mail_raw)).scalar() == 3
    assert bodies == {row.id for row in rows if row.state == "received"}


def test_what_is_read_by_somebody_after_connection_is_taken_all_the_same(
    database: Database, mail_server: MailServer
) -> None:
    id = add_mailbox(database, CONFIG, mail_server)
    with fetching(database):
        wait_for(lambda: state_of(database, id)[0] == "connected")
    mail_server.deliver(letter("read by a colleague"), seen=True)
    with fetching(database):
        wait_for(lambda: settled(database, mail_server, 1))
    assert mails(database)[0].state == "received"


def test_without_a_backlog_only_what_comes_later_is_taken(database: Database, mail_server: MailServer) -> None:
    mail_server.deliver(letter("old"))
    id = add_mailbox(database, CONFIG, mail_server, backlog="none")
    with fetching(database):
        wait_for(lambda: state_of(database, id)[0] == "connected")
        mail_server.deliver(letter("new"))
        wait_for(lambda: len(mails(database)) == 1 and mails(database)[0].marked)
    assert list(mail_server.flags().values()) == [False, True]


def test_a_second_session_reads_nothing_again_and_marks_what_was_left(
    database: Database, mail_server: MailServer
) -> None:
    mail_server.deliver(letter("one"), letter("two"))
    add_mailbox(database, CONFIG, mail_server)
    with fetching(database):
        wait_for(lambda: settled(database, mail_server, 2))
    with database.write() as tx:  # as if the process had died between the commit and the marking
        tx.execute(mail.update().values(marked=False))
        tx.execute(source.update().values(high=source.c.baseline))
    with mail_server.person() as person:
        person.remove_flags(person.search(), [rb"\Seen"])
    with fetching(database):
        wait_for(lambda: settled(database, mail_server, 2))
    with database.read() as tx:
        assert tx.execute(select(func.count()).select_from(outbox)).scalar() == 2


def test_the_same_octets_twice_are_seen_before(database: Database, mail_server: MailServer) -> None:
    mail_server.deliver(letter("same"), letter("same"))
    add_mailbox(database, CONFIG, mail_server)
    with fetching(database):
        wait_for(lambda: settled(database, mail_server, 2))
    first, second = mails(database)
    assert (first.state, second.state) == ("received", "ignored")
    assert "Seen before" in second.reason and second.record["earlier"] == first.id


def test_a_renumbered_folder_is_read_again_without_handling_anything_twice(
    database: Database, mail_server: MailServer
) -> None:
    mail_server.deliver(letter("old and read"), seen=True, at=datetime(2020, 1, 2, 3, 4, 5))
    id = add_mailbox(database, CONFIG, mail_server, backlog="none")
    with fetching(database):
        wait_for(lambda: state_of(database, id)[0] == "connected")
        mail_server.deliver(letter("one"))
        wait_for(lambda: len(mails(database)) == 1)
    mail_server.deliver(letter("while nobody looked"))
    with database.write() as tx:  # the server now gives another UIDVALIDITY than the one we know
        tx.execute(source.update().values(identity="other numbers"))
    with fetching(database):
        wait_for(lambda: len(mails(database)) == 3 and all(row.marked for row in mails(database)))
    assert sorted(row.state for row in mails(database)) == ["ignored", "received", "received"]
    again = next(row for row in mails(database) if row.state == "ignored")
    assert "Seen before" in again.reason


def test_a_mail_that_is_too_large_is_recorded_without_its_body(database: Database, mail_server: MailServer) -> None:
    small = config(MAX_MAIL_BYTES="10000", IMAP_TIMEOUT="30")
    mail_server.deliver(letter("huge", text="x" * 20_000), letter("small"))
    add_mailbox(database, small, mail_server)
    with fetching(database, small):
        wait_for(lambda: settled(database, mail_server, 2))
    huge = mails(database)[0]
    assert "at most" in huge.record["problem"] and huge.size > 20_000 and huge.fingerprint is None


def test_many_mails_come_in_batches_of_fifty(database: Database, mail_server: MailServer) -> None:
    mail_server.deliver(*(letter(f"number {number}") for number in range(60)))
    add_mailbox(database, CONFIG, mail_server)
    with fetching(database):
        wait_for(lambda: settled(database, mail_server, 60), 90)
    assert len({row.remote_id for row in mails(database)}) == 60


def test_two_fetchers_share_the_mailboxes_and_one_takes_over(database: Database, mail_server: MailServer) -> None:
    first_id = add_mailbox(database, CONFIG, mail_server)
    second_id = add_mailbox(database, CONFIG, mail_server, folder="INBOX")

    def owners() -> dict[str, str | None]:
        with database.read() as tx:
            return {row.id: row.owner for row in tx.execute(select(mailbox.c.id, mailbox.c.owner))}

    with fetching(database) as first:
        wait_for(lambda: set(owners().values()) == {first.id})
        with fetching(database) as second:
            wait_for(lambda: set(owners().values()) == {first.id, second.id})
        wait_for(lambda: set(owners().values()) == {first.id})
        mail_server.deliver(letter("after the change"))
        wait_for(lambda: settled(database, mail_server, 1))
    assert set(owners()) == {first_id, second_id} and set(owners().values()) == {None}


def test_a_fetcher_that_lost_the_mailbox_records_nothing(database: Database, mail_server: MailServer) -> None:
    id = add_mailbox(database, CONFIG, mail_server)
    another = "b" * 16
    with fetching(database) as fetcher:
        wait_for(lambda: state_of(database, id)[0] == "connected")
        watch = fetcher._watches[id]
        with database.write() as tx:  # somebody took it while we were away, and keeps it: its heart beats
            tx.execute(fetchers.insert().values(id=another, heartbeat_at=9e9))
            tx.execute(mailbox.update().values(owner_epoch=mailbox.c.owner_epoch + 1, owner=another))
        mail_server.deliver(letter("whose is it?"))
        wait_for(lambda: not watch.alive())
        assert mails(database) == []


def test_a_wrong_password_is_shown_and_a_change_is_tried_at_once(database: Database, mail_server: MailServer) -> None:
    id = add_mailbox(database, CONFIG, mail_server, secret="wrong")
    other = add_mailbox(database, CONFIG, mail_server)
    with fetching(database):
        wait_for(lambda: state_of(database, id)[0] == "trouble" and state_of(database, other)[0] == "connected")
        assert "refused the user name or the password" in (state_of(database, id)[1] or "")
        with database.write() as tx:
            good = tx.execute(select(mailbox.c.folder).where(mailbox.c.id == other)).scalar_one()
            tx.execute(mailbox.update().where(mailbox.c.id == id).values(folder=good, changed_at=1.0, enabled=False))
            tx.execute(mailbox.update().where(mailbox.c.id == other).values(folder="Nowhere", changed_at=2.0))
        wait_for(lambda: "no folder 'Nowhere'" in (state_of(database, other)[1] or ""))


def told(database: Database) -> list[tuple[str, str, str]]:
    """(kind, reason, remedy) of what admins are told."""
    with database.read() as tx:
        bodies = tx.execute(select(outbox.c.body).where(outbox.c.topic == "admin.notice")).scalars()
        return [(one["kind"], one["reason"], one["remedy"]) for one in bodies]


def column(database: Database, id: str, name: str) -> float | None:
    with database.read() as tx:
        found: float | None = tx.execute(select(mailbox.c[name]).where(mailbox.c.id == id)).scalar_one()
        return found


def test_an_hour_of_trouble_is_told_once_by_whoever_reads_then_and_again_after_it_was_well(
    database: Database, mail_server: MailServer
) -> None:
    id = add_mailbox(database, CONFIG, mail_server, folder="Nowhere")
    with fetching(database):
        wait_for(lambda: column(database, id, "trouble_since"))
    assert told(database) == []
    for _ in range(2):  # the first fetcher is gone; the second tells, the third knows
        with database.write() as tx:
            tx.execute(mailbox.update().values(trouble_since=1.0, checked_at=None))
        with fetching(database):
            wait_for(lambda: column(database, id, "checked_at"))
    ((kind, reason, remedy),) = told(database)
    assert kind == "trouble" and "no folder 'Nowhere'" in reason and remedy
    with database.write() as tx:
        tx.execute(mailbox.update().values(folder=mail_server.folder))
    with fetching(database):
        wait_for(lambda: column(database, id, "trouble_since") is None)
    with database.write() as tx:
        tx.execute(mailbox.update().values(folder="Nowhere", trouble_since=1.0))
    with fetching(database):
        wait_for(lambda: len(told(database)) == 2)


class Breaking:
    """A way to the mail server on which every answer to a fetch of one certain message breaks off."""

    def __init__(self, server: MailServer, number: int) -> None:
        self._server = server
        self._pattern = re.compile(rb"UID FETCH ([\d,]+) \([^)]*BODY\.PEEK\[\]")
        self._number = str(number).encode()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server.port))
            threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, watched: bool) -> None:
        try:
            while data := source.recv(65_536):
                asked = self._pattern.search(data) if watched else None
                if asked and self._number in asked[1].split(b","):
                    break
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            one.close()

    def mend(self) -> None:
        """Nothing breaks any more."""
        self._number = b"none"

    def close(self) -> None:
        self._listener.close()


def test_a_message_that_cannot_be_fetched_does_not_keep_the_others_out(
    database: Database, mail_server: MailServer
) -> None:
    mail_server.deliver(letter("one"), letter("two"), letter("three"))
    breaking = Breaking(mail_server, sorted(mail_server.flags())[1])
    add_mailbox(database, CONFIG, mail_server, port=breaking.port)
    with fetching(database):
        wait_for(lambda: len(mails(database)) == 3 and all(row.marked for row in mails(database)), 90)
        rows = sorted(mails(database), key=lambda row: int(row.remote_id))
        problems = [row.record.get("problem", "") for row in rows]
        assert [bool(text) for text in problems] == [False, True, False] and "broke off" in problems[1]
        assert list(mail_server.flags().values()) == [True, False, True]
        breaking.mend()
        with database.write() as tx:  # the worker held it, and somebody tries it again
            tx.execute(mail.update().where(mail.c.id == rows[1].id).values(state="held"))
            assert store_ledger.ask_again(tx, rows[1].id)
            store_sources.add_backlog(tx, rows[1].source_id, [rows[1].remote_id])
            store_sources.ask(tx, rows[1].mailbox_id)
        wait_for(lambda: settled(database, mail_server, 3), 90)
    breaking.close()
    assert [row.state for row in mails(database)] == ["received"] * 3
    assert not any("problem" in row.record for row in mails(database))
