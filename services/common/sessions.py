"""Page sessions: ten-minute JSON Web Tokens signed by connect's Ed25519 key (EdDSA, RFC 8037). Pure.

connect issues them in exchange for a host's token; every service verifies them with connect's public keys.
The algorithm, issuer and audience are fixed here; a token's own header chooses only which public key is tried.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from common.errors import Permanent

LIFETIME = 600.0
_ALGORITHM = "EdDSA"
_ISSUER = "mailbridge-connect"
_AUDIENCE = "mailbridge-page"
_LEEWAY = 60.0  # how far the clocks of connect and of the verifier may be apart

PrivateKey = Ed25519PrivateKey
PublicKey = Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Session:
    """Who is looking at the page: tenant, account id, whether they administer Jira, end (seconds since 1970).

    project: id of the one project that they administer here; issue: id of the one issue that they look at and may browse.
    """

    tenant: str
    account: str
    admin: bool
    expires_at: float
    project: str | None = None
    issue: str | None = None


class BadSession(Permanent):
    """The token is missing a part, expired, or not signed by connect; status 401."""

    def __init__(self, message: str) -> None:
        super().__init__(message, remedy="Reload the page.", status=401)


class UnknownKey(BadSession):
    """The token names a key that is not among those given: newer keys may know it."""


def private_key(seed: bytes) -> PrivateKey:
    """The signing key that 32 octets (`crypto.derive(master, "page session")`) stand for."""
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_jwk(private: PrivateKey) -> dict[str, str]:
    """The public half as a JSON Web Key (RFC 8037) whose `kid` is its thumbprint (RFC 7638)."""
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    core = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    thumbprint = hashlib.sha256(json.dumps(core, separators=(",", ":"), sort_keys=True).encode()).digest()
    return {**core, "kid": _base64url(thumbprint), "use": "sig", "alg": _ALGORITHM}


def read_jwks(document: Any) -> dict[str, PublicKey]:
    """The Ed25519 keys of a `{"keys": […]}` document by kid; other keys are passed over, ValueError if it has none."""
    entries = document.get("keys") if isinstance(document, dict) else None
    keys = {entry["kid"]: _public_key(entry) for entry in entries or () if _is_ours(entry)}
    if not keys:
        raise ValueError("the key document holds no Ed25519 key")
    return keys


def issue(private: PrivateKey, session: Session) -> str:
    """The token for a session that ends at `session.expires_at` (`now + LIFETIME`)."""
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": session.account,
        "tenant": session.tenant,
        "admin": session.admin,
        "iat": session.expires_at - LIFETIME,
        "exp": session.expires_at,
        **{
            name: value for name, value in (("project", session.project), ("issue", session.issue)) if value is not None
        },
    }
    return jwt.encode(claims, private, algorithm=_ALGORITHM, headers={"kid": public_jwk(private)["kid"]})


def verify(keys: Mapping[str, PublicKey], token: str, now: float) -> Session:
    """The session that connect signed; UnknownKey when no key has its kid, else BadSession with the reason."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.InvalidTokenError:
        raise BadSession("The session is not a token.") from None
    if not isinstance(kid, str) or kid not in keys:
        raise UnknownKey("The session is signed with an unknown key.")
    try:
        claims = jwt.decode(
            token, keys[kid], algorithms=[_ALGORITHM], issuer=_ISSUER, audience=_AUDIENCE, options=_OPTIONS
        )
    except jwt.InvalidTokenError:
        raise BadSession("The session is not one of connect's.") from None
    session = _session(claims)
    if session.expires_at <= now:
        raise BadSession("The session has expired.")
    if session.expires_at > now + LIFETIME + _LEEWAY:
        raise BadSession("The session lasts longer than connect makes them.")
    return session


# `now` is an argument here, so PyJWT's own look at the clock is switched off and `verify` compares instead.
_OPTIONS: Any = {
    "require": ["iss", "aud", "sub", "exp", "tenant", "admin"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


def _session(claims: Mapping[str, Any]) -> Session:
    tenant, account, admin, expires_at = claims["tenant"], claims["sub"], claims["admin"], claims["exp"]
    if not (isinstance(tenant, str) and isinstance(account, str) and isinstance(admin, bool)):
        raise BadSession("The session lacks a tenant, an account or the admin mark.")
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        raise BadSession("The session has no end.")
    project, issue = claims.get("project"), claims.get("issue")
    if not all(id is None or (isinstance(id, str) and id) for id in (project, issue)):
        raise BadSession("The session names no project or issue where it should.")
    return Session(tenant, account, admin, float(expires_at), project, issue)


def _is_ours(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.get("kty") == "OKP"
        and entry.get("crv") == "Ed25519"
        and isinstance(entry.get("kid"), str)
        and isinstance(entry.get("x"), str)
    )


def _public_key(entry: Mapping[str, str]) -> PublicKey:
    text = entry["x"]
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
