"""The POP3 source against a real Dovecot, and against a scripted server for what a good one never does."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from common.errors import Temporary
from common.ids import new_id
from inbound.fetcher import Fetcher
from inbound.sources import Account, Count, Disposal, Unusable
from inbound.sources.batches import MESSAGES
from inbound.sources.findings import pop3_finding
from inbound.sources.pop3 import Pop3Source
from sandbox.servers import dovecot as dovecot_server
from sandbox.servers.dovecot import Dovecot
from tests.inbound.mailserver import LOOPBACK, letter
from tests.inbound.rig import add_mailbox, config, database, mailbox_row, mails, wait_for

SMALL, ROOM = 10_000, 40 * 1024 * 1024
DELETE = Disposal("delete")
real = pytest.mark.dovecot


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    """A mailbox of the test's own."""
    return Account("127.0.0.1", dovecot.pop3_port, "none", f"{new_id()}@example.test", dovecot_server.PASSWORD, "INBOX")


def source_of(account: Account, timeout: float = 30.0) -> Pop3Source:
    return Pop3Source(account, LOOPBACK, timeout=timeout, allow_plain=True)


def deliver(dovecot: Dovecot, account: Account, *raws: bytes) -> None:
    with IMAPClient("127.0.0.1", dovecot.imap_port, ssl=False, timeout=30) as client:
        client.login(account.username, account.secret)
        for raw in raws:
            client.append("INBOX", raw)


@real
def test_messages_are_listed_fetched_and_left(dovecot: Dovecot, account: Account) -> None:
    deliver(dovecot, account, letter("one"), letter("two", text=".\r\n..dots\r\n" + "x" * 5_000))
    with closing(source_of(account)) as source:
        place = source.open()
        assert (place.ordered, place.count, place.writable, place.wakes) == (False, 2, True, False)
        one, two = source.listed()
        (batch,) = source.messages((one, two), ROOM)
        assert [message.raw for message in batch] == [
            letter("one"),
            letter("two", text=".\r\n..dots\r\n" + "x" * 5_000),
        ]
        assert [message.id for message in batch] == [one, two]
        source.done([one])
        deliver(dovecot, account, letter("three"))
        assert source.listed() == (one, two), "a session sees the mailbox as it was"
        source.wait(0.0, lambda: True)
        assert source.listed()[:2] == (one, two) and len(source.listed()) == 3


@real
def test_only_what_is_asked_for_is_deleted(dovecot: Dovecot, account: Account) -> None:
    deliver(dovecot, account, letter("one"), letter("two"), letter("three"))
    with closing(source_of(account)) as source:
        one, two, three = source.listed()
        source.done([two, "gone already"], DELETE)
        assert source.listed() == (one, three)
        source.done([two], DELETE)
    with closing(source_of(account)) as source:
        assert source.listed() == (one, three)


@real
def test_a_connection_that_breaks_deletes_nothing(dovecot: Dovecot, account: Account) -> None:
    deliver(dovecot, account, letter("one"))
    source = source_of(account)
    (one,) = source.listed()
    assert source._wire is not None
    source._wire.delete(source._numbers[one])
    source._drop()
    assert source.listed() == (one,)
    source.close()


@real
def test_a_large_message_comes_as_its_header(dovecot: Dovecot, account: Account) -> None:
    deliver(dovecot, account, letter("large", text="x" * SMALL), letter("small"))
    with closing(source_of(account)) as source:
        (batch,) = source.messages(source.listed(), SMALL)
    large, small = batch
    assert not large.whole and b"Subject: large" in large.raw and b"xxx" not in large.raw and large.size > SMALL
    assert small.whole


@real
def test_batches_are_bounded(dovecot: Dovecot, account: Account) -> None:
    deliver(dovecot, account, *(letter(f"number {number}") for number in range(MESSAGES + 1)))
    with closing(source_of(account)) as source:
        assert [len(batch) for batch in source.messages(source.listed(), ROOM)] == [MESSAGES, 1]


@real
def test_age_is_read_from_the_header(dovecot: Dovecot, account: Account) -> None:
    old = letter("old", Date="Fri, 03 Jan 2020 10:00:00 +0000")
    new = letter("new", Received="from a by b; Tue, 04 Jun 2024 10:00:00 +0200", Date="Fri, 03 Jan 2020 10:00:00 +0000")
    deliver(dovecot, account, old, new, letter("who knows"))
    with closing(source_of(account)) as source:
        _, second, third = source.listed()
        assert source.since(1_700_000_000.0) == (second, third)
        assert source.counted(1_700_000_000.0) == Count(2)
        found = source.overview()
        assert (found.total, found.unread, found.oldest_at) == (3, None, 1_578_045_600.0)


