"""Telling an app's remote what happened: product events, lifecycle events, ticks; within 5 s, tried again up to four times.

Source: Atlassian's Forge remote invocation contract; contracts/samples/forge/retry.json. Forge waits 60 s before each retry; here
that is a setting. The faults webhook_* hit these events too, by "eventType KEY".
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sandbox.faults import Faults
from sandbox.forge.manifest import Endpoint
from sandbox.forge.model import ForgeApp
from sandbox.forge.product_events import MOST, product_events
from sandbox.forge.remote import Answer, NoAnswer
from sandbox.jira.model import Event
from sandbox.jira.site import Site
from sandbox.later import Later

LIMIT = 5.0  # seconds
MAX_RETRIES = 4
MAX_ATTEMPTS = 50_000
QUIET = "the sandbox was told to be quiet"

Invoke = Callable[[ForgeApp, Endpoint, tuple[str, str], bytes, float], Answer]


@dataclass(frozen=True)
class Delivery:
    """One event for one endpoint. `module`: type and key of what subscribes to it. `reason`: why it is tried again."""

    installation: str
    endpoint: Endpoint
    module: tuple[str, str]
    event: str
    issue_key: str
    body: dict[str, Any]
    retry: int = 0
    reason: str | None = None

    def content(self) -> bytes:
        """The body as it is sent, with the retryContext from the second attempt on."""
        again = {"retryCount": self.retry, "retryReason": self.reason, "retryData": None}
        whole = {**self.body, "retryContext": again} if self.retry else self.body
        return json.dumps(whole, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Attempt:
    """What became of an attempt: the remote's status, or None when it did not answer or was not asked, and why."""

    event: str
    issue_key: str
    url: str
    retry: int
    status: int | None
    error: str
    at: float


class Deliveries:
    """`retry_seconds`: the pause before each retry. `minute_seconds`: how long a minute of the schedules lasts. `quiet`: nothing
    arrives, neither events nor ticks. `apps`: those that are installed."""

    def __init__(
        self, site: Site, faults: Faults, apps: Callable[[], list[ForgeApp]], invoke: Invoke, retry_seconds: float
    ) -> None:
        self.retry_seconds = retry_seconds
        self.minute_seconds = 60.0
        self.quiet = False
        self._site = site
        self._faults = faults
        self._apps = apps
        self._invoke = invoke
        self._lock = threading.Lock()
        self._attempts: list[Attempt] = []
        self._events = Later("forge-events", 4)
        self._clockwork = Later("forge-schedules", 1)

    def start(self) -> None:
        """Begin to tell."""
        self._events.start()
        self._clockwork.start()

    def stop(self) -> None:
        """Tell no more."""
        self._clockwork.stop()
        self._events.stop()

    def tell(self, event: Event) -> None:
        """Queue an event for every trigger that names it; the caller holds the site's lock."""
        apps = self._apps()
        for body in product_events(self._site, event) if apps else []:
            for app in apps:
                for trigger in app.manifest.triggers:
                    own = trigger.ignore_self and body.get("atlassianId") == app.account
                    if body["eventType"] in trigger.events and not own:
                        module = ("trigger", trigger.key)
                        self._queue(
                            Delivery(
                                app.installation, trigger.endpoint, module, body["eventType"], event.issue_key, body
                            )
                        )

    def lifecycle(self, app: ForgeApp, event: str, body: dict[str, Any]) -> list[Attempt]:
        """Tells an app of itself: the first attempt at once, further ones later if it fails."""
        return [
            self._send(Delivery(app.installation, trigger.endpoint, ("trigger", trigger.key), event, "", body))
            for trigger in app.manifest.triggers
            if event in trigger.events
        ]

    def tick(self, app: ForgeApp) -> list[Attempt]:
        """All schedules of an app, now."""
        return [self._send(self._due(app, timer.key)) for timer in app.manifest.schedules]

    def keep_time(self, app: ForgeApp) -> None:
        """From now on the schedules of this version of the app run."""
        for timer in app.manifest.schedules:
            self._after(app, timer.key, timer.minutes)

    def idle(self) -> bool:
        """Whether no event is queued or under way; schedules do not count."""
        return self._events.idle()

    def attempts(self) -> list[Attempt]:
        """What was sent, oldest first."""
        with self._lock:
            return list(self._attempts)

    def forget(self) -> None:
        """Drop what is queued and what was noted; schedules go on."""
        self._events.forget()
        with self._lock:
            self._attempts = []

    def _after(self, app: ForgeApp, key: str, minutes: int) -> None:
        def run() -> None:
            if any(one is app for one in self._apps()):
                self._send(self._due(app, key))
                self._after(app, key, minutes)

        self._clockwork.push(minutes * self.minute_seconds, run)

    def _due(self, app: ForgeApp, key: str) -> Delivery:
        endpoint = next(timer.endpoint for timer in app.manifest.schedules if timer.key == key)
        return Delivery(app.installation, endpoint, ("scheduledTrigger", key), "scheduledTrigger", "", {})

    def _queue(self, delivery: Delivery) -> None:
        if len(delivery.content()) > MOST:
            self._note(delivery, None, f"larger than {MOST} bytes, and so never delivered")
            return
        for late in self._faults.lateness(delivery.event, delivery.issue_key):
            self._events.push(late, lambda: self._send(delivery))

    def _send(self, delivery: Delivery) -> Attempt:
        app = next((one for one in self._apps() if one.installation == delivery.installation), None)
        if app is None:
            return self._note(delivery, None, "the app is not installed any more")
        if self.quiet:
            return self._note(delivery, None, QUIET)
        status, reason, error = self._ask(app, delivery)
        if reason is not None and delivery.retry < MAX_RETRIES:
            again = replace(delivery, retry=delivery.retry + 1, reason=reason)
            self._events.push(self.retry_seconds, lambda: self._send(again))
        return self._note(delivery, status, error)

    def _ask(self, app: ForgeApp, delivery: Delivery) -> tuple[int | None, str | None, str]:
        """Status, the reason for a retry (None: it went well), and the error."""
        try:
            answer = self._invoke(app, delivery.endpoint, delivery.module, delivery.content(), LIMIT)
        except NoAnswer as failed:
            return failed.status, failed.reason, str(failed)
        if 200 <= answer.status < 300:
            return answer.status, None, ""
        reason = "INVALID_FORGE_INVOCATION_TOKEN" if answer.status == 401 else "INVALID_REMOTE_INVOCATION_ERROR"
        return answer.status, reason, str(answer.json)[:500]

    def _note(self, delivery: Delivery, status: int | None, error: str) -> Attempt:
        url = delivery.endpoint.base_url + (delivery.endpoint.route or "")
        attempt = Attempt(delivery.event, delivery.issue_key, url, delivery.retry, status, error, time.time())
        with self._lock:
            self._attempts.append(attempt)
            del self._attempts[:-MAX_ATTEMPTS]
        return attempt
