"""The other side of the Forge host: a small remote that checks what Forge's contract says, written without sandbox/forge."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import requests
import yaml

APP = "ari:cloud:ecosystem::app/11111111-2222-4333-8444-555555555555"
EVENTS = (
    "avi:jira:created:issue", "avi:jira:updated:issue", "avi:jira:assigned:issue", "avi:jira:deleted:issue",
    "avi:jira:commented:issue", "avi:jira:deleted:comment", "avi:jira:created:attachment",
)  # fmt: skip


@dataclass(frozen=True)
class Invocation:
    """One call of the remote, its token verified."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    claims: dict[str, Any]
    raw_token: str


@dataclass
class ForgeApp:
    """`answer` says status and JSON body (None: empty) of a call; a redirection is given as a status of 3xx."""

    sandbox_url: str
    answer: Callable[[Invocation], tuple[int, Any]] = lambda _invocation: (204, None)
    invocations: list[Invocation] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __enter__(self) -> "ForgeApp":
        app = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, body = app.take(self.command, self.path, headers, raw)
                content = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any  # noqa: N815

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

    def manifest(self) -> dict[str, Any]:
        """A manifest with every module of which the stand-in knows."""
        token = {"appSystemToken": {"enabled": True}}
        paths = ("events", "installed", "upgraded", "tick", "uninstalling")
        page = {"resource": "page", "resolver": {"endpoint": "page"}, "title": "Mail"}
        return {
            "app": {"id": APP, "runtime": {"name": "nodejs22.x"}},
            "permissions": {
                "scopes": [
                    "read:jira-work", "write:jira-work", "read:jira-user", "read:app-system-token", "read:app-user-token",
                ],
                "external": {"fetch": {"backend": [{"remote": "backend"}]}},
            },
            "remotes": [{"key": "backend", "baseUrl": {"default": self.url, "EU": "https://eu.example.com"}}],
            "resources": [{"key": "page", "path": "dist"}],
            "modules": {
                "jira:adminPage": [{"key": "admin", **page}],
                "jira:projectSettingsPage": [{"key": "project", **page}],
                "jira:issuePanel": [{"key": "panel", "icon": "x.svg", **page}],
                "endpoint": [
                    {"key": "page", "remote": "backend", "auth": {**token, "appUserToken": {"enabled": True}}},
                    *({"key": one, "remote": "backend", "route": {"path": f"/forge/{one}"}, "auth": token} for one in paths),
                ],
                "trigger": [
                    {"key": "on-events", "endpoint": "events", "events": list(EVENTS)},
                    {"key": "on-installed", "endpoint": "installed", "events": ["avi:forge:installed:app"]},
                    {"key": "on-upgraded", "endpoint": "upgraded", "events": ["avi:forge:upgraded:app"]},
                ],
                "scheduledTrigger": [{"key": "often", "endpoint": "tick", "interval": "fiveMinute"}],
                "preUninstall": [{"key": "before", "endpoint": "uninstalling"}],
            },
        }  # fmt: skip

    def text(self, **changes: Any) -> str:
        """The manifest as YAML; `changes` replace top-level parts."""
        return yaml.safe_dump({**self.manifest(), **changes})

    def at(self, path: str) -> list[Invocation]:
        """The calls of a path so far."""
        return [one for one in self.invocations if one.path == path]

    def wait(self, count: int, path: str = "/forge/events", seconds: float = 60) -> list[Invocation]:
        """The calls of a path, once there are `count` of them."""
        end = time.monotonic() + seconds
        while len(self.at(path)) < count:
            assert time.monotonic() < end, f"only {[one.path for one in self.invocations]} came; refused {self.refused}"
            time.sleep(0.01)
        return self.at(path)

    def take(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> tuple[int, Any]:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = self.verified(token)
        except jwt.PyJWTError as error:
            self.refused.append(f"{path}: {error!r}")
            return 401, {"error": repr(error)}
        invocation = Invocation(method, path, headers, json.loads(raw) if raw else None, claims, token)
        self.invocations.append(invocation)
        return self.answer(invocation)

    def verified(self, token: str) -> dict[str, Any]:
        """The claims of an invocation token."""
        keys = requests.get(f"{self.sandbox_url}/forge/jwks.json", timeout=60).json()["keys"]
        kid = jwt.get_unverified_header(token)["kid"]
        key = next(jwt.PyJWK(one) for one in keys if one["kid"] == kid)
        required = {"require": ["exp", "nbf", "iat", "aud", "iss", "jti"]}
        claims: dict[str, Any] = jwt.decode(
            token, key.key, ["RS256"], audience=APP, issuer="forge/invocation-token", options=required
        )
        return claims


class Forge:
    """The host's control API and what an app asks of Atlassian, for a test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()

    def close(self) -> None:
        self._http.close()

    def control(self, path: str, body: Any = None, method: str = "POST") -> requests.Response:
        return self._http.request(method, f"{self.url}/control{path}", json=body, timeout=60)

    def install(self, app: ForgeApp, **changes: Any) -> dict[str, Any]:
        answer = self.control("/forge/install", {"manifest": app.text(**changes)})
        assert answer.status_code == 201, answer.text
        installed: dict[str, Any] = answer.json()
        return installed

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.control("/forge", method="GET").json()
        return found

    def rest(self, bearer: str, method: str, path: str, **options: Any) -> requests.Response:
        """A call of Jira's REST API at apiBaseUrl."""
        headers = {"Authorization": f"Bearer {bearer}", **options.pop("headers", {})}
        url = f"{self.state()['api_base_url']}/rest/api/3{path}"
        return self._http.request(method, url, headers=headers, timeout=20, **options)

    def graphql(self, bearer: str, **given: Any) -> requests.Response:
        query = "mutation m($input: OfflineUserAuthTokenInput!) { offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }"  # fmt: skip
        body = {"query": query, "variables": {"input": given}}
        headers = {"Authorization": f"Bearer {bearer}"}
        return self._http.post(f"{self.url}/graphql", json=body, headers=headers, timeout=60)

    def bridge(self, account: str, module: str, command: str, payload: Any = None, **around: Any) -> requests.Response:
        body = {"account": account, "module": module, "command": command, "payload": payload, **around}
        return self._http.post(f"{self.url}/forge/bridge", json=body, timeout=90)
