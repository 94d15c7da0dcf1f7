"""Who may call connect: three fixed profiles of token, each with its algorithm, its key and its claims. Pure.

    install   RS256, Atlassian's key of this installation: `installed` and `uninstalled`
    tenant    HS256, the tenant's shared secret, bound to one request by qsh: webhooks, `enabled`, `disabled`;
              the context token has the literal qsh `context-qsh` and is good for the page's API only
    Forge     RS256, Atlassian's key set: the Forge invocation token

A token never chooses: another algorithm in its header than the profile's is refused before its signature is looked at.
Sources: Atlassian, "Signed installation", "Understanding JWT for Connect apps", "Forge invocation token".
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from common.errors import Permanent

CONTEXT_QSH = "context-qsh"
LEEWAY = 10.0
"""Seconds our clock and Atlassian's may be apart."""

InstallKey = RSAPublicKey

_FORGE_ISSUER = "forge/invocation-token"
# They live 25 seconds; the call before an uninstallation may take 55. What lives longer is none of Forge's.
_FORGE_LIFE = 60.0
_LONGEST = 16_384
_LEAST_BITS = 2048
_LONGEST_ID = 19  # Jira's ids are numbers of 64 bits
_INSTALL_KID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


class BadToken(Permanent):
    """The token is refused; status 401.

    reason: malformed, alg, kid, signature, iss, aud, exp, nbf, qsh, sub or jti, for logs and tests; whoever called learns
    only that the token is refused.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"The token is refused ({reason}).", status=401)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a tenant's token speaks for: the client key, and the person's account id or None for Jira itself.

    project, issue: ids of what the page is about, from a context token that names them.
    """

    client_key: str
    account: str | None
    project: str | None = None
    issue: str | None = None


# --- install


def install_kid(token: str) -> str:
    """The id of the key that should have signed an install token: letters, digits, `-` and `_` only."""
    kid = _header(token, "RS256").get("kid")
    if not isinstance(kid, str) or not _INSTALL_KID.fullmatch(kid):
        raise BadToken("kid")
    return kid


def read_install_key(pem: bytes) -> InstallKey:
    """Atlassian's public key; ValueError unless it is an RSA key of at least 2048 bits in PEM."""
    try:
        key = load_pem_public_key(pem)
    except UnsupportedAlgorithm as error:
        raise ValueError("not an RSA key") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        raise ValueError("not an RSA key of 2048 bits or more")
    return key


def verify_install(
    token: str, key: InstallKey, *, client_key: str, base_url: str, expected_qsh: str, now: float
) -> None:
    """Refuse, with BadToken, all but Atlassian's word about this installation, meant for this app and this request.

    client_key: what the body says; base_url: ours, as the descriptor has it.
    """
    claims = _verified(token, key, "RS256", now)
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if base_url.rstrip("/") not in [one.rstrip("/") for one in audiences if isinstance(one, str)]:
        raise BadToken("aud")
    if not _same(claims.get("iss"), client_key):
        raise BadToken("iss")
    if not _same(claims.get("qsh"), expected_qsh):
        raise BadToken("qsh")


# --- tenant


def claimed_issuer(token: str) -> str:
    """The client key that a tenant token names. Nothing is verified yet: it only says whose secret to try."""
    _header(token, "HS256")
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except _UNREADABLE:
        raise BadToken("malformed") from None
    if not isinstance(issuer, str) or not issuer:
        raise BadToken("iss")
    return issuer


def verify_tenant(token: str, secret: str, *, client_key: str, expected_qsh: str, now: float) -> Caller:
    """The caller of one request that Jira signed with the tenant's secret; context tokens are refused."""
    claims = _tenant_claims(token, secret, client_key, now)
    if not _same(claims.get("qsh"), expected_qsh):
        raise BadToken("qsh")
    subject = claims.get("sub")
    return Caller(client_key, subject if isinstance(subject, str) and subject else None)


