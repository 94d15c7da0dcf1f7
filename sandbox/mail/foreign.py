"""The monitored mailboxes on a real IMAP server of this machine (Dovecot) instead of the sandbox's own.

The server must have every user already, with the sandbox's password. Each call is a connection of its own: slow, and simple.
"""

import imaplib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.mail.imap import Stored

_NAME = re.compile(rb'\) (?:"[^"]*"|NIL) "?([^"]*)"?$')
_UID = re.compile(rb"UID (\d+)")


class NotOurs(Exception):
    """The mail server is not the sandbox's own, and only its own operator can do this."""


class ForeignMailboxes:
    """What `ImapServer` offers, over IMAP to `host`, `port`; connections of others cannot be dropped from here."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._lock = threading.Lock()
        self._users: dict[str, tuple[str, str]] = {}

    def start(self) -> None:
        """Raises OSError when nobody listens there."""
        with imaplib.IMAP4(self.host, self.port, timeout=10.0):
            pass

    def stop(self) -> None:
        """Nothing to stop: the server is not ours."""

    def add_mailbox(self, user: str, password: str) -> None:
        """Know a login from now on; raises OSError when the server does not let it in."""
        with self._lock:
            self._users[user.lower()] = (user, password)
        try:
            with self._logged_in(user):
                pass
        except imaplib.IMAP4.error as error:
            raise OSError(f"the IMAP server on port {self.port} does not let {user} in: {error}") from error

    def mailboxes(self) -> list[str]:
        """The logins."""
        with self._lock:
            return [user for user, _ in self._users.values()]

    def owner(self, address: str) -> str | None:
        """The mailbox an address belongs to, sub-addresses included; None when nobody's."""
        local, _, domain = address.lower().rpartition("@")
        with self._lock:
            found = self._users.get(f"{local.partition('+')[0]}@{domain}")
        return found[0] if found else None

    def append(self, user: str, raw: bytes, folder: str = "INBOX") -> int:
        """Puts a message in; returns its UID (0 when the server does not say)."""
        with self._logged_in(user) as client:
            status, said = client.append(_quoted(folder), "", imaplib.Time2Internaldate(time.time()), raw)
            if status != "OK":
                raise OSError(f"the IMAP server took no message: {said!r}")
            told = re.search(rb"APPENDUID \d+ (\d+)", said[0] or b"")
            return int(told[1]) if told else 0

    def messages(self, user: str, folder: str = "INBOX") -> list[Stored]:
        """What lies in a folder; raises KeyError for a folder that is not there."""
        with self._logged_in(user) as client:
            if client.select(_quoted(folder), readonly=True)[0] != "OK":
                raise KeyError(folder)
            found = client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]
        return [_stored(item) for item in found if isinstance(item, tuple)]

    def counts(self, user: str, folder: str = "INBOX") -> tuple[int, int]:
        """How many messages a folder has, and how many of them are unread."""
        with self._logged_in(user) as client:
            told = client.status(_quoted(folder), "(MESSAGES UNSEEN)")[1][0] or b""
        numbers = dict(re.findall(rb"(MESSAGES|UNSEEN) (\d+)", told))
        return int(numbers.get(b"MESSAGES", 0)), int(numbers.get(b"UNSEEN", 0))

    def folders(self, user: str) -> list[str]:
        """The folders of a mailbox."""
        with self._logged_in(user) as client:
            lines = [line for line in client.list()[1] if isinstance(line, bytes)]
        names = [_NAME.search(line) for line in lines]
        return sorted(name[1].decode("ascii") for name in names if name)

    def drop_connections(self) -> None:
        """Raises NotOurs: the connections are the server's."""
        raise NotOurs("the mailboxes live on a server of their own: cut its connections there")

    def empty(self, user: str) -> None:
        """Throws every message of the INBOX away; its UIDVALIDITY stays."""
        with self._logged_in(user) as client:
            client.select("INBOX")
            client.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)")
            client.expunge()

    @contextmanager
    def _logged_in(self, user: str) -> Iterator[imaplib.IMAP4]:
        with self._lock:
            name, password = self._users[user.lower()]
        with imaplib.IMAP4(self.host, self.port, timeout=20.0) as client:
            client.login(name, password)
            yield client


def _stored(item: tuple[bytes, bytes]) -> Stored:
    head, raw = item
    number = _UID.search(head)
    flags = tuple(sorted(flag.decode() for flag in imaplib.ParseFlags(head) if flag != rb"\Recent"))
    return Stored(int(number[1]) if number else 0, flags, raw)


def _quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
