"""What Graph knows of mailboxes: folders with messages, and in which order they changed, for delta queries.

A message has two ids, as there: one for who asks for immutable ids, and one that changes when the message is moved.
"""

import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from typing import Any

WELL_KNOWN = ("inbox", "archive", "junkemail", "deleteditems", "sentitems", "drafts")


@dataclass
class GraphMessage:
    """One message; `moves` makes its other id another one."""

    id: str
    raw: bytes
    received: float
    read: bool = False
    moves: int = 0

    def name(self, immutable: bool) -> str:
        return self.id if immutable else f"{self.id}-{self.moves}"

    def shown(self, immutable: bool) -> dict[str, Any]:
        mail = BytesParser(policy=policy.compat32).parsebytes(self.raw, headersonly=True)
        when = datetime.fromtimestamp(self.received, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = [{"name": name, "value": str(value)} for name, value in mail.items()]
        subject = str(mail.get("Subject", ""))
        return {
            "id": self.name(immutable), "receivedDateTime": when, "isRead": self.read, "subject": subject,
            "internetMessageHeaders": headers,
        }  # fmt: skip


@dataclass
class GraphFolder:
    """A folder with its messages, and the ids of those that changed, oldest first."""

    id: str
    name: str
    parent: str = ""
    messages: dict[str, GraphMessage] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)


class GraphMailboxes:
    """Every user has a mailbox as soon as it is named here. limits: how many requests are answered 429, and Retry-After."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.page = 10  # messages on a page, whatever the client prefers: at most so many
        self.throttled, self.retry_after = 0, 1
        self.epoch = 1  # delta links of earlier ones are too old
        self.allowed: set[str] | None = None  # the mailboxes an app may read; None: all
        self.counts = True  # whether @odata.count tells; Graph is known to say -1 at times
        self.broken: dict[
            str, str
        ] = {}  # message id → how its $value breaks: "404", "500", "endless", "short", "silent"
        self.calls: list[str] = []  # "METHOD path" of what was asked
        self._users: dict[str, dict[str, GraphFolder]] = {}

    def add(self, user: str) -> dict[str, GraphFolder]:
        """The user's folders by id; made with the first call."""
        with self.lock:
            names = {name: GraphFolder(name, name.title()) for name in WELL_KNOWN}
            return self._users.setdefault(user.lower(), names)

    def folders(self, user: str) -> dict[str, GraphFolder] | None:
        """The same; None for nobody."""
        return self._users.get(user.lower())

    def add_folder(self, user: str, name: str, parent: str = "") -> str:
        """A further folder; its id."""
        folder = GraphFolder(secrets.token_urlsafe(12), name, parent)
        self.add(user)[folder.id] = folder
        return folder.id

    def deliver(
        self, user: str, raw: bytes, *, folder: str = "inbox", read: bool = False, at: float | None = None
    ) -> str:
        """A mail arrives; its immutable id."""
        with self.lock:
            message = GraphMessage(secrets.token_urlsafe(24), raw, time.time() if at is None else at, read)
            self._enter(self.add(user)[folder], message)
            return message.id

    def find(self, user: str, name: str, immutable: bool) -> tuple[GraphFolder, GraphMessage] | None:
        """A message by the id that the client uses."""
        for folder in (self.folders(user) or {}).values():
            for message in folder.messages.values():
                if message.name(immutable) == name:
                    return folder, message
        return None

    def mark(self, folder: GraphFolder, message: GraphMessage, read: bool) -> None:
        message.read = read
        folder.changes.append(message.id)

    def remove(self, folder: GraphFolder, message: GraphMessage) -> None:
        del folder.messages[message.id]
        folder.changes.append(message.id)

    def move(self, folder: GraphFolder, message: GraphMessage, target: GraphFolder) -> None:
        self.remove(folder, message)
        message.moves += 1
        self._enter(target, message)

    def expire_links(self) -> None:
        """Delta links that are out are too old from now on."""
        self.epoch += 1

    def reset(self) -> None:
        """As new."""
        with self.lock:
            self._users.clear()
            self.page, self.throttled, self.retry_after, self.epoch, self.allowed = 10, 0, 1, 1, None
            self.counts, self.broken, self.calls = True, {}, []

    def _enter(self, folder: GraphFolder, message: GraphMessage) -> None:
        folder.messages[message.id] = message
        folder.changes.append(message.id)
