"""The built page with everything around it faked at the wire: the API beside it, and a host page that frames it through the real bridge.

Two servers on loopback, as in life two origins: `site` plays Jira (the host page, both sides of atlassian-connect-js), `app` plays
connect's web process (the files of frontend/dist under a strict Content-Security-Policy, and the API with a few rows in memory).
"""

from __future__ import annotations

import json
import mimetypes
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "frontend" / "dist"
VENDOR = ROOT / "sandbox" / "static" / "vendor"

Reply = tuple[int, Any]


class Refused(Exception):
    """The API says no: a status and the body of a problem."""

    def __init__(self, status: int, title: str, **more: Any) -> None:
        super().__init__(title)
        self.status, self.body = status, {"type": "about:blank", "title": title, "status": status, **more}


@dataclass
class FakeApi:
    """The API of the three services over rows in memory, in the shapes of docs/architecture.md."""

    mailboxes: list[dict[str, Any]] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    sender: dict[str, Any] | None = None
    admin: bool = True
    session_seconds: float = 600.0
    sessions: set[str] = field(default_factory=set)
    context_tokens: list[str] = field(default_factory=list)
    saved: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, authorization: str, body: Any) -> Reply:
        url = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if (method, url.path) == ("POST", "/api/connect/session"):
            return self._session(authorization)
        if authorization.removeprefix("Bearer ") not in self.sessions:
            raise Refused(401, "No page session")
        if not self.admin:
            raise Refused(403, "Not an administrator")
        return self._route(method, url.path, query, body)

    def _session(self, authorization: str) -> Reply:
        token = authorization.removeprefix("JWT ")
        if not token.startswith("context-"):
            raise Refused(401, "No context token")
        self.context_tokens.append(token)
        session = f"session-{len(self.context_tokens)}"
        self.sessions.add(session)
        expires = time.time() + self.session_seconds
        return 200, {"session": session, "expires_at": expires, "tenant": "t", "account": "a", "admin": True}

    def _route(self, method: str, path: str, query: dict[str, str], body: Any) -> Reply:
        routes: list[tuple[str, str, Callable[..., Reply]]] = [
            ("GET", r"/api/inbound/mailboxes", lambda: (200, self.mailboxes)),
            ("POST", r"/api/inbound/mailboxes", lambda: self._create(body)),
            ("POST", r"/api/inbound/mailboxes/test", lambda: self._test(body)),
            ("PUT", r"/api/inbound/mailboxes/(\w+)", lambda key: self._change(key, body)),
            ("DELETE", r"/api/inbound/mailboxes/(\w+)", self._delete),
            ("GET", r"/api/inbound/mails", lambda: self._mails(query)),
            ("GET", r"/api/inbound/mails/(\w+)", lambda key: (200, _one(self.mails, key))),
            ("POST", r"/api/inbound/mails/(\w+)/retry", self._retry),
            ("GET", r"/api/connect/projects", lambda: (200, [{"id": "10000", "key": "SUP", "name": "Support"}])),
            ("GET", r"/api/connect/projects/SUP/issue-types", lambda: (200, ISSUE_TYPES)),
            ("GET", r"/api/connect/users", lambda: (200, [{"account_id": "5b10", "name": "Ada Agent"}])),
            ("GET", r"/api/outbound/sender", self._sender),
            ("PUT", r"/api/outbound/sender", lambda: self._save_sender(body)),
            (
                "POST",
                r"/api/outbound/sender/test",
                lambda: (200, {"ok": True, "findings": ["It took the login."], "problem": None}),
            ),
            ("GET", r"/api/outbound/deliveries", lambda: self._deliveries(query)),
        ]
        for verb, pattern, handle in routes:
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                return handle(*match.groups())
        raise Refused(404, "There is no such thing")

    def _create(self, body: dict[str, Any]) -> Reply:
        self.saved.append(body)
        if body["name"] == "Taken":
            raise Refused(422, "The mailbox is not valid", errors={"name": ["Another mailbox has this name."]})
        mailbox = {
            **_shown(body),
            "id": f"m{len(self.mailboxes) + 1}",
            "state": "new",
            "last_error": None,
            "checked_at": None,
            "counts": {},
        }
        self.mailboxes.append(mailbox)
        return 201, mailbox

    def _change(self, key: str, body: dict[str, Any]) -> Reply:
        self.saved.append(body)
        mailbox = _one(self.mailboxes, key)
        mailbox.update(_shown(body), state="connected" if body["enabled"] else "disabled")
        return 200, mailbox

    def _delete(self, key: str) -> Reply:
        self.mailboxes.remove(_one(self.mailboxes, key))
        return 204, None

    def _test(self, body: dict[str, Any]) -> Reply:
        if body.get("secret") == "wrong":
            problem = {
                "title": "The server refused the password.",
                "detail": "It answered: LOGIN failed.",
                "remedy": "Type the password again, or make an app password.",
                "field": "secret",
            }
            return 200, {"ok": False, "findings": ["The server answers."], "problem": problem, "folders": []}
        findings = [
            "The server answers over TLS 1.3.",
            "The login works.",
            "INBOX holds 12 messages, 3 of them unread.",
        ]
        return 200, {"ok": True, "findings": findings, "problem": None, "folders": ["INBOX", "Support", "Archive"]}

    def _mails(self, query: dict[str, str]) -> Reply:
        chosen = [
            mail
            for mail in self.mails
            if query.get("mailbox", mail["mailbox_id"]) == mail["mailbox_id"]
            and query.get("state", mail["state"]) == mail["state"]
        ]
        start, limit = int(query.get("before", 0)), int(query["limit"])
        page = [
            {k: v for k, v in mail.items() if k not in ("explanation", "steps", "size")}
            for mail in chosen[start : start + limit]
        ]
        return 200, {"mails": page, "next": start + limit if start + limit < len(chosen) else None}

    def _retry(self, key: str) -> Reply:
        mail = _one(self.mails, key)
        mail.update(state="handled", outcome="issue", issue_key="SUP-9", reason="A new mail becomes an issue.")
        return 200, mail

    def _sender(self) -> Reply:
        if self.sender is None:
            raise Refused(404, "Outgoing mail is not set up")
        return 200, self.sender

    def _save_sender(self, body: dict[str, Any]) -> Reply:
        self.saved.append(body)
        self.sender = {**_shown(body), "state": "new", "last_error": None}
        return 200, self.sender

    def _deliveries(self, query: dict[str, str]) -> Reply:
        chosen = [one for one in self.deliveries if query.get("issue", one["issue_key"]) == one["issue_key"]]
        return 200, {"deliveries": chosen, "next": None}


