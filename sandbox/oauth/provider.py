"""What the sign-in service knows: clients, codes, refresh tokens and who granted them. Behaves like both providers.

"microsoft" makes a new refresh token with each renewal, and takes the older one until the newest was used (or, set to `strict`,
takes each only once and ends the whole grant when one comes twice). "google" keeps one refresh token. Revoked, expired and
unknown ones are invalid_grant. Access tokens are JWTs (HS256), so that a Dovecot can check them by itself.
"""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

KEY = "stand-in for a provider's key, 0123456789abcdef"
ISSUER = "https://oauth.sandbox.test"
CODE_LIFE = 60.0
_EARLIER = 10
"""Seconds by which a token is older than it is, as Microsoft's are: a server whose clock is behind refuses the future."""

CLIENT, SECRET = "mailbridge-sandbox", "sandbox-secret"


def sign_in_settings(url: str) -> dict[str, str]:
    """Mailbridge's settings with which people sign in at the sandbox at `url` instead of at Microsoft and Google."""
    return {
        **{f"MAILBRIDGE_{name}_CLIENT_ID": CLIENT for name in ("MICROSOFT", "GOOGLE")},
        **{f"MAILBRIDGE_{name}_CLIENT_SECRET": SECRET for name in ("MICROSOFT", "GOOGLE")},
        "MAILBRIDGE_MICROSOFT_LOGIN_URL": f"{url}/oauth/microsoft",
        "MAILBRIDGE_GOOGLE_AUTH_URL": f"{url}/oauth/google/auth",
        "MAILBRIDGE_GOOGLE_TOKEN_URL": f"{url}/oauth/google/token",
        "MAILBRIDGE_GRAPH_URL": f"{url}/graph/v1.0",
    }


class Refused(Exception):
    """An error of RFC 6749: `code`, with the words for its error_description."""

    def __init__(self, code: str, words: str = "", status: int = 400) -> None:
        super().__init__(words)
        self.code = code
        self.status = status


@dataclass
class Grant:
    """What one person granted: the refresh tokens that are good for it."""

    provider: str
    client: str
    account: str
    scope: str
    good: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    revoked: bool = False


@dataclass
class Settings:
    """How it behaves. answer: what a person does who is asked ("ask" shows the page); rotation: "lenient" or "strict";
    fail: how many token requests are answered 503; slow: seconds between making tokens and answering; token_life in seconds."""

    answer: str = "ask"
    account: str = "support@sandbox.test"
    token_life: float = 3600.0
    rotation: str = "lenient"
    fail: int = 0
    slow: float = 0.0
    names_account: bool = True


