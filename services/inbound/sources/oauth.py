"""OAuth 2 towards Microsoft and Google: where a person signs in, and tokens for what they or an administrator granted.

The only module of the service that uses Authlib. Authorization code with PKCE (RFC 6749 §4.1, RFC 7636), refresh (§6), client
credentials (§4.4), signed assertions (RFC 7523). Every call goes through `common.http`, so every address passes `nets`.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7523.assertion import sign_jwt_bearer_assertion
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from common.errors import Permanent
from common.http import Http
from inbound.sources import NotNow
from inbound.sources.oauth_settings import Client, OauthSettings

_LIFE = 3600.0  # seconds, where the provider does not say how long a token is good
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
# What Microsoft says, besides invalid_grant, when only a person can go on. Its own words; not in RFC 6749.
_GONE = ("invalid_grant", "interaction_required", "consent_required", "login_required")
_PASSING = ("temporarily_unavailable", "server_error")
_IMAP = "https://outlook.office.com/IMAP.AccessAsUser.All"
_POP = "https://outlook.office.com/POP.AccessAsUser.All"
_GMAIL = "https://mail.google.com/"
_GRAPH = "https://graph.microsoft.com"
_OUTLOOK_APP = "https://outlook.office365.com/.default"
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class GrantRefused(Permanent):
    """The provider gives no token. code: its `error`; gone: only a new sign-in helps."""

    def __init__(self, message: str, *, code: str, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code

    @property
    def gone(self) -> bool:
        return self.code in _GONE


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gave. expires_in: seconds; refresh: the newest refresh token, None to keep the old one; account: who
    signed in, in lower case, None where it did not say."""

    access: str = field(repr=False)
    expires_in: float
    refresh: str | None = field(repr=False)
    account: str | None