def verify_context(token: str, secret: str, *, client_key: str, now: float) -> Caller:
    """The person who looks at the page, from the token that `AP.context.getToken` gave it."""
    claims = _tenant_claims(token, secret, client_key, now)
    if not _same(claims.get("qsh"), CONTEXT_QSH):
        raise BadToken("qsh")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise BadToken("sub")
    return Caller(client_key, subject, _context_id(claims, "project"), _context_id(claims, "issue"))


def _tenant_claims(token: str, secret: str, client_key: str, now: float) -> Mapping[str, Any]:
    claims = _verified(token, secret, "HS256", now)
    if not _same(claims.get("iss"), client_key):
        raise BadToken("iss")
    return claims


def _context_id(claims: Mapping[str, Any], kind: str) -> str | None:
    """`context.jira.<kind>.id` (../shared/contracts: context-token-claims.json); None where it stands otherwise."""
    at: Any = claims
    for name in ("context", "jira", kind, "id"):
        at = at.get(name) if isinstance(at, dict) else None
    return at if isinstance(at, str) and at.isascii() and at.isdigit() and len(at) <= _LONGEST_ID else None


# --- Forge


def verify_forge(token: str, key_set: Mapping[str, Any], *, app_id: str, now: float) -> Mapping[str, Any]:
    """The claims of a Forge invocation token (`app`, `context`, `principal`…) that was made for this app.

    key_set: Atlassian's JSON Web Key Set; app_id: `ari:cloud:ecosystem::app/…`.
    """
    kid = _header(token, "RS256").get("kid")
    entries = [entry for entry in key_set.get("keys", ()) if isinstance(entry, dict) and entry.get("kid") == kid]
    if not isinstance(kid, str) or len(entries) != 1:
        raise BadToken("kid")
    try:
        key = jwt.PyJWK(entries[0], algorithm="RS256").key
    except jwt.PyJWTError:
        raise BadToken("kid") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        raise BadToken("kid")
    claims = _verified(token, key, "RS256", now)
    if not _same(claims.get("aud"), app_id):
        raise BadToken("aud")
    if not _same(claims.get("iss"), _FORGE_ISSUER):
        raise BadToken("iss")
    issued: Any = claims.get("iat")
    if not _is_instant(issued) or issued > now + LEEWAY:
        raise BadToken("nbf")
    if claims["exp"] - issued > _FORGE_LIFE:
        raise BadToken("exp")
    return claims


# --- what the profiles share


def _header(token: str, algorithm: str) -> Mapping[str, Any]:
    if len(token) > _LONGEST:
        raise BadToken("malformed")
    try:
        header = jwt.get_unverified_header(token)
    except _UNREADABLE:
        raise BadToken("malformed") from None
    if header.get("alg") != algorithm:
        raise BadToken("alg")
    return header


def _verified(token: str, key: Any, algorithm: str, now: float) -> Mapping[str, Any]:
    _header(token, algorithm)
    try:
        claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=[algorithm], options=_SIGNATURE_ONLY)
    except jwt.InvalidAlgorithmError:
        raise BadToken("alg") from None
    except jwt.InvalidSignatureError:
        raise BadToken("signature") from None
    except _UNREADABLE:
        raise BadToken("malformed") from None
    expires: Any = claims.get("exp")
    starts: Any = claims.get("nbf", claims.get("iat"))
    if not _is_instant(expires) or now >= expires + LEEWAY:
        raise BadToken("exp")
    if starts is not None and (not _is_instant(starts) or starts > now + LEEWAY):
        raise BadToken("nbf")
    return claims


# `now` is an argument here, so PyJWT's own look at the clock is switched off; the other claims depend on the profile.
_SIGNATURE_ONLY: Any = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


# Deep nesting and odd letters escape PyJWT as they are.
_UNREADABLE = (jwt.PyJWTError, ValueError, RecursionError)


def _is_instant(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value < 1e12


def _same(value: Any, expected: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(value.encode(), expected.encode())
