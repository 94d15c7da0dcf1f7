"""Jira credentials as connect vends them to the workers, and the signature by which a worker asks for them.

Pure. The role key is never sent: a request carries an HMAC of itself, a time and a nonce. `common.vendor` asks.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from common.errors import Permanent
from common.thread_tokens import ThreadKey

PATH = "/api/connect/credentials"
PERSON_PATH = "/api/connect/person-token"
SCHEMES = ("connect", "forge", "token")
ROLE, TIME, NONCE, SIGNATURE = (f"X-Mailbridge-{name}" for name in ("Role", "Time", "Nonce", "Signature"))
WINDOW = 60.0
"""Seconds a signed request is good for; connect remembers nonces at least as long on both sides of its clock."""


@dataclass(frozen=True, slots=True)
class LookupUser:
    """The account that only finds people and judges rights where the app itself may not; Basic, at `site_url`."""

    email: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one tenant's Jira is called with.

    scheme: connect, forge or token. Calls go to `base_url` + /rest/api/3/…; people see the site at `site_url`.
    secret: Connect's shared secret, Forge's system token or the API token of `email`. app_key and client_key are
    None without Connect. person_tokens: tokens of persons can be had. `thread_keys` has the newest first;
    `expires_at` in seconds since 1970.
    """

    tenant: str
    scheme: str
    base_url: str
    site_url: str
    app_key: str | None
    client_key: str | None
    secret: str = field(repr=False)
    email: str | None
    account_id: str | None
    lookup: LookupUser | None
    person_tokens: bool
    thread_keys: tuple[ThreadKey, ...] = field(repr=False)
    expires_at: float

    def as_lookup(self) -> "Credentials | None":
        """These credentials for a call as the look-up user, or None where there is none."""
        if self.lookup is None:
            return None
        return self._basic(self.lookup)

    def as_person(self, account_id: str, token: str) -> "Credentials":
        """These credentials for a call as a person, whose bearer token this is."""
        return replace(self, scheme="forge", account_id=account_id, secret=token, email=None, lookup=None)

    def _basic(self, who: LookupUser) -> "Credentials":
        plain = replace(self, scheme="token", base_url=self.site_url, email=who.email, secret=who.secret)
        return replace(plain, account_id=None, lookup=None, person_tokens=False)

    def to_json(self) -> dict[str, Any]:
        """The answer of `POST /api/connect/credentials`."""
        lookup = None if self.lookup is None else {"email": self.lookup.email, "secret": self.lookup.secret}
        return {
            "tenant": self.tenant,
            "scheme": self.scheme,
            "base_url": self.base_url,
            "site_url": self.site_url,
            "app_key": self.app_key,
            "client_key": self.client_key,
            "secret": self.secret,
            "email": self.email,
            "account_id": self.account_id,
            "lookup": lookup,
            "person_tokens": self.person_tokens,
            "thread_keys": [
                {"version": key.version, "key": base64.b64encode(key.key).decode()} for key in self.thread_keys
            ],
            "expires_at": self.expires_at,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Credentials":
        """The reverse of `to_json`; raises ValueError when a field is missing or has the wrong type, or when the
        scheme lacks what it signs with. Unknown fields are left alone: connect may be a version ahead."""
        try:
            made = cls(
                tenant=_text(fields["tenant"]),
                scheme=_text(fields["scheme"]),
                base_url=_text(fields["base_url"]),
                site_url=_text(fields["site_url"]),
                app_key=_optional(fields["app_key"]),
                client_key=_optional(fields["client_key"]),
                secret=_text(fields["secret"]),
                email=_optional(fields["email"]),
                account_id=_optional(fields["account_id"]),
                lookup=_lookup(fields["lookup"]),
                person_tokens=_flag(fields["person_tokens"]),
                thread_keys=tuple(_key(key) for key in fields["thread_keys"]),
                expires_at=_number(fields["expires_at"]),
            )
        except (KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise ValueError(f"not credentials: {error!r}") from error
        if made.scheme == "connect" and not (made.app_key and made.client_key):
            raise ValueError("not credentials: the scheme connect needs app_key and client_key")
        if made.scheme == "token" and not made.email:
            raise ValueError("not credentials: the scheme token needs email")
        return made


def digest(secret: str) -> str:
    """By what a refused secret is told to connect (`refused`): its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Headers(Protocol):
    """Header lines by name in any case, as web frameworks keep them."""

    def get(self, name: str, default: str, /) -> str: ...


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


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"true or false was expected, not {type(value).__name__}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a number was expected, not {type(value).__name__}")
    return float(value)


def _lookup(value: Any) -> LookupUser | None:
    return None if value is None else LookupUser(_text(value["email"]), _text(value["secret"]))


def _key(value: Any) -> ThreadKey:
    version = value["version"]
    if isinstance(version, bool) or not isinstance(version, int):
        raise TypeError(f"a thread key's version is a number, not {type(version).__name__}")
    return ThreadKey(version, base64.b64decode(_text(value["key"]), validate=True))