class OauthProvider:
    """Both providers. clients: client id → secret of those who may have people sign in."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.settings = Settings()
        self.clients: dict[str, str] = {CLIENT: SECRET}
        self.apps: dict[tuple[str, str], str] = {}  # (directory, client id) → secret
        self.service_accounts: dict[str, str] = {}  # e-mail address → public key (PEM)
        self.grants: list[Grant] = []
        self.asked: list[dict[str, str]] = []  # every token request
        self._codes: dict[str, tuple[dict[str, str], str, float]] = {}
        self._not_before = -1
        self._lock = threading.RLock()
        self._clock = clock

    # --- a person

    def code(self, provider: str, asked: Mapping[str, str], account: str) -> str:
        """A person consents to what a client asked for; the code for it."""
        with self._lock:
            if asked.get("client_id") not in self.clients:
                raise Refused("unauthorized_client", "The client is not known.")
            if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
                raise Refused("invalid_request", "Ask for a code, with PKCE by S256.")
            code = secrets.token_urlsafe(24)
            self._codes[code] = ({**asked, "provider": provider}, account.lower(), self._clock())
            return code

    # --- a client

    def token(self, provider: str, directory: str, form: Mapping[str, str], audience: str) -> dict[str, Any]:
        """The token endpoint; raises Refused."""
        with self._lock:
            self.asked.append({**form, "provider": provider})
            if self.settings.fail > 0:
                self.settings.fail -= 1
                raise Refused("temporarily_unavailable", "Try again.", 503)
            kind = form.get("grant_type")
            if kind == "authorization_code":
                return self._by_code(provider, form)
            if kind == "refresh_token":
                return self._by_refresh(provider, form)
            if kind == "client_credentials" and provider == "microsoft":
                return self._as_app(directory, form)
            if kind == "urn:ietf:params:oauth:grant-type:jwt-bearer" and provider == "google":
                return self._as_service_account(form, audience)
            raise Refused("unsupported_grant_type")

    def revoke(self, account: str) -> int:
        """The person takes back what they granted; access tokens that are out end too."""
        with self._lock:
            found = [grant for grant in self.grants if grant.account == account.lower() and not grant.revoked]
            for grant in found:
                grant.revoked = True
            self.end_tokens()
            return len(found)

    def end_tokens(self) -> None:
        """Access tokens that were given up to now are no good any more."""
        self._not_before = len(self.asked)

    def whose(self, token: str) -> dict[str, Any]:
        """The claims of an access token; raises Refused when it is none of ours, or over."""
        try:
            claims: dict[str, Any] = jwt.decode(token, KEY, ["HS256"], issuer=ISSUER, options={"verify_aud": False})
        except jwt.PyJWTError as error:
            raise Refused("invalid_token", str(error), 401) from error
        if claims["number"] <= self._not_before:
            raise Refused("invalid_token", "The token was revoked.", 401)
        return claims

    def reset(self) -> None:
        """As new; clients, apps and service accounts stay."""
        with self._lock:
            self.settings, self.grants, self.asked, self._not_before = Settings(), [], [], -1
            self._codes.clear()

    def _by_code(self, provider: str, form: Mapping[str, str]) -> dict[str, Any]:
        self._must_be_client(form)
        asked, account, since = self._codes.pop(form.get("code", ""), ({}, "", 0.0))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        wrong = (
            not asked
            or self._clock() > since + CODE_LIFE
            or asked["provider"] != provider
            or asked["client_id"] != form.get("client_id")
            or asked.get("redirect_uri") != form.get("redirect_uri")
            or asked.get("code_challenge") != challenge
        )
        if wrong:
            raise Refused("invalid_grant", "The code is not good, or no longer.")
        grant = Grant(provider, asked["client_id"], account, asked.get("scope", ""))
        self.grants.append(grant)
        lasting = (
            "offline_access" in grant.scope.split()
            if provider == "microsoft"
            else asked.get("access_type") == "offline"
        )
        told = self.access(account, grant.scope)
        if lasting:
            told["refresh_token"] = self.new_refresh(grant)
        if "openid" in grant.scope.split() and self.settings.names_account:
            claims = {
                "iss": ISSUER,
                "aud": grant.client,
                "sub": account,
                "email": account,
                "preferred_username": account,
            }
            told["id_token"] = jwt.encode(claims, KEY, "HS256")
        return told

    def _by_refresh(self, provider: str, form: Mapping[str, str]) -> dict[str, Any]:
        self._must_be_client(form)
        token = form.get("refresh_token", "")
        grant = next((one for one in self.grants if token in one.good and one.provider == provider), None)
        if grant is None or grant.revoked or grant.client != form.get("client_id"):
            raise Refused("invalid_grant", "The refresh token has expired or was revoked.")
        told = self.access(grant.account, form.get("scope") or grant.scope)
        if provider == "google":
            return told
        if self.settings.rotation == "strict" and token in grant.used:
            grant.revoked = True
            raise Refused("invalid_grant", "The refresh token was used before.")
        grant.used.add(token)
        grant.good = grant.good[grant.good.index(token) :]  # a newer one was used: those before it are over
        told["refresh_token"] = self.new_refresh(grant)
        return told

    def _as_app(self, directory: str, form: Mapping[str, str]) -> dict[str, Any]:
        secret = self.apps.get((directory, form.get("client_id", "")))
        if secret is None or secret != form.get("client_secret"):
            raise Refused("invalid_client", "The client secret is not valid, or has expired.", 401)
        if not form.get("scope", "").endswith("/.default"):
            raise Refused("invalid_scope", "An app asks for /.default.")
        return self.access("", form["scope"], app=form["client_id"])

    def _as_service_account(self, form: Mapping[str, str], audience: str) -> dict[str, Any]:
        try:
            issuer = jwt.decode(form.get("assertion", ""), options={"verify_signature": False})["iss"]
            claims = jwt.decode(form["assertion"], self.service_accounts[issuer], ["RS256"], audience=audience)
        except (jwt.PyJWTError, KeyError, ValueError) as error:
            raise Refused("invalid_grant", f"The assertion is not accepted: {error}") from error
        if not claims.get("sub") or not claims.get("scope") or claims["exp"] - claims["iat"] > 3600:
            raise Refused("invalid_grant", "The assertion lacks sub or scope, or is good for too long.")
        return self.access(str(claims["sub"]).lower(), claims["scope"])

    def _must_be_client(self, form: Mapping[str, str]) -> None:
        if self.clients.get(form.get("client_id", "")) != form.get("client_secret", ""):
            raise Refused("invalid_client", "The client or its secret is not known.", 401)

    def access(self, account: str, scope: str, app: str = "") -> dict[str, Any]:
        """An answer with an access token for a person, or for an app."""
        now = self._clock()
        claims = {
            "iss": ISSUER,
            "iat": int(now) - _EARLIER,
            "exp": int(now + self.settings.token_life),
            "number": len(self.asked),
        }
        more = {"sub": account or app, "email": account, "scope": scope, "app": app, "jti": secrets.token_urlsafe(8)}
        token = jwt.encode({**claims, **{name: value for name, value in more.items() if value}}, KEY, "HS256")
        return {
            "token_type": "Bearer",
            "access_token": token,
            "expires_in": int(self.settings.token_life),
            "scope": scope,
        }

    def new_refresh(self, grant: Grant) -> str:
        """One more refresh token for a grant."""
        token = secrets.token_urlsafe(32)
        grant.good.append(token)
        return token
