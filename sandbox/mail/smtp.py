"""The SMTP server (aiosmtpd): takes what Mailbridge sends and hands it to the post office.

Refusals can be switched on for recipients, as a mail server at the other end would do it.
"""

import asyncio
import re
import socket
import threading
import warnings
from dataclasses import dataclass
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Protocol  # noqa: N811 (a class with a name in capitals)
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from sandbox.mail.post import PostOffice

MAX_SIZE = 35 * 1024 * 1024


STAGES = ("rcpt", "data", "after_data")


@dataclass
class Refusal:
    """Mail to recipients that `match` is refused, `count` times or always.

    stage: `rcpt` and `data` answer that command with `reply` (such as "550 5.1.1 user unknown"); `after_data` delivers
    the letter and cuts the connection without an answer, so that the sender cannot know.
    """

    match: str
    reply: str
    count: int | None = None
    stage: str = "rcpt"


class SmtpServer:
    """SMTP on a loopback port, without TLS. With `login` (user, password) mail is taken only after AUTH."""

    def __init__(self, post: PostOffice, host: str, port: int, login: tuple[str, str] | None = None) -> None:
        self._post = post
        self._login = login
        self._lock = threading.Lock()
        self._refusals: list[Refusal] = []
        options: dict[str, Any] = {}
        if login is not None:
            # the whole server is without TLS, on loopback: that a login is in the clear there is known
            warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
            options = {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls": False}
        self._controller = _Server(
            self, hostname=host, port=port, data_size_limit=MAX_SIZE, enable_SMTPUTF8=True, **options
        )

    @property
    def port(self) -> int:
        """The real port, once started."""
        return self._controller.bound_port

    def start(self) -> None:
        """Listens when it returns; raises OSError at once when the port is taken (aiosmtpd alone would wait a while)."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((self._controller.hostname, self._controller.port))
        self._controller.start()

    def stop(self) -> None:
        """Ends every session."""
        self._controller.stop()

    def refuse(self, refusal: Refusal) -> None:
        """From now on some recipients are refused."""
        with self._lock:
            self._refusals.append(refusal)

    def accept_all(self) -> None:
        """No recipient is refused any more."""
        with self._lock:
            self._refusals = []

    async def handle_RCPT(
        self, _server: Protocol, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take the recipient, or answer the refusal that matches."""
        refusal = self._hit("rcpt", [address])
        if refusal is not None:
            return refusal.reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Protocol, _session: Session, envelope: Envelope) -> str:
        """Deliver; the answer comes when the letter lies in its inboxes."""
        refusal = self._hit("data", envelope.rcpt_tos)
        if refusal is not None:
            return refusal.reply
        raw = envelope.original_content or b""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._post.deliver, envelope.mail_from or "", envelope.rcpt_tos, raw)
        if self._hit("after_data", envelope.rcpt_tos) and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return "250 OK: delivered"

    def _hit(self, stage: str, recipients: list[str]) -> Refusal | None:
        """The refusal of this stage that matches a recipient, counted."""
        with self._lock:
            for refusal in self._refusals:
                if (
                    refusal.stage == stage
                    and refusal.count != 0
                    and any(re.search(refusal.match, to) for to in recipients)
                ):
                    if refusal.count is not None:
                        refusal.count -= 1
                    return refusal
        return None

    def _authenticate(
        self, _server: Protocol, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        right = isinstance(given, LoginPassword) and (given.login.decode(), given.password.decode()) == self._login
        return AuthResult(success=right, handled=False)


class _Server(Controller):
    """Tells which port the system gave when asked for port 0."""

    bound_port = 0

    def _trigger_server(self) -> None:
        """aiosmtpd connects to itself to see that it works: to the real port, please."""
        self.bound_port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.port = self.bound_port
        super()._trigger_server()  # type: ignore[no-untyped-call]
