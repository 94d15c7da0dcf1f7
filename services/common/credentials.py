"""Jira credentials as connect vends them to the workers, and the signature by which a worker asks for them.

The role key is never sent: a request carries an HMAC of itself, a time and a nonce. Answers live in memory only,
an hour at most, so that connect may be down for a while without stopping anybody.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from common.errors import Permanent, Temporary
from common.http import Http
from common.thread_tokens import ThreadKey

PATH = "/api/connect/credentials"
ROLE, TIME, NONCE, SIGNATURE = (f"X-Mailbridge-{name}" for name in ("Role", "Time", "Nonce", "Signature"))
WINDOW = 60.0
"""Seconds a signed request is good for; connect remembers nonces at least as long on both sides of its clock."""

_LONGEST = 3600.0
_EARLY = 300.0
_PAUSE = 15.0
_REFUSED = 60.0
_BREATH = 2.0
_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one tenant's Jira is called with. `thread_keys` has the newest first; `expires_at` in seconds since 1970."""

    tenant: str
    scheme: str
    base_url: str
    app_key: str
    client_key: str
    shared_secret: str = field(repr=False)
    account_id: str | None
    thread_keys: tuple[ThreadKey, ...] = field(repr=False)
    expires_at: float

    def to_json(self) -> dict[str, Any]:
        """The answer of `POST /api/connect/credentials`."""
        return {
            "tenant": self.tenant,
            "scheme": self.scheme,
            "base_url": self.base_url,
            "app_key": self.app_key,
            "client_key": self.client_key,
            "shared_secret": self.shared_secret,
            "account_id": self.account_id,
            "thread_keys": [
                {"version": key.version, "key": base64.b64encode(key.key).decode()} for key in self.thread_keys
            ],
            "expires_at": self.expires_at,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Credentials":
        """The reverse of `to_json`; raises ValueError when a field is missing or has the wrong type."""
        try:
            keys = tuple(
                ThreadKey(key["version"], base64.b64decode(key["key"], validate=True)) for key in fields["thread_keys"]
            )
            return cls(
                tenant=_text(fields["tenant"]),
                scheme=_text(fields["scheme"]),
                base_url=_text(fields["base_url"]),
                app_key=_text(fields["app_key"]),
                client_key=_text(fields["client_key"]),
                shared_secret=_text(fields["shared_secret"]),
                account_id=None if fields.get("account_id") is None else _text(fields["account_id"]),
                thread_keys=keys,
                expires_at=float(fields["expires_at"]),
            )
        except (KeyError, TypeError, binascii.Error) as error:
            raise ValueError(f"not credentials: {error!r}") from error


class Headers(Protocol):
    """Header lines by name in any case, as web frameworks keep them."""

    def get(self, name: str, default: str, /) -> str: ...


class Vendor:
    """Asks connect for credentials and remembers them; any number of threads may share one.

    Credentials are renewed five minutes before they end. If connect cannot be reached then, the old ones serve
    until they end; from there on `get` raises Temporary.
    """

    def __init__(
        self, http: Http, connect_url: str, role: str, key: bytes, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._http = http
        self._url = connect_url.rstrip("/") + PATH
        self._role = role
        self._key = key
        self._clock = clock
        self._guard = threading.Lock()
        self._shelves: dict[str, _Shelf] = {}

    def get(self, tenant: str) -> Credentials:
        """The tenant's credentials, good now.

        Raises Temporary while connect cannot be asked, does not know our role key or has the app disabled, and
        Permanent(status=404) for a tenant that is unknown or has removed the app.
        """
        shelf = self._shelf(tenant)
        held = shelf.held
        if held is not None and self._clock() < held.renew_at:
            return held.credentials
        with shelf.asking:  # one thread asks, the others wait for its answer
            return self._renew(shelf, tenant)

    def forget(self, tenant: str, used: Credentials | None = None) -> None:
        """Ask anew next time: the tenant has changed, or Jira refused `used` (newer ones than `used` are kept)."""
        shelf = self._shelf(tenant)
        with self._guard:
            if used is None or (shelf.held is not None and shelf.held.credentials is used):
                shelf.held = None
                shelf.changes += 1

    def _renew(self, shelf: "_Shelf", tenant: str) -> Credentials:
        now = self._clock()
        held, changes = shelf.held, shelf.changes
        if held is not None and now < held.renew_at:
            return held.credentials
        if shelf.failed is not None and now < shelf.failed[1]:
            raise Temporary(shelf.failed[0], retry_after=_PAUSE)
        try:
            credentials = self._ask(tenant, now)
        except Temporary as problem:
            if held is None or now >= held.until:
                # Those who waited meanwhile learn the same: one after the other they would wait for minutes.
                shelf.failed = str(problem), self._clock() + _BREATH
                raise
            self._keep(shelf, changes, _Held(held.credentials, min(now + _PAUSE, held.until), held.until))
            return held.credentials
        until = min(credentials.expires_at, now + _LONGEST)
        self._keep(shelf, changes, _Held(credentials, until - min(_EARLY, (until - now) / 2), until))
        return credentials

    def _keep(self, shelf: "_Shelf", changes: int, held: "_Held") -> None:
        with self._guard:
            if shelf.changes == changes:  # else somebody forgot them while we asked: good for this call only
                shelf.held = held

    def _ask(self, tenant: str, now: float) -> Credentials:
        body = json.dumps({"tenant": tenant}).encode()
        headers = sign_request(self._key, self._role, "POST", PATH, body, now, secrets.token_hex(16))
        headers["Content-Type"] = "application/json"
        answer = self._http.send("POST", self._url, headers, body, timeout=_TIMEOUT)
        if answer.status == 200:
            try:
                return Credentials.from_json(json.loads(answer.body))
            except ValueError as error:
                raise Temporary(f"Connect answered something that is not credentials: {error}") from error
        if answer.status == 401:
            # The operator's mistake must not make a tenant's mail fail for good: it waits until that is mended.
            raise Temporary(
                "Connect refused this process's signature: give MAILBRIDGE_ROLE_KEY the value that connect has for "
                "this role, and keep the clocks together.",
                retry_after=_REFUSED,
            )
        if answer.status == 404:
            raise Permanent(f"Connect knows no installed site {tenant}.", status=404)
        if answer.status == 409:
            raise Temporary("Mailbridge is disabled in this Jira.", retry_after=_EARLY)
        raise Temporary(f"Connect answered {answer.status} when asked for credentials.", retry_after=_PAUSE)

    def _shelf(self, tenant: str) -> "_Shelf":
        with self._guard:
            return self._shelves.setdefault(tenant, _Shelf())


def sign_request(key: bytes, role: str, method: str, path: str, body: bytes, now: float, nonce: str) -> dict[str, str]:
    """The four headers that say who asks; `nonce` is used once, `now` in seconds since 1970."""
    when = str(int(now))
    return {ROLE: role, TIME: when, NONCE: nonce, SIGNATURE: _signature(key, method, path, when, nonce, body)}


def check_request(
    keys: Mapping[str, bytes], method: str, path: str, headers: Headers, body: bytes, now: float
) -> tuple[str, str]:
    """The role that signed this request, and its nonce, which the caller accepts once.

    Raises Permanent(status=401) for a missing header, an unknown role, a time more than WINDOW away or a wrong
    signature.
    """
    role, when, nonce, signature = (headers.get(name, "") for name in (ROLE, TIME, NONCE, SIGNATURE))
    key = keys.get(role)
    expected = _signature(key or b"", method, path, when, nonce, body)
    if key is None or not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
        raise Permanent("The request is not signed by a role that connect knows.", status=401)
    if not re.fullmatch(r"[0-9]{1,12}", when) or abs(now - int(when)) > WINDOW:
        raise Permanent("The request's time is too far from connect's.", remedy="Keep the clocks together.", status=401)
    if not re.fullmatch(r"[0-9A-Za-z_-]{16,64}", nonce):
        raise Permanent("The request's nonce is not 16 to 64 letters and digits.", status=401)
    return role, nonce


def _signature(key: bytes, method: str, path: str, when: str, nonce: str, body: bytes) -> str:
    text = "\n".join((method.upper(), path, when, nonce, hashlib.sha256(body).hexdigest()))
    return hmac.new(key, text.encode(errors="replace"), hashlib.sha256).hexdigest()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text was expected, not {type(value).__name__}")
    return value


@dataclass(frozen=True, slots=True)
class _Held:
    credentials: Credentials
    renew_at: float
    until: float


@dataclass(slots=True)
class _Shelf:
    asking: threading.Lock = field(default_factory=threading.Lock)
    held: _Held | None = None
    failed: tuple[str, float] | None = None
    changes: int = 0
