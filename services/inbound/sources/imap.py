"""IMAP (RFC 3501, RFC 9051, IDLE of RFC 2177): the only module that imports imapclient.

Nothing it raises is the library's: an `_explained` block turns each exception into Temporary or Permanent with a sentence
and a remedy that an admin can act on.
"""

import imaplib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, LoginError, ProtocolError

from common.errors import Permanent, Temporary
from inbound.sources import (
    MARK,
    Account,
    Count,
    Disposal,
    Finding,
    Message,
    Overview,
    Place,
    Unusable,
    idle,
    imap_disposal,
    imap_faults,
    imap_login,
    imap_overview,
    tls,
)
from inbound.sources.findings import finding
from inbound.sources.imap_fetching import Fetching
from inbound.sources.imap_wire import ROOM, Patient
from inbound.sources.wire import CONNECT_SECONDS, Network, connected

IDLE_SECONDS = 28 * 60.0
"""RFC 2177 lets a server end an IDLE after 30 minutes, and advises to renew it every 29."""

_FOLDERS = 500
_FAREWELL, _FAREWELL_ROOM = 2.0, 65_536  # seconds and octets
_IN_VAIN = 2
_RENUMBERED = "The mail server has given the messages other numbers."


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
        self._validity = ""
        self._fetching = Fetching(self._here, self._explained)
        self._away = False  # another folder was looked into, and what came meanwhile was not told
        self._in_vain = 0  # how often in a row we were told of mail that was not there

    def open(self, mark: str = "") -> Place:
        self.close()
        with self._explained("open the folder"):
            self._client = client = self._connect()
            answer = self._select(client, readonly=False)
            idle.told(client)
            self._idles = bool(client.has_capability("IDLE"))
            total = int(answer.get(b"EXISTS", 0))
            following = answer.get(b"UIDNEXT")
            if following is None:  # a server of before RFC 3501
                last = client.search(f"UID {(total and '*') or 1}") if total else []
                following = max(last, default=0) + 1
            self._validity = _validity(answer)
            return Place(
                validity=self._validity,
                ordered=True,
                count=total,
                writable=b"READ-ONLY" not in answer,
                wakes=self._idles,
                last=str(int(following) - 1),
            )

    def listed(self, after: str | None = None) -> tuple[str, ...]:
        above = int(after or 0)
        with self._explained("list the messages"):
            if after is None:
                self._here().noop()  # a server may go on listing what is gone until it is asked for news
            idle.told(self._here())
            # "n:*" names the last message even when its number is smaller than n (RFC 3501, 6.4.8).
            found = tuple(str(number) for number in sorted(self._here().search(f"UID {above + 1}:*")) if number > above)
            self._in_vain = 0 if found else self._in_vain
            return found

    def unread(self) -> frozenset[str]:
        with self._explained("list the unread messages"):
            return frozenset(str(number) for number in self._here().search("UNSEEN"))

    def changed(self, most: int | None = None) -> tuple[str, ...]:
        return self.listed()

    @property
    def mark(self) -> str:
        return ""

    def since(self, instant: float) -> tuple[str, ...]:
        with self._explained("list the newer messages"):
            return tuple(map(str, imap_overview.since(self._here(), instant)))

    def counted(self, instant: float) -> Count:
        with self._explained("count the newer messages"):
            return imap_overview.counted(self._here(), instant)

    def overview(self) -> Overview:
        with self._explained("look at the mailbox"):
            client = self._here()
            return imap_overview.overview(client)

    def messages(self, ids: Sequence[str], max_bytes: int) -> Iterator[Sequence[Message]]:
        self._here()._imap.room = ROOM + max_bytes
        return self._fetching.messages(ids, max_bytes)

    def headers(self, ids: Sequence[str]) -> Sequence[Message]:
        return self._fetching.headers(ids)

    def done(self, ids: Sequence[str], disposal: Disposal = MARK) -> None:
        wanted = sorted(int(id) for id in ids)
        for start in range(0, len(wanted), 500):
            with self._explained(imap_disposal.WHAT[disposal.kind]):
                some = wanted[start : start + 500]
                imap_disposal.dispose(self._here(), some, disposal, _folders, self._home)

    def wait(self, seconds: float, stopped: Callable[[], bool]) -> None:
        if self._away:
            self._away = False
            return
        if not self._idles:
            idle.sleep(seconds, stopped)
            with self._explained("ask for new mail"):
                self._here().noop()
            return
        if self._in_vain > _IN_VAIN:
            idle.sleep(min(0.5 * 2.0 ** (self._in_vain - _IN_VAIN), seconds), stopped)
        with self._explained("wait for new mail"):
            client = self._here()
            client.noop()  # not every server tells at the beginning of an IDLE what came before it
            if idle.told(client):
                self._in_vain += 1
                return  # with the answer to this or an earlier command: IDLE would not tell again
            idle.begin(client)
            self._in_vain += idle.listen(client, min(seconds, IDLE_SECONDS), stopped)
            client.idle_done()

    def check(self) -> Finding:
        self.close()
        with self._explained("look at the mailbox"):
            self._client = client = self._connect()
            certificate = tls.certificate(client.socket())
            folders = _folders(client)
            answer = self._select(client, readonly=True)
            total = int(answer.get(b"EXISTS", 0))
            unread = len(client.search("UNSEEN"))
            wakes = bool(client.has_capability("IDLE"))
            remarks = () if client.has_capability("UIDPLUS") else (imap_disposal.NO_EXPUNGE,)
        self.close()
        return finding(self._account, folders, unread, total, wakes, certificate, remarks)

    def close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            client.socket().settimeout(_FAREWELL)
            client._imap.patience, client._imap.room = _FAREWELL, _FAREWELL_ROOM
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
        context = tls.context(account.validate_certificate, account.check_identity)
        client = _Client(account, self._nets, self._timeout, context)
        try:
            if account.security == "starttls":
                client.starttls(context)
            imap_login.login(client, account)
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
                f"The account has no folder {self._account.folder!r} that can be opened: {imap_faults.said(error)}",
                remedy=f"Choose one of these: {', '.join(names[:20])}." if names else "Name another folder.",
                field="folder",
                folders=names,
            ) from error

    def _home(self) -> None:
        """Open our folder again after a look into another one."""
        self._away = True
        if _validity(self._select(self._here(), readonly=False)) != self._validity:
            raise Temporary(_RENUMBERED)

    def _here(self) -> IMAPClient:
        if self._client is None:
            raise Temporary("The connection to the mailbox is closed.")
        # It must not happen in a session, but then nothing that we know by number is what it was.
        if len(set(self._client._imap.untagged_responses.get("UIDVALIDITY", ()))) > 1:
            raise Temporary(_RENUMBERED)
        return self._client

    # --- faults

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (Temporary, Permanent):
            raise
        except (OSError, imaplib.IMAP4.error, UnicodeError, ValueError) as error:
            connected = self._client is not None
            raise imap_faults.explain(_kind(error), error, self._account, what, connected=connected) from error