class Providers:
    """Microsoft and Google as the operator set them up; safe to share between threads. Raises Temporary while a provider
    cannot be asked, GrantRefused for what it refuses. timeout: seconds for each answer, None for as long as `http` waits."""

    def __init__(self, http: Http, settings: OauthSettings) -> None:
        self._http = http
        self._settings = settings

    def address(self, provider: str, kind: str, redirect_uri: str, state: str, verifier: str, hint: str | None) -> str:
        """Where a person signs in at "microsoft" or "google" for a mailbox of this kind. hint: whose account it is."""
        at = self._settings
        url = self._microsoft(at.microsoft_tenant, "authorize") if provider == "microsoft" else at.google_auth_url
        # Google gives a refresh token only to who asks for it, and again only when it asks the person again.
        more = {"access_type": "offline", "prompt": "consent"} if provider == "google" else {"prompt": "select_account"}
        return str(
            prepare_grant_uri(
                url,
                self._client(provider).id,
                "code",
                redirect_uri=redirect_uri,
                scope=f"openid email {_person_scope(provider, kind)}",
                state=state,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
                login_hint=hint,
                **more,
            )
        )

    def exchange(self, provider: str, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """The tokens for a code that a person came back with."""
        body = prepare_token_request("authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier)
        return self._as_client(self._token_url(provider), self._client(provider), body)

    def refresh(self, provider: str, kind: str, refresh_token: str, *, timeout: float | None = None) -> Tokens:
        """A new access token, and the newest refresh token where the provider made one."""
        asked: dict[str, Any] = {"refresh_token": refresh_token}
        if provider == "microsoft":  # one refresh token is good for IMAP and for Graph: it wants to know for which
            asked["scope"] = _person_scope(provider, kind)
        body = prepare_token_request("refresh_token", **asked)
        return self._as_client(self._token_url(provider), self._client(provider), body, timeout)

    def as_app(self, kind: str, directory: str, client: Client, *, timeout: float | None = None) -> Tokens:
        """Microsoft, app only: client credentials of the customer's own registration."""
        scope = f"{_GRAPH}/.default" if kind == "graph" else _OUTLOOK_APP
        body = prepare_token_request("client_credentials", scope=scope)
        return self._as_client(self._microsoft(directory, "token"), client, body, timeout)

    def as_service_account(self, email: str, key: str, user: str, *, timeout: float | None = None) -> Tokens:
        """Google, domain-wide delegation: a service account's signed word that it acts for `user`."""
        url = self._settings.google_token_url
        try:
            assertion = sign_jwt_bearer_assertion(
                RSAKey.import_key(key), email, url, user, claims={"scope": _GMAIL}, alg="RS256"
            )
        except (JoseError, ValueError, TypeError) as error:
            raise GrantRefused(
                "The private key of the service account cannot be read.",
                code="bad_key",
                remedy="Paste the whole key file (JSON) of the service account.",
            ) from error
        return self._asked(url, dict(_FORM), prepare_token_request(_JWT_BEARER, assertion=assertion), timeout)

    def _as_client(self, url: str, client: Client, body: str, timeout: float | None = None) -> Tokens:
        method = "client_secret_post" if client.secret else "none"
        url, headers, body = ClientAuth(client.id, client.secret, method).prepare("POST", url, dict(_FORM), body)
        return self._asked(url, headers, body, timeout)

    def _asked(self, url: str, headers: Mapping[str, str], body: str, timeout: float | None) -> Tokens:
        answer = self._http.send("POST", url, headers, body.encode(), timeout=timeout)
        told = _json(answer.body)
        code = one_line(told.get("error"), 100)
        if answer.status >= 500 or answer.status in (408, 429) or code in _PASSING:
            raise NotNow(
                f"The sign-in service answered {answer.status}.",
                retry_after=_seconds(answer.headers.get("retry-after")),
            )
        if answer.status != 200:
            raise GrantRefused(_sentence(answer.status, code, told), code=code or str(answer.status))
        access, refresh, life = told.get("access_token"), told.get("refresh_token"), told.get("expires_in")
        if not isinstance(access, str) or not access.isascii() or not access.isprintable():
            raise NotNow("The sign-in service answered without an access token.")
        return Tokens(
            access,
            _seconds(life) or _LIFE,
            refresh if isinstance(refresh, str) and refresh else None,
            _account(told.get("id_token")),
        )

    def _token_url(self, provider: str) -> str:
        at = self._settings
        return self._microsoft(at.microsoft_tenant, "token") if provider == "microsoft" else at.google_token_url

    def _microsoft(self, directory: str, end: str) -> str:
        return f"{self._settings.microsoft_login_url}/{directory}/oauth2/v2.0/{end}"

    def _client(self, provider: str) -> Client:
        client = self._settings.microsoft if provider == "microsoft" else self._settings.google
        if client is None:
            raise Permanent(
                f"Signing in at {provider.title()} is not set up on this installation.",
                remedy=f"Ask the operator to set MAILBRIDGE_{provider.upper()}_CLIENT_ID.",
            )
        return client


def _person_scope(provider: str, kind: str) -> str:
    if provider == "google":
        return _GMAIL
    wanted = {"graph": f"{_GRAPH}/Mail.ReadWrite", "pop3": _POP}.get(kind, _IMAP)
    return f"{wanted} offline_access"


def _account(id_token: object) -> str | None:
    """Who signed in. The id_token came straight from the provider over TLS, which vouches for it (OpenID Connect Core 1.0,
    3.1.3.7); it is only ever compared with what an admin typed."""
    if not isinstance(id_token, str) or id_token.count(".") != 2:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(id_token.split(".")[1] + "==="))
    except (ValueError, RecursionError):
        return None
    names = ("preferred_username", "email") if isinstance(claims, dict) else ()
    found = [claims.get(name) for name in names]
    return next((text.lower()[:320] for text in found if isinstance(text, str) and text.count("@") == 1), None)


def _sentence(status: int, code: str, told: Mapping[str, Any]) -> str:
    words = one_line(told.get("error_description"), 300)
    return f"The sign-in service refused ({code or status})" + (f": {words.rstrip('.')}." if words else ".")


def one_line(text: object, most: int) -> str:
    """A provider's words, safe to store and to show."""
    line = " ".join(str(text or "").split())
    return "".join(letter for letter in line if letter.isprintable())[:most]


def _seconds(value: object) -> float | None:
    """Whole seconds, as a number or in digits; never more than half a day."""
    text = str(value)
    return min(float(text), 43_200.0) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
