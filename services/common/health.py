"""The three answers every process gives to its operator: /healthz, /readyz, /metrics."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from common import log, metrics
from common.errors import Fault

Check = Callable[[], object]
"""Raises when what it stands for is unwell; a Fault's sentence is shown to the operator."""

PATHS = ("/healthz", "/readyz", "/metrics")
_logger = log.get(__name__)


def answer(path: str, checks: Mapping[str, Check]) -> tuple[int, str, bytes]:
    """Status, media type and body for one of PATHS; anything else is 404."""
    if path == "/healthz":
        return 200, "application/json", b'{"status":"alive"}'
    if path == "/readyz":
        failed = {name: reason for name, check in checks.items() if (reason := _why_unwell(name, check))}
        body = {"status": "unready" if failed else "ready", "checks": sorted(checks), "failed": failed}
        return (503 if failed else 200), "application/json", json.dumps(body, ensure_ascii=False).encode()
    if path == "/metrics":
        return 200, metrics.CONTENT_TYPE, metrics.render()
    return 404, "application/json", b'{"status":"no such path"}'


def wsgi_app(checks: Mapping[str, Check]) -> Callable[[Mapping[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """The three answers as a WSGI application, for processes without a web API of their own."""

    def app(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, kind, body = answer(environ.get("PATH_INFO", "/"), checks)
        reasons = {200: "OK", 404: "Not Found", 503: "Service Unavailable"}
        start_response(f"{status} {reasons[status]}", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    return app


def _why_unwell(name: str, check: Check) -> str:
    try:
        check()
    except Fault as fault:
        return log.redact(str(fault)) or type(fault).__name__
    except Exception as error:
        _logger.exception("check_broke", check=name)
        return type(error).__name__
    return ""
