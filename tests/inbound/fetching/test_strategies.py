"""What becomes of mail in its mailbox, what of the old is taken, and that everything is accounted for, against real servers."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient
from sqlalchemy import select, update

from common.db import Database
from common.ids import new_id
from inbound import store_ledger, store_sources
from inbound.fetcher import Fetcher
from inbound.tables import mail, mail_raw, mailbox, outbox
from sandbox.servers import dovecot as dovecot_server
from sandbox.servers.dovecot import Dovecot
from tests.inbound.mailserver import letter
from tests.inbound.rig import add_mailbox, config, database, mailbox_row, mails, wait_for

pytestmark = pytest.mark.dovecot
CONFIG = config(POLL_SECONDS="1", IMAP_TIMEOUT="30")


class Box:
    """An account of a real server, a person's way to it, and its mailbox."""

    def __init__(self, dovecot: Dovecot, database: Database) -> None:
        self.user, self.port, self.pop3_port = f"{new_id()}@example.test", dovecot.imap_port, dovecot.pop3_port
        self.database = database
        self._fetcher: Fetcher | None = None

    def deliver(self, *mails: bytes, seen: bool = False) -> None:
        with self.person() as client:
            for one in mails:
                client.append("INBOX", one, [rb"\Seen"] if seen else [])

    def person(self) -> IMAPClient:
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=30)
        client.login(self.user, dovecot_server.PASSWORD)
        client.select_folder("INBOX")
        return client

    def subjects(self, folder: str = "INBOX") -> list[str]:
        with self.person() as client:
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search(), ["ENVELOPE"])
            return [item[b"ENVELOPE"].subject.decode() for _, item in sorted(found.items())]

    def connect(self, **changes: Any) -> str:
        port = self.pop3_port if changes.get("kind") == "pop3" else self.port
        values = {"port": port, "username": self.user, "secret": dovecot_server.PASSWORD, **changes}
        self.id = add_mailbox(self.database, CONFIG, None, **values)
        self.fetch()
        wait_for(lambda: self.row().reconciled is not None)
        return self.id

    def fetch(self) -> None:
        self._fetcher = Fetcher(CONFIG, self.database)
        self._fetcher.start()

    def stop(self) -> None:
        if self._fetcher is not None:
            self._fetcher.stop(30)
            self._fetcher = None

    def row(self) -> Any:
        with self.database.read() as tx:
            return mailbox_row(tx, self.id)

    def change(self, **values: Any) -> None:
        with self.database.write() as tx:
            moved = {"changed_at": mailbox.c.changed_at + 1.0, "reconciled": None}
            tx.execute(update(mailbox).where(mailbox.c.id == self.id).values(**values, **moved))

    def ends(self, state: str, *subjects: str) -> None:
        """As if the worker had brought these mails to an end."""
        numbers = [row.id for row in mails(self.database) if subject_of(row) in subjects]
        assert len(numbers) == len(subjects)
        with self.database.write() as tx:
            tx.execute(update(mail).where(mail.c.id.in_(numbers)).values(state=state))

    def disposals(self) -> dict[str, str]:
        """What became of each message in the mailbox, by its subject."""
        return {subject_of(row): row.disposal for row in mails(self.database)}

    def asked(self) -> Any:
        """What a comparison that is asked for now finds."""
        with self.database.write() as tx:
            at = store_sources.ask(tx, self.id)
        return wait_for(lambda: (row := self.row()).asked_at is None and row.reconciled["at"] >= at and row.reconciled)


def subject_of(row: Any) -> str:
    return _SIZES.get(row.size, "")


_SIZES: dict[int, str] = {}


def lettered(subject: str) -> bytes:
    """A letter that is known by its size, for the fetcher does not read it."""
    raw = letter(subject, text="x" * 100 * (1 + len(_SIZES)) + subject)
    _SIZES[len(raw)] = subject
    return raw


@pytest.fixture
def box(dovecot: Dovecot, tmp_path: Path) -> Any:
    _SIZES.clear()
    with database(tmp_path / "db") as opened:
        made = Box(dovecot, opened)
        try:
            yield made
        finally:
            made.stop()


def test_mail_is_deleted_when_it_is_handled_and_not_before(box: Box) -> None:
    box.connect(strategy="delete")
    box.deliver(*map(lettered, ("handled", "held", "failed", "ignored", "waiting")))
    with box.person() as person:  # somebody else's: marked as deleted by a person, and no business of ours
        person.append("INBOX", letter("theirs"), [rb"\Deleted"])
    wait_for(lambda: len(mails(box.database)) == 6)
    for state in ("handled", "held", "failed", "ignored"):
        box.ends(state, state)
    wait_for(lambda: box.subjects() == ["held", "failed", "waiting", "theirs"])
    wait_for(lambda: box.disposals()["handled"] == "done")  # noted after the server has said that it is gone
    states = box.disposals()
    assert (states["held"], states["waiting"]) == ("due", "due")
    box.ends("handled", "failed", "held")  # an admin let them be tried again
    wait_for(lambda: box.subjects() == ["waiting", "theirs"])
    found = box.asked()
    assert (found["seen"], found["accounted"], found["unaccounted"], found["missing"]) == (2, 2, 0, [])


