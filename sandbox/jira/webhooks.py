"""Webhooks: what happened is sent to everybody whose hook it fits, signed, and again when it fails.

At least once and in no promised order, as Jira says of its own; the faults webhook_* make that felt.
"""

import json
import threading
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

import requests

from sandbox.faults import Faults
from sandbox.jira.hooks import Hook, Hooks, Receiver
from sandbox.jira.model import Event
from sandbox.jira.site import Site
from sandbox.later import Later

MAX_RETRIES = 5
MAX_ATTEMPTS = 50_000
_AGAIN = {408, 409, 425, 429}


@dataclass(frozen=True)
class Delivery:
    """One webhook on its way: `identifier` stays the same over all its attempts."""

    receiver: Receiver
    url: str
    body: bytes
    event: str
    issue_key: str
    trace: str | None
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))
    attempt: int = 0


@dataclass(frozen=True)
class Attempt:
    """What became of one attempt: the app's status, or None when it did not answer, and the error."""

    event: str
    issue_key: str
    url: str
    identifier: str
    retry: int
    status: int | None
    error: str
    at: float


class Webhooks:
    """Sends in the background. `retry_seconds`: the pause before the first retry, doubled before each further one
    (Jira's pauses are 5 to 15 minutes; 1 s outlives a restart of the app just as they do)."""

    def __init__(self, site: Site, faults: Faults, retry_seconds: float, timeout: float) -> None:
        self.retry_seconds = retry_seconds
        self.hooks = Hooks(site)
        self._site = site
        self._faults = faults
        self._timeout = timeout
        self._lock = threading.Lock()
        self._attempts: list[Attempt] = []
        self._later = Later("webhooks", 4)

    def start(self) -> None:
        """Begin to send."""
        self._later.start()

    def stop(self) -> None:
        """Send no more; what is under way gets its answer."""
        self._later.stop()

    def tell(self, event: Event) -> None:
        """Queue an event for everyone who listens to it."""
        for hook in self.hooks.listening(event):
            self._queue(hook, event)

    def idle(self) -> bool:
        """Whether nothing is queued or under way."""
        return self._later.idle()

    def attempts(self) -> list[Attempt]:
        """What was sent, oldest first."""
        with self._lock:
            return list(self._attempts)

    def forget(self) -> None:
        """Drop what is queued and what was noted."""
        self._later.forget()
        with self._lock:
            self._attempts = []

    def _queue(self, hook: Hook, event: Event) -> None:
        body = b"" if hook.exclude_body else json.dumps(self._with_properties(event, hook), ensure_ascii=False).encode()
        delivery = Delivery(hook.receiver, hook.url, body, event.name, event.issue_key, event.trace)
        for late in self._faults.lateness(event.name, event.issue_key):
            self._push(delivery, late)

    def _with_properties(self, event: Event, hook: Hook) -> dict[str, Any]:
        issue = self._site.issues.get(str(event.body.get("issue", {}).get("id")))
        if not hook.property_keys or issue is None:
            return event.body
        properties = {key: issue.properties[key] for key in hook.property_keys if key in issue.properties}
        return {**event.body, "issue": {**event.body["issue"], "properties": properties}}

    def _push(self, delivery: Delivery, seconds: float) -> None:
        self._later.push(seconds, lambda: self._send(delivery))

    def _send(self, delivery: Delivery) -> None:
        signature = self.hooks.signature(delivery.receiver, delivery.url, delivery.body)
        if signature is None:  # uninstalled, switched off or deleted meanwhile
            return
        status, error = self._post(delivery, signature)
        self._note(delivery, status, error)
        if (status is None or status >= 500 or status in _AGAIN) and delivery.attempt < MAX_RETRIES:
            self._push(replace(delivery, attempt=delivery.attempt + 1), self.retry_seconds * 2**delivery.attempt)

    def _note(self, delivery: Delivery, status: int | None, error: str) -> None:
        tried = delivery.event, delivery.issue_key, delivery.url, delivery.identifier, delivery.attempt
        with self._lock:
            self._attempts.append(Attempt(*tried, status, error, time.time()))
            del self._attempts[:-MAX_ATTEMPTS]

    def _post(self, delivery: Delivery, signature: dict[str, str]) -> tuple[int | None, str]:
        headers = {
            **signature,
            "Content-Type": "application/json",
            "User-Agent": "Atlassian HttpClient",
            "X-Atlassian-Webhook-Identifier": delivery.identifier,
            "X-Atlassian-Webhook-Flow": "Primary",
        }
        if delivery.trace:
            headers["X-Atlassian-Webhook-Trace"] = delivery.trace[:1024]
        if delivery.attempt:
            headers["X-Atlassian-Webhook-Retry"] = str(delivery.attempt)
        try:
            answer = requests.post(delivery.url, delivery.body, headers=headers, timeout=self._timeout)
        except requests.RequestException as error:
            return None, str(error)
        return answer.status_code, "" if answer.ok else answer.text[:500]
