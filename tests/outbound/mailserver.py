"""A mail server in this process that keeps what it is sent and answers as it is told."""

import email
import email.policy
import threading
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class Postbox:
    """`answers`: what to say instead of 250, by recipient, sender or "DATA"."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.connections = 0
        self.answers: dict[str, str] = {}
        self.arrived = threading.Condition()
        self._controller = AnyPort(
            self, hostname="127.0.0.1", port=0, authenticator=_check, auth_require_tls=False, auth_required=False
        )
        self._controller.start()
        self.port = self._controller.port

    def close(self) -> None:
        self._controller.stop()

    def mails(self, recipient: str | None = None) -> list[EmailMessage]:
        with self.arrived:
            kept = [one for one in self.envelopes if recipient is None or recipient in one.rcpt_tos]
        return [email.message_from_bytes(one.content or b"", policy=email.policy.default) for one in kept]  # type: ignore[arg-type]

    def recipients(self) -> list[str]:
        with self.arrived:
            return sorted(address for one in self.envelopes for address in one.rcpt_tos)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get(address, "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self.answers.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if answer := self.answers.get("DATA"):
            return answer
        with self.arrived:
            self.envelopes.append(envelope)
            self.arrived.notify_all()
        return "250 2.0.0 taken"


def _check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    """Lets `me` in with the password `right`."""
    fine = getattr(data, "login", b"") == b"me" and getattr(data, "password", b"") == b"right"
    return AuthResult(success=fine, handled=False)


class AnyPort(Controller):
    """aiosmtpd's controller, which asks itself for a banner at the port it was told, not at the one it got."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()
