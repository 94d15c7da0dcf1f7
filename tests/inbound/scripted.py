"""A small IMAP server that tells the truth until a test tells it to do otherwise: `with Scripted() as server: server.twist = …`.

Every user name has an INBOX of its own and may log in with any password. A twist sees each answer before it is sent and gives
back what is sent instead, or raises HangUp.
"""

import re
import select
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType

from inbound.sources import Account

ALL = ("IMAP4rev1", "AUTH=PLAIN", "UIDPLUS", "MOVE", "IDLE")
_GLANCE = 0.05


class HangUp(Exception):
    """End this connection now."""


@dataclass
class Mail:
    """One message in a folder."""

    raw: bytes
    flags: set[str] = field(default_factory=set)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Folder:
    """Messages by UID, and what names them."""

    validity: int = 1
    following: int = 1
    mails: dict[int, Mail] = field(default_factory=dict)

    def add(self, *raws: bytes, seen: bool = False) -> None:
        for raw in raws:
            self.mails[self.following] = Mail(raw, {"\\Seen"} if seen else set())
            self.following += 1

    def numbered(self) -> list[tuple[int, int]]:
        """(sequence number, UID) of each."""
        return list(enumerate(sorted(self.mails), 1))

    def unread(self) -> list[int]:
        return [uid for uid, mail in sorted(self.mails.items()) if "\\Seen" not in mail.flags]


