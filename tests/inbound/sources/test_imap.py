"""The IMAP source against pymap, and against a real Dovecot for what pymap has not: TLS, read-only folders, its own IDLE."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from imapclient import IMAPClient

from common.errors import Temporary
from common.ids import new_id
from inbound.fetcher import Fetcher
from inbound.sources import Account, Unusable
from inbound.sources.batches import MESSAGES as BATCH_MESSAGES
from inbound.sources.imap import ImapSource
from sandbox.servers import dovecot as dovecot_server
from sandbox.servers.dovecot import Dovecot
from tests.inbound.mailserver import LOOPBACK, MailServer, letter, running
from tests.inbound.rig import add_mailbox, config, database, mails, wait_for

Deliver = Callable[..., None]
SMALL, ROOM = 10_000, 40 * 1024 * 1024


@pytest.fixture
def dovecot_account(dovecot: Dovecot) -> Account:
    """A mailbox of the test's own."""
    user = f"{new_id()}@example.test"
    return Account("127.0.0.1", dovecot.imap_port, "none", user, dovecot_server.PASSWORD, "INBOX")


@pytest.fixture(params=["pymap", pytest.param("dovecot", marks=pytest.mark.dovecot)])
def account(request: pytest.FixtureRequest) -> Account:
    if request.param == "pymap":
        server: MailServer = request.getfixturevalue("mail_server")
        return server.account()
    found: Account = request.getfixturevalue("dovecot_account")
    return found


def source_of(account: Account, timeout: float = 30.0) -> ImapSource:
    return ImapSource(account, LOOPBACK, timeout=timeout, allow_plain=True)


def deliver(account: Account, *raws: bytes, seen: bool = False) -> None:
    with IMAPClient(account.host, account.port, ssl=False, timeout=30) as client:
        client.login(account.username, account.secret)
        for raw in raws:
            client.append(account.folder, raw, [rb"\Seen"] if seen else [])


def test_messages_are_listed_fetched_and_marked(account: Account) -> None:
    deliver(account, letter("one"), letter("two"))
    deliver(account, letter("three"), seen=True)
    with closing(source_of(account)) as source:
        place = source.open()
        assert (place.count, place.writable, place.wakes) == (3, True, True) and int(place.validity) > 0
        one, two, three = source.listed()
        assert (place.ordered, place.last) == (True, three) and source.listed(three) == ()
        assert source.listed(one) == (two, three)
        assert source.unread() == {one, two}
        (batch,) = source.messages((one, two, three), ROOM)
        assert [message.raw for message in batch] == [letter("one"), letter("two"), letter("three")]
        assert source.unread() == {one, two}, "reading marks nothing"
        source.done([one])
        assert source.unread() == {two}


def test_a_message_that_is_gone_is_left_out(account: Account) -> None:
    deliver(account, letter("one"))
    with closing(source_of(account)) as source:
        source.open()
        (one,) = source.listed()
        (batch,) = source.messages((one, str(int(one) + 1)), ROOM)
        assert [message.id for message in batch] == [one]


def test_a_large_message_comes_as_its_header(account: Account) -> None:
    deliver(account, letter("large", text="x" * SMALL), letter("small"))
    with closing(source_of(account)) as source:
        source.open()
        (batch,) = source.messages(source.listed(), SMALL)
    large, small = batch
    assert not large.whole and b"Subject: large" in large.raw and b"xxx" not in large.raw and large.size > SMALL
    assert small.whole


def test_batches_are_bounded(account: Account) -> None:
    deliver(account, *(letter(f"number {number}") for number in range(BATCH_MESSAGES + 1)))
    with closing(source_of(account)) as source:
        source.open()
        assert [len(batch) for batch in source.messages(source.listed(), ROOM)] == [BATCH_MESSAGES, 1]


def test_new_mail_wakes_who_waits(account: Account) -> None:
    with closing(source_of(account)) as source:
        source.open()
        assert source.listed() == ()
        later = threading.Timer(0.3, lambda: deliver(account, letter("wake up")))
        later.start()
        started = time.monotonic()
        source.wait(100.0, lambda: False)
        later.join()
        assert time.monotonic() - started < 60
        assert len(source.listed()) == 1