@real
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_encrypted_connections_check_the_certificate(
    dovecot: Dovecot, account: Account, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = dovecot.pop3s_port if security == "tls" else dovecot.pop3_port
    safe = replace(account, port=port, security=security, host="localhost")
    with closing(source_of(safe)) as source, pytest.raises(Unusable) as caught:
        source.open()
    assert caught.value.field == "validate_certificate"
    with closing(source_of(replace(safe, validate_certificate=False))) as source:
        assert source.open().count == 0
        assert "not checked" in " ".join(source.check().sentences)
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate))
    with closing(source_of(safe)) as source:
        found = source.check()
    assert found.certificate_expires_at is not None
    assert any("POP3 does not tell which" in sentence for sentence in found.sentences)
    # localhost and 127.0.0.1 are the same server: by its address the certificate is for somebody else.
    elsewhere = replace(safe, host="127.0.0.1")
    if "127.0.0.1" not in " ".join(found.sentences):
        with closing(source_of(elsewhere)) as source, pytest.raises(Unusable):
            source.open()
    with closing(source_of(replace(elsewhere, check_identity=False))) as source:
        assert "is not checked" in " ".join(source.check().sentences)


@real
def test_a_wrong_password_is_named(account: Account) -> None:
    with closing(source_of(replace(account, secret="wrong"))) as source, pytest.raises(Unusable) as caught:
        source.open()
    assert caught.value.field == "secret" and "POP" in caught.value.remedy


@real
def test_the_fetcher_takes_what_is_new_and_leaves_the_rest(dovecot: Dovecot, account: Account, tmp_path: Path) -> None:
    settings = config(IMAP_TIMEOUT="30", POLL_SECONDS="1")
    deliver(dovecot, account, letter("old"))
    place = {"kind": "pop3", "port": account.port, "username": account.username, "secret": account.secret}
    with database(tmp_path / "db") as opened:
        id = add_mailbox(opened, settings, None, **place, backlog="none")

        def connected() -> bool:
            with opened.read() as tx:
                return bool(mailbox_row(tx, id).state == "connected")

        for subject in ("new", "newer"):  # the second time with what the ledger remembers of the first
            fetcher = Fetcher(settings, opened)
            fetcher.start()
            try:
                count = len(mails(opened))
                wait_for(connected)
                deliver(dovecot, account, letter(subject))
                wait_for(lambda count=count: len(mails(opened)) == count + 1)
            finally:
                fetcher.stop(30)
        assert [row.state for row in mails(opened)] == ["received", "received"]


# --- a server that misbehaves


class Script:
    """A POP3 server that answers by a table: command → octets to send, None to hang up. Each connection begins anew."""

    def __init__(self, answers: dict[str, bytes | Callable[[socket.socket], None] | None]) -> None:
        usual: dict[str, bytes | Callable[[socket.socket], None] | None] = {
            "": b"+OK ready\r\n",
            "USER": b"+OK\r\n",
            "PASS": b"+OK\r\n",
            "CAPA": b"+OK\r\nUIDL\r\n.\r\n",
            "STAT": b"+OK 1 100\r\n",
            "UIDL": b"+OK\r\n1 a\r\n.\r\n",
            "LIST": b"+OK\r\n1 100\r\n.\r\n",
            "TOP 1 0": b"+OK\r\nSubject: top\r\n\r\n.\r\n",
            "RETR 1": b"+OK\r\n" + letter("one") + b".\r\n",
            "QUIT": b"+OK\r\n",
        }
        self.answers = usual | answers
        self.heard: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines:
            try:
                line = ""
                while True:
                    answer = self.answers.get(line, self.answers.get(line.split(" ")[0], b"-ERR what?\r\n"))
                    if answer is None:
                        return
                    if callable(answer):
                        answer(client)
                    else:
                        client.sendall(answer)
                    text = lines.readline()
                    if not text or line == "QUIT":
                        return
                    line = text.decode().strip()
                    self.heard.append(line)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@contextmanager
def scripted(timeout: float = 30.0, **answers: bytes | Callable[[socket.socket], None] | None) -> Iterator[Pop3Source]:
    server = Script({name.replace("_", " ").strip(): answer for name, answer in answers.items()})
    source = source_of(Account("127.0.0.1", server.port, "none", "a", "b", "INBOX"), timeout)
    try:
        yield source
    finally:
        source.close()
        server.close()