def test_mail_is_moved_when_it_is_handled(box: Box) -> None:
    with box.person() as person:
        person.create_folder("Done")
    box.connect(strategy="move", move_to="Done")
    box.deliver(lettered("one"), lettered("two"))
    wait_for(lambda: len(mails(box.database)) == 2)
    box.ends("handled", "one")
    wait_for(lambda: (box.subjects(), box.subjects("Done")) == (["two"], ["one"]))


def test_a_folder_to_move_to_that_is_not_there_is_said_and_keeps_no_mail_out(box: Box) -> None:
    box.connect(strategy="move", move_to="Nowhere")
    box.deliver(lettered("one"))
    wait_for(lambda: len(mails(box.database)) == 1)
    box.ends("handled", "one")
    wait_for(lambda: "no folder 'Nowhere'" in (box.row().last_error or ""))
    assert box.subjects() == ["one"]


def test_pop3_deletes_what_is_handled(box: Box) -> None:
    box.connect(kind="pop3", strategy="delete", backlog="all")
    box.deliver(lettered("one"), lettered("two"))
    wait_for(lambda: len(mails(box.database)) == 2)
    box.ends("handled", "two")
    wait_for(lambda: box.subjects() == ["one"])
    assert box.asked()["unaccounted"] == 0


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_the_backlog_is_what_was_chosen(box: Box, kind: str) -> None:
    old = letter("old", Date="Fri, 03 Jan 2020 10:00:00 +0000")
    new = letter("new", Date="Sun, 03 Jan 2027 10:00:00 +0000")
    with box.person() as person:
        person.append("INBOX", old, [], datetime(2020, 1, 3, tzinfo=UTC))
        person.append("INBOX", new, [rb"\Seen"], datetime(2026, 1, 3, tzinfo=UTC))
    since = 1_700_000_000.0
    box.connect(kind=kind, backlog="since", backlog_since=since)
    wait_for(lambda: len(mails(box.database)) == 1)
    assert mails(box.database)[0].size == len(new)
    assert (box.row().reconciled["seen"], box.row().reconciled["unaccounted"]) == (2, 0)
    # Another strategy, and this time the old one is wanted too.
    box.change(strategy="delete", backlog="all", backlog_again=True)
    wait_for(lambda: len(mails(box.database)) == 2)
    wait_for(lambda: box.row().reconciled is not None)
    assert sorted(row.state for row in mails(box.database)) == ["received", "received"]
    assert box.row().backlog_again is False


def test_choosing_another_strategy_takes_nothing_old_by_itself(box: Box) -> None:
    box.deliver(letter("old"))
    box.connect(backlog="none")
    box.change(strategy="delete", backlog="none", backlog_again=False)
    wait_for(lambda: box.row().reconciled is not None)
    box.deliver(letter("new"))
    wait_for(lambda: len(mails(box.database)) == 1)
    assert box.subjects() == ["old", "new"]


def test_what_was_read_elsewhere_is_taken_when_somebody_asks(box: Box) -> None:
    box.deliver(letter("read"), letter("read and lost"), seen=True)
    box.connect()
    first, second = sorted(mails(box.database), key=lambda row: int(row.remote_id))
    assert {first.state, second.state} == {"ignored"} and "Read elsewhere" in first.reason
    with box.person() as person:
        person.delete_messages([int(second.remote_id)])
        person.expunge()
    with box.database.write() as tx:
        for row in (first, second):
            assert store_ledger.ask_for(tx, row.id)
            store_sources.add_backlog(tx, row.source_id, [row.remote_id])
        store_sources.ask(tx, box.id)
    wait_for(lambda: [row.state for row in mails(box.database) if row.id == first.id] == ["received"])
    with box.database.read() as tx:
        assert tx.execute(select(mail_raw.c.mail_id)).scalars().all() == [first.id]
        assert tx.execute(select(outbox.c.body["mail"].as_string())).scalars().all() == [first.id]
    wait_for(lambda: "not in the mailbox any more" in next(r.reason for r in mails(box.database) if r.id == second.id))


def test_what_was_taken_out_of_the_ledger_is_found_and_brought_back(box: Box) -> None:
    box.connect()
    box.deliver(lettered("one"), lettered("two"))
    wait_for(lambda: len(mails(box.database)) == 2 and all(row.marked for row in mails(box.database)))
    with box.database.write() as tx:
        lost = mails(box.database)[0].id
        tx.execute(mail_raw.delete().where(mail_raw.c.mail_id == lost))
        tx.execute(mail.delete().where(mail.c.id == lost))
    assert box.asked()["unaccounted"] == 0
    assert len(mails(box.database)) == 2


def test_oversized_mail_stays_in_the_mailbox_whatever_becomes_of_it(box: Box) -> None:
    box.connect(strategy="delete", max_bytes=10_000)
    box.deliver(letter("huge", text="x" * 20_000), lettered("small"))
    wait_for(lambda: len(mails(box.database)) == 2)
    with box.database.write() as tx:
        tx.execute(update(mail).values(state="handled"))
    wait_for(lambda: box.subjects() == ["huge"])
    assert next(row for row in mails(box.database) if row.size > 10_000).record["problem"]


def test_a_pop3_message_that_is_too_large_is_recorded_by_its_header(box: Box) -> None:
    box.connect(kind="pop3", max_bytes=10_000)
    box.deliver(letter("huge", text="x" * 20_000))
    (row,) = wait_for(lambda: mails(box.database))
    assert "at most" in row.record["problem"] and row.size > 20_000