def _kind(error: Exception) -> str:
    """The library's exceptions by what they mean; see `imap_faults.explain`."""
    if isinstance(error, LoginError):
        # The library makes a refusal of everything that ends a login, also of a connection that broke in it.
        return "broken" if isinstance(error.__context__, imaplib.IMAP4.abort) else "login"
    if isinstance(error, CapabilityError):
        return "capability"
    if isinstance(error, ProtocolError | UnicodeError) or not isinstance(error, OSError | imaplib.IMAP4.error):
        return "nonsense"
    return "broken" if isinstance(error, imaplib.IMAP4.abort) else "refused"


class _Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    """An IMAPClient whose socket is made by Nets: to an address that was checked, whatever the name says by now."""

    def __init__(self, account: Account, nets: Network, timeout: float, context: ssl.SSLContext) -> None:
        self._nets = nets
        limits = SocketTimeout(min(CONNECT_SECONDS, timeout), timeout)
        tls = account.security == "tls"
        super().__init__(account.host, account.port, ssl=tls, ssl_context=context, timeout=limits)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's name
        return _Connection(self.host, self.port, self._nets, self._timeout, self.ssl_context if self.ssl else None)


class _Connection(Patient):
    def __init__(
        self, host: str, port: int, nets: Network, limits: SocketTimeout, context: ssl.SSLContext | None
    ) -> None:
        self._nets, self._context, self.patience = nets, context, limits.read
        super().__init__(host, port, timeout=limits.connect)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return connected(self._nets, self.host, self.port, self.patience, self._context)


def _folders(client: IMAPClient) -> tuple[str, ...]:
    """The names of the folders that can be opened, at most 500."""
    found = client.list_folders()
    return tuple(sorted(str(name) for flags, _, name in found if rb"\Noselect" not in flags)[:_FOLDERS])


def _validity(selected: dict[bytes, Any]) -> str:
    return str(int(selected.get(b"UIDVALIDITY", 0)))
