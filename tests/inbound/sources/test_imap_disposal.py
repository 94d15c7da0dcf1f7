"""Moving and deleting on a Dovecot that announces no MOVE, or no UIDPLUS either: nothing twice, and nothing of anybody else's."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from imapclient import IMAPClient

from common.ids import new_id
from inbound.sources import Account, Disposal
from inbound.sources.imap import ImapSource
from sandbox.servers.dovecot import PASSWORD, Dovecot
from tests.inbound.mailserver import LOOPBACK, letter

pytestmark = pytest.mark.dovecot
MOVE, DELETE = Disposal("move", "Done"), Disposal("delete")
COPYING, LEAST = "IMAP4rev1 IDLE UIDPLUS", "IMAP4rev1 IDLE"


@pytest.fixture(scope="module", params=[COPYING, LEAST], ids=["no MOVE", "no UIDPLUS"])
def server(request: pytest.FixtureRequest, dovecot: Dovecot) -> Iterator[Dovecot]:
    """One that announces so little. (That there is a Dovecot on this machine, the usual one has shown.)"""
    folder = Path(tempfile.mkdtemp(prefix="mailbridge-test-"))
    folder.chmod(0o711)  # the server's account passes through
    try:
        with Dovecot(folder / "server", announces=request.param) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Box:
    """A mailbox with a folder Done; `names` says what is in a folder, with a "-" before what is marked as deleted."""

    def __init__(self, server: Dovecot) -> None:
        self.account = Account("127.0.0.1", server.imap_port, "none", f"{new_id()}@example.test", PASSWORD, "INBOX")
        with self.person() as person:
            person.create_folder("Done")

    def person(self, folder: str = "INBOX") -> IMAPClient:
        client = IMAPClient(self.account.host, self.account.port, ssl=False, timeout=30)
        client.login(self.account.username, PASSWORD)
        client.select_folder(folder)
        return client

    def source(self) -> ImapSource:
        return ImapSource(self.account, LOOPBACK, timeout=30.0, allow_plain=True)

    def names(self, folder: str = "INBOX") -> list[str]:
        with self.person(folder) as person:
            found = person.fetch(person.search(), ["ENVELOPE", "FLAGS"])
        return [
            "-" * (rb"\Deleted" in item[b"FLAGS"]) + item[b"ENVELOPE"].subject.decode()
            for _, item in sorted(found.items())
        ]


@pytest.fixture
def box(server: Dovecot) -> Box:
    return Box(server)


def least(box: Box) -> bool:
    with box.person() as person:
        assert not person.has_capability("MOVE")
        return not person.has_capability("UIDPLUS")


def fill(box: Box) -> None:
    """One, two and three, and what a colleague has marked as deleted."""
    with box.person() as person:
        for name in ("one", "two", "three"):
            person.append("INBOX", letter(name))
        person.append("INBOX", letter("theirs"), [rb"\Deleted"])


def test_messages_are_moved_by_a_copy_and_nothing_of_others_goes(box: Box) -> None:
    fill(box)
    with closing(box.source()) as source:
        source.open()
        one, two, _, _ = source.listed()
        source.done([one, two], MOVE)
        source.done([one, two, "99"], MOVE)  # asked for again after a crash
        assert source.open().writable, "it is the mailbox's own folder that is read on"
    assert box.names("Done") == ["one", "two"]
    # Without UIDPLUS nobody can take these two out and leave the colleague's.
    assert box.names() == (["-one", "-two", "three", "-theirs"] if least(box) else ["three", "-theirs"])


def test_messages_are_deleted_and_nothing_of_others_goes(box: Box) -> None:
    fill(box)
    with closing(box.source()) as source:
        source.open()
        source.done([source.listed()[1]], DELETE)
    assert box.names() == (["one", "-two", "three", "-theirs"] if least(box) else ["one", "three", "-theirs"])


def test_a_copy_that_nobody_heard_of_is_not_made_again(box: Box) -> None:
    """The COPY was done and the connection broke: two of three lie in the folder already, one of them without a Message-ID."""
    raws = [
        letter("one", Message_ID="<1@customer.test>"),
        letter("two"),
        letter("three", Message_ID="<3@customer.test>"),
    ]
    with box.person() as person:
        for raw in raws:
            person.append("INBOX", raw)
        person.append("Done", letter("own", Message_ID="<o@customer.test>"))  # as large as the first
        person.copy(person.search()[:2], "Done")
    with closing(box.source()) as source:
        source.open()
        source.done(source.listed(), MOVE)
        source.wait(0.0, lambda: True)
        with box.person() as person:
            person.append("INBOX", letter("later"))
        assert source.listed()[-1:] != (), "the session goes on in its own folder"
    assert box.names("Done") == ["own", "one", "two", "three"]
    assert box.names()[-1] == "later"


def test_of_equal_messages_each_is_copied(box: Box) -> None:
    with box.person() as person:
        for _ in range(3):
            person.append("INBOX", letter("same"))
        person.copy(person.search()[:1], "Done")
    with closing(box.source()) as source:
        source.open()
        source.done(source.listed(), MOVE)
    assert box.names("Done") == ["same"] * 3


def test_mail_that_comes_during_the_move_is_not_slept_over(box: Box) -> None:
    fill(box)
    with closing(box.source()) as source:
        source.open()
        ids = source.listed()
        with box.person() as person:
            person.append("INBOX", letter("meanwhile"))
        source.done(ids[:1], MOVE)  # the look into the other folder takes the server's news of it along
        source.wait(100.0, lambda: False)
        assert len(source.listed(ids[-1])) == 1


def test_a_server_that_is_moved_on_is_not_taken_for_one_that_tells_of_mail_in_vain(box: Box) -> None:
    with box.person() as person:
        for number in range(8):
            person.append("INBOX", letter(f"no {number}"))
    with closing(box.source()) as source:
        source.open()
        ids = source.listed()
        for id in ids:
            source.done([id], MOVE)
            source.wait(100.0, lambda: True)
            assert source.listed(ids[-1]) == ()
        assert source._in_vain == 0, "the next wait does not sleep instead of listening"
