"""A Jira Cloud at the wire that is called by an API token, and the webhook that its administrator added by hand."""

import hashlib
import hmac
import json
import time
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs

from common import sessions
from common.crypto import derive
from common.sessions import Session
from connect.store_site import Account, Site, SiteStore
from tests.connect.conftest import Connect
from tests.connect.jira_side import Atlassian
from tests.wire import Call, Reply, Wire

EMAIL = "bridge@example.org"
TOKEN = "ATATT-a-token"
ADA = "712020:ada"


def iso(milliseconds: int) -> str:
    """As Jira writes an instant, in a zone that is not UTC."""
    moment = datetime.fromtimestamp(milliseconds / 1000, timezone(timedelta(hours=-5)))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}" + moment.strftime("%z")


@dataclass
class Cloud:
    """What the wire answers. issues: what a search finds, by id; rights: granted anywhere, and by project key."""

    tokens: set[str] | None = field(default_factory=lambda: {TOKEN})  # None: whoever asks
    info: dict[str, Any] = field(
        default_factory=lambda: {"baseUrl": "https://x.atlassian.net", "deploymentType": "Cloud"}
    )
    me: dict[str, Any] = field(default_factory=lambda: {"accountId": ADA, "displayName": "Ada"})
    denied: set[tuple[str | None, str]] = field(default_factory=set)
    projects: list[str] = field(default_factory=lambda: ["OPS", "TEST"])
    issues: dict[str, dict[str, Any]] = field(default_factory=dict)
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)  # by path: said instead

    def issue(self, id: str, created: int, updated: int | None = None) -> None:
        """There is an issue that a search finds; instants in milliseconds."""
        fields = {"created": iso(created), "updated": iso(updated or created), "creator": {"accountId": "mia"}}
        self.issues[id] = {"id": id, "key": f"TEST-{id}", "fields": fields}

    def changed(self, id: str, entry: str, at: int, who: str = "mia", **more: Any) -> None:
        """The issue has an entry in its changelog."""
        item = {
            "field": "status",
            "fieldId": "status",
            "from": "1",
            "fromString": "To Do",
            "to": "2",
            "toString": "Done",
        }
        log = {"id": entry, "author": {"accountId": who}, "created": iso(at), "items": [item], **more}
        self.histories.setdefault(id, []).append(log)
        self._touch(id, at)

    def commented(self, id: str, comment: str, at: int, *, edited: int | None = None, who: str = "mia") -> None:
        """The issue has a comment."""
        said = {
            "id": comment, "created": iso(at), "updated": iso(edited or at), "body": {"type": "doc"},
            "author": {"accountId": who}, "updateAuthor": {"accountId": "editor" if edited else who},
        }  # fmt: skip
        self.comments.setdefault(id, []).append(said)
        self._touch(id, edited or at)

    def _touch(self, id: str, at: int) -> None:
        self.issues[id]["fields"]["updated"] = iso(at)

    def __call__(self, call: Call) -> Reply:
        path = call.path.removeprefix("/rest/api/3")
        if path in self.replies:
            return self.replies[path]
        good = None if self.tokens is None else {basic(EMAIL, token) for token in self.tokens}
        if good is not None and call.headers.get("authorization") not in good:
            return Reply(401, {"errorMessages": ["Client must be authenticated to access this resource."]})
        query = {name: values[0] for name, values in parse_qs(call.query).items()}
        if path == "/mypermissions":
            return self._permissions(query)
        parts = path.strip("/").split("/")
        if path == "/search/jql":
            return Reply(200, {"issues": list(self.issues.values()), "isLast": True})
        if path == "/changelog/bulkfetch":
            asked = call.json["issueIdsOrKeys"]
            logs = [{"issueId": id, "changeHistories": self.histories.get(id, [])} for id in asked]
            return Reply(200, {"issueChangeLogs": logs})
        if parts[0] == "issue" and parts[-1] == "changelog":
            return Reply(200, {"values": self.histories.get(parts[1], []), "isLast": True})
        if parts[0] == "issue" and parts[-1] == "comment":
            return Reply(200, {"comments": sorted(self.comments.get(parts[1], []), key=_by_age, reverse=True)})
        plain = {
            "/serverInfo": self.info,
            "/myself": self.me,
            "/project/search": {"values": [{"id": key, "key": key, "name": key} for key in self.projects]},
        }
        return Reply(200, plain[path]) if path in plain else Reply(404, {"errorMessages": ["Nothing here."]})

    def _permissions(self, query: dict[str, str]) -> Reply:
        project = query.get("projectKey")
        held = {
            name: {"key": name, "havePermission": not {(None, name), (project, name)} & self.denied}
            for name in query["permissions"].split(",")
        }
        return Reply(200, {"permissions": held})


def _by_age(comment: dict[str, Any]) -> str:
    return str(comment["created"])


def basic(email: str, token: str) -> str:
    """The header Authorization of this account."""
    return "Basic " + b64encode(f"{email}:{token}".encode()).decode()


@dataclass
class Hosted:
    """A self-hosted Mailbridge under test, and the site that it is attached to by an API token."""

    connect: Connect
    url: str

    def __post_init__(self) -> None:
        self.sites = SiteStore(self.connect.database, self.connect.config.settings.master_key)
        self.tenant = self.sites.own_tenant()

    def attach(self, token: str = TOKEN) -> None:
        """Attach the site as the page does, without the check."""
        found = {"account": {"account_id": ADA, "name": "Ada"}, "rights": [], "problem": None}
        self.sites.attach(self.tenant, self.url, Account(EMAIL, token, None), found)

    def site(self) -> Site:
        """What is stored of it."""
        site = self.sites.site(self.tenant)
        assert site is not None
        return site

    def call(self, method: str, path: str = "", body: Any = None, *, tenant: str | None = None) -> Any:
        """A call to /api/connect/site by somebody who is logged in."""
        private = sessions.private_key(derive(self.connect.config.settings.master_key, "page session"))
        token = sessions.issue(private, Session(tenant or self.tenant, "login:ada", True, time.time() + 300))
        headers = {"Authorization": f"Bearer {token}"}
        client = self.connect.app.test_client()
        return client.open(f"/api/connect/site{path}", method=method, json=body, headers=headers)

    def event(self, body: Any, *, secret: str | None = None, name: str | None = None, **headers: str) -> Any:
        """What Jira's webhook sends, signed."""
        hook = self.site().hook
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = sign(hook.secret if secret is None else secret, data)
        sent = {"X-Hub-Signature": signature, **{name.replace("_", "-"): text for name, text in headers.items()}}
        return self.connect.app.test_client().post(f"/connect/hooks/{name or hook.name}", data=data, headers=sent)

    def events(self) -> list[dict[str, Any]]:
        """The events that went to outbound."""
        return [body for _, _, body in self.connect.messages("jira.event")]


def hosted(connect: Connect, wire: Wire, cloud: Cloud, atlassian: Atlassian) -> Hosted:
    """It is attached, and Connect sites beside it can be."""
    wire.answer = lambda call: (atlassian if call.path.startswith(("/jira/", "/install-keys/")) else cloud)(call)
    made = Hosted(connect, wire.url)
    made.attach()
    return made


def sign(secret: str, data: bytes) -> str:
    """X-Hub-Signature."""
    return "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


def kinds(events: Iterable[dict[str, Any]]) -> list[str]:
    """What happened, in order."""
    return [event["kind"] for event in events]
