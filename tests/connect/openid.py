"""A small OpenID provider at the wire: discovery, keys, consent and the token endpoint, strict about what it is sent.

What it says in its id_token, by which key and with which algorithm, is the test's to change.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.connect.jira_side import PRIVATE
from tests.wire import Call, Reply

CLIENT_ID, CLIENT_SECRET = "mailbridge", "a-client-secret"
CODE_LIFE = 60.0


@dataclass
class OpenId:
    """The provider at `issuer` with one person. claims: laid over those of the id_token, None leaves one out."""

    issuer: str
    redirect_uri: str
    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "person-1", "email": "Ada@Example.com", "email_verified": True}
    )
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    key: RSAPrivateKey = PRIVATE
    kid: str = "key-1"
    sign: Callable[[dict[str, Any]], str] | None = None  # instead of its own key
    down: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __call__(self, call: Call) -> Reply:
        if self.down:
            return Reply(503)
        if call.path == "/.well-known/openid-configuration":
            return Reply(200, self._document())
        if call.path == "/keys":
            jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return Reply(200, {"keys": [jwk | {"kid": self.kid, "use": "sig", "alg": "RS256"}]})
        if call.path == "/token" and call.method == "POST":
            return self._token(call)
        return Reply(404)

    def consent(self, address: str) -> dict[str, str]:
        """The person agrees at `address`, where the browser was sent; the query with which it comes back."""
        url = urlsplit(address)
        asked = {name: values[0] for name, values in parse_qs(url.query, strict_parsing=True).items()}
        assert f"{url.scheme}://{url.netloc}{url.path}" == f"{self.issuer}/authorize"
        assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT_ID, self.redirect_uri)
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert {"openid", "email"} <= set(asked["scope"].split())
        assert len(asked["state"]) >= 32 and len(asked["nonce"]) >= 32
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def come_back(self, address: str) -> str:
        """The same as a path of ours with its query."""
        return f"{urlsplit(self.redirect_uri).path}?{urlencode(self.consent(address))}"

    def _document(self) -> dict[str, Any]:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return document | self.metadata

    def _token(self, call: Call) -> Reply:
        form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if call.headers.get("authorization") != f"Basic {basic}":
            return Reply(401, {"error": "invalid_client"})
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = _base64url(verifier)
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return Reply(400, {"error": "invalid_grant"})
        return Reply(200, {"access_token": "an-access-token", "token_type": "Bearer", "id_token": self.id_token(asked)})

    def id_token(self, asked: dict[str, str]) -> str:
        """Who is there, signed."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        told = {name: value for name, value in {**claims, **self.person, **self.claims}.items() if value is not None}
        return self.sign(told) if self.sign else jwt.encode(told, self.key, "RS256", headers={"kid": self.kid})


def signed_hs256(claims: dict[str, Any], key: bytes) -> str:
    """A token signed by hand with what no careful library signs with, such as a public key."""
    head, body = (_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    mac = hmac.new(key, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_base64url(mac)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
