"""The built page with everything around it faked at the wire: the API beside it, and host pages that frame it through the real bridges.

Two servers on loopback, as in life two origins: `site` plays Jira (the host page of Connect with both sides of atlassian-connect-js; the
host page of Forge, and Forge's CDN with its `__bridge`), `app` plays connect's web process (the files of frontend/dist under a strict
Content-Security-Policy, and the API with a few rows in memory).
"""

from __future__ import annotations

import json
import mimetypes
import re
import threading
import time
from collections.abc import Callable, Mapping
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
    admin_letters: list[dict[str, Any]] = field(default_factory=list)
    sender: dict[str, Any] | None = None
    admin: bool = True
    session_seconds: float = 600.0
    sessions: set[str] = field(default_factory=set)
    context_tokens: list[str] = field(default_factory=list)
    saved: list[dict[str, Any]] = field(default_factory=list)
    login: dict[str, Any] | None = None
    password: str | None = None
    setup_link: str | None = None
    cookies: set[str] = field(default_factory=set)
    site: dict[str, Any] = field(default_factory=lambda: dict(NO_SITE))
    check: dict[str, Any] = field(default_factory=dict)
    lookup_user: dict[str, Any] | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)
    project: str | None = None
    issue: str | None = None
    presets: dict[str, Any] = field(default_factory=lambda: dict(PRESETS))
    preview: dict[str, Any] = field(default_factory=lambda: dict(PREVIEW))
    comparison: dict[str, Any] = field(
        default_factory=lambda: {"seen": 120, "accounted": 120, "unaccounted": 0, "missing": []}
    )
    keeping: dict[str, Any] = field(default_factory=lambda: dict(KEEPING))
    erasures: list[dict[str, Any]] = field(default_factory=list)
    sign_ins: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Reply:
        """The answer to one request; `headers` by lower-case name. A login's answer is `Cookie(value)` beside the status."""
        url = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path in ("/api/connect/login", "/api/connect/logout"):
            return self._login(url.path, headers, body)
        if (method, url.path) == ("POST", "/api/connect/session"):
            return self._session(headers)
        session = headers.get("x-mailbridge-session") or headers.get("authorization", "").removeprefix("Bearer ")
        if session not in self.sessions:
            raise Refused(401, "No page session")
        if not self.admin and self.project is None and self.issue is None:
            raise Refused(403, "Not an administrator")
        return self._route(method, url.path, query, body)

    def login_now(self, cookie: str) -> dict[str, Any] | None:
        """What `GET /api/connect/page` says of the login to a browser with this cookie."""
        return self.login and {**self.login, "logged_in": cookie in self.cookies}

    def _login(self, path: str, headers: Mapping[str, str], body: Any) -> Reply:
        if headers.get("x-mailbridge-page") != "1":
            raise Refused(403, "Not from the page")
        if path.endswith("/logout"):
            self.cookies.clear()
            return 204, None
        if "setup" in body:
            if body["setup"] != self.setup_link:
                raise Refused(403, "Forbidden", errors={"setup": ["This link has been used."]})
            self.setup_link, self.password = None, body["password"]
        if body["password"] != self.password:
            sentence = "This is not the password."
            raise Refused(403, "Forbidden", detail="The password is wrong.", errors={"password": [sentence]})
        cookie = f"in-{len(self.cookies)}"
        self.cookies.add(cookie)
        return 204, Cookie(cookie)

    def _session(self, headers: Mapping[str, str]) -> Reply:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        by_cookie = headers.get("cookie", "").partition("mailbridge_login=")[2] in self.cookies
        vouched = {
            "JWT": token.startswith("context-"),
            "Bearer": token == "invocation",
            "": by_cookie and headers.get("x-mailbridge-page") == "1",
        }
        if not vouched.get(scheme):
            raise Refused(401, "Nobody vouches for you")
        if scheme == "JWT":
            self.context_tokens.append(token)
        session = f"session-{len(self.sessions) + 1}-{time.monotonic_ns()}"
        self.sessions.add(session)
        return 200, {
            "session": session,
            "expires_at": time.time() + self.session_seconds,
            "tenant": "t",
            "account": "a",
            "admin": self.admin,
            "project": self.project,
            "issue": self.issue,
            "scheme": self.site["scheme"] or "",
            "site": self.site["site"] or "",
        }

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
            ("POST", r"/api/inbound/mails/(\w+)/process-anyway", self._retry),
            ("GET", r"/api/inbound/presets", lambda: self._presets(query)),
            ("POST", r"/api/inbound/mailboxes/preview", lambda: self._preview(body)),
            ("POST", r"/api/inbound/mailboxes/(\w+)/reconcile", lambda key: self._compare(key)),
            ("POST", r"/api/inbound/mailboxes/(\w+)/push-token", lambda key: self._saved(body, 200, _push_token(key))),
            ("POST", r"/api/inbound/sign-in", lambda: self._sign_in(body)),
            ("GET", r"/api/inbound/sign-in/([\w-]+)", lambda state: (200, self.sign_ins[state])),
            ("GET", r"/api/inbound/keeping", lambda: (200, self.keeping)),
            ("PUT", r"/api/inbound/keeping", lambda: self._keep(body)),
            ("GET", r"/api/inbound/erasures", lambda: (200, self.erasures)),
            ("POST", r"/api/inbound/erasures", lambda: self._erase(body)),
            ("GET", r"/api/connect/projects", lambda: (200, [{"id": "10000", "key": "SUP", "name": "Support"}])),
            ("GET", r"/api/connect/projects/SUP/issue-types", lambda: (200, ISSUE_TYPES)),
            ("GET", r"/api/connect/users", lambda: (200, [{"account_id": "5b10", "name": "Ada Agent"}])),
            ("GET", r"/api/connect/site", lambda: (200, self.site)),
            ("POST", r"/api/connect/site/check", lambda: self._check_site(body)),
            ("PUT", r"/api/connect/site", lambda: self._attach_site(body)),
            ("DELETE", r"/api/connect/site", self._detach_site),
            ("GET", r"/api/connect/lookup-user", lambda: (200, self.lookup_user)),
            ("PUT", r"/api/connect/lookup-user", lambda: self._save_lookup_user(body)),
            ("DELETE", r"/api/connect/lookup-user", self._forget_lookup_user),
            ("POST", r"/api/connect/lookup-user/check", lambda: self._check_lookup_user(body)),
            ("GET", r"/api/inbound/issues/(\w+)/mails", lambda issue: (200, self._of_issue(issue, self.mails))),
            (
                "GET",
                r"/api/outbound/issues/(\w+)/deliveries",
                lambda issue: (200, self._of_issue(issue, self.deliveries)),
            ),
            ("GET", r"/api/outbound/sender", self._sender),
            ("PUT", r"/api/outbound/sender", lambda: self._save_sender(body)),
            (
                "POST",
                r"/api/outbound/sender/test",
                lambda: (200, {"ok": True, "findings": ["It took the login."], "problem": None}),
            ),
            ("GET", r"/api/outbound/deliveries", lambda: self._deliveries(query)),
            ("GET", r"/api/outbound/admin-letters", lambda: (200, {"letters": self.admin_letters, "next": None})),
        ]
        for verb, pattern, handle in routes:
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                return handle(*match.groups())
        raise Refused(404, "There is no such thing")

    def _saved(self, body: dict[str, Any], status: int, answer: Any) -> Reply:
        self.saved.append(body)
        return status, answer

    def _preview(self, body: dict[str, Any]) -> Reply:
        since = {"count": 412, "exact": True, "would": "412 messages arrived on that day or later."}
        return self._saved(body, 200, {**self.preview, "since": since if body.get("since") is not None else None})

    def _presets(self, query: dict[str, str]) -> Reply:
        domain = query.get("address", "").partition("@")[2]
        known = {"gmail.com": "gmail", "fastmail.com": "fastmail"}
        refused = "This is one of Jira's own mailboxes." if domain.endswith("atlassian.net") else None
        return 200, {**self.presets, "suggested": known.get(domain), "refused": refused}

    def _compare(self, key: str) -> Reply:
        _one(self.mailboxes, key)
        return 200, {**self.comparison, "at": time.time()}

    def _sign_in(self, body: dict[str, Any]) -> Reply:
        self.saved.append(body)
        state = f"state-{len(self.sign_ins) + 1}"
        self.sign_ins[state] = {"done": False, "account": None, "problem": None}
        return 200, {"url": f"/sign-in/{state}", "state": state}

    def _keep(self, body: dict[str, Any]) -> Reply:
        self.keeping = {**self.keeping, **body}
        return 200, self.keeping

    def _erase(self, body: dict[str, Any]) -> Reply:
        self.saved.append(body)
        receipt = {
            "id": f"e{len(self.erasures) + 1}",
            "asked_by": "5b10",
            "asked_at": time.time(),
            "done_at": time.time(),
            "counts": {"mails": 3, "contents": 0, "rows": 0},
        }
        self.erasures.append(receipt)
        return 200, receipt

    def _create(self, body: dict[str, Any]) -> Reply:
        self.saved.append(body)
        if body["name"] == "Taken":
            raise Refused(422, "The mailbox is not valid", errors={"name": ["Another mailbox has this name."]})
        mailbox = {
            **_shown(body),
            "id": f"m{len(self.mailboxes) + 1}",
            "grant_state": None,
            "reconciled": None,
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

    def _check_site(self, body: dict[str, Any]) -> Reply:
        if body["api_token"] == "wrong":
            problem = {
                "title": "Jira did not take the API token",
                "detail": None,
                "remedy": "Copy it again, or create a new one.",
                "field": "api_token",
            }
            return 200, {"ok": False, "account": None, "rights": [], "problem": problem}
        return 200, {"ok": True, "account": BOT, "rights": self.check.get("rights", []), "problem": None}

    def _attach_site(self, body: dict[str, Any]) -> Reply:
        self.saved.append(body)
        self.site = {
            **self.site,
            **self.check,
            "scheme": "token",
            "site": body["url"],
            "state": "enabled",
            "account": BOT,
        }
        self.site["token_expires_at"] = body["token_expires_at"]
        return 200, self.site

    def _detach_site(self) -> Reply:
        self.site = dict(NO_SITE)
        return 204, None

    def _save_lookup_user(self, body: dict[str, Any]) -> Reply:
        self.saved.append(body)
        self.lookup_user = {
            "email": body["email"],
            "account": {"account_id": "5b11", "name": "Lookup"},
            "token_expires_at": body["token_expires_at"],
            "problem": None,
            "checked_at": time.time(),
        }
        return 200, self.lookup_user

    def _forget_lookup_user(self) -> Reply:
        self.lookup_user = None
        return 204, None

    def _check_lookup_user(self, body: dict[str, Any]) -> Reply:
        self.saved.append(body)
        return 200, {"findings": self.findings}

    def _of_issue(self, issue: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if issue != self.issue:
            raise Refused(404, "There is no such issue")
        return rows

    def _deliveries(self, query: dict[str, str]) -> Reply:
        chosen = [one for one in self.deliveries if query.get("issue", one["issue_key"]) == one["issue_key"]]
        return 200, {"deliveries": chosen, "next": None}


class Cookie(str):
    """The value of a login's cookie, in the place of an answer's body."""


BOT = {"account_id": "5b10", "name": "Mailbridge Bot"}
NO_SITE: dict[str, Any] = {
    "scheme": None,
    "site": None,
    "state": "new",
    "account": None,
    "token_expires_at": None,
    "rights": [],
    "scopes": [],
    "events": None,
    "webhook": None,
    "email_api": None,
}

PRESETS: dict[str, Any] = {
    "presets": [
        {
            "id": "gmail",
            "name": "Gmail and Google Workspace",
            "domains": ["gmail.com"],
            "imap": {"host": "imap.gmail.com", "port": 993, "security": "tls"},
            "pop3": {"host": "pop.gmail.com", "port": 995, "security": "tls"},
            "smtp": None,
            "username": "address",
            "auth": ["oauth", "app_password"],
            "provider": "google",
            "authserv_id": None,
            "remedy": "Sign in with Google, or use an app password.",
        },
        {
            "id": "fastmail",
            "name": "Fastmail",
            "domains": ["fastmail.com"],
            "imap": {"host": "imap.fastmail.com", "port": 993, "security": "tls"},
            "pop3": {"host": "pop.fastmail.com", "port": 995, "security": "tls"},
            "smtp": None,
            "username": "address",
            "auth": ["app_password"],
            "provider": None,
            "authserv_id": None,
            "remedy": "Fastmail wants an app password here.",
        },
    ],
    "egress": [],
    "providers": [],
}

PREVIEW: dict[str, Any] = {
    "total": 2031,
    "unread": 12,
    "oldest_at": 1_780_488_000.0,
    "would": ["2,031 messages, the oldest of 3 June 2026.", "Mail stays in the mailbox."],
    "choices": ["all", "since", "new", "unread"],
}


KEEPING: dict[str, Any] = {
    "days": 30,
    "content": True,
    "default_days": 30,
    "stops": ["Reprocess: a handled mail cannot be worked on again."],
}


def _push_token(mailbox: str) -> dict[str, Any]:
    url = f"https://mail.example/api/inbound/mail/{mailbox}"
    return {"token": "secret-push-token", "url": url, "commands": ["Postfix:\n  pipe", f"submit --url {url}"]}


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
        self.door = "mailbridge-admin"
        self.context: dict[str, Any] = {"moduleKey": "mailbridge-admin", "extension": {"type": "jira:adminPage"}}
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
            cookie = handler.headers.get("Cookie", "").partition("mailbridge_login=")[2]
            login = self.api.login_now(cookie)
            _send_json(handler, 200, {"allJs": f"{self.site}/vendor/iframe.js", "login": login})
        elif path.startswith("/api/"):
            headers = {name.lower(): value for name, value in handler.headers.items()}
            _send_json(handler, *self._api_answer(handler.command, handler.path, headers, _body(handler)))
        else:
            policy = (
                f"default-src 'none'; script-src 'self' {self.site}; style-src 'self'; img-src 'self' data:; "
                f"connect-src 'self'; frame-ancestors {self.site}; base-uri 'none'; form-action 'none'"
            )
            _send_file(handler, DIST / (path.lstrip("/") or "index.html"), {"Content-Security-Policy": policy})

    def _api_answer(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Reply:
        try:
            return self.api.answer(method, path, headers, body)
        except Refused as refused:
            return refused.status, refused.body

    def _site_request(self, handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path
        if path.startswith("/vendor/"):
            _send_file(handler, VENDOR / path.removeprefix("/vendor/"), {})
        elif path == "/host":
            page = HOST_PAGE.replace("THEME", self.theme).replace(
                "PAGE", f"{self.app}/?page={self.door}&xdm_e={self.site}"
            )
            _send(handler, 200, "text/html; charset=utf-8", page.encode(), {})
        elif path == "/forge":
            _send(handler, 200, "text/html; charset=utf-8", FORGE_HOST.replace("THEME", self.theme).encode(), {})
        elif path == "/forge/invoke":
            _send_json(handler, 200, self._invoked(_body(handler)))
        elif path == "/forge/context":
            _send_json(handler, 200, self.context | {"siteUrl": self.site, "theme": {"colorMode": self.theme}})
        elif path.startswith("/cdn/an-app/"):
            self._cdn(handler, path.removeprefix("/cdn/an-app/"))
        else:
            _send(handler, 204, "text/plain", b"", {})

    def _invoked(self, call: dict[str, Any]) -> dict[str, Any]:
        """What Forge does with `invokeRemote`: it fills Authorization itself and hands status, headers and body back."""
        assert call["invokeType"] == "ui-remote-fetch"
        headers = {name.lower(): value for name, value in call.get("headers", {}).items()}
        headers["authorization"] = "Bearer invocation"
        status, body = self._api_answer(call["method"], call["path"], headers, call.get("body"))
        return {
            "success": True,
            "payload": {"status": status, "headers": {"content-type": ["application/json"]}, "body": body},
        }

    def _cdn(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        """The files of the build below a path of their own, under a policy as strict as Custom UI's, with the bridge put in first."""
        policy = {"Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'"}
        if name == "bridge.js":
            return _send(handler, 200, "text/javascript", FORGE_BRIDGE.encode(), policy)
        if name != "index.html":
            return _send_file(handler, DIST / name, policy)
        page = (DIST / name).read_text(encoding="utf-8").replace("<head>", '<head><script src="bridge.js"></script>', 1)
        return _send(handler, 200, "text/html; charset=utf-8", page.encode(), policy)


# Forge's side: the host frames the files of the CDN, and the one function that @forge/bridge calls is there before they run.
FORGE_HOST = """<!doctype html>
<html lang="en" data-color-mode="THEME"><head><meta charset="utf-8"><title>A Forge host</title><link rel="icon" href="data:,">
<style>body { margin: 0 } iframe { border: 0; width: 100%; height: 900px }</style></head>
<body><iframe title="Mailbridge" src="/cdn/an-app/index.html"></iframe></body></html>
"""
FORGE_BRIDGE = """
const post = async (path, body) => (await fetch(path, { method: 'POST', body: JSON.stringify(body) })).json();
const follow = () => document.documentElement.setAttribute('data-color-mode', parent.document.documentElement.dataset.colorMode);
window.__bridge = {
  async callBridge(command, payload) {
    if (command === 'getContext') return (await fetch('/forge/context')).json();
    if (command === 'invoke') return post('/forge/invoke', payload);
    if (command === 'enableTheming') {
      new MutationObserver(follow).observe(parent.document.documentElement, { attributes: true });
      return follow();
    }
    throw new Error('The fake bridge does not know ' + command);
  },
};
"""

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


def _body(handler: BaseHTTPRequestHandler) -> Any:
    raw = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    return json.loads(raw) if raw else None


def _send_json(handler: BaseHTTPRequestHandler, status: int, body: Any) -> None:
    kind = "application/problem+json" if status >= 400 else "application/json"
    cookie = isinstance(body, Cookie)
    headers = {"Set-Cookie": f"mailbridge_login={body}; HttpOnly; SameSite=Strict; Path=/"} if cookie else {}
    _send(handler, status, kind, b"" if body is None or cookie else json.dumps(body).encode(), headers)


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
