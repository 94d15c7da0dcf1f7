"""What surrounds each request to a web process: its id and trace, the security headers, the log line and the metrics."""

import re
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import Flask, Response, current_app, g, request

from common import health, log, metrics, trace
from common.ids import new_id
from common.problems import Problem

P = ParamSpec("P")
R = TypeVar("R")

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_logger = log.get(__name__)


def surround(app: Flask) -> None:
    """Do it for every request to this application."""
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_forget)


def takes_any_body(view: Callable[P, R]) -> Callable[P, R]:
    """A decorator for views under /api/ whose callers are no pages of ours: they send other bodies than JSON, which the view
    reads itself, and may carry a secret in the address, which then does not stand in the log. It goes below the route's."""
    view.takes_any_body = True  # type: ignore[attr-defined]
    return view


def _is_open() -> bool:
    return getattr(current_app.view_functions.get(request.endpoint or ""), "takes_any_body", False)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    request_id = given if _SANE_ID.fullmatch(given) else new_id()
    parent = trace.parent_of(request.headers.get("traceparent"))
    trace.request_id.set(request_id)
    trace.traceparent.set(parent)
    g.bound = [log.bind(request=request_id)]
    if request.path not in health.PATHS:
        g.span = trace.span(_name(), "server", parent=parent)
        g.span.__enter__()
    g.started = time.monotonic()
    if request.path.startswith("/api/") and request.content_length and not request.is_json and not _is_open():
        raise Problem(415)


def _finish(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure or request.headers.get("X-Forwarded-Proto") == "https":
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if "started" in g:
        response.headers["X-Request-Id"] = trace.request_id.get() or ""
        _account(response, time.monotonic() - g.started)
    return response


def _name() -> str:
    return f"{request.method} {request.url_rule.rule}" if request.url_rule else "unknown"


def _account(response: Response, seconds: float) -> None:
    if request.path in health.PATHS:
        return
    route = request.url_rule.rule if request.url_rule else "unknown"
    # A method is the caller's text until a route has matched it.
    method = request.method if request.url_rule else "unknown"
    metrics.HTTP_REQUESTS.labels(method, route, str(response.status_code)).inc()
    metrics.HTTP_SECONDS.labels(method, route).observe(seconds)
    trace.note(status=response.status_code, **({"error": response.status} if response.status_code >= 500 else {}))
    _logger.info(
        "request",
        method=request.method,
        path=route if _is_open() else request.path,  # never the query: it may hold addresses and tokens
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
    )


def _forget(_error: BaseException | None) -> None:
    """Worker threads serve many requests: nothing of this one may stay behind."""
    if "span" in g:
        g.span.__exit__(None, None, None)
    trace.request_id.set(None)
    trace.traceparent.set(None)
    for bound in reversed(g.get("bound", [])):
        bound.__exit__(None, None, None)
