"""The IMAP server: pymap with its in-memory backend, in a thread of its own with its own event loop."""

import asyncio
import threading
from argparse import Namespace
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, Identity, Login
from pymap.backend.dict.mailbox import MailboxData
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

T = TypeVar("T")
_START_TIMEOUT = 20.0
_LINE_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True)
class Stored:
    """A message in a folder, as it was appended."""

    uid: int
    flags: tuple[str, ...]
    raw: bytes


class Mailboxes(Protocol):
    """The monitored mailboxes, wherever they live: here (`ImapServer`) or on a real server (`foreign.ForeignMailboxes`)."""

    port: int

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def add_mailbox(self, user: str, password: str) -> None: ...

    def mailboxes(self) -> list[str]: ...

    def owner(self, address: str) -> str | None: ...

    def append(self, user: str, raw: bytes, folder: str = "INBOX") -> int: ...

    def messages(self, user: str, folder: str = "INBOX") -> list[Stored]: ...

    def counts(self, user: str, folder: str = "INBOX") -> tuple[int, int]: ...

    def folders(self, user: str) -> list[str]: ...

    def drop_connections(self) -> None: ...

    def empty(self, user: str) -> None: ...


class ImapServer:
    """IMAP4rev1 with IDLE, UIDPLUS and MOVE on a loopback port, without TLS. Mailboxes are added while it runs."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="imap", daemon=True)
        self._ready: Future[None] = Future()
        self._users: dict[str, str] = {}
        self._connections: set[asyncio.Task[Any] | None] = set()

    def start(self) -> None:
        """Listens when it returns; `port` is the real one."""
        self._thread.start()
        self._ready.result(_START_TIMEOUT)

    def stop(self) -> None:
        """Closes every connection."""
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def add_mailbox(self, user: str, password: str) -> None:
        """A login of its own with an INBOX; its password when it exists already."""
        self._call(self._set_user(user, password))
        self._users[user.lower()] = user

    def mailboxes(self) -> list[str]:
        """The logins."""
        return list(self._users.values())

    def owner(self, address: str) -> str | None:
        """The mailbox an address belongs to, sub-addresses (box+anything@) included; None when nobody's."""
        local, _, domain = address.lower().rpartition("@")
        return self._users.get(f"{local.partition('+')[0]}@{domain}")

    def append(self, user: str, raw: bytes, folder: str = "INBOX") -> int:
        """Puts a message in; returns its UID. Whoever waits in IDLE is told."""
        return self._call(self._append(user, raw, folder))

    def messages(self, user: str, folder: str = "INBOX") -> list[Stored]:
        """What lies in a folder; raises KeyError for a folder that is not there."""
        return self._call(self._messages(user, folder))

    def counts(self, user: str, folder: str = "INBOX") -> tuple[int, int]:
        """How many messages a folder has, and how many of them are unread."""
        return self._call(self._counts(user, folder))

    def folders(self, user: str) -> list[str]:
        """The folders of a mailbox."""
        return self._call(self._folders(user))

    def drop_connections(self) -> None:
        """Every client loses its connection, as when a mail server restarts; mail and UIDVALIDITY stay."""
        self._call(self._drop())

    def empty(self, user: str) -> None:
        """Throws every folder away; the new INBOX has another UIDVALIDITY."""
        self._call(self._forget(user))

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_START_TIMEOUT)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        try:
            self._closing = asyncio.Event()
            self._config = Config(
                Namespace(passlib_cfg=None, proxy_protocol="noop"), host=self.host, port=self.port, tls_enabled=False,
                hash_context=Cleartext(), demo_data=False, demo_user="", demo_password="", invalid_user_sleep=0.1,
                reject_dnsbl=False,
            )  # fmt: skip
            self._login = Login(self._config)
            serve = IMAPServer(self._login, self._config)

            async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                self._connections.add(task)
                try:
                    await serve(reader, writer, SocketInfo.get(writer, None, unique_id=uuid4().bytes))
                finally:
                    self._connections.discard(task)

            server = await asyncio.start_server(connected, self.host, self.port, limit=_LINE_LIMIT)
            self.port = server.sockets[0].getsockname()[1]
        except BaseException as error:
            self._ready.set_exception(error)
            raise
        self._ready.set_result(None)
        await self._closing.wait()
        server.close()
        connections = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _drop(self) -> None:
        for task in list(self._connections):
            if task is not None:
                task.cancel()

    async def _set_user(self, user: str, password: str) -> None:
        identity = Identity(user, self._login, None, frozenset())
        await identity.set(UserMetadata(self._config, user, password=password))

    async def _folder(self, user: str, name: str) -> MailboxData:
        async with Identity(user, self._login, None, frozenset()).new_session() as session:
            return await session.mailbox_set.get_mailbox(name)

    async def _append(self, user: str, raw: bytes, folder: str) -> int:
        when = datetime.now(UTC).astimezone()
        message = await (await self._folder(user, folder)).append(AppendMessage(raw, when), recent=True)
        return int(message.uid)

    async def _messages(self, user: str, folder: str) -> list[Stored]:
        found = []
        async for message in (await self._folder(user, folder)).messages():
            content = (await message.load_content(FetchRequirement.CONTENT)).content
            found.append(
                Stored(message.uid, tuple(sorted(str(flag) for flag in message.permanent_flags)), bytes(content))
            )
        return found

    async def _counts(self, user: str, folder: str) -> tuple[int, int]:
        snapshot = await (await self._folder(user, folder)).snapshot()
        return snapshot.exists, snapshot.unseen

    async def _folders(self, user: str) -> list[str]:
        async with Identity(user, self._login, None, frozenset()).new_session() as session:
            return sorted(entry.name for entry in (await session.mailbox_set.list_mailboxes()).list() if entry.exists)

    async def _forget(self, user: str) -> None:
        self._config.set_cache.pop(user, None)
