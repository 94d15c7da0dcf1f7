"""Logging in by an OpenID provider: authorization code with PKCE; state, nonce and verifier bound to one browser.

All three are made of one secret that only the browser keeps (in a cookie), so that an answer is good in that browser only.
Sources: OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (issuer in the answer), RFC 9700.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from common.errors import Permanent, Temporary
from common.http import Http
from connect.config import Oidc

# Signatures by the provider's public keys only: with HS256 whoever knows a public key could sign.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_LEEWAY = 60
_LIFE = 3600.0
_PAUSE = 60.0
_TIMEOUT = 10.0
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Refused(Permanent):
    """The provider's answer is not accepted; `str()` says why, for the log."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who the provider says is there. subject: issuer and the provider's id of them; address: lower case, verified."""

    subject: str
    address: str


@dataclass(frozen=True, slots=True)
class _Document:
    """What the provider says of itself, its keys, and since when we have both."""

    metadata: Mapping[str, Any]
    keys: KeySet
    had_at: float


def is_allowed(address: str, allowed: tuple[str, ...]) -> bool:
    """True if the address is in the list itself, or its domain is (as `@domain`)."""
    name, at, domain = address.rpartition("@")
    return bool(name) and (address in allowed or at + domain in allowed)


class Provider:
    """The provider at an issuer, discovered at the first login and hourly; safe to share between threads.

    redirect_uri: where it sends people back to. plain: it may be reached by http.
    """

    def __init__(
        self, http: Http, settings: Oidc, redirect_uri: str, *, plain: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._http = http
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._plain = plain
        self._clock = clock
        self._guard = threading.Lock()
        self._known: _Document | None = None

    def address(self, secret: str) -> str:
        """Where a browser that keeps `secret` goes to log in; raises Temporary while the provider cannot be asked."""
        return str(
            prepare_grant_uri(
                self._document().metadata["authorization_endpoint"],
                self._settings.client_id,
                "code",
                redirect_uri=self._redirect_uri,
                scope="openid email",
                state=_made(secret, "state"),
                nonce=_made(secret, "nonce"),
                code_challenge=create_s256_code_challenge(_made(secret, "verifier")),
                code_challenge_method="S256",
            )
        )

    def person(self, secret: str, answer: Mapping[str, str]) -> Person:
        """Who came back to the browser that keeps `secret`, with this query.

        Raises Refused when anything of it is not as it has to be, Temporary while the provider cannot be asked.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), _made(secret, "state").encode()):
            raise Refused("The state is another browser's, or of another login.")
        named = self._document().metadata.get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", "" if named else self._settings.issuer) != self._settings.issuer:
            raise Refused("Another provider answered.")
        if "error" in answer or not answer.get("code"):
            raise Refused(f"The provider answered {answer.get('error', 'no code')[:100]!r}.")
        tokens = self._tokens(answer["code"], _made(secret, "verifier"))
        return self._read(tokens, _made(secret, "nonce"))

    def _tokens(self, code: str, verifier: str) -> Mapping[str, Any]:
        metadata, settings = self._document().metadata, self._settings
        body = prepare_token_request(
            "authorization_code", redirect_uri=self._redirect_uri, code=code, code_verifier=verifier
        )
        offered = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"
        auth = ClientAuth(settings.client_id, settings.client_secret, method)
        url, headers, body = auth.prepare("POST", metadata["token_endpoint"], dict(_FORM), body)
        answer = self._http.send("POST", url, headers, body.encode(), timeout=_TIMEOUT)
        if answer.status >= 500 or answer.status == 429:
            raise Temporary(f"The OpenID provider answered {answer.status}.")
        if answer.status != 200:
            raise Refused(f"The provider answered {answer.status} for the code.")
        return _json_object(answer.body)

    def _read(self, tokens: Mapping[str, Any], nonce: str) -> Person:
        settings, token = self._settings, tokens.get("id_token")
        if not isinstance(token, str):
            raise Refused("The provider sent no id_token.")
        try:
            read = jwt.decode(token, self._keys(token), algorithms=_ALGORITHMS)
            options: Any = {
                "iss": {"essential": True, "value": settings.issuer},
                "aud": {"essential": True, "value": settings.client_id},
            }
            params = {"nonce": nonce, "client_id": settings.client_id, "access_token": tokens.get("access_token")}
            claims = CodeIDToken(read.claims, read.header, options, params)
            claims.validate(now=int(self._clock()), leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError, AttributeError) as error:
            raise Refused(f"The id_token is not accepted: {error}.") from error
        return _person(settings.issuer, claims)

    def _keys(self, token: str) -> KeySet:
        """The provider's keys, asked for again where the token is signed with one that it made meanwhile."""
        document = self._document()
        kid = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "===")).get("kid")
        if any(key.kid == kid for key in document.keys) or self._clock() < document.had_at + _PAUSE:
            return document.keys
        return self._document(newer_than=document.had_at).keys

    def _document(self, newer_than: float = float("-inf")) -> _Document:
        with self._guard:
            now, known = self._clock(), self._known
            if known is None or known.had_at <= newer_than or now >= known.had_at + _LIFE:
                metadata = self._discovered()
                try:
                    keys = KeySet.import_key_set(dict(self._get(metadata["jwks_uri"])))  # type: ignore[arg-type]
                except (JoseError, ValueError, KeyError, TypeError) as error:
                    raise Temporary(f"The keys of the OpenID provider cannot be read: {error}.") from error
                self._known = known = _Document(metadata, keys, now)
            return known

    def _discovered(self) -> Mapping[str, Any]:
        issuer = self._settings.issuer
        found = self._get(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise Temporary(f"The OpenID provider calls itself {found.get('issuer')!r}, not {issuer}.")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            url = found.get(name)
            if not isinstance(url, str) or not url.startswith(("https://", "http://") if self._plain else "https://"):
                raise Temporary(f"The OpenID provider names no {name} by https.")
        return found

    def _get(self, url: str) -> Mapping[str, Any]:
        answer = self._http.send("GET", url, {"Accept": "application/json"}, timeout=_TIMEOUT)
        if answer.status != 200:
            raise Temporary(f"The OpenID provider answered {answer.status} at {url}.")
        return _json_object(answer.body)


def _person(issuer: str, claims: Mapping[str, Any]) -> Person:
    subject, address = claims.get("sub"), claims.get("email")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise Refused("The id_token names nobody.")
    if not isinstance(address, str) or address.count("@") != 1 or len(address) > 320:
        raise Refused("The id_token has no address: the provider has to give the claim email.")
    if claims.get("email_verified") is not True:
        raise Refused("The provider has not verified the address.")
    # The id is theirs and may be long; what is kept of it has one length.
    return Person(hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest(), address.lower())


def _made(secret: str, use: str) -> str:
    """43 letters (RFC 7636 asks 43 to 128) that tell nothing of the secret or of each other."""
    mac = hmac.new(secret.encode("utf-8", "replace"), use.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Temporary("The OpenID provider answered something that is no JSON object.")
    return found
