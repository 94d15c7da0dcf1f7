"""A pymap IMAP server of its own for a test: real protocol, in memory, on a free port."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from imapclient import IMAPClient

from common.nets import Nets
from inbound.sources import Account
from sandbox.servers.ports import free_port

USER, PASSWORD = "support@sandbox.test", "secret"


LOOPBACK = Nets(("127.0.0.0/8",))


@dataclass
class MailServer:
    """Where the server listens, and a person's way to put mail into a folder of it."""

    port: int
    folder: str = "INBOX"

    def account(self, **changes: object) -> Account:
        values = {"host": "127.0.0.1", "port": self.port, "security": "none", "username": USER, "secret": PASSWORD}
        return Account(**{**values, "folder": self.folder, **changes})  # type: ignore[arg-type]

    @contextmanager
    def person(self) -> Iterator[IMAPClient]:
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=30) as client:
            client.login(USER, PASSWORD)
            client.select_folder(self.folder)
            yield client

    def deliver(self, *mails: bytes, seen: bool = False, at: datetime | None = None) -> None:
        with self.person() as client:
            for mail in mails:
                client.append(self.folder, mail, flags=[rb"\Seen"] if seen else [], msg_time=at)

    def flags(self) -> dict[int, bool]:
        """Each message's number, and whether it is read."""
        with self.person() as client:
            return {number: rb"\Seen" in flags for number, flags in client.get_flags(client.search()).items()}


@contextmanager
def running(password: str = PASSWORD) -> Iterator[MailServer]:
    """A server of its own with one user and an empty INBOX."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1", "--port", str(port), "--no-tls"]
    process = subprocess.Popen(
        [*command, "dict", "--demo-user", USER, "--demo-password", password],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > until or process.poll() is not None:
                    raise
                time.sleep(0.02)
        yield MailServer(port)
    finally:
        process.terminate()
        process.wait(10)


def letter(subject: str, *, text: str = "Hello", sender: str = "ann@customer.test", **headers: str) -> bytes:
    """A small mail; further headers by name with _ for -."""
    lines = [f"From: Ann Customer <{sender}>", "To: support@sandbox.test", f"Subject: {subject}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join([*lines, "", text, ""])).encode()