def test_a_server_without_lasting_names_is_refused() -> None:
    with scripted(UIDL=b"-ERR unknown command\r\n") as source, pytest.raises(Unusable, match="UIDL") as caught:
        source.open()
    assert "IMAP" in caught.value.remedy


@pytest.mark.parametrize("words", [b"-ERR [IN-USE] locked\r\n", b"-ERR [SYS/TEMP] later\r\n"])
def test_a_busy_mailbox_is_tried_again(words: bytes) -> None:
    with scripted(PASS=words) as source, pytest.raises(Temporary):
        source.open()


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"* OK IMAP4rev1\r\n"])
def test_what_is_no_pop3_server_is_named(greeting: bytes) -> None:
    with scripted(_=greeting) as source, pytest.raises(Unusable) as caught:
        source.open()
    assert caught.value.field == "port"


def test_a_server_that_says_nothing_is_given_up() -> None:
    with scripted(0.3, _=b"") as source, pytest.raises(Temporary, match="did not answer in time"):
        source.open()


def test_a_drip_is_given_up_in_time() -> None:
    def drip(client: socket.socket) -> None:
        for _ in range(2_000):
            client.sendall(b"x")
            time.sleep(0.05)

    with scripted(0.5, STAT=drip) as source:
        began = time.monotonic()
        with pytest.raises(Temporary):
            source.open()
        assert time.monotonic() - began < 60


@pytest.mark.parametrize("broken", [None, b"+OK\r\nSubject: half a li"])
def test_a_message_at_which_the_connection_breaks_is_a_fault(broken: bytes | None) -> None:
    def half(client: socket.socket) -> None:
        client.sendall(broken or b"")
        client.shutdown(socket.SHUT_RDWR)

    with scripted(RETR_1=half if broken else None) as source:
        ids = source.listed()
        with pytest.raises(Temporary):
            list(source.messages(ids, ROOM))


def test_a_message_without_end_is_cut_to_its_header() -> None:
    def endless(client: socket.socket) -> None:
        client.sendall(b"+OK\r\n")
        while True:
            client.sendall(b"x" * 70 + b"\r\n")

    with scripted(RETR_1=endless) as source:
        (batch,) = source.messages(source.listed(), SMALL)
    (message,) = batch
    assert not message.whole and b"Subject: top" in message.raw and message.size > SMALL


def test_a_message_that_is_not_handed_over_keeps_no_other_out() -> None:
    two = {"STAT": b"+OK 2 9\r\n", "UIDL": b"+OK\r\n1 a\r\n2 b\r\n.\r\n", "LIST": b"+OK\r\n1 5\r\n2 5\r\n.\r\n"}
    with scripted(**two, RETR_1=b"-ERR no\r\n", RETR_2=b"+OK\r\n" + letter("two") + b".\r\n") as source:
        (batch,) = source.messages(source.listed(), ROOM)
    assert [(message.id, message.whole) for message in batch] == [("a", False), ("b", True)]


def test_equal_names_are_told_apart() -> None:
    with scripted(STAT=b"+OK 3 9\r\n", UIDL=b"+OK\r\n1 a\r\n2 a\r\n3 b\r\n.\r\n") as source:
        assert source.listed() == ("a", "a 2", "b")


def test_lines_may_be_long_and_end_anyhow() -> None:
    raw = b"Subject: one\n\n" + b"y" * 100_000 + b"\r\n"
    with scripted(RETR_1=b"+OK\r\n" + raw + b".\r\n") as source:
        (batch,) = source.messages(source.listed(), ROOM)
    assert batch[0].raw == raw


@pytest.mark.parametrize("listing", [b"+OK\r\none a\r\n.\r\n", b"+OK\r\n1 a\r\n"])
def test_a_listing_that_lies_is_a_fault(listing: bytes) -> None:
    with scripted(0.5, UIDL=listing) as source, pytest.raises(Temporary):
        source.open()


def test_what_the_server_would_not_delete_is_said() -> None:
    with scripted(DELE=b"-ERR no\r\n") as source, pytest.raises(Temporary, match="did not delete 1 of 1"):
        source.done(source.listed(), DELETE)


def test_a_token_is_handed_over_in_two_steps() -> None:
    said = []

    class Bearer:
        person = None

        def token(self) -> str:
            return "t" * 1_500

        def refused(self, token: str) -> bool:
            said.append(token)
            return False

    with scripted(AUTH=b"+ \r\n") as source:
        source._account = replace(source._account, bearer=Bearer())
        with pytest.raises(Unusable) as caught:  # the script answers "-ERR what?" to the token
            source.open()
    assert caught.value.field == "secret" and said


