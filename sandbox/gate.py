"""The way in for REST calls (WSGI): notes each call, holds it against Atlassian's contract, and plays the faults.

What must cut the connection or keep silent does it by `http_server`, which has the socket.
"""

import io
import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from sandbox import contract
from sandbox.calls import Call, Calls
from sandbox.faults import ANSWERS, HTTP_KINDS, Fault, Faults
from sandbox.http_server import Environ, Wsgi, cut, hold
from sandbox.jira.instants import utc_time
from sandbox.limits import Limits

Answer = tuple[str, list[tuple[str, str]], bytes]
_REST = re.compile(r"(?:/ex/jira/[^/]+)?(/rest/.*)")


class Gate:
    """Wraps the Flask application; `closing` ends every wait when the sandbox stops."""

    def __init__(
        self, app: Wsgi, calls: Calls, faults: Faults, limits: Limits, closing: threading.Event, strict: bool
    ) -> None:
        self._app = app
        self._limits = limits
        self._calls = calls
        self._faults = faults
        self._closing = closing
        self._strict = strict

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Anything but REST passes untouched; REST by api.atlassian.com's address is judged as REST at the site's own."""
        rest = _REST.match(environ.get("PATH_INFO", ""))
        if rest is None:
            return self._app(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        raw = environ["wsgi.input"].read(length)
        if len(raw) < length:  # the app died in mid-sentence: no web server hands half a request on
            cut(environ)
        call = self._note(environ, rest[1], raw)
        refused = self._limits.admit(call, call.at)
        fault = self._faults.draw(HTTP_KINDS, f"{call.method} {call.path}") if refused is None else None
        call.fault = fault.kind if fault else None
        if refused is None:
            status, headers, body = self._answer(environ, call, fault)
            headers = [*headers, *self._limits.charge(call, int(status[:3]), _parsed(headers, body), time.time())]
        else:
            status, headers, body = _limited(refused.reason, refused.seconds, call.at, self._limits.bounds.points)
        call.status, call.seconds = int(status[:3]), time.time() - call.at
        start_response(status, headers)
        return [body]

    def _note(self, environ: Environ, path: str, raw: bytes) -> Call:
        environ["wsgi.input"] = io.BytesIO(raw)
        body, judged = _body(environ.get("CONTENT_TYPE", ""), raw)
        method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
        trace = environ.get("HTTP_X_ATLASSIAN_WEBHOOK_TRACE")
        call = self._calls.begin(method, path, query, body, time.time(), trace)
        environ["sandbox.call"] = call
        if self._strict:
            unsigned = "&".join(pair for pair in query.split("&") if pair and not pair.startswith("jwt="))
            url = path + ("?" + unsigned if unsigned else "")
            self._calls.violate(call, contract.request_problems(method, url, judged))
        return call

    def _answer(self, environ: Environ, call: Call, fault: Fault | None) -> Answer:
        if fault is None:
            return self._ask(environ)
        if fault.kind in ANSWERS:
            return _refusal(fault, call)
        if fault.kind == "slow":
            self._closing.wait(fault.seconds)
            return self._ask(environ)
        if fault.kind.endswith("_after_write"):
            answer = self._ask(environ)
            call.status = int(answer[0][:3])  # what Jira did, though the app never hears of it
            if call.status >= 400:  # nothing was written: the refusal is the truth
                return answer
        if fault.kind == "500_after_write":
            return _refusal(Fault("500", 1, 0, ""), call)
        if fault.kind.startswith("timeout"):
            hold(environ, fault.seconds, self._closing)
        return cut(environ)

    def _ask(self, environ: Environ) -> Answer:
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _info: Any = None) -> None:
            head[:] = [status, headers]

        answered = self._app(environ, start_response)
        try:
            body = b"".join(answered)
        finally:
            close = getattr(answered, "close", None)
            if close:
                close()
        return head[0], head[1], body


def _refusal(fault: Fault, call: Call) -> Answer:
    if fault.kind == "429":
        return _limited(fault.reason, fault.seconds, call.at, None)
    words = {"500": "Internal Server Error", "502": "Bad Gateway",
             "503": "Service Unavailable", "504": "Gateway Timeout"}[fault.kind]  # fmt: skip
    headers = [("Retry-After", str(max(1, round(fault.seconds))))] if fault.kind == "503" else []
    return _said(f"{fault.kind} {words}", headers, f"The sandbox was told to answer {fault.kind}.")


def _limited(reason: str, seconds: float, now: float, quota: int | None) -> Answer:
    return _said("429 Too Many Requests", limit_headers(reason, seconds, now, quota), "Rate limit exceeded.")


def _said(status: str, headers: list[tuple[str, str]], message: str) -> Answer:
    body = json.dumps({"errorMessages": [message], "errors": {}}).encode()
    form = [("Content-Type", "application/json;charset=UTF-8"), ("Content-Length", str(len(body)))]
    return status, [*form, *headers], body


def limit_headers(reason: str, seconds: float, now: float, quota: int | None = None) -> list[tuple[str, str]]:
    """The headers of a 429 for each kind of limit, as Atlassian documents them. `quota`: points, where one is set."""
    wait = max(1, math.ceil(seconds))
    headers = [("Retry-After", str(wait))]
    if reason == "tenant":
        return [
            *headers,
            ("X-RateLimit-Limit", str(100 if quota is None else quota)),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", utc_time(now + wait)),
            ("X-RateLimit-NearLimit", "true"),
            ("RateLimit-Reason", "jira-quota-tenant-based"),
        ]
    if reason == "global":
        return [
            *headers,
            ("RateLimit-Policy", '"global-app-quota";q=65000;w=3600'),
            ("RateLimit", f'"global-app-quota";r=0;t={wait}'),
            ("RateLimit-Reason", "jira-quota-global-based"),
        ]
    return [*headers, ("RateLimit-Reason", "jira-per-issue-on-write" if reason == "issue" else "jira-burst-based")]


def _parsed(headers: list[tuple[str, str]], body: bytes) -> Any:
    """A JSON answer read; None for any other."""
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    return json.loads(body) if body and kind.startswith("application/json") else None


def _body(content_type: str, raw: bytes) -> tuple[Any, Any]:
    """What to note of a body, and what to judge of it; multipart is judged by its form alone."""
    if not raw:
        return None, None
    if content_type.startswith("multipart/"):
        return {"multipart": True, "size": len(raw)}, {}
    try:
        parsed = json.loads(raw)
    except ValueError:
        return raw[:2000].decode("utf-8", "replace"), raw[:2000].decode("utf-8", "replace")
    return parsed, parsed