class Talk:
    """One connection. number: which of its user's it is, from 1; sent: octets that went out on it."""

    def __init__(self, server: "Scripted", connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.user = ""
        self.number = 0
        self.sent = 0
        self.name = ""
        self._known = 0
        self._rest = b""

    @property
    def folder(self) -> Folder:
        return self.server.folders(self.user)[self.name]

    def send(self, octets: bytes) -> None:
        self.connection.sendall(octets)
        self.sent += len(octets)

    def run(self) -> None:
        try:
            self._say("greeting", b"* OK ready\r\n")
            while line := self._line():
                tag, _, command = line.partition(" ")
                self._command(tag, command)
        except (HangUp, OSError, ValueError):
            pass
        finally:
            self.connection.close()

    def _line(self) -> str:
        while b"\r\n" not in self._rest:
            more = self.connection.recv(65_536)
            if not more:
                return ""
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line.decode()

    def _say(self, what: str, octets: bytes) -> None:
        said = self.server.twist(self, what, octets)
        if said:
            self.send(said)

    def _command(self, tag: str, command: str) -> None:
        words = command.split(" ")
        what = " ".join(words[:2] if words[0].upper() == "UID" else words[:1]).upper()
        self.server.heard.append((self.user, what))
        if what == "IDLE":
            self._idle(tag)
            return
        lines = self._answer(what, command)
        lines.append(f"{tag} OK {what} done".encode() if lines[-1:] != [b"BAD"] else f"{tag} BAD no {what}".encode())
        self._say(what, b"".join(line + b"\r\n" for line in lines if line != b"BAD"))
        if what == "LOGOUT":
            raise HangUp

    def _answer(self, what: str, command: str) -> list[bytes]:
        offered, words = self.server.offered, command.split(" ")
        if what == "CAPABILITY":
            return [("* CAPABILITY " + " ".join(offered)).encode()]
        if what == "LOGIN":
            self.user = words[1].strip('"')
            self.number = self.server.count(self.user)
            return []
        if what == "LIST":
            return [f'* LIST () "/" "{name}"'.encode() for name in self.server.folders(self.user)]
        if what in ("SELECT", "EXAMINE"):
            self.name = _quoted(command)[0]
            if self.name not in self.server.folders(self.user):
                return [b"BAD"]
            return self._selected()
        if what == "NOOP":
            return self._news()
        if what == "LOGOUT":
            return [b"* BYE"]
        uids = self._meant(command.split(" ")[2]) if what.startswith("UID ") and what != "UID SEARCH" else []
        if what == "UID SEARCH":
            return self._search(command)
        if what == "UID FETCH":
            return [b for uid in uids for b in self._fetched(uid, command)]
        if what == "UID STORE":
            for uid in uids:
                self.folder.mails[uid].flags |= set(re.findall(r"\\\w+", command))
            return []
        if what in ("UID COPY", "UID MOVE") and (what == "UID COPY" or "MOVE" in offered):
            target = self.server.folders(self.user)[_quoted(command)[0]]
            target.add(*(self.folder.mails[uid].raw for uid in uids))
            return self._removed(uids) if what == "UID MOVE" else []
        if what == "UID EXPUNGE" and "UIDPLUS" in offered:
            return self._removed([uid for uid in uids if "\\Deleted" in self.folder.mails[uid].flags])
        return [b"BAD"]

    def _selected(self) -> list[bytes]:
        folder = self.folder
        self._known = folder.following
        return [
            f"* {len(folder.mails)} EXISTS".encode(),
            b"* FLAGS (\\Seen \\Deleted)",
            f"* OK [UIDVALIDITY {folder.validity}] valid".encode(),
            f"* OK [UIDNEXT {folder.following}] next".encode(),
        ]

    def _news(self) -> list[bytes]:
        if not self.name or self._known == self.folder.following:
            return []
        self._known = self.folder.following
        return [f"* {len(self.folder.mails)} EXISTS".encode()]

    def _search(self, command: str) -> list[bytes]:
        asked = command.split(" ", 2)[2]
        found = sorted(self.folder.mails)
        if asked.startswith("UID "):
            found = self._meant(asked[4:])
        elif asked == "UNSEEN":
            found = self.folder.unread()
        elif sizes := re.fullmatch(r"LARGER (\d+) SMALLER (\d+)", asked):
            low, high = int(sizes[1]), int(sizes[2])
            found = [uid for uid in found if low < len(self.folder.mails[uid].raw) < high]
        return [("* SEARCH " + " ".join(map(str, found))).strip().encode()]

    def _meant(self, text: str) -> list[int]:
        there, found = sorted(self.folder.mails), set()
        last = there[-1] if there else 0
        for part in text.split(","):
            ends = [last if end == "*" else int(end) for end in part.split(":")]
            low, high = min(ends), max(ends)
            found |= {uid for uid in there if low <= uid <= high}
        return sorted(found)

    def _fetched(self, uid: int, command: str) -> list[bytes]:
        mail = self.folder.mails[uid]
        sequence = next(number for number, other in self.folder.numbered() if other == uid)
        items = [f"UID {uid}".encode()]
        if "FLAGS" in command:
            items.append(f"FLAGS ({' '.join(sorted(mail.flags))})".encode())
        if "RFC822.SIZE" in command:
            items.append(f"RFC822.SIZE {len(mail.raw)}".encode())
        if "INTERNALDATE" in command:
            items.append(f'INTERNALDATE "{mail.at:%d-%b-%Y %H:%M:%S +0000}"'.encode())
        if "BODY.PEEK[HEADER]" in command:
            head = mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            items.append(b"BODY[HEADER]<0> {%d}\r\n%s" % (len(head), head))
        if "BODY.PEEK[]" in command:
            items.append(b"BODY[] {%d}\r\n%s" % (len(mail.raw), mail.raw))
        return [b"* %d FETCH (%s)" % (sequence, b" ".join(items))]

    def _removed(self, uids: list[int]) -> list[bytes]:
        lines = []
        for uid in uids:
            sequence = next(number for number, other in self.folder.numbered() if other == uid)
            del self.folder.mails[uid]
            lines.append(f"* {sequence} EXPUNGE".encode())
        return lines

    def _idle(self, tag: str) -> None:
        if "IDLE" not in self.server.offered:
            self._say("IDLE", f"{tag} BAD no IDLE\r\n".encode())
            return
        self._say("IDLE", b"+ idling\r\n")
        while not select.select([self.connection], [], [], _GLANCE)[0]:
            if self.server.closing.is_set():
                raise HangUp
            said = b"".join(line + b"\r\n" for line in self._news())
            self._say("idling", said)
        self._line()
        self._say("DONE", f"{tag} OK IDLE done\r\n".encode())


class Scripted:
    """Where it listens, what it offers (CAPABILITY), what was asked of it as (user, command), and its folders."""

    def __init__(self, *, without: tuple[str, ...] = ()) -> None:
        self.offered = tuple(word for word in ALL if word not in without)
        self.twist: Callable[[Talk, str, bytes], bytes] = lambda _talk, _what, octets: octets
        self.heard: list[tuple[str, str]] = []
        self.closing = threading.Event()
        self._boxes: dict[str, dict[str, Folder]] = {}
        self._talks: dict[str, int] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])

    def folders(self, user: str) -> dict[str, Folder]:
        return self._boxes.setdefault(user, {"INBOX": Folder(), "Done": Folder(validity=2)})

    def inbox(self, user: str) -> Folder:
        return self.folders(user)["INBOX"]

    def count(self, user: str) -> int:
        """How many connections this user has made, with this one."""
        self._talks[user] = self._talks.get(user, 0) + 1
        return self._talks[user]

    def account(self, user: str, folder: str = "INBOX") -> Account:
        return Account("127.0.0.1", self.port, "none", user, "secret", folder)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=Talk(self, connection).run, daemon=True).start()

    def __enter__(self) -> "Scripted":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._listener.close()


def _quoted(command: str) -> list[str]:
    """The strings of a command: those in quotes, or its last word."""
    return re.findall(r'"([^"]*)"', command) or [command.split(" ")[-1]]