ISSUE_TYPES = [
    {"id": "10001", "name": "Task", "subtask": False},
    {"id": "10002", "name": "Bug", "subtask": False},
    {"id": "10003", "name": "Sub-task", "subtask": True},
]


def _shown(body: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in body.items() if k != "secret"}, "has_secret": True}


def _one(rows: list[dict[str, Any]], key: str) -> dict[str, Any]:
    for row in rows:
        if row["id"] == key:
            return row
    raise Refused(404, "There is no such thing")


class PageServers:
    """Both origins, started; `stop()` ends them."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.theme = "light"
        self._app = _serve(lambda handler: self._app_request(handler))
        self._site = _serve(lambda handler: self._site_request(handler))
        self.app = f"http://127.0.0.1:{self._app.server_port}"
        self.site = f"http://localhost:{self._site.server_port}"

    def stop(self) -> None:
        for server in (self._app, self._site):
            server.shutdown()
            server.server_close()

    def _app_request(self, handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path
        if path == "/api/connect/page":
            _send_json(handler, 200, {"allJs": f"{self.site}/vendor/iframe.js"})
        elif path.startswith("/api/"):
            _send_json(handler, *self._api_answer(handler))
        else:
            policy = (
                f"default-src 'none'; script-src 'self' {self.site}; style-src 'self'; img-src 'self' data:; "
                f"connect-src 'self'; frame-ancestors {self.site}; base-uri 'none'; form-action 'none'"
            )
            _send_file(handler, DIST / (path.lstrip("/") or "index.html"), {"Content-Security-Policy": policy})

    def _api_answer(self, handler: BaseHTTPRequestHandler) -> Reply:
        raw = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        try:
            return self.api.answer(
                handler.command,
                handler.path,
                handler.headers.get("Authorization", ""),
                json.loads(raw) if raw else None,
            )
        except Refused as refused:
            return refused.status, refused.body

    def _site_request(self, handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path
        if path.startswith("/vendor/"):
            _send_file(handler, VENDOR / path.removeprefix("/vendor/"), {})
        elif path == "/host":
            page = HOST_PAGE.replace("THEME", self.theme).replace("PAGE", f"{self.app}/?xdm_e={self.site}")
            _send(handler, 200, "text/html; charset=utf-8", page.encode(), {})
        else:
            _send(handler, 204, "text/plain", b"", {})


HOST_PAGE = """<!doctype html>
<html lang="en" data-color-mode="THEME" data-theme="dark:dark light:light">
<head><meta charset="utf-8"><title>A host</title><link rel="icon" href="data:,"><style>body { margin: 0 } iframe { border: 0; width: 100% }</style></head>
<body><div id="place"></div>
<script src="/vendor/jquery.min.js"></script>
<script>
  window.AJS = { $: window.jQuery };
  // Jira's own gates, all off: without them the bridge complains on the console.
  window.__FEATUREGATES_JS__ = { initializeCompleted: () => true, checkGate: () => false, getPackageVersion: () => '4.23.4' };
</script>
<script src="/vendor/connect-host.js"></script>
<script>
  let asked = 0;
  connectHost.defineModule('context', {
    getToken(callback) { asked += 1; callback('context-' + asked); },
  });
  connectHost.create({
    addon_key: 'mailbridge', key: 'admin', url: 'PAGE',
    options: { isFullPage: true, moduleType: 'adminPages' },
  }).appendTo('#place');
</script></body></html>
"""


def _serve(answer: Callable[[BaseHTTPRequestHandler], None]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def _send_json(handler: BaseHTTPRequestHandler, status: int, body: Any) -> None:
    kind = "application/problem+json" if status >= 400 else "application/json"
    _send(handler, status, kind, b"" if body is None else json.dumps(body).encode(), {})


def _send_file(handler: BaseHTTPRequestHandler, path: Path, headers: dict[str, str]) -> None:
    if not path.is_file():
        return _send(handler, 404, "text/plain", b"not here", headers)
    return _send(
        handler, 200, mimetypes.guess_type(path.name)[0] or "application/octet-stream", path.read_bytes(), headers
    )


def _send(handler: BaseHTTPRequestHandler, status: int, kind: str, body: bytes, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