def test_many_messages_are_counted_by_a_few_of_their_headers() -> None:
    """A header costs a command, and the preview must not cost the mail server two thousand of them."""
    total, first_new = 2_000, 1_500
    listed = b"".join(b"%d u%d\r\n" % (number, number) for number in range(1, total + 1))
    server = Script({"STAT": b"+OK %d 9\r\n" % total, "UIDL": b"+OK\r\n" + listed + b".\r\n"})
    server.answers["LIST"] = b"+OK\r\n" + b"".join(b"%d 9\r\n" % number for number in range(1, total + 1)) + b".\r\n"
    for number in range(1, total + 1):
        day = b"Fri, 03 Jan 2020" if number < first_new else b"Tue, 04 Jun 2024"
        server.answers[f"TOP {number} 0"] = b"+OK\r\nDate: " + day + b" 10:00:00 +0000\r\n\r\n.\r\n"
    with closing(server), closing(source_of(Account("127.0.0.1", server.port, "none", "a", "b", "INBOX"))) as source:
        source.open()
        assert source.counted(1_700_000_000.0) == Count(501, exact=False)
    assert sum(line.startswith("TOP") for line in server.heard) < 15


def test_gmails_own_setting_is_warned_of() -> None:
    account = Account("pop.gmail.com", 995, "tls", "a", "b", "INBOX")
    assert "archive or delete" in " ".join(pop3_finding(account, 1, (), None).sentences)
    other = replace(account, host="pop.other.test")
    assert "7 days" in " ".join(pop3_finding(other, 1, ("7",), None).sentences)


def test_new_names_for_old_mail_make_no_issues_of_it(tmp_path: Path) -> None:
    old, new = "Thu, 02 Jan 2020 10:00:00 +0000", "Sat, 02 Jan 2100 10:00:00 +0000"
    server = Script({"TOP 1 0": f"+OK\r\nDate: {old}\r\n\r\n.\r\n".encode()})
    server.answers["TOP 2 0"] = f"+OK\r\nDate: {new}\r\n\r\n.\r\n".encode()
    server.answers["RETR 2"] = b"+OK\r\n" + letter("new") + b".\r\n"
    settings = config(IMAP_TIMEOUT="30", POLL_SECONDS="1")
    with database(tmp_path / "db") as opened:
        id = add_mailbox(opened, settings, None, kind="pop3", port=server.port, backlog="none")

        def balance() -> Any:
            with opened.read() as tx:
                return mailbox_row(tx, id).reconciled

        for seen in (1, 2):  # the second time the server names everything anew, and a message has come
            fetcher = Fetcher(settings, opened)
            fetcher.start()
            try:
                wait_for(lambda seen=seen: (balance() or {}).get("seen") == seen)
            finally:
                fetcher.stop(30)
            server.answers |= {"STAT": b"+OK 2 9\r\n", "UIDL": b"+OK\r\n1 x\r\n2 y\r\n.\r\n"}
        assert [row.remote_id for row in mails(opened)] == ["y"] and balance()["unaccounted"] == 0
        server.close()


def test_a_message_that_breaks_every_connection_keeps_no_other_out(tmp_path: Path) -> None:
    server = Script(
        {
            "STAT": b"+OK 2 9\r\n",
            "UIDL": b"+OK\r\n1 a\r\n2 b\r\n.\r\n",
            "LIST": b"+OK\r\n1 5\r\n2 5\r\n.\r\n",
            "RETR 1": None,
            "RETR 2": b"+OK\r\n" + letter("two") + b".\r\n",
        }
    )
    settings = config(IMAP_TIMEOUT="30", POLL_SECONDS="1")
    with database(tmp_path / "db") as opened:
        id = add_mailbox(opened, settings, None, kind="pop3", port=server.port, backlog="all")
        fetcher = Fetcher(settings, opened)
        fetcher.start()
        try:
            wait_for(lambda: len(mails(opened)) == 2, 90)

            def balance() -> Any:
                with opened.read() as tx:
                    return mailbox_row(tx, id).reconciled

            found = wait_for(balance)
        finally:
            fetcher.stop(30)
            server.close()
        broken = next(row for row in mails(opened) if row.remote_id == "a")
    assert "broke off" in broken.record["problem"] and (found["seen"], found["unaccounted"]) == (2, 0)
