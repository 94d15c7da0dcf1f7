"""Webhooks: what happened is sent to everybody whose hook it fits, signed, and again when it fails.

At least once and in no promised order, as Jira says of its own; the faults webhook_* make that felt.
"""

import heapq
import itertools
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import requests

from sandbox.faults import WEBHOOK_KINDS, Fault, Faults
from sandbox.jira.hooks import Hook, Hooks, Receiver
from sandbox.jira.model import Event
from sandbox.jira.site import Site

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
        self._due: list[tuple[float, int, Delivery]] = []
        self._count = itertools.count()
        self._wake = threading.Condition()
        self._under_way = 0
        self._stopped = False
        self._attempts: list[Attempt] = []
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="webhook")
        self._clock = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._clock.start()

    def stop(self) -> None:
        """Send no more; what is under way gets its answer."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        self._clock.join()
        self._threads.shutdown(wait=True)

    def tell(self, event: Event) -> None:
        """Queue an event for everyone who listens to it."""
        for hook in self.hooks.listening(event):
            self._queue(hook, event)

    def idle(self) -> bool:
        """Whether nothing is queued or under way."""
        with self._wake:
            return not self._due and not self._under_way

    def attempts(self) -> list[Attempt]:
        """What was sent, oldest first."""
        with self._wake:
            return list(self._attempts)

    def forget(self) -> None:
        """Drop what is queued and what was noted."""
        with self._wake:
            self._due, self._attempts = [], []

    def _queue(self, hook: Hook, event: Event) -> None:
        body = b"" if hook.exclude_body else json.dumps(self._with_properties(event, hook), ensure_ascii=False).encode()
        delivery = Delivery(hook.receiver, hook.url, body, event.name, event.issue_key, event.trace)
        fault = self._faults.draw(WEBHOOK_KINDS, f"{event.name} {event.issue_key}")
        for late in _lateness(fault):
            self._push(delivery, late)

    def _with_properties(self, event: Event, hook: Hook) -> dict[str, Any]:
        issue = self._site.issues.get(str(event.body.get("issue", {}).get("id")))
        if not hook.property_keys or issue is None:
            return event.body
        properties = {key: issue.properties[key] for key in hook.property_keys if key in issue.properties}
        return {**event.body, "issue": {**event.body["issue"], "properties": properties}}

    def _push(self, delivery: Delivery, later: float) -> None:
        with self._wake:
            heapq.heappush(self._due, (time.monotonic() + later, next(self._count), delivery))
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopped and (not self._due or self._due[0][0] > time.monotonic()):
                    self._wake.wait(None if not self._due else max(0.0, self._due[0][0] - time.monotonic()))
                if self._stopped:
                    return
                delivery = heapq.heappop(self._due)[2]
                self._under_way += 1
            self._threads.submit(self._send, delivery)

    def _send(self, delivery: Delivery) -> None:
        try:
            signature = self.hooks.signature(delivery.receiver, delivery.url, delivery.body)
            if signature is None:  # uninstalled, switched off or deleted meanwhile
                return
            status, error = self._post(delivery, signature)
            with self._wake:
                self._attempts.append(
                    Attempt(
                        delivery.event,
                        delivery.issue_key,
                        delivery.url,
                        delivery.identifier,
                        delivery.attempt,
                        status,
                        error,
                        time.time(),
                    )
                )
                del self._attempts[:-MAX_ATTEMPTS]
            if (status is None or status >= 500 or status in _AGAIN) and delivery.attempt < MAX_RETRIES:
                self._push(replace(delivery, attempt=delivery.attempt + 1), self.retry_seconds * 2**delivery.attempt)
        finally:
            with self._wake:
                self._under_way -= 1

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


def _lateness(fault: Fault | None) -> tuple[float, ...]:
    """How much later to send, once for each copy."""
    if fault is None:
        return (0.0,)
    if fault.kind == "webhook_lost":
        return ()
    if fault.kind == "webhook_duplicate":
        return (0.0, 0.0)
    return (fault.seconds,)  # delayed, or overtaken by what follows
