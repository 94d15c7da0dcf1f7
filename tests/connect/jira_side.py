"""The other side of connect in tests: Atlassian's install keys and a Jira at the wire, and the calls a Jira makes."""

import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from common.qsh import qsh
from tests.wire import Call, Reply

APP_KEY = "mailbridge-for-jira"
BASE_URL = "https://mail.example.com"
KID = "11111111-aaaa-4bbb-8ccc-222222222222"
# Making a key takes a while: one for all tests.
PRIVATE: RSAPrivateKey = generate_private_key(65537, 2048)
STRANGER: RSAPrivateKey = generate_private_key(65537, 2048)


def pem(key: RSAPrivateKey) -> bytes:
    """The public half, as Atlassian serves it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass
class Atlassian:
    """What the wire answers: install keys below /install-keys, Jira's REST API below /jira."""

    keys: dict[str, bytes] = field(default_factory=lambda: {KID: pem(PRIVATE)})
    keys_down: bool = False
    admins: set[str] = field(default_factory=lambda: {"alice"})
    grants: set[tuple[str, str, int]] = field(default_factory=set)  # account, permission, id of a project or an issue
    jira_down: bool = False

    def __call__(self, call: Call) -> Reply:
        if call.path.startswith("/install-keys/"):
            key = self.keys.get(call.path.removeprefix("/install-keys/"))
            return Reply(503) if self.keys_down else Reply(404) if key is None else Reply(200, key)
        if self.jira_down:
            return Reply(503)
        path = call.path.removeprefix("/jira/rest/api/3")
        if path == "/permissions/check":
            held = ["ADMINISTER"] if call.json["accountId"] in self.admins else []
            return Reply(200, {"globalPermissions": held, "projectPermissions": self._project_permissions(call.json)})
        if path == "/myself":
            return Reply(200, {"accountId": "the-app"})
        if path == "/project/search":
            return Reply(200, {"values": [{"id": "10000", "key": "TEST", "name": "Test", "style": "classic"}]})
        if path == "/issue/createmeta/TEST/issuetypes":
            return Reply(200, {"issueTypes": [{"id": "1", "name": "Task", "subtask": False, "fields": {}}]})
        if path == "/user/search":
            people = [
                {"accountId": "bob", "displayName": "Bob", "active": True, "accountType": "atlassian"},
                {"accountId": "an-app", "displayName": "App", "active": True, "accountType": "app"},
                {"accountId": "gone", "displayName": "Gone", "active": False, "accountType": "atlassian"},
            ]
            return Reply(200, people)
        return Reply(404, {"errorMessages": ["Nothing here."]})

    def _project_permissions(self, asked: Any) -> list[dict[str, Any]]:
        """As Jira answers: for each permission the ids, of those asked about, for which the account has it."""
        return [
            {"permission": permission}
            | {
                kind: [id for id in block.get(kind, []) if (asked["accountId"], permission, id) in self.grants]
                for kind in ("issues", "projects")
            }
            for block in asked.get("projectPermissions", [])
            for permission in block["permissions"]
        ]


@dataclass
class Site:
    """One Jira site that calls connect through a test client."""

    client: FlaskClient
    base_url: str
    client_key: str = "site-1"
    secret: str = "the-first-shared-secret-of-32-octets"
    key: RSAPrivateKey = PRIVATE
    kid: str = KID

    def body(self, event: str, **changes: Any) -> dict[str, Any]:
        """A lifecycle body; a change to None leaves the field out."""
        fields: dict[str, Any] = {
            "key": APP_KEY,
            "clientKey": self.client_key,
            "oauthClientId": "ignored",
            "baseUrl": self.base_url,
            "displayUrl": self.base_url,
            "productType": "jira",
            "description": "ignored",
            "eventType": event,
        }
        if event == "installed":
            fields["sharedSecret"] = self.secret
        return {name: value for name, value in {**fields, **changes}.items() if value is not None}

    def atlassian_token(self, path: str, **changes: Any) -> str:
        """What Atlassian signs for `installed` and `uninstalled`."""
        now = int(time.time())
        claims = {"iss": self.client_key, "aud": [BASE_URL], "iat": now, "exp": now + 180, "qsh": qsh("POST", path, "")}
        return jwt.encode({**claims, **changes}, self.key, "RS256", headers={"kid": self.kid})

    def tenant_token(self, method: str, path: str, query: str = "", **changes: Any) -> str:
        """What Jira signs with the shared secret."""
        now = int(time.time())
        claims = {"iss": self.client_key, "iat": now, "exp": now + 180, "qsh": qsh(method, path, query)}
        return jwt.encode({**claims, **changes}, self.secret, "HS256")

    def context_token(self, account: str = "alice", **changes: Any) -> str:
        """What `AP.context.getToken` gives the page."""
        return self.tenant_token("GET", "/", sub=account, **{"qsh": "context-qsh", **changes})

    def post(self, path: str, token: str | None, body: Any, headers: dict[str, str] | None = None) -> TestResponse:
        """A call with a token in the header Authorization."""
        sent = {**(headers or {}), **({"Authorization": f"JWT {token}"} if token else {})}
        return self.client.post(path, json=body, headers=sent)

    def install(self) -> None:
        """Install or update, as Jira does."""
        path = "/connect/installed"
        assert self.post(path, self.atlassian_token(path), self.body("installed")).status_code == 204

    def enable(self, event: str = "enabled") -> None:
        """Enable, or disable."""
        path = f"/connect/{event}"
        assert self.post(path, self.tenant_token("POST", path), self.body(event)).status_code == 204

    def uninstall(self) -> None:
        """Remove the app."""
        path = "/connect/uninstalled"
        assert self.post(path, self.atlassian_token(path), self.body("uninstalled")).status_code == 204

    def webhook(self, body: Any, **headers: str) -> TestResponse:
        """An event."""
        path = "/connect/webhooks"
        return self.post(path, self.tenant_token("POST", path), body, headers)

    def session(self, account: str = "alice") -> str:
        """A page session of this person."""
        answer = self.post("/api/connect/session", self.context_token(account), None)
        assert answer.status_code == 200, answer.text
        return str((answer.json or {})["session"])