def test_mail_that_came_just_before_waiting_is_not_slept_over(account: Account) -> None:
    with closing(source_of(account)) as source:
        source.open()
        found: tuple[str, ...] = ()
        started = time.monotonic()
        for number in range(1, 6):
            deliver(account, letter(f"number {number}"))
            # The server may tell of the new mail in its answer to any command, and then does not tell again.
            while len(found) < number:
                source.done(found)
                source.wait(100.0, lambda: False)
                found += source.listed(found[-1] if found else None)
        assert time.monotonic() - started < 90


def test_waiting_ends_when_it_is_told_to(account: Account) -> None:
    stop = threading.Event()
    with closing(source_of(account)) as source:
        source.open()
        threading.Timer(0.2, stop.set).start()
        started = time.monotonic()
        source.wait(100.0, stop.is_set)
        assert time.monotonic() - started < 60
        assert source.listed() == (), "the connection is still good"


def test_a_look_around_changes_nothing(account: Account) -> None:
    deliver(account, letter("one"))
    with closing(source_of(account)) as source:
        found = source.check()
    assert (found.total, found.unread, found.wakes) == (1, 1, True)
    assert account.folder in found.folders
    with closing(source_of(account)) as source:
        source.open()
        assert len(source.unread()) == 1


@pytest.mark.parametrize(
    ("changes", "field"), [({"secret": "wrong"}, "secret"), ({"folder": "Nowhere"}, "folder")], ids=["secret", "folder"]
)
def test_what_is_set_up_wrongly_is_named(account: Account, changes: dict[str, str], field: str) -> None:
    with closing(source_of(replace(account, **changes))) as source, pytest.raises(Unusable) as caught:  # type: ignore[arg-type]
        source.open()
    assert caught.value.field == field and caught.value.remedy


def test_a_password_may_have_any_letters() -> None:
    with running('pä☃ß\\"w') as server, closing(source_of(server.account(secret='pä☃ß\\"w'))) as source:
        assert source.open().count == 0


@pytest.mark.dovecot
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_encrypted_connections_check_the_certificate(
    dovecot: Dovecot, dovecot_account: Account, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = dovecot.imaps_port if security == "tls" else dovecot.imap_port
    account = replace(dovecot_account, port=port, security=security, host="localhost")
    with closing(source_of(account)) as source, pytest.raises(Unusable) as caught:
        source.open()
    assert caught.value.field == "validate_certificate" and "self" in str(caught.value)
    with closing(source_of(replace(account, validate_certificate=False))) as source:
        assert source.open().count == 0
        assert "not checked" in " ".join(source.check().sentences)
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate))  # as an operator trusts a certificate of their own
    with closing(source_of(account)) as source:
        found = source.check()
    assert found.certificate_expires_at is not None and found.certificate_expires_at > time.time()
    assert any("certificate is for localhost" in sentence for sentence in found.sentences)


@pytest.mark.dovecot
def test_a_server_that_hangs_up_is_noticed(dovecot_account: Account) -> None:
    with closing(source_of(dovecot_account)) as source:
        source.open()
        assert source._client is not None
        source._client.socket().shutdown(2)
        with pytest.raises(Temporary):
            source.wait(60.0, lambda: False)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        account = Account("127.0.0.1", listener.getsockname()[1], "none", "a", "b", "INBOX")
        with pytest.raises(Temporary, match="did not answer in time"):
            source_of(account, timeout=0.3).open()


@pytest.mark.dovecot
def test_the_fetcher_takes_mail_from_dovecot_within_seconds(dovecot_account: Account, tmp_path: Path) -> None:
    settings = config(IMAP_TIMEOUT="30")
    with database(tmp_path / "db") as opened:
        deliver(dovecot_account, letter("unread"))
        account = dovecot_account
        add_mailbox(opened, settings, None, port=account.port, username=account.username, secret=account.secret)
        fetcher = Fetcher(settings, opened)
        fetcher.start()
        try:
            wait_for(lambda: len(mails(opened)) == 1)
            deliver(account, letter("new"))
            wait_for(lambda: len(mails(opened)) == 2 and all(row.marked for row in mails(opened)))
        finally:
            fetcher.stop(30)
        with closing(source_of(account)) as source:
            source.open()
            assert source.unread() == frozenset()
