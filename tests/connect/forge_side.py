"""Atlassian's side of Forge in tests: its keys, its API and its GraphQL at the wire, and the calls that it makes."""

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from connect import store_forge
from connect.store import Tenant
from connect.tables import forge, tenant
from tests.connect.jira_side import PRIVATE, Atlassian
from tests.wire import Call, Reply

if TYPE_CHECKING:
    from tests.connect.conftest import Connect

APP = "ari:cloud:ecosystem::app/11111111-2222-4333-8444-555555555555"
CLOUD = "99999999-8888-4777-8666-555555555555"
INSTALLATION = "ari:cloud:ecosystem::installation/0a3a7799-53ae-4a5b-9e7e-03338980abb5"
OTHER = "ari:cloud:ecosystem::installation/ffffffff-53ae-4a5b-9e7e-03338980abb5"
KID = "forge/invocation-token/test-key-1"


def jwk(key: RSAPrivateKey, kid: str = KID) -> dict[str, Any]:
    """The public half, as it stands in the key set."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": kid, "alg": "RS256", "use": "sig"}


@dataclass
class Cloud:
    """What the wire answers: the key set, `/ex/jira/…` for the tokens in `alive`, `/graphql`; all else is Atlassian's."""

    atlassian: Atlassian
    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk(PRIVATE)])
    keys_down: bool = False
    alive: set[str] = field(default_factory=set)
    admins: set[str] = field(default_factory=lambda: {"alice"})
    site: str = ""
    api_down: bool = False
    graphql: Reply = field(default_factory=lambda: Reply(500))

    def __call__(self, call: Call) -> Reply:
        if call.path == "/jwks.json":
            return Reply(503) if self.keys_down else Reply(200, {"keys": self.keys})
        if call.path == "/graphql":
            return self.graphql
        if not call.path.startswith(f"/ex/jira/{CLOUD}/rest/api/3"):
            return self.atlassian(call)
        if self.api_down:
            return Reply(503)
        if call.headers.get("authorization", "").removeprefix("Bearer ") not in self.alive:
            return Reply(401)
        path = call.path.removeprefix(f"/ex/jira/{CLOUD}/rest/api/3")
        if path == "/myself":
            return Reply(200, {"accountId": "forge-app"})
        if path == "/serverInfo":
            return Reply(200, {"baseUrl": self.site})
        if path == "/permissions/check":
            return Reply(200, self._rights(call.json))
        return Reply(404, {"errorMessages": ["Nothing here."]})

    def _rights(self, asked: dict[str, Any]) -> dict[str, Any]:
        projects = [
            {"permission": name, "projects": wanted.get("projects") or [], "issues": wanted.get("issues") or []}
            for wanted in asked.get("projectPermissions") or []
            for name in wanted["permissions"]
        ]
        admin = asked["accountId"] in self.admins
        return {"globalPermissions": ["ADMINISTER"] if admin else [], "projectPermissions": projects}


@dataclass
class ForgeSite:
    """One Jira site with the Forge app, which calls connect through a test client. `token`: its system token now."""

    client: FlaskClient
    cloud: Cloud
    wire_url: str
    site_url: str | None = "https://acme-test.atlassian.net"
    installation: str = INSTALLATION
    cloud_id: str = CLOUD
    version: str = "3.2.0"
    token: str = ""

    def __post_init__(self) -> None:
        self.new_token()

    def new_token(self) -> str:
        """Another system token, which Jira takes."""
        self.token = secrets.token_urlsafe(40)
        self.cloud.alive.add(self.token)
        return self.token

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What Forge says in the invocation token of an event; a change to None leaves a claim out."""
        now = int(time.time())
        app = {
            "id": APP,
            "appVersion": self.version,
            "installationId": self.installation,
            "apiBaseUrl": f"{self.wire_url}/ex/jira/{self.cloud_id}",
            "environment": {"type": "PRODUCTION", "id": "ari:cloud:ecosystem::environment/x/y"},
            "module": {"type": "core:endpoint", "key": "events"},
        }
        context = {"cloudId": self.cloud_id, **({"siteUrl": self.site_url} if self.site_url else {})}
        claims = {"iss": "forge/invocation-token", "aud": APP, "iat": now, "nbf": now, "exp": now + 25}
        claims = {**claims, "jti": secrets.token_hex(20), "app": app, "context": context, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def fit(self, key: Any = PRIVATE, kid: str | None = KID, alg: str = "RS256", **changes: Any) -> str:
        """An invocation token."""
        return jwt.encode(self.claims(**changes), key, alg, headers={"kid": kid} if kid else {})

    def page_fit(self, account: str | None = "alice", extension: dict[str, Any] | None = None, **changes: Any) -> str:
        """The invocation token of a call that a page makes."""
        context = {
            "cloudId": self.cloud_id,
            "siteUrl": self.site_url,
            "moduleKey": "mailbridge-admin",
            "extension": extension or {"type": "jira:adminPage"},
        }
        return self.fit(**{"context": context, "principal": account, **changes})

    def post(self, path: str, body: Any = None, fit: str | None = None, token: str | None = "") -> TestResponse:
        """A call as Forge makes it; token: None for none, else another than the site's."""
        headers = {"Authorization": f"Bearer {self.fit() if fit is None else fit}"}
        if token is not None:
            headers["X-Forge-Oauth-System"] = token or self.token
        data = json.dumps({} if body is None else body)
        return self.client.post(path, data=data, content_type="application/json", headers=headers)

    def install(self) -> None:
        """Tell of the installation."""
        assert self.post("/forge/installed", {"id": "x", "app": {}, "environment": {}}).status_code == 204

    def event(self, body: Any) -> None:
        """Tell of an event."""
        answer = self.post("/forge/events", body)
        assert answer.status_code == 204, answer.text

    def session(self, fit: str) -> TestResponse:
        """Ask for a page session."""
        return self.client.post("/api/connect/session", headers={"Authorization": f"Bearer {fit}"})


def kept(connect: "Connect", installation: str = INSTALLATION) -> store_forge.ForgeSite:
    """What is stored about an installation."""
    store = store_forge.ForgeStore(connect.database, connect.config.settings.master_key)
    id = store.tenant_of(installation)
    assert id is not None
    found = store.of(id)
    assert found is not None
    return found


def tenant_of(connect: "Connect", installation: str = INSTALLATION) -> Tenant:
    """Whose installation it is."""
    found = connect.store.tenant(kept(connect, installation).tenant)
    assert found is not None
    return found


def long_ago(connect: "Connect", seconds: float) -> None:
    """What was noted so far was noted so much earlier."""
    with connect.database.write() as tx:
        tx.execute(update(tenant).values(changed_at=tenant.c.changed_at - seconds))
        older = {name: forge.c[name] - seconds for name in ("heard_at", "token_at", "refused_at")}
        tx.execute(update(forge).values(**older))
