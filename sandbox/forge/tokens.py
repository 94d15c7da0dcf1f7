"""Forge's tokens: the invocation token (FIT, RS256, 25 s) that proves a call to come from Forge, and the opaque bearers for Jira.

Source: Atlassian's Forge remote invocation contract and "Calling Atlassian app APIs from a remote".
"""

import secrets
import threading
import uuid
from dataclasses import dataclass, replace
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.forge.manifest import Scopes
from sandbox.forge.model import ForgeApp

FIT_LIFE = 25  # seconds
ISSUER = "forge/invocation-token"
LIFE = 55 * 60.0  # seconds for which a bearer is good at least, from the invocation that carried it
_HANDED_ON = 60.0  # seconds for which invocations carry the same bearer
_LONG = 700  # random bytes: a real bearer has about a thousand characters, and whoever cuts it is found out


class SigningKeys:
    """The key pairs of invocation tokens, the newest of which signs; the first is made when it is asked for, since that takes
    a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: list[tuple[str, rsa.RSAPrivateKey]] = []

    def jwks(self) -> dict[str, Any]:
        """The public halves, as /.well-known/jwks.json; an older key stays there, as it does where keys change in good order."""
        self._newest()
        return {"keys": [_public(kid, private) for kid, private in self._keys]}

    def sign(self, claims: dict[str, Any]) -> str:
        """A JWT with these claims."""
        kid, private = self._newest()
        return jwt.encode(claims, private, "RS256", headers={"kid": kid})

    def rotate(self) -> None:
        """From now on another key signs."""
        with self._lock:
            self._add()

    def _newest(self) -> tuple[str, rsa.RSAPrivateKey]:
        with self._lock:
            if not self._keys:
                self._add()
            return self._keys[-1]

    def _add(self) -> None:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._keys.append((f"forge/invocation-token/{uuid.uuid4()}", private))


def _public(kid: str, private: rsa.RSAPrivateKey) -> dict[str, Any]:
    public = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return {**public, "kid": kid, "use": "sig", "alg": "RS256"}


def invocation_claims(
    app: ForgeApp,
    api_base_url: str,
    module: tuple[str, str],
    context: dict[str, Any],
    principal: str | None,
    now: float,
) -> dict[str, Any]:
    """The claims of a FIT. `module`: type and key; `principal`: who looks on, None for events. The app is free, so no licence."""
    issued = int(now)
    claims: dict[str, Any] = {
        "iss": ISSUER, "aud": app.ari, "iat": issued, "nbf": issued, "exp": issued + FIT_LIFE, "jti": secrets.token_hex(20),
        "app": {
            "id": app.ari,
            "appVersion": app.version,
            "installationId": app.installation_ari,
            "apiBaseUrl": api_base_url,
            "environment": {"type": "PRODUCTION", "id": app.environment_ari},
            "module": {"type": module[0], "key": module[1]},
            "installation": {
                "id": app.installation_ari, "contexts": [{"name": "jira", "apiBaseUrl": api_base_url}],
            },
        },
        "context": context,
    }  # fmt: skip
    if principal is not None:
        claims["principal"] = principal
    return claims


@dataclass(frozen=True)
class Bearer:
    """An opaque token for `apiBaseUrl`. `kind`: system (the app), user (who looks on), offline (a person who does not)."""

    value: str
    app: str
    installation: str
    account: str
    kind: str
    scopes: Scopes
    issued_at: float
    expires_at: float


class Bearers:
    """The bearers that were given out and may still be good."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bearers: dict[str, Bearer] = {}

    def give(self, app: ForgeApp, kind: str, account: str, scopes: Scopes, now: float) -> Bearer:
        """A bearer that is good for at least 55 minutes; the one of a moment ago, if there is one."""
        with self._lock:
            self._bearers = {value: one for value, one in self._bearers.items() if one.expires_at > now}
            for one in self._bearers.values():
                same = (one.installation, one.kind, one.account) == (app.installation, kind, account)
                if same and one.issued_at + _HANDED_ON > now and one.expires_at > now + LIFE and one.scopes == scopes:
                    return one
            new = Bearer(
                secrets.token_urlsafe(_LONG), app.ari, app.installation, account, kind, scopes, now, now + LIFE + _HANDED_ON
            )  # fmt: skip
            self._bearers[new.value] = new
            return new

    def find(self, value: str, now: float) -> Bearer | None:
        """The bearer, if it is still good."""
        with self._lock:
            found = self._bearers.get(value)
            return found if found is not None and found.expires_at > now else None

    def age(self, seconds: float) -> None:
        """All that were given out grow older."""
        with self._lock:
            self._bearers = {
                value: replace(one, issued_at=one.issued_at - seconds, expires_at=one.expires_at - seconds)
                for value, one in self._bearers.items()
            }

    def revoke(self, installation: str) -> None:
        """None of this installation is good any more."""
        with self._lock:
            self._bearers = {value: one for value, one in self._bearers.items() if one.installation != installation}
