"""The other side of the sandbox: a small Connect app, and its signed calls; written against the contract, not against sandbox/."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

import jwt
import requests


def qsh(method: str, url: str) -> str:
    """Atlassian's query string hash, spelled out once more."""
    parts = urlsplit(url)
    pairs: dict[str, list[str]] = {}
    for pair in filter(None, parts.query.split("&")):
        name, _, value = pair.partition("=")
        pairs.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    pairs.pop("jwt", None)

    def enc(text: str) -> str:
        return quote(text, safe="-._~")

    query = "&".join(
        f"{name}={values}"
        for name, values in sorted((enc(k), ",".join(enc(v) for v in sorted(vs))) for k, vs in pairs.items())
    )
    return hashlib.sha256(f"{method}&{parts.path.rstrip('/') or '/'}&{query}".encode()).hexdigest()


class JiraCaller:
    """Calls Jira's REST API as an installed app."""

    def __init__(self, url: str, app: Any) -> None:
        self.url, self.app = url, app
        self._http = requests.Session()

    def close(self) -> None:
        self._http.close()

    def __call__(
        self, method: str, path: str, *, claims: dict[str, Any] | None = None, timeout: float = 60, **options: Any
    ) -> requests.Response:
        headers = {"Authorization": f"JWT {self.token(method, path, claims)}", **options.pop("headers", {})}
        return self._http.request(method, f"{self.url}/rest/api/3{path}", headers=headers, timeout=timeout, **options)

    def token(self, method: str, path: str, claims: dict[str, Any] | None = None) -> str:
        now = int(time.time())
        signed = {
            "iss": self.app.app_key,
            "aud": [self.app.client_key],
            "iat": now,
            "exp": now + 180,
            "qsh": qsh(method, f"/rest/api/3{path}"),
        }
        return jwt.encode({**signed, **(claims or {})}, self.app.shared_secret, "HS256")

    def create(self, **fields: Any) -> dict[str, Any]:
        """A task in SUP."""
        body = {"fields": {"project": {"key": "SUP"}, "issuetype": {"name": "Task"}, "summary": "A thing", **fields}}
        answer = self("POST", "/issue", json=body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created


FRAME = """<!doctype html><title>The app</title><link rel="icon" href="data:,"><p id="said">nothing yet</p>
<script src="ALL_JS"></script>
<script>
  AP.context.getToken((token) => AP.env.getLocation((place) => {
    document.querySelector('#said').textContent = `${place} ${token}`;
  }));
</script>"""


@dataclass
class Received:
    """One request the app got."""

    path: str
    headers: dict[str, str]
    body: Any
    claims: dict[str, Any]


@dataclass
class ConnectApp:
    """Serves a descriptor, takes lifecycle calls and webhooks, and checks every signature; `answer` decides the status."""

    jira_url: str
    received: list[Received] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    secret: str = ""
    client_key: str = ""
    descriptor_changes: dict[str, Any] = field(default_factory=dict)
    answer: Callable[[Received], int] = lambda _request: 200

    def __enter__(self) -> "ConnectApp":
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith("/?"):
                    self._say(200, FRAME.replace("ALL_JS", f"{app.jira_url}/connect/all.js").encode())
                else:
                    self._say(200, json.dumps(app.descriptor()).encode())

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._say(app.take(self.path, dict(self.headers), raw), b"")

            def _say(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def descriptor(self) -> dict[str, Any]:
        events = (
            "jira:issue_created",
            "jira:issue_updated",
            "jira:issue_deleted",
            "comment_created",
            "comment_updated",
            "comment_deleted",
        )
        return {
            "key": "test.app",
            "name": "Mail gateway",
            "baseUrl": self.url,
            "vendor": {"name": "Example", "url": "https://example.com"},
            "links": {"self": f"{self.url}/atlassian-connect.json"},
            "authentication": {"type": "jwt"},
            "apiVersion": 1,
            "apiMigrations": {"gdpr": True, "signed-install": True, "context-qsh": True},
            "lifecycle": {name: f"/connect/{name}" for name in ("installed", "enabled", "disabled", "uninstalled")},
            "scopes": ["READ", "WRITE", "ACCESS_EMAIL_ADDRESSES"],
            "modules": {
                "adminPages": [
                    {
                        "key": "admin",
                        "name": {"value": "Mail"},
                        "url": "/?page=admin",
                        "location": "admin_plugins_menu/mail",
                    }
                ],
                "webhooks": [{"event": event, "url": "/connect/webhooks"} for event in events],
            },
            **self.descriptor_changes,
        }

    def take(self, path: str, headers: dict[str, str], raw: bytes) -> int:
        body = json.loads(raw)
        token = headers["Authorization"].removeprefix("JWT ")
        try:
            claims = self._verified(path, token, body)
        except Exception as error:
            self.refused.append(f"{path}: {error!r}")
            return 401
        request = Received(path, headers, body, claims)
        self.received.append(request)
        if path == "/connect/installed":
            self.secret, self.client_key = body["sharedSecret"], body["clientKey"]
        return self.answer(request)

    def hooks(self, event: str | None = None) -> list[Received]:
        """The webhooks so far."""
        return [
            one
            for one in self.received
            if one.path == "/connect/webhooks" and event in (None, one.body["webhookEvent"])
        ]

    def wait(self, count: int, event: str | None = None, seconds: float = 60) -> list[Received]:
        """The webhooks, once there are `count` of them."""
        end = time.monotonic() + seconds
        while len(self.hooks(event)) < count:
            assert time.monotonic() < end, (
                f"only {[one.body['webhookEvent'] for one in self.hooks()]} came; refused {self.refused}"
            )
            time.sleep(0.01)
        return self.hooks(event)

    def _verified(self, path: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
        if path in ("/connect/installed", "/connect/uninstalled"):
            kid = jwt.get_unverified_header(token)["kid"]
            pem = requests.get(f"{self.jira_url}/install-keys/{kid}", timeout=60).text
            claims = jwt.decode(token, pem, ["RS256"], audience=self.url, issuer=body["clientKey"])
        else:
            claims = jwt.decode(token, self.secret, ["HS256"], issuer=self.client_key)
        assert claims["qsh"] == qsh("POST", path), "qsh"
        return claims
