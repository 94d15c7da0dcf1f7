"""One POP3 connection (RFC 1939, CAPA and RESP-CODES of RFC 2449, STLS of RFC 2595): the only module that imports poplib.

Unlike the library alone it puts up with long lines, keeps a message's octets as they are, and gives a server only so long and
so much for each answer. Raises Refused for "-ERR", Nonsense for what is no POP3, OverLong, and OSError for the connection.
"""

import base64
import contextlib
import poplib
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

from inbound.sources import xoauth2
from inbound.sources.wire import Network, connected

_LINE = 2 * 1024 * 1024  # some programs write a whole mail as one line
_LISTING = 64 * 1024 * 1024
_SLOWEST = 10_000  # octets in a second that a server has to send on the whole


class Refused(Exception):
    """The server said -ERR; the words after it."""


class Nonsense(Exception):
    """The answer is not what POP3 allows."""


class OverLong(Exception):
    """The answer is longer than it may be; the connection is of no use any more."""


class Wire:
    """A connection from its greeting on. timeout: seconds for each answer, and for each piece of a long one."""

    def __init__(
        self, host: str, port: int, nets: Network, timeout: float, *, security: str, context: ssl.SSLContext
    ) -> None:
        with _translated():
            self._pop = _Pop(host, port, nets, timeout, context if security == "tls" else None)
            if security == "starttls":
                try:
                    self._pop.start_tls(context)
                except BaseException:
                    self.drop()
                    raise

    @property
    def socket(self) -> object:
        return self._pop.sock

    def capabilities(self) -> dict[str, tuple[str, ...]]:
        """What the server can do, by upper-case name; {} where it does not tell."""
        try:
            with _translated():
                return {name.upper(): tuple(words) for name, words in self._pop.capa().items()}
        except Refused:
            return {}

    def login(self, user: str, secret: str) -> None:
        """Log in with a password."""
        if "\r" in user + secret or "\n" in user + secret:
            raise Refused("a user name or a password cannot contain the end of a line.")
        with _translated():
            self._pop.user(user)
            self._pop.pass_(secret)

    def login_with_token(self, user: str, token: str) -> str | None:
        """Log in by XOAUTH2; returns None, or the server's words when it does not take the token."""
        with _translated():
            # In two steps: a command may have 255 octets (RFC 2449), and a token has more.
            self._pop.ask("AUTH XOAUTH2")
            answer = self._pop.ask(base64.b64encode(xoauth2.initial_response(user, token)).decode())
            if answer.startswith(b"+OK"):
                return None
            words = xoauth2.said(answer[1:].strip())
            try:
                self._pop.ask("")
            except poplib.error_proto as error:
                return " ".join(part for part in (_said(error), words) if part)
        return words

    def count(self) -> int:
        """How many messages there are."""
        with _translated():
            return int(self._pop.stat()[0])

    def names(self) -> dict[int, str]:
        """The UIDL of each message, by its number in this session."""
        return dict(self._listing("UIDL"))

    def sizes(self) -> dict[int, int]:
        """The octets of each message by the server's word."""
        with _translated():
            return {number: int(text.split()[0]) for number, text in self._listing("LIST")}

    def message(self, number: int, most: int) -> bytes:
        """All of a message; OverLong if it has more than `most` octets."""
        with _translated():
            return b"".join(self._pop.long_answer(f"RETR {number}", most))

    def header(self, number: int, most: int) -> bytes:
        """Its header block."""
        with _translated():
            return b"".join(self._pop.long_answer(f"TOP {number} 0", most))

    def delete(self, number: int) -> None:
        """Mark it to be deleted when we quit."""
        with _translated():
            self._pop.dele(number)

    def quit(self) -> None:
        """Leave; what was marked is deleted now. Raises if the server does not say so."""
        with _translated():
            self._pop.quit()

    def drop(self, patience: float = 0.0) -> None:
        """End the connection, politely if `patience` seconds allow. Never raises."""
        try:
            if patience:
                self._pop.patience = patience
                self._pop.quit()
        except Exception:  # noqa: S110 - a farewell: whatever the connection has come to, it is over
            pass
        try:
            self._pop.close()
        except Exception:  # noqa: S110
            pass

    def _listing(self, command: str) -> list[tuple[int, str]]:
        found = []
        with _translated():
            for line in self._pop.long_answer(command, _LISTING):
                number, _, text = line.decode("utf-8", "replace").strip().partition(" ")
                if text:
                    found.append((int(number), text.strip()))
        return found


class _Pop(poplib.POP3):
    """The library's connection over a socket made by Nets, with lines read here."""

    def __init__(self, host: str, port: int, nets: Network, patience: float, context: ssl.SSLContext | None) -> None:
        self._nets, self._first_context = nets, context
        self.patience = patience
        self._until = time.monotonic() + patience
        self._buffer = bytearray()
        try:
            super().__init__(host, port, timeout=patience)
        except BaseException:
            if getattr(self, "sock", None) is not None:
                with contextlib.suppress(OSError):
                    self.close()
            raise

    def start_tls(self, context: ssl.SSLContext) -> None:
        """STLS. What came in before the handshake is forgotten: it was said by nobody who proved who they are."""
        self.stls(context)
        self._buffer.clear()

    def ask(self, line: str) -> bytes:
        """Send a line; the first line of the answer, if it begins with "+"."""
        return bytes(self._shortcmd(line))  # type: ignore[attr-defined]  # not in the library's published types

    def long_answer(self, command: str, most: int) -> Iterator[bytes]:
        """The lines of an answer with their ends, without the dots that were stuffed (RFC 1939, 3)."""
        self.ask(command)
        self._until += most / _SLOWEST
        octets = 0
        while (line := self._line()) not in (b".\r\n", b".\n"):
            octets += len(line)
            if octets > most:
                raise OverLong
            yield line[1:] if line.startswith(b".") else line

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return connected(self._nets, self.host, self.port, self.patience, self._first_context)

    def _putcmd(self, line: str) -> None:
        self._until = time.monotonic() + self.patience
        super()._putcmd(line)  # type: ignore[misc]  # not in the library's published types

    def _getline(self) -> tuple[bytes, int]:
        line = self._line()
        return line.rstrip(b"\r\n"), len(line)

    def _line(self) -> bytes:
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            if start > _LINE:
                raise OverLong
            self._fill()
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    def _fill(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.sock.settimeout(min(self.patience, left))
        data = self.sock.recv(65_536)
        if not data:
            raise ConnectionResetError("the server hung up")
        self._buffer += data


class _translated:  # noqa: N801 - used as a statement
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, poplib.error_proto):
            words = _said(error)
            raise (Refused if _is_refusal(error) else Nonsense)(words) from error
        if isinstance(error, ValueError | IndexError) and not isinstance(error, OSError):
            raise Nonsense("an answer could not be understood.") from error


def _is_refusal(error: poplib.error_proto) -> bool:
    text = error.args[0] if error.args else b""
    raw = text if isinstance(text, bytes) else str(text).encode()
    return raw[:4].upper() == b"-ERR"


def _said(error: poplib.error_proto) -> str:
    text = error.args[0] if error.args else b""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return words[4:].strip() if words[:4].upper() == "-ERR" else words
