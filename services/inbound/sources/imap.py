"""IMAP (RFC 3501, RFC 9051, IDLE of RFC 2177): the only module that imports imapclient.

Nothing it raises is the library's: an `_explained` block turns each exception into Temporary or Permanent with a sentence
and a remedy that an admin can act on.
"""

import imaplib
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, LoginError, ProtocolError

from common.errors import Permanent, Temporary
from inbound.sources import Account, Finding, Message, Place, Unreadable, Unusable

BATCH_MESSAGES = 50
BATCH_BYTES = 8 * 1024 * 1024
IDLE_SECONDS = 28 * 60.0
"""RFC 2177 lets a server end an IDLE after 30 minutes, and advises to renew it every 29."""

_CONNECT_SECONDS = 20.0
_BLINK = 1.0
_FETCH = "fetch messages"
_HEADER_BYTES = 65_536
_FOLDERS = 500
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[THROTTLED]", "[SERVERBUG]", "TOO MANY", "TRY AGAIN", "TEMPORAR")


class Network(Protocol):
    """What `common.nets.Nets` offers; see there."""

    def connect(self, host: str, port: int, timeout: float | None = None) -> socket.socket: ...


class ImapSource:
    """One folder of one IMAP account; see `inbound.sources.Source` for what is promised.

    allow_plain: whether `security` "none" is taken at all (MAILBRIDGE_ALLOW_PLAIN). timeout: seconds for each answer.
    """

    def __init__(self, account: Account, nets: Network, *, timeout: float, allow_plain: bool) -> None:
        self._account = account
        self._nets = nets
        self._timeout = timeout
        self._allow_plain = allow_plain
        self._client: IMAPClient | None = None
        self._idles = False

    def open(self) -> Place:
        self.close()
        with self._explained("open the folder"):
            self._client = client = self._connect()
            answer = self._select(client, readonly=False)
            _told(client)
            self._idles = bool(client.has_capability("IDLE"))
            total = int(answer.get(b"EXISTS", 0))
            following = answer.get(b"UIDNEXT")
            if following is None:  # a server of before RFC 3501
                last = client.search(f"UID {(total and '*') or 1}") if total else []
                following = max(last, default=0) + 1
            return Place(
                validity=int(answer.get(b"UIDVALIDITY", 0)),
                next_number=int(following),
                count=total,
                writable=b"READ-ONLY" not in answer,
                wakes=self._idles,
            )

    def numbers(self, above: int) -> tuple[int, ...]:
        with self._explained("list the messages"):
            _told(self._here())
            # "n:*" names the last message even when its number is smaller than n (RFC 3501, 6.4.8).
            found = self._here().search(f"UID {above + 1}:*")
            return tuple(sorted(number for number in found if number > above))

    def unread(self) -> frozenset[int]:
        with self._explained("list the unread messages"):
            return frozenset(self._here().search("UNSEEN"))

    def since(self, instant: float) -> tuple[int, ...]:
        with self._explained("list the newer messages"):
            client = self._here()
            # SINCE knows days only, and in the server's time zone.
            day = (datetime.fromtimestamp(instant, UTC) - timedelta(days=1)).date()
            found = sorted(client.search(["SINCE", day]))
            arrived: dict[int, float] = {}
            for start in range(0, len(found), 500):
                answer = client.fetch(found[start : start + 500], ["INTERNALDATE"])
                arrived |= {number: _instant(item.get(b"INTERNALDATE")) for number, item in answer.items()}
            return tuple(number for number in found if arrived.get(number, instant) >= instant)

    def messages(self, numbers: Sequence[int], max_bytes: int) -> Iterator[Sequence[Message]]:
        for start in range(0, len(numbers), 500):
            sizes = self._sizes(numbers[start : start + 500])
            for batch in _batches(sizes):
                yield self._batch(batch, max_bytes)

    def headers(self, numbers: Sequence[int]) -> Sequence[Message]:
        with self._explained("fetch the headers of messages"):
            answer = self._here().fetch(list(numbers), ["RFC822.SIZE", f"BODY.PEEK[HEADER]<0.{_HEADER_BYTES}>"])
        found = []
        for number in sorted(answer):
            item = answer[number]
            raw = next((value for name, value in item.items() if name.startswith(b"BODY[HEADER]")), None)
            problem = "Only its header was fetched."
            found.append(Message(number, int(item.get(b"RFC822.SIZE", 0)), bytes(raw or b""), problem))
        return found

    def done(self, numbers: Iterable[int]) -> None:
        wanted = sorted(numbers)
        with self._explained("mark messages read"):
            for start in range(0, len(wanted), 500):
                self._here().add_flags(wanted[start : start + 500], [rb"\Seen"], silent=True)

    def wait(self, seconds: float, stopped: Callable[[], bool]) -> None:
        if not self._idles:
            _sleep(seconds, stopped)
            with self._explained("ask for new mail"):
                self._here().noop()
            return
        with self._explained("wait for new mail"):
            client = self._here()
            client.noop()  # not every server tells at the beginning of an IDLE what came before it
            if _told(client):
                return  # with the answer to this or an earlier command: IDLE would not tell again
            _begin_idle(client)
            if not client._imap.untagged_responses.get("EXISTS"):
                self._idle(client, time.monotonic() + min(seconds, IDLE_SECONDS), stopped)
            client.idle_done()

    def check(self) -> Finding:
        self.close()
        with self._explained("look at the mailbox"):
            self._client = client = self._connect()
            certificate = _certificate(client.socket())
            folders = _folders(client)
            answer = self._select(client, readonly=True)
            total = int(answer.get(b"EXISTS", 0))
            unread = len(client.search("UNSEEN"))
            wakes = bool(client.has_capability("IDLE"))
        self.close()
        sentences = [
            f"Connected to {self._account.host} and logged in as {self._account.username}.",
            f"The folder {self._account.folder} has {_count(total, 'message')}, {unread} of them unread.",
            "The server tells of new mail at once (IDLE)."
            if wakes
            else "The server has no IDLE, so new mail is looked for at intervals.",
        ]
        if self._account.security == "none":
            sentences.append("The connection is not encrypted.")
        elif certificate is not None:
            until = datetime.fromtimestamp(certificate[1], UTC)
            sentences.append(f"The certificate is for {certificate[0]} and valid until {until:%d %B %Y}.")
        elif not self._account.validate_certificate:
            sentences.append("The connection is encrypted, but the certificate is not checked.")
        expires = certificate[1] if certificate else None
        return Finding(tuple(sentences), folders, unread, total, wakes, expires)

    def close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            client.socket().settimeout(2.0)
            client.logout()
        except Exception:  # a farewell: whatever the connection has come to, it is over
            try:
                client.shutdown()
            except Exception:  # noqa: S110
                pass

    # --- connecting

    def _connect(self) -> IMAPClient:
        account = self._account
        if account.security == "none" and not self._allow_plain:
            raise Unusable(
                "Unencrypted connections are not allowed here.",
                remedy="Choose TLS or STARTTLS, or let the operator set MAILBRIDGE_ALLOW_PLAIN.",
                field="security",
            )
        context = _context(account.validate_certificate)
        client = _Client(account, self._nets, self._timeout, context)
        try:
            if account.security == "starttls":
                client.starttls(context)
            client.login(account.username, account.secret)
        except BaseException:
            try:
                client.shutdown()
            except Exception:  # noqa: S110 - the first exception tells more
                pass
            raise
        return client

    def _select(self, client: IMAPClient, *, readonly: bool) -> dict[bytes, Any]:
        try:
            return dict(client.select_folder(self._account.folder, readonly=readonly))
        except imaplib.IMAP4.readonly:
            return dict(client.select_folder(self._account.folder, readonly=True))
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            names = _folders(client)
            raise Unusable(
                f"The account has no folder {self._account.folder!r} that can be opened: {_said(error)}",
                remedy=f"Choose one of these: {', '.join(names[:20])}." if names else "Name another folder.",
                field="folder",
                folders=names,
            ) from error

    def _here(self) -> IMAPClient:
        if self._client is None:
            raise Temporary("The connection to the mailbox is closed.")
        return self._client

    # --- fetching

    def _sizes(self, numbers: Sequence[int]) -> list[tuple[int, int]]:
        with self._explained("ask for the sizes of messages"):
            answer = self._here().fetch(list(numbers), ["RFC822.SIZE", "FLAGS"])
        return [(number, int(answer[number].get(b"RFC822.SIZE", 0))) for number in numbers if number in answer]

    def _batch(self, batch: Sequence[tuple[int, int]], max_bytes: int) -> list[Message]:
        small = [(number, size) for number, size in batch if size <= max_bytes]
        large = [(number, size) for number, size in batch if size > max_bytes]
        fetched = self._bodies(small)
        for number, size in large:
            problem = f"It has {_megabytes(size)}, and at most {_megabytes(max_bytes)} are taken."
            fetched += [replace(message, size=size, problem=problem) for message in self.headers([number])]
        return sorted(fetched, key=lambda message: message.number)

    def _bodies(self, wanted: Sequence[tuple[int, int]]) -> list[Message]:
        if not wanted:
            return []
        try:
            with self._explained(_FETCH):
                answer = self._here().fetch([number for number, _ in wanted], ["BODY.PEEK[]"])
        except Unreadable as error:
            if len(wanted) > 1:  # find the one that the server or the library stumbles over
                return [message for one in wanted for message in self._bodies([one])]
            number, size = wanted[0]
            return [Message(number, size, b"", f"The server could not hand this message over: {error}")]
        return [
            Message(number, size, bytes(answer[number].get(b"BODY[]") or b""))
            for number, size in wanted
            if number in answer
        ]

    # --- waiting

    def _idle(self, client: IMAPClient, until: float, stopped: Callable[[], bool]) -> None:
        while not stopped() and (left := until - time.monotonic()) > 0:
            lines = _lines(client, min(_BLINK, left))
            if any(line.split()[-1:] in ([b"EXISTS"], [b"RECENT"]) for line in lines):
                return

    # --- faults

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (Temporary, Permanent):
            raise
        except (OSError, imaplib.IMAP4.error, UnicodeError, ValueError) as error:
            raise self._explain(error, what) from error

    def _explain(self, error: Exception, what: str) -> Exception:
        account, server = self._account, f"{self._account.host}:{self._account.port}"
        said = _said(error)
        if isinstance(error, LoginError):
            if any(sign in said.upper() for sign in _PASSING):
                return Temporary(f"{account.host} does not let us in just now: {said}")
            return Unusable(
                f"{account.host} refused the user name or the password of {account.username}: {said}",
                remedy="Check both. Some providers want an app password, or IMAP switched on in the account's settings.",
                field="secret",
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            return Unusable(
                f"The certificate of {account.host} is not valid for this host: {error.verify_message.rstrip('.')}.",
                remedy="Use the name that the certificate is for, or have the server's certificate renewed.",
                field="validate_certificate",
            )
        if isinstance(error, ssl.SSLError):
            return Unusable(
                f"{server} does not answer in TLS: {said}",
                remedy="Choose STARTTLS for port 143, or TLS for port 993.",
                field="security",
            )
        if isinstance(error, CapabilityError):
            return Unusable(
                f"{server} lacks what is needed to {what}: {said}",
                remedy="Choose TLS with port 993 if the server offers no STARTTLS.",
                field="security",
            )
        if isinstance(error, TimeoutError):
            return Temporary(f"{server} did not answer in time when asked to {what}.")
        if isinstance(error, OSError):
            return Temporary(f"The connection to {server} failed: {said}")
        if isinstance(error, ProtocolError | UnicodeError | ValueError):
            return Unreadable(said)
        if self._client is None:  # the greeting, or what came before the login
            return Unusable(
                f"{server} does not speak like an IMAP server: {said}",
                remedy="Check host, port and encryption: IMAP is usually at port 993 (TLS) or 143 (STARTTLS).",
                field="port",
            )
        if isinstance(error, imaplib.IMAP4.abort):
            return Temporary(f"The connection to {server} broke: {said}")
        if what == _FETCH:
            return Unreadable(said)
        return Temporary(f"{account.host} refused to {what}: {said}")


class _Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    """An IMAPClient whose socket is made by Nets: to an address that was checked, whatever the name says by now."""

    def __init__(self, account: Account, nets: Network, timeout: float, context: ssl.SSLContext) -> None:
        self._nets = nets
        limits = SocketTimeout(min(_CONNECT_SECONDS, timeout), timeout)
        tls = account.security == "tls"
        super().__init__(account.host, account.port, ssl=tls, ssl_context=context, timeout=limits)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's name
        return _Connection(self.host, self.port, self._nets, self._timeout, self.ssl_context if self.ssl else None)


class _Connection(imaplib.IMAP4):
    def __init__(
        self, host: str, port: int, nets: Network, limits: SocketTimeout, context: ssl.SSLContext | None
    ) -> None:
        self._nets = nets
        self._read_seconds = limits.read
        self._context = context
        super().__init__(host, port, timeout=limits.connect)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = self._nets.connect(self.host, self.port, timeout)
        plain.settimeout(self._read_seconds)
        if self._context is None:
            return plain
        try:
            return self._context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _folders(client: IMAPClient) -> tuple[str, ...]:
    """The names of the folders that can be opened, at most 500."""
    found = client.list_folders()
    return tuple(sorted(str(name) for flags, _, name in found if rb"\Noselect" not in flags)[:_FOLDERS])


def _told(client: IMAPClient) -> bool:
    """Whether the server has announced messages (EXISTS) since this was last asked. imaplib keeps what nobody fetched."""
    return client._imap.untagged_responses.pop("EXISTS", None) is not None


def _lines(client: IMAPClient, seconds: float) -> list[bytes]:
    """What the server says by itself within `seconds`. The library's own `idle_check` looks at the socket only, and so
    sleeps over a line that was read together with an earlier one. Raises the library's abort at the end of the stream."""
    readable = _buffered(client) or bool(client._poll_socket(client.socket(), seconds))
    lines = []
    while _buffered(client):
        lines.append(bytes(client._imap._get_line()))
    if readable and not lines and bool(client._poll_socket(client.socket(), 0)) and not _buffered(client):
        raise imaplib.IMAP4.abort("the server hung up")
    return lines


def _buffered(client: IMAPClient) -> bool:
    """Whether a line, or the beginning of one, can be read without waiting."""
    connection = client.socket()
    patience = connection.gettimeout()
    connection.setblocking(False)
    try:
        return bool(client._imap.file.peek(1))
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        connection.settimeout(patience)


def _begin_idle(client: IMAPClient) -> None:
    try:
        client.idle()
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        if "Unexpected IDLE response" not in str(error):
            raise
        # News came before the "+" that begins the IDLE; the library wants the "+" first.
        while client._imap._get_response() is not None:
            pass


def _context(validate: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _certificate(connection: object) -> tuple[str, float] | None:
    """The names and the end (seconds since 1970) of a verified certificate; None without TLS or when it is not checked."""
    if not isinstance(connection, ssl.SSLSocket):
        return None
    fields: dict[str, Any] = dict(connection.getpeercert() or {})
    names = [str(value) for _, value in fields.get("subjectAltName", ())]
    names = names or [value for part in fields.get("subject", ()) for name, value in part if name == "commonName"]
    expires = fields.get("notAfter")
    if not isinstance(expires, str):
        return None
    return ", ".join(names[:3]), float(ssl.cert_time_to_seconds(expires))


def _batches(sizes: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    batch: list[tuple[int, int]] = []
    octets = 0
    for number, size in sizes:
        if batch and (len(batch) >= BATCH_MESSAGES or octets + size > BATCH_BYTES):
            yield batch
            batch, octets = [], 0
        batch.append((number, size))
        octets += size
    if batch:
        yield batch


def _sleep(seconds: float, stopped: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not stopped() and (left := until - time.monotonic()) > 0:
        time.sleep(min(_BLINK, left))


def _instant(when: object) -> float:
    return when.timestamp() if isinstance(when, datetime) else float("inf")


def _said(error: Exception) -> str:
    """A library's or a server's words as one line that is safe to show."""
    text = error.args[0] if error.args and isinstance(error.args[0], str | bytes) else str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    line = re.sub(r"^b'(.*)'$", r"\1", " ".join(text.split()))
    return line[:300].rstrip(".") + "."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _megabytes(octets: int) -> str:
    return f"{octets / 1024 / 1024:.1f} MB"
