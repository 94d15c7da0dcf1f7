"""Sending to a real server in this process (aiosmtpd), and to one that breaks off where it hurts."""

import socket
import threading
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from common.errors import Permanent, Temporary
from common.nets import Nets
from outbound.transports.smtp import IDLE, Refused, SmtpPool, SmtpServer, Taken

MAIL = b"Subject: x\r\nMessage-ID: <a@b>\r\n\r\n.dot at the start\r\n..two\r\nend\r\n"
LOOPBACK = Nets(["127.0.0.0/8"])


class Inbox:
    """An aiosmtpd handler with answers to choose."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.connections = 0
        self.answers: dict[str, str] = {}

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ):
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]):
        if answer := self.answers.get(address):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]):
        if answer := self.answers.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope):
        if answer := self.answers.get("DATA"):
            return answer
        self.mails.append(envelope)
        return "250 2.0.0 taken"


class AnyPort(Controller):
    """aiosmtpd's controller, which asks itself for a banner at the port it was told, not at the one it got."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def _check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    fine = getattr(data, "login", b"") == b"me" and getattr(data, "password", b"") == b"right"
    return AuthResult(success=fine, handled=False)


@pytest.fixture
def server(inbox: Inbox) -> Iterator[SmtpServer]:
    controller = AnyPort(
        inbox, hostname="127.0.0.1", port=0, authenticator=_check, auth_require_tls=False, auth_required=False
    )
    controller.start()
    yield SmtpServer("127.0.0.1", controller.port, "none")
    controller.stop()


@pytest.fixture
def pool() -> Iterator[SmtpPool]:
    pool = SmtpPool(LOOPBACK, allow_plain=True, timeout=3.0)
    yield pool
    pool.close()


def test_a_mail_arrives_octet_for_octet(pool: SmtpPool, server: SmtpServer, inbox: Inbox) -> None:
    result = pool.send(server, "from@x.test", "to@y.test", MAIL)
    assert result == Taken("250 2.0.0 taken")
    assert [(one.mail_from, one.rcpt_tos, one.content) for one in inbox.mails] == [("from@x.test", ["to@y.test"], MAIL)]


def test_one_connection_carries_many_mails(pool: SmtpPool, server: SmtpServer, inbox: Inbox) -> None:
    for number in range(5):
        pool.send(server, "from@x.test", f"to{number}@y.test", MAIL)
    assert (len(inbox.mails), inbox.connections) == (5, 1)


def test_a_refused_recipient_is_a_value_and_leaves_the_connection_usable(
    pool: SmtpPool, server: SmtpServer, inbox: Inbox
) -> None:
    inbox.answers["gone@y.test"] = "550 5.1.1 No such user"
    assert pool.send(server, "f@x.test", "gone@y.test", MAIL) == Refused(550, "5.1.1", "5.1.1 No such user", True)
    assert isinstance(pool.send(server, "f@x.test", "to@y.test", MAIL), Taken)
    assert inbox.connections == 1


def test_a_refused_mail_is_not_the_recipients_fault(pool: SmtpPool, server: SmtpServer, inbox: Inbox) -> None:
    inbox.answers["DATA"] = "554 5.7.1 spam"
    result = pool.send(server, "f@x.test", "to@y.test", MAIL)
    assert isinstance(result, Refused)
    assert result.recipient is False


@pytest.mark.parametrize("where", ["to@y.test", "f@x.test", "DATA"])
def test_a_4xx_is_temporary(pool: SmtpPool, server: SmtpServer, inbox: Inbox, where: str) -> None:
    inbox.answers[where] = "451 4.7.1 Later"
    with pytest.raises(Temporary, match="451") as caught:
        pool.send(server, "f@x.test", "to@y.test", MAIL)
    assert caught.value.maybe_done is False


def test_a_refused_sender_is_a_matter_of_settings(pool: SmtpPool, server: SmtpServer, inbox: Inbox) -> None:
    inbox.answers["f@x.test"] = "553 5.7.1 Not yours"
    with pytest.raises(Permanent) as caught:
        pool.send(server, "f@x.test", "to@y.test", MAIL)
    assert "sender address" in caught.value.remedy


def test_a_password_is_checked(pool: SmtpPool, server: SmtpServer, inbox: Inbox) -> None:
    right = SmtpServer(server.host, server.port, "none", "me", "right")
    assert isinstance(pool.send(right, "f@x.test", "to@y.test", MAIL), Taken)
    wrong = SmtpServer(server.host, server.port, "none", "me", "wrong")
    with pytest.raises(Permanent, match="does not let me in"):
        pool.send(wrong, "f@x.test", "to@y.test", MAIL)
    assert "right" not in repr(right)


def test_a_connection_that_rested_too_long_is_not_used(server: SmtpServer, inbox: Inbox) -> None:
    clock = Clock()
    pool = SmtpPool(LOOPBACK, allow_plain=True, timeout=3.0, clock=clock)
    pool.send(server, "f@x.test", "to@y.test", MAIL)
    clock.now += IDLE + 1
    assert pool.reap() == 1
    pool.send(server, "f@x.test", "to@y.test", MAIL)
    assert inbox.connections == 2
    pool.close()


def test_no_mail_is_begun_that_might_not_end_in_time(pool: SmtpPool, server: SmtpServer, inbox: Inbox) -> None:
    with pytest.raises(Temporary, match="too slow"):
        pool.send(server, "f@x.test", "to@y.test", MAIL, within=1.0)
    assert inbox.mails == []


def test_plain_connections_need_the_operators_leave(server: SmtpServer) -> None:
    with pytest.raises(Permanent) as caught:
        SmtpPool(LOOPBACK, allow_plain=False).send(server, "f@x.test", "to@y.test", MAIL)
    assert "MAILBRIDGE_ALLOW_PLAIN" in caught.value.remedy


def test_private_networks_are_refused(server: SmtpServer) -> None:
    with pytest.raises(Permanent, match="private or reserved"):
        SmtpPool(Nets(), allow_plain=True).send(server, "f@x.test", "to@y.test", MAIL)


def test_check_says_what_it_found(pool: SmtpPool, server: SmtpServer, inbox: Inbox) -> None:
    found: list[str] = []
    pool.check(SmtpServer(server.host, server.port, "none", "me", "right"), "f@x.test", found.append)
    assert [sentence.split()[0] for sentence in found] == ["Connected", "Logged", "The"]
    assert inbox.mails == []


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
                connection.settimeout(5)
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


def test_a_rested_connection_closed_over_there_costs_nothing(pool: SmtpPool) -> None:
    """The server hangs up while the connection rests: the next mail goes out on a new one, once."""
    script, server = scripted([*TALK, "250 taken!"], [*TALK, "250 taken!"])
    assert isinstance(pool.send(server, "f@x.test", "one@y.test", MAIL), Taken)
    assert isinstance(pool.send(server, "f@x.test", "two@y.test", MAIL), Taken)
    assert sum(b"two@y.test" in said for said in script.heard) == 1
