"""Connect's tokens as Jira makes and checks them: RS256 for installs, HS256 with the tenant's secret for the rest."""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.jira.errors import JiraError
from sandbox.jira.model import Installation

LIFE = 180  # seconds; what Connect's own clients use
CONTEXT_QSH = "context-qsh"


@dataclass(frozen=True)
class InstallKey:
    """A key pair that signs installs; `pem` is the public half, served under its id."""

    kid: str
    private: rsa.RSAPrivateKey
    pem: str


def new_install_key() -> InstallKey:
    """A fresh RSA key."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return InstallKey(str(uuid.uuid4()), private, pem.decode())


def canonical(method: str, url: str, base_url: str = "") -> str:
    """The canonical request of `url` (whole or only path and query), its path relative to that of `base_url`."""
    parts = urlsplit(url)
    path, prefix = parts.path, urlsplit(base_url).path.rstrip("/")
    if prefix and path.startswith(prefix):
        path = path[len(prefix) :]
    path = (path.rstrip("/") or "/").replace("&", "%26")
    values: dict[str, list[str]] = {}
    for pair in filter(None, parts.query.split("&")):
        name, _, value = pair.partition("=")
        if unquote_plus(name) != "jwt":
            values.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    query = sorted((_encode(name), ",".join(map(_encode, sorted(given)))) for name, given in values.items())
    return "&".join([method.upper(), path, "&".join(f"{name}={value}" for name, value in query)])


def qsh(method: str, url: str, base_url: str = "") -> str:
    """The hash of the canonical request, in hex."""
    return hashlib.sha256(canonical(method, url, base_url).encode()).hexdigest()


def install_token(key: InstallKey, client_key: str, audience: str, method: str, url: str, now: float) -> str:
    """What signs `installed` and `uninstalled`."""
    claims = {
        "iss": client_key, "aud": [audience.rstrip("/")], "iat": int(now), "exp": int(now) + LIFE,
        "qsh": qsh(method, url, audience),
    }  # fmt: skip
    return jwt.encode(claims, key.private, "RS256", headers={"kid": key.kid})


def tenant_token(
    app: Installation,
    now: float,
    hash_: str,
    *,
    subject: str | None = None,
    context: dict[str, Any] | None = None,
    life: int = LIFE,
) -> str:
    """What signs webhooks, iframes and, with the hash `context-qsh`, AP.context.getToken."""
    claims: dict[str, Any] = {"iss": app.client_key, "iat": int(now), "exp": int(now) + life, "qsh": hash_}
    if subject is not None:
        claims["sub"] = subject
    if context is not None:
        claims["context"] = context
    return jwt.encode(claims, app.shared_secret, "HS256")


def check_app_token(token: str, apps: dict[str, Installation], method: str, url: str, now: float) -> Installation:
    """Who signed a REST call; raises JiraError 401 that says what is wrong. `url`: path and query as they came."""
    try:
        app_key = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError as error:
        raise JiraError(401, f"Could not parse the JWT: {error}") from None
    app = apps.get(str(app_key))
    if app is None:
        raise JiraError(401, f"No app with the key {app_key} is installed.")
    if not app.enabled:
        raise JiraError(401, f"The app {app_key} is not enabled.")
    try:
        claims = jwt.decode(
            token, app.shared_secret, ["HS256"],
            options={"require": ["iss", "iat", "exp", "qsh"], "verify_exp": False, "verify_iat": False, "verify_aud": False},
        )  # fmt: skip
    except jwt.PyJWTError as error:
        raise JiraError(401, f"The JWT is not valid: {error}") from None
    audience = claims.get("aud")
    if app.client_key not in ([audience] if isinstance(audience, str) else audience or []):
        raise JiraError(401, "The JWT's audience is not this site's client key.")
    if float(claims["exp"]) <= now:
        raise JiraError(401, "The JWT has expired.")
    if float(claims["iat"]) > now + 60:
        raise JiraError(401, "The JWT was issued in the future.")
    if claims["qsh"] != qsh(method, url):
        raise JiraError(401, f"The JWT's qsh does not match the request {canonical(method, url)}.")
    return app


def _encode(text: str) -> str:
    return quote(text, safe="-._~")
