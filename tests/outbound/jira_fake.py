"""A Jira and a connect on the wire, as far as outbound asks them: what it was asked is written down."""

import base64
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from common.thread_tokens import ThreadKey
from tests.outbound.people import adf

KEY = ThreadKey(1, b"k" * 32)


def user(id: str, name: str, email: str | None = None, kind: str = "atlassian", active: bool = True) -> dict[str, Any]:
    return {"accountId": id, "displayName": name, "accountType": kind, "active": active} | (
        {"emailAddress": email} if email else {}
    )


ALICE = user("alice", "Alice Agent", "alice@company.test")
BOB = user("bob", "Bob Builder", "bob@company.test")
WANDA = user("wanda", "Wanda Watcher")


class FakeJira:
    """One site. Change its fields, and `answers` to make a path answer another status."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.issue: dict[str, Any] = {
            "summary": "Printer on fire",
            "status": {"name": "To Do"},
            "priority": {"name": "High"},
            "resolution": None,
            "duedate": None,
            "project": {"id": "10000", "key": "HELP"},
            "reporter": BOB,
            "assignee": ALICE,
            "creator": user("app", "Mailbridge", kind="app"),
            "description": adf("It burns."),
        }
        self.property: dict[str, Any] | None = {
            "mail": "m1",
            "from": {"name": "Carl", "address": "carl@customer.test"},
            "cc": [{"name": "Dora", "address": "dora@customer.test"}],
            "root": "first@customer.test",
            "mailbox": "support@company.test",
        }
        self.watchers: list[dict[str, Any]] = []
        self.comments: dict[str, dict[str, Any]] = {}
        self.emails: dict[str, str] = {}
        self.email_api = False
        self.shown: dict[str, str] = {}  # addresses that profiles show
        self.seen: dict[str, str] = {}  # and those that the look-up user sees
        self.credentials: dict[str, Any] = {}
        self.notices: list[dict[str, Any]] = []
        self.notify: list[int] = []  # what the next requests to notify are answered; 0: done, and no answer
        self.may: dict[str, set[str]] = {"alice": {"BROWSE_PROJECTS"}, "bob": {"BROWSE_PROJECTS"}}
        self.answers: dict[str, int] = {}
        self.retry_after: str | None = None
        self.removed = False
        self.keys: dict[str, Any] = {"keys": []}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def comment(self, id: str, text: str, author: dict[str, Any] = ALICE, **more: Any) -> None:
        self.comments[id] = {
            "id": id,
            "self": f"{self.url}/rest/api/3/issue/10001/comment/{id}",
            "author": author,
            "body": adf(text),
            "jsdPublic": True,
            "properties": [],
            **more,
        }

    def paths(self) -> list[str]:
        return [f"{method} {path.removeprefix('/rest/api/3')}" for method, path, _ in self.calls if "/rest/" in path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, url: str, body: Any, authorization: str = "") -> tuple[int, Any]:
        parts = urlsplit(url)
        path, query = parts.path, parse_qs(parts.query)
        self.calls.append((method, path, body))
        for part, status in self.answers.items():
            if part in path:
                return status, {"errorMessages": ["No."], "errors": {}}
        if path == "/api/connect/credentials":
            return (404, {}) if self.removed else (200, self._credentials(body["tenant"]))
        if path == "/api/connect/keys":
            return 200, self.keys
        match path.removeprefix("/rest/api/3").strip("/").split("/"):
            case ["issue", _]:
                fields = {**self.issue, "watches": {"watchCount": len(self.watchers), "isWatching": False}}
                asked = query["fields"][0].split(",")
                properties = {"mailbridge": self.property} if self.property else {}
                shown = {name: value for name, value in fields.items() if name in asked}
                return 200, {"id": "10001", "key": "HELP-1", "fields": shown, "properties": properties}
            case ["issue", _, "watchers"]:
                return 200, {"watchCount": len(self.watchers), "isWatching": False, "watchers": self.watchers}
            case ["comment", "list"]:
                found = [self.comments[str(id)] for id in body["ids"] if str(id) in self.comments]
                return 200, {"values": found, "isLast": True, "startAt": 0, "total": len(found)}
            case ["permissions", "check"]:
                wanted = body["projectPermissions"][0]["permissions"]
                has = self.may.get(body["accountId"], set())
                grants = [
                    {"permission": one, "issues": [10001] if one in has else [], "projects": []} for one in wanted
                ]
                return 200, {"globalPermissions": [], "projectPermissions": grants}
            case ["user", "email"]:
                id = query["accountId"][0]
                if not self.emails and not self.email_api:
                    return 400, {"errorMessages": ["Not approved."], "errors": {}}
                return (200, {"accountId": id, "email": self.emails[id]}) if id in self.emails else (404, {})
            case ["user"]:
                id = query["accountId"][0]
                visible = self.seen if authorization.startswith("Basic") else self.shown
                return 200, user(id, "Somebody Else", visible.get(id))
            case ["issue", _, "notify"]:
                status = self.notify.pop(0) if self.notify else 204
                if status in (0, 204):
                    self.notices.append(body)
                return status, None
            case ["project", _, "role"]:
                return 200, {"Administrators": f"{self.url}/rest/api/3/project/10000/role/10002"}
            case ["project", _, "role", "10002"]:
                return 200, {"id": 10002, "actors": [{"actorUser": {"accountId": "bob"}}]}
        return 404, {"errorMessages": ["Unknown."], "errors": {}}

    def _credentials(self, tenant: str) -> dict[str, Any]:
        key = {"version": KEY.version, "key": base64.b64encode(KEY.key).decode()}
        return {
            "tenant": tenant, "scheme": "connect", "base_url": self.url, "app_key": "mailbridge", "client_key": "c",
            "site_url": self.url, "secret": "s" * 32, "email": None, "account_id": "app", "lookup": None,
            "person_tokens": False, "thread_keys": [key], "expires_at": time.time() + 3600, **self.credentials,
        }  # fmt: skip


def _handler(jira: FakeJira) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _do(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            status, value = jira.answer(self.command, self.path, body, self.headers.get("Authorization") or "")
            if status == 0:  # it was done, and the answer is lost on its way
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            data = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if jira.retry_after and status >= 400:
                self.send_header("Retry-After", jira.retry_after)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _do  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    return Handler
