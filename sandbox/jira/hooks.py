"""Who is told of events by webhook: enabled Connect apps by their descriptor, and an administrator's own webhooks.

A `Hook` says where to and what for; how its requests are signed is its own to know.
"""

import hashlib
import hmac
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.jira import jql
from sandbox.jira.model import Event, Installation, Issue
from sandbox.jira.site import Site
from sandbox.jira.tokens import qsh, tenant_token

#: What an administrator can tick in Jira's form, as far as this Jira has it.
EVENTS = (
    "jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated",
    "comment_deleted", "attachment_created",
)  # fmt: skip


@dataclass(frozen=True)
class Receiver:
    """Who is told: an app by its key, or an administrator's webhook by its id."""

    app_key: str | None = None
    hook_id: str | None = None


@dataclass(frozen=True)
class Hook:
    """One entry that an event may fit. `filter`: JQL or empty. `property_keys`: which properties of the issue go along."""

    receiver: Receiver
    url: str
    filter: str = ""
    exclude_body: bool = False
    property_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class AdminHook:
    """A webhook that an administrator made by hand; signed by HMAC when it has a secret."""

    id: str
    url: str
    secret: str
    events: tuple[str, ...]
    jql: str

    def as_json(self) -> dict[str, Any]:
        """What Jira shows of it; never the secret."""
        return {
            "id": self.id,
            "url": self.url,
            "events": list(self.events),
            "jql": self.jql,
            "signed": bool(self.secret),
        }


class Hooks:
    """All of them, and how to sign for each."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ids = itertools.count(1)
        self._admin: dict[str, AdminHook] = {}

    def add(self, url: str, secret: str, events: tuple[str, ...], query: str) -> AdminHook:
        """Another administrator's webhook; raises JqlError for a filter that is none."""
        if query:
            jql.parse(query)
        hook = AdminHook(str(next(self._ids)), url, secret, events, query)
        self._admin[hook.id] = hook
        return hook

    def remove(self, hook_id: str) -> bool:
        """Whether there was such a webhook."""
        return self._admin.pop(hook_id, None) is not None

    def admin(self) -> list[AdminHook]:
        """The administrator's webhooks."""
        return list(self._admin.values())

    def listening(self, event: Event) -> Iterator[Hook]:
        """Which hooks an event fits; the filter looks at the issue as it is now, and a deleted issue fits none."""
        issue = self._site.issues.get(str(event.body.get("issue", {}).get("id")))
        for hook in [*self._of_apps(event), *self._of_admins(event)]:
            if not hook.filter or (issue is not None and self._matches(hook.filter, issue)):
                yield hook

    def signature(self, receiver: Receiver, url: str, body: bytes) -> dict[str, str] | None:
        """The headers that prove Jira to this receiver; None when it is there no more."""
        if receiver.hook_id is not None:
            hook = self._admin.get(receiver.hook_id)
            if hook is None:
                return None
            mac = hmac.new(hook.secret.encode(), body, hashlib.sha256).hexdigest()
            return {"X-Hub-Signature": f"sha256={mac}"} if hook.secret else {}
        app = self._site.installations.get(receiver.app_key or "")
        if app is None or not app.enabled:
            return None
        return {"Authorization": f"JWT {tenant_token(app, self._site.clock(), qsh('POST', url, app.base_url))}"}

    def _matches(self, query: str, issue: Issue) -> bool:
        return jql.parse(query).matches(self._site, issue, "", self._site.clock())

    def _of_apps(self, event: Event) -> Iterator[Hook]:
        for app in list(self._site.installations.values()):
            for hook in app.descriptor.get("modules", {}).get("webhooks", []) if app.enabled else []:
                if hook.get("event") == event.name:
                    yield Hook(
                        Receiver(app_key=app.app_key),
                        _app_url(app, str(hook["url"]), event),
                        str(hook.get("filter") or ""),
                        bool(hook.get("excludeBody")),
                        tuple(hook.get("propertyKeys") or ()),
                    )

    def _of_admins(self, event: Event) -> Iterator[Hook]:
        for hook in self.admin():
            if event.name in hook.events:
                yield Hook(Receiver(hook_id=hook.id), _filled(hook.url, event), hook.jql)


def _app_url(app: Installation, path: str, event: Event) -> str:
    return app.base_url.rstrip("/") + "/" + _filled(path, event).lstrip("/")


def _filled(url: str, event: Event) -> str:
    """The url with its variables, such as ${issue.key}, filled in."""
    names = {
        "issue.key": event.issue_key,
        "issue.id": str(event.body.get("issue", {}).get("id", "")),
        "project.key": event.project_key,
    }
    return re.sub(r"\$?\{([\w.]+)\}", lambda match: names.get(match[1], ""), url)
