"""Sending to a real server in this process (aiosmtpd), and to one that breaks off where it hurts."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Literal

import pytest

from common.claims import CLAIM, Claims
from common.errors import Permanent, Temporary
from common.nets import Nets
from outbound.transports.pool import IDLE, SmtpPool
from outbound.transports.smtp import Refused, SmtpServer, Taken
from sandbox.servers.postfix import Postfix
from tests.outbound.mailserver import Postbox

MAIL = b"Subject: x\r\nMessage-ID: <a@b>\r\n\r\n.dot at the start\r\n..two\r\nend\r\n"
LOOPBACK = Nets(["127.0.0.0/8"])


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def inbox() -> Iterator[Postbox]:
    postbox = Postbox()
    yield postbox
    postbox.close()


@pytest.fixture
def server(inbox: Postbox) -> SmtpServer:
    return SmtpServer("127.0.0.1", inbox.port, "none")


@pytest.fixture
def pool() -> Iterator[SmtpPool]:
    pool = SmtpPool(LOOPBACK, allow_plain=True, timeout=10.0)
    yield pool
    pool.close()


def test_a_mail_arrives_octet_for_octet(pool: SmtpPool, server: SmtpServer, inbox: Postbox) -> None:
    result = pool.send(server, "from@x.test", "to@y.test", MAIL)
    assert result == Taken("250 2.0.0 taken")
    assert [(one.mail_from, one.rcpt_tos, one.content) for one in inbox.envelopes] == [
        ("from@x.test", ["to@y.test"], MAIL)
    ]


def test_one_connection_carries_many_mails(pool: SmtpPool, server: SmtpServer, inbox: Postbox) -> None:
    for number in range(5):
        pool.send(server, "from@x.test", f"to{number}@y.test", MAIL)
    assert (len(inbox.envelopes), inbox.connections) == (5, 1)


def test_a_refused_recipient_is_a_value_and_leaves_the_connection_usable(
    pool: SmtpPool, server: SmtpServer, inbox: Postbox
) -> None:
    inbox.answers["gone@y.test"] = "550 5.1.1 No such user"
    assert pool.send(server, "f@x.test", "gone@y.test", MAIL) == Refused(550, "5.1.1", "5.1.1 No such user", True)
    assert isinstance(pool.send(server, "f@x.test", "to@y.test", MAIL), Taken)
    assert inbox.connections == 1


def test_a_refused_mail_is_not_the_recipients_fault(pool: SmtpPool, server: SmtpServer, inbox: Postbox) -> None:
    inbox.answers["DATA"] = "554 5.7.1 spam"
    result = pool.send(server, "f@x.test", "to@y.test", MAIL)
    assert isinstance(result, Refused)
    assert result.recipient is False


@pytest.mark.parametrize("where", ["to@y.test", "f@x.test", "DATA"])
def test_a_4xx_is_temporary(pool: SmtpPool, server: SmtpServer, inbox: Postbox, where: str) -> None:
    inbox.answers[where] = "451 4.7.1 Later"
    with pytest.raises(Temporary, match="451") as caught:
        pool.send(server, "f@x.test", "to@y.test", MAIL)
    assert caught.value.maybe_done is False


def test_a_refused_sender_is_a_matter_of_settings(pool: SmtpPool, server: SmtpServer, inbox: Postbox) -> None:
    inbox.answers["f@x.test"] = "553 5.7.1 Not yours"
    with pytest.raises(Permanent) as caught:
        pool.send(server, "f@x.test", "to@y.test", MAIL)
    assert "sender address" in caught.value.remedy


def test_a_password_is_checked(pool: SmtpPool, server: SmtpServer, inbox: Postbox) -> None:
    right = SmtpServer(server.host, server.port, "none", "me", "right")
    assert isinstance(pool.send(right, "f@x.test", "to@y.test", MAIL), Taken)
    wrong = SmtpServer(server.host, server.port, "none", "me", "wrong")
    with pytest.raises(Permanent, match="does not let me in"):
        pool.send(wrong, "f@x.test", "to@y.test", MAIL)
    assert "right" not in repr(right)


def test_a_connection_that_rested_too_long_is_not_used(server: SmtpServer, inbox: Postbox) -> None:
    clock = Clock()
    pool = SmtpPool(LOOPBACK, allow_plain=True, timeout=10.0, clock=clock)
    pool.send(server, "f@x.test", "to@y.test", MAIL)
    clock.now += IDLE + 1
    assert pool.reap() == 1
    pool.send(server, "f@x.test", "to@y.test", MAIL)
    assert inbox.connections == 2
    pool.close()


def test_no_mail_is_begun_that_might_not_end_in_time(pool: SmtpPool, server: SmtpServer, inbox: Postbox) -> None:
    with pytest.raises(Temporary, match="too slow"):
        pool.send(server, "f@x.test", "to@y.test", MAIL, within=1.0)
    assert inbox.envelopes == []


def test_plain_connections_need_the_operators_leave(server: SmtpServer) -> None:
    with pytest.raises(Permanent) as caught:
        SmtpPool(LOOPBACK, allow_plain=False).send(server, "f@x.test", "to@y.test", MAIL)
    assert "MAILBRIDGE_ALLOW_PLAIN" in caught.value.remedy


def test_private_networks_are_refused(server: SmtpServer) -> None:
    with pytest.raises(Permanent, match="private or reserved"):
        SmtpPool(Nets(), allow_plain=True).send(server, "f@x.test", "to@y.test", MAIL)


def test_check_says_what_it_found(pool: SmtpPool, server: SmtpServer, inbox: Postbox) -> None:
    found: list[str] = []
    pool.check(SmtpServer(server.host, server.port, "none", "me", "right"), "f@x.test", found.append)
    assert [sentence.split()[0] for sentence in found] == ["Connected", "Logged", "The"]
    assert inbox.envelopes == []


@pytest.mark.parametrize(("security", "remedy"), [("tls", "STARTTLS"), ("starttls", "another port")])
def test_the_wrong_encryption_has_a_remedy(pool: SmtpPool, server: SmtpServer, security, remedy: str) -> None:
    with pytest.raises(Permanent) as caught:
        pool.check(SmtpServer(server.host, server.port, security), "f@x.test", lambda _: None)
    assert remedy in caught.value.remedy


def test_nobody_there_is_temporary(pool: SmtpPool) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        server = SmtpServer("127.0.0.1", reserved.getsockname()[1], "none")
        with pytest.raises(Temporary):
            pool.send(server, "f@x.test", "to@y.test", MAIL)


class Script:
    """A server that follows lines: for each, wait until the client has sent something, then answer, then maybe hang up."""

    def __init__(self, *sessions: list[str]) -> None:
        self.heard: list[bytes] = []
        self._sessions = sessions
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        for lines in self._sessions:
            connection, _ = self._socket.accept()
            with connection:
                connection.settimeout(60)
                connection.sendall(b"220 hello\r\n")
                for line in lines:
                    self.heard.append(self._listen(connection, until_dot=line.endswith("!")))
                    if line.rstrip("!"):
                        connection.sendall(line.rstrip("!").encode() + b"\r\n")
        self._socket.close()

    @staticmethod
    def _listen(connection: socket.socket, until_dot: bool) -> bytes:
        data = connection.recv(65536)
        while until_dot and data and not data.endswith(b"\r\n.\r\n"):
            data += connection.recv(65536)
        return data


TALK = ["250 hello", "250 from", "250 to", "354 go"]


def scripted(*sessions: list[str]) -> tuple[Script, SmtpServer]:
    script = Script(*sessions)
    return script, SmtpServer("127.0.0.1", script.port, "none")


def test_a_connection_lost_after_the_final_dot_may_have_delivered(pool: SmtpPool) -> None:
    _, server = scripted([*TALK, "!"])
    with pytest.raises(Temporary) as caught:
        pool.send(server, "f@x.test", "to@y.test", MAIL)
    assert caught.value.maybe_done is True


def test_a_connection_lost_before_the_mail_has_delivered_nothing(pool: SmtpPool) -> None:
    _, server = scripted(["250 hello", "250 from", ""])
    with pytest.raises(Temporary) as caught:
        pool.send(server, "f@x.test", "to@y.test", MAIL)
    assert caught.value.maybe_done is False


def test_who_is_about_to_lose_the_claim_cuts_the_connection_that_waits_for_an_answer(pool: SmtpPool) -> None:
    script, server = scripted([*TALK, "!", "never"])
    clock = Clock()
    claims: Claims[str] = Claims(lambda items: items, clock)

    def lose() -> None:
        while len(script.heard) < len(TALK) + 1:
            time.sleep(0.01)
        clock.now += CLAIM
        claims.watch()

    threading.Thread(target=lose, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(Temporary) as caught, claims.held("letter", clock.now, 600.0) as claim:
        pool.send(server, "f@x.test", "to@y.test", MAIL, claim=claim)
    assert caught.value.maybe_done is True and time.monotonic() - began < 8


def test_no_mail_is_begun_under_a_claim_that_may_pass(pool: SmtpPool, server: SmtpServer, inbox: Postbox) -> None:
    clock = Clock()
    claims: Claims[str] = Claims(lambda items: items, clock)
    with pytest.raises(Temporary), claims.held("letter", clock.now - CLAIM, 600.0) as claim:
        pool.send(server, "f@x.test", "to@y.test", MAIL, claim=claim)
    assert inbox.envelopes == []


def test_a_rested_connection_closed_over_there_costs_nothing(pool: SmtpPool) -> None:
    """The server hangs up while the connection rests: the next mail goes out on a new one, once."""
    script, server = scripted([*TALK, "250 taken!"], [*TALK, "250 taken!"])
    assert isinstance(pool.send(server, "f@x.test", "one@y.test", MAIL), Taken)
    assert isinstance(pool.send(server, "f@x.test", "two@y.test", MAIL), Taken)
    assert sum(b"two@y.test" in said for said in script.heard) == 1


@pytest.mark.smtp
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_real_server_takes_encrypted_mail(
    pool: SmtpPool, smtp_server: Postfix, security: Literal["starttls", "tls"]
) -> None:
    port = smtp_server.tls_port if security == "tls" else smtp_server.port
    server = SmtpServer("127.0.0.1", port, security, validate_certificate=False)
    recipient = f"{security}@y.test"
    for _ in range(2):
        assert isinstance(pool.send(server, "f@x.test", recipient, MAIL), Taken)
    deadline = time.monotonic() + 60
    while len(smtp_server.received(recipient)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    body = smtp_server.received(recipient)[0].get_payload()
    assert str(body).replace("\r\n", "\n") == ".dot at the start\n..two\nend\n"


@pytest.mark.smtp
def test_a_real_servers_refusals(pool: SmtpPool, smtp_server: Postfix) -> None:
    server = SmtpServer("127.0.0.1", smtp_server.port, "starttls", validate_certificate=False)
    refused = pool.send(server, "f@x.test", "refused@y.test", MAIL)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.recipient) == (550, True)
    with pytest.raises(Temporary, match="451"):
        pool.send(server, "f@x.test", "later@y.test", MAIL)
    assert isinstance(pool.send(server, "f@x.test", "fine@y.test", MAIL), Taken)


@pytest.mark.smtp
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_signs_itself_is_refused(
    pool: SmtpPool, smtp_server: Postfix, security: Literal["starttls", "tls"]
) -> None:
    port = smtp_server.tls_port if security == "tls" else smtp_server.port
    with pytest.raises(Permanent, match="not to be trusted"):
        pool.check(SmtpServer("127.0.0.1", port, security), "f@x.test", lambda _: None)
