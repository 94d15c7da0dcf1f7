"""One connection to an outgoing server, by SMTP. The only module that uses smtplib; `pool` keeps the connections.

What a server says about one recipient comes back as a value (`Taken`, `Refused`); what keeps us from sending at all is
a fault: Temporary (no connection, a 4xx answer), Permanent with its remedy (password, TLS, a sender the server does
not take). A connection lost after the mail's final dot leaves its fate unknown: Temporary(maybe_done=True); the caller
sends again with the same Message-ID, by which most mailboxes show it once (RFC 5321, 4.5.4.2, prefers a second copy
to none).
"""

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from common.errors import Fault, Permanent, Temporary
from common.nets import Nets

SLOW = 4
"""Times the timeout: a server may take long to check a mail, and to give up then makes a second copy."""

_STATUS = re.compile(r"^\s*([245]\.\d{1,3}\.\d{1,3})\b")
_NO_AUTH = "Check the user name and the password; many providers want a password made for one app."


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """An outgoing server. security: tls from the first octet, starttls, or none. No username: no authentication."""

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    username: str = ""
    password: str = field(default="", repr=False)
    validate_certificate: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """The server has taken the mail; `answer` is what it said."""

    answer: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The server refuses this mail or this recipient for good: reply code, enhanced status ("" for none), its words."""

    code: int
    status: str
    answer: str
    recipient: bool


class Stale(Temporary):
    """The connection broke before the mail was handed over: nothing has happened."""


class Connection:
    """One logged-in connection; carries one mail at a time.

    mails: how many it has carried. since: for its keeper's notes. clean: False when it is not to be used again.
    Opening raises Temporary or Permanent; tells `found`, sentence by sentence, how far it came.
    """

    def __init__(self, server: SmtpServer, nets: Nets, name: str, timeout: float, found: Callable[[str], None]) -> None:
        self.server = server
        self.mails = 0
        self.since = 0.0
        self.clean = True
        with _talking(server):
            self._client = _Client(server, nets, name, timeout)
            try:
                found(f"Connected to {server.host}, port {server.port}.")
                self._client.greet(found)
                self._client.log_in(found)
            except BaseException:
                self._client.close()
                raise

    def transact(self, sender: str, recipient: str, data: bytes, in_time: Callable[[], bool]) -> Taken | Refused:
        """MAIL, RCPT, DATA. Raises Stale when the connection broke before DATA."""
        self.mails += 1
        with _talking(self.server):
            self._mail(sender)
            if refused := self._rcpt(recipient):
                return refused
            if not in_time():
                raise Temporary(f"{self.server.host} is too slow to send a mail in the time there is.")
            self._client.patience(SLOW)
            result = self._data(data)
            self._client.patience(1)
            return result

    def name_sender(self, sender: str) -> None:
        """Ask whether the server takes mail from this address; the connection can only be closed after it."""
        with _talking(self.server):
            self._mail(sender)

    def _mail(self, sender: str) -> None:
        code, words = self._client.mail(sender)
        if code == 421:
            raise smtplib.SMTPServerDisconnected(_say(words))
        if code // 100 == 4:
            raise Temporary(f"{self.server.host} does not take mail just now: {code} {_say(words)}")
        if code // 100 != 2:
            raise Permanent(
                f"{self.server.host} does not take mail from {sender}: {code} {_say(words)}",
                remedy="Use a sender address that belongs to this account, or log in.",
            )

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._client.patience(0.2)
            self._client.quit()
        with contextlib.suppress(Exception):
            self._client.close()

    def cut(self) -> None:
        """Break it off from another thread: whoever waits for the server's answer finds the connection lost."""
        if self._client.sock is not None:
            with contextlib.suppress(OSError):
                self._client.sock.shutdown(socket.SHUT_RDWR)

    def _rcpt(self, recipient: str) -> Refused | None:
        code, words = self._client.rcpt(recipient)
        if code == 421:
            raise smtplib.SMTPServerDisconnected(_say(words))
        if code // 100 == 2:
            return None
        self._reset()
        if code // 100 == 5:
            return _refused(code, words, recipient=True)
        raise Temporary(f"{self.server.host} does not take mail for this recipient just now: {code} {_say(words)}")

    def _data(self, data: bytes) -> Taken | Refused:
        code, words = self._client.docmd("DATA")
        if code == 354:
            code, words = self._content(data)
        if code // 100 == 2:
            return Taken(f"{code} {_say(words)}")
        self._reset()
        if code // 100 == 5:
            return _refused(code, words, recipient=False)
        raise Temporary(f"{self.server.host} did not take the mail: {code} {_say(words)}")

    def _content(self, data: bytes) -> tuple[int, bytes]:
        """The mail itself: from here on a lost connection leaves its fate unknown."""
        dotted = re.sub(rb"(?m)^\.", b"..", data)
        try:
            self._client.send(dotted + (b"" if dotted.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            return self._client.getreply()
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise Temporary(f"{_lost(self.server)} It may have taken the mail.", maybe_done=True) from error

    def _reset(self) -> None:
        try:
            code, _ = self._client.rset()
            self.clean = code == 250
        except (smtplib.SMTPException, OSError):
            self.clean = False


class _Client(smtplib.SMTP):
    """smtplib's client over a socket whose address `nets` has checked; certificates are checked for the name."""

    def __init__(self, server: SmtpServer, nets: Nets, name: str, timeout: float) -> None:
        self._server = server
        self._nets = nets
        self._context = _context(server)
        self._patience = timeout
        super().__init__(server.host, server.port, local_hostname=name, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        plain = self._nets.connect(host, port, self._patience)
        if self._server.security != "tls":
            return plain
        try:
            return self._context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def patience(self, factor: float) -> None:
        """How long to wait for the server from here on, in shares of the timeout."""
        if self.sock is not None:
            self.sock.settimeout(self._patience * factor)

    def greet(self, found: Callable[[str], None]) -> None:
        self.ehlo_or_helo_if_needed()
        if self._server.security == "starttls":
            if not self.has_extn("starttls"):
                raise Permanent(
                    f"{self._server.host} offers no STARTTLS on port {self._server.port}.",
                    remedy="Choose TLS, or another port (587 is usual for STARTTLS).",
                )
            self.starttls(context=self._context)
            self.ehlo_or_helo_if_needed()
        if self._server.security != "none":
            found("The connection is encrypted.")

    def log_in(self, found: Callable[[str], None]) -> None:
        if not self._server.username:
            return
        if not self.has_extn("auth"):
            raise Permanent(
                f"{self._server.host} offers no authentication here.",
                remedy="Leave user name and password empty, or choose another port or encryption.",
            )
        self.login(self._server.username, self._server.password)
        found(f"Logged in as {self._server.username}.")


def _context(server: SmtpServer) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not server.validate_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def _talking(server: SmtpServer) -> Iterator[None]:
    """smtplib's and the socket's exceptions as our two faults, a connection broken between two commands as Stale."""
    try:
        yield
    except smtplib.SMTPServerDisconnected as error:
        raise Stale(_lost(server)) from error
    except smtplib.SMTPAuthenticationError as error:
        raise _unauthenticated(server, error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Permanent(f"{server.host} does not offer what is needed: {error}.", remedy=_NO_AUTH) from error
    except smtplib.SMTPResponseException as error:
        kind = Temporary if error.smtp_code // 100 == 4 or error.smtp_code < 0 else Permanent
        raise kind(f"{server.host} answered {error.smtp_code} {_say(error.smtp_error)}") from error
    except smtplib.SMTPException as error:
        raise Permanent(f"{server.host} can't be talked to: {error}.", remedy=_NO_AUTH) from error
    except ssl.SSLCertVerificationError as error:
        raise Permanent(
            f"The certificate of {server.host} is not to be trusted: {error.verify_message}.",
            remedy="Use the name that the certificate is made for, or turn off its validation for a server of your own.",
        ) from error
    except ssl.SSLError as error:
        raise Permanent(
            f"{server.host}, port {server.port}, does not speak TLS: {error.reason or error}.",
            remedy="Choose STARTTLS (usually port 587) instead of TLS (usually port 465), or the other way round.",
        ) from error
    except TimeoutError as error:
        raise Temporary(f"{server.host}, port {server.port}, does not answer in time.") from error
    except OSError as error:
        raise Temporary(f"{_lost(server)} ({error})") from error
    except UnicodeError as error:
        raise Permanent(f"{server.host} can't be given these letters: {error}.", remedy=_NO_AUTH) from error


def _unauthenticated(server: SmtpServer, error: smtplib.SMTPAuthenticationError) -> Fault:
    words = f"{server.host} does not let {server.username} in: {error.smtp_code} {_say(error.smtp_error)}"
    if error.smtp_code // 100 == 4:
        return Temporary(words)
    return Permanent(words, remedy=_NO_AUTH)


def _refused(code: int, words: bytes, *, recipient: bool) -> Refused:
    text = _say(words)
    status = _STATUS.match(text)
    return Refused(code, status[1] if status else "", text, recipient)


def _lost(server: SmtpServer) -> str:
    return f"The connection to {server.host} was lost."


def _say(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(text.split())[:500]
