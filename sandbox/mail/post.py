"""The post office: a letter for a monitored mailbox goes into its IMAP INBOX, every other into its reader's inbox."""

import threading
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sandbox.mail import shown
from sandbox.mail.imap import Mailboxes

MAX_LETTERS = 20_000


@dataclass(frozen=True)
class Letter:
    """A letter somebody received: envelope sender and recipient, and the raw bytes."""

    number: int
    sender: str
    recipient: str
    raw: bytes
    at: float

    def as_json(self) -> dict[str, Any]:
        """What the control API shows: the envelope, the letter read, and the raw text."""
        return {
            "id": self.number,
            "envelope_from": self.sender,
            "envelope_to": self.recipient,
            "at": self.at,
            "raw": self.raw.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode(),
            **self.read,
        }

    @cached_property
    def read(self) -> dict[str, Any]:
        """The letter read, once: the page asks every second."""
        return shown.read(self.raw)


class PostOffice:
    """Everyone's inbox. `imap` holds the monitored mailboxes."""

    def __init__(self, imap: Mailboxes) -> None:
        self._imap = imap
        self._lock = threading.Lock()
        self._inboxes: dict[str, list[Letter]] = {}
        self._number = 0

    def deliver(self, sender: str, recipients: list[str], raw: bytes) -> list[str]:
        """Hands a letter to each recipient; returns the monitored mailboxes it went into."""
        into = []
        for recipient in dict.fromkeys(address.lower() for address in recipients):
            mailbox = self._imap.owner(recipient)
            if mailbox is None:
                self._keep(sender, recipient, raw)
            elif mailbox not in into:
                head = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode()
                self._imap.append(mailbox, head + raw)
                into.append(mailbox)
        return into

    def inboxes(self) -> dict[str, list[Letter]]:
        """Address → letters, oldest first."""
        with self._lock:
            return {address: list(found) for address, found in sorted(self._inboxes.items())}

    def inbox(self, address: str) -> list[Letter]:
        """The letters of one reader, oldest first."""
        with self._lock:
            return list(self._inboxes.get(address.lower(), []))

    def letter(self, number: int) -> Letter | None:
        """One letter."""
        with self._lock:
            return next((one for found in self._inboxes.values() for one in found if one.number == number), None)

    def clear(self) -> None:
        """Every reader's inbox is empty."""
        with self._lock:
            self._inboxes = {}

    def _keep(self, sender: str, recipient: str, raw: bytes) -> None:
        with self._lock:
            self._number += 1
            found = self._inboxes.setdefault(recipient, [])
            found.append(Letter(self._number, sender, recipient, raw, time.time()))
            del found[:-MAX_LETTERS]
