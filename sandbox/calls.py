"""What Jira was asked: every REST call, and every way in which a call was not one that Jira knows."""

import threading
from dataclasses import asdict, dataclass
from typing import Any

MAX_CALLS = 50_000


@dataclass
class Call:
    """One REST call. `body`: JSON, or a summary of a multipart body. `status`: None while it hangs or was cut. `how` it was
    authorised: connect, basic, forge, anonymous. `points`: what it cost of an hour's quota."""

    number: int
    method: str
    path: str
    query: str
    body: Any
    at: float
    status: int | None = None
    seconds: float | None = None
    who: str | None = None
    app: str | None = None
    how: str | None = None
    points: int = 0
    fault: str | None = None
    trace: str | None = None

    @property
    def time(self) -> float:
        """The instant, under the name the control API gives it."""
        return self.at

    def as_json(self) -> dict[str, Any]:
        """What the control API shows."""
        shown = asdict(self)
        shown["time"] = shown.pop("at")
        return shown


class Calls:
    """The calls in order, and the violations."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._calls: list[Call] = []
        self._violations: list[dict[str, Any]] = []

    def begin(self, method: str, path: str, query: str, body: Any, at: float, trace: str | None) -> Call:
        """Note a call as it comes in."""
        with self._lock:
            self._number += 1
            call = Call(self._number, method, path, query, body, at, trace=trace)
            self._calls.append(call)
            del self._calls[:-MAX_CALLS]
            return call

    def violate(self, call: Call, problems: list[str]) -> None:
        """Note that a call is not one that Jira knows, or not in this form."""
        with self._lock:
            self._violations += [
                {"call": call.number, "method": call.method, "path": call.path, "query": call.query, "problem": problem}
                for problem in problems
            ]

    def all(self, since: int = 0) -> list[Call]:
        """The calls with a number above `since`."""
        with self._lock:
            return [call for call in self._calls if call.number > since]

    def violations(self) -> list[dict[str, Any]]:
        """The violations so far."""
        with self._lock:
            return list(self._violations)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._calls, self._violations = [], []
