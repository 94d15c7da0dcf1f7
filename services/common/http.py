"""HTTP requests that say truly whether they may have arrived. The only module that uses `requests`.

A request has *left* as soon as its first octet was handed to a socket. Whatever fails before that (a name that does
not resolve, a refused connection, a TLS handshake) is Temporary(maybe_done=False); whatever fails after it, a reset of
a kept-alive connection included, is Temporary(maybe_done=True). Redirects are answers, cookies are not kept, and the
environment's proxies and .netrc are not read.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ReadTimeoutError

from common import trace
from common.errors import Permanent, Temporary
from common.nets import Nets

_CONNECT_TIMEOUT = 10.0
_CHUNK = 65_536
_READS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said; header names are in lower case, the body is decoded (gzip, deflate)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """A pool of kept-alive connections to the hosts that `nets` permits. Safe to share between threads.

    timeout: seconds for each wait (the connection gets 10 at most); the body of the answer gets as long as one wait.
    limit: octets an answer may have. ca_file: certificates to trust instead of the usual ones.
    idle: seconds after which a resting connection is not used again, for the server is about to close it.
    """

    def __init__(
        self,
        nets: Nets,
        timeout: float = 30.0,
        *,
        limit: int = 16 * 2**20,
        ca_file: str | None = None,
        idle: float = 15.0,
    ) -> None:
        self._timeout = timeout
        self._limit = limit
        self._session = _Session()
        self._session.trust_env = False
        self._session.verify = ca_file or True
        self._session.headers["User-Agent"] = "Mailbridge"
        # One pool serves many tenants: what one Jira sets must not reach another.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.adapters.clear()
        for prefix in ("http://", "https://"):
            self._session.mount(prefix, _Adapter(nets, idle))

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        timeout: float | None = None,
    ) -> Answer:
        """The server's answer, whatever its status. Temporary and Permanent as the module says.

        A read (GET, HEAD, OPTIONS) that dies on a kept-alive connection is sent once more; nothing else is repeated.
        """
        with trace.call(method, url):
            try:
                answer = self._once(method, url, headers, body, timeout or self._timeout)
            except Temporary:
                if not (method in _READS and _progress.left and _progress.reused and not _progress.answered):
                    raise
                answer = self._once(method, url, headers, body, timeout or self._timeout)
            trace.note(status=answer.status)
            return answer

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()

    def _once(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None, timeout: float
    ) -> Answer:
        _progress.begin()
        try:
            with self._session.request(
                method,
                url,
                headers={**trace.headers(), **(headers or {})},
                data=body,
                timeout=(min(timeout, _CONNECT_TIMEOUT), timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                _progress.answered = True
                return Answer(
                    response.status_code,
                    {name.lower(): value for name, value in response.headers.items()},
                    self._read(response, method, time.monotonic() + timeout),
                )
        except ValueError as error:
            if _progress.left:  # an answer that contradicts itself, such as two lengths
                raise _fault(url, error) from error
            # An unknown scheme, no host, a line break in a header.
            raise Permanent(f"The request cannot be made: {error}.", remedy="Check the address.") from error
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _fault(url, error) from error

    def _read(self, response: requests.Response, method: str, end: float) -> bytes:
        chunks, size = [], 0
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._limit:
                message = f"{_host(response.url)} answered with more than {self._limit} octets."
                if method in _READS:
                    raise Permanent(message)
                raise Temporary(message, maybe_done=True)
            if time.monotonic() > end:
                raise Temporary(f"{_host(response.url)} answers too slowly.", maybe_done=True)
        return b"".join(chunks)


class _Session(requests.Session):
    """Looks at no Location header: requests would read the body without limit to prepare for the next request."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Progress(threading.local):
    """How far this thread's request has come."""

    left = False
    reused = False
    answered = False

    def begin(self) -> None:
        self.left, self.reused, self.answered = False, True, False


_progress = _Progress()


class _Plain(HTTPConnection):
    """A connection made through Nets that notes when the first octet of a request leaves."""

    nets: Nets
    idle: float
    used_at = 0.0

    def _new_conn(self) -> Any:
        _progress.reused = False
        return self.nets.connect(self._dns_host, self.port, self.timeout)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _progress.left = True
        self.used_at = time.monotonic()
        if not isinstance(data, bytes):
            return super().send(data)
        for start in range(0, len(data), _CHUNK):  # the timeout is for each chunk: a large file may take longer
            super().send(data[start : start + _CHUNK])
        return None

    @property
    def is_connected(self) -> bool:
        rested = time.monotonic() - self.used_at
        return super().is_connected and rested < self.idle


class _Secure(_Plain, HTTPSConnection):
    """The same under TLS: the name is verified, the address is the one Nets chose."""


class _Adapter(HTTPAdapter):
    """requests' adapter with our connections and without urllib3's retries."""

    def __init__(self, nets: Nets, idle: float) -> None:
        self._bound = {"nets": nets, "idle": idle}
        super().__init__(pool_connections=64, pool_maxsize=64, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        plain = type("Plain", (_Plain,), self._bound)
        secure = type("Secure", (_Secure,), self._bound)
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }


def _fault(url: str, error: Exception) -> Temporary:
    if not _progress.left:
        return Temporary(f"No connection to {_host(url)}: {_cause(error)}.")
    if isinstance(error, requests.Timeout | ReadTimeoutError | TimeoutError):
        return Temporary(f"{_host(url)} did not answer in time.", maybe_done=True)
    return Temporary(f"The connection to {_host(url)} broke off: {_cause(error)}.", maybe_done=True)


def _cause(error: BaseException) -> str:
    """The innermost reason, without the objects that requests and urllib3 wrap around it."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return (getattr(error, "verify_message", None) or getattr(error, "strerror", None) or type(error).__name__).lower()


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
