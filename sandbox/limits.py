"""Rate limits as Jira Cloud has them since 2026: points an hour, requests a second, writes to one issue.

A request costs 1 point, and 1 more for each object it reads (2 for a user or group). The quota begins anew on the hour, UTC.
Every call is priced; none is refused unless a limit is set (`POST /control/limits`).
"""

import re
import threading
from collections import defaultdict, deque
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.calls import Call

PER_ISSUE = ((2.0, 20), (30.0, 100))  # seconds, writes
_NEAR = 0.2  # the share of a quota below which Jira says that the limit is near
_READING_POSTS = re.compile(r"/(search/jql|issue/bulkfetch|comment/list|permissions/check|changelog/bulkfetch)$")
_PEOPLE = re.compile(r"/rest/api/3/(user|myself|group)|/watchers$|/role/\d+$")
_LISTS = ("issues", "comments", "values", "watchers", "actors", "issueTypes", "fields", "histories", "issueChangeLogs")
_ISSUE = re.compile(r"/rest/api/3/issue/([A-Za-z][A-Za-z0-9_]*-\d+|\d+)\b")


@dataclass(frozen=True)
class Bounds:
    """What is allowed; None: as much as wanted. `points` in each `window` of seconds (an hour in Jira), `burst` requests a
    second to one endpoint, `per_issue`: 20 writes in 2 s and 100 in 30 s to one issue."""

    points: int | None = None
    burst: int | None = None
    per_issue: bool = False
    window: float = 3600.0

    def as_json(self) -> dict[str, Any]:
        """What the control API shows."""
        return asdict(self)


@dataclass(frozen=True)
class Refused:
    """Which limit was met (as faults name it) and how many seconds to wait."""

    reason: str
    seconds: float


class Limits:
    """Counts and refuses. Instants are arguments."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.set(Bounds(), 0.0)

    def set(self, bounds: Bounds, now: float) -> None:
        """From now on, with nothing used."""
        with self._lock:
            self.bounds = bounds
            self._window, self._used = now // bounds.window, 0
            self._requests: dict[str, deque[float]] = defaultdict(deque)
            self._writes: dict[str, deque[float]] = defaultdict(deque)

    def used(self, now: float) -> int:
        """Points used of the running window."""
        with self._lock:
            self._turn(now)
            return self._used

    def resets_at(self, now: float) -> float:
        """When the running window ends."""
        return (now // self.bounds.window + 1) * self.bounds.window

    def admit(self, call: Call, now: float) -> Refused | None:
        """Counts a request that comes in; which limit it meets."""
        with self._lock:
            self._turn(now)
            bounds = self.bounds
            if bounds.points is not None and self._used >= bounds.points:
                return Refused("tenant", self.resets_at(now) - now)
            if bounds.burst is not None and not _room(
                self._requests[f"{call.method} {_ISSUE.sub('{}', call.path)}"], ((1.0, bounds.burst),), now
            ):
                return Refused("burst", 1.0)
            issue = _ISSUE.match(call.path)
            if bounds.per_issue and issue and _writes(call) and not _room(self._writes[issue[1]], PER_ISSUE, now):
                return Refused("issue", 2.0)
        return None

    def charge(self, call: Call, status: int, body: Any, now: float) -> list[tuple[str, str]]:
        """Prices an answered call (`call.points`); the headers that tell what is left."""
        call.points = price(call, status, body)
        with self._lock:
            self._turn(now)
            self._used += call.points
            limit = self.bounds.points
            if limit is None:
                return []
            left = max(0, limit - self._used)
        headers = [("X-RateLimit-Limit", str(limit)), ("X-RateLimit-Remaining", str(left))]
        return headers + ([("X-RateLimit-NearLimit", "true")] if left < limit * _NEAR else [])

    def _turn(self, now: float) -> None:
        if now // self.bounds.window != self._window:
            self._window, self._used = now // self.bounds.window, 0


def price(call: Call, status: int, body: Any) -> int:
    """Points: 1, and for what was read 1 an object, 2 a user or group."""
    if status >= 300 or _writes(call):
        return 1
    return 1 + _objects(body) * (2 if _PEOPLE.search(call.path) else 1)


def _objects(body: Any) -> int:
    if isinstance(body, list):
        return len(body)
    if not isinstance(body, dict):
        return 1
    return next((len(body[name]) for name in _LISTS if isinstance(body.get(name), list)), 1)


def _writes(call: Call) -> bool:
    return call.method in ("PUT", "DELETE") or (call.method == "POST" and not _READING_POSTS.search(call.path))


def _room(past: deque[float], spans: tuple[tuple[float, int], ...], now: float) -> bool:
    """Whether one more fits into each span of seconds; if so it is noted."""
    longest = max(seconds for seconds, _ in spans)
    while past and past[0] <= now - longest:
        past.popleft()
    if any(sum(at > now - seconds for at in past) >= most for seconds, most in spans):
        return False
    past.append(now)
    return True
