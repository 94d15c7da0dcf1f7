"""One call to one tenant's Jira: signed, bounded in number, measured, its answer turned into JSON or a fault.

`common.jira` is the only module that uses it.
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from common import jira_auth, metrics, trace
from common.credentials import Credentials
from common.errors import Permanent, Temporary
from common.http import Answer, Http
from common.jira_faults import fault

_ROOT = "/rest/api/3"

Json = dict[str, Any]


class Source(Protocol):
    """Where credentials come from: the workers' `Vendor`, or connect's own store."""

    def get(self, tenant: str) -> Credentials:
        """The tenant's credentials, good now; raises a Fault."""

    def forget(self, tenant: str, used: Credentials | None = None) -> None:
        """Look them up anew next time; with `used`, only if these are the ones remembered."""


@dataclass(frozen=True, slots=True)
class Request:
    """`what` is the call in words; `template` the path with `{}` for names; path and query are percent-encoded."""

    what: str
    method: str
    template: str
    path: str
    query: str
    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)


def ask(
    what: str,
    method: str,
    template: str,
    *names: str,
    query: Mapping[str, str] | None = None,
    body: Any = None,
) -> Request:
    """A request without a body, or with a JSON body; empty query values are left out."""
    path = _ROOT + template.format(*(quote(name, safe="") for name in names))
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in (query or {}).items() if value)
    data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
    return Request(what, method, template, path, text, data, {} if data is None else {"Content-Type": _JSON})


class JiraCall:
    """Sends for one tenant, at most `parallel` at a time; who waits longer than `timeout` seconds for a turn gets
    Temporary."""

    def __init__(self, http: Http, source: Source, tenant: str, *, timeout: float, parallel: int) -> None:
        self._http = http
        self._source = source
        self._tenant = tenant
        self._timeout = timeout
        self._turns = threading.BoundedSemaphore(parallel)

    def read(self, request: Request) -> Json:
        """Ask Jira something that it answers by an object."""
        value = self._read(request)
        if not isinstance(value, dict):
            raise _stranger(request)
        return value

    def read_list(self, request: Request) -> list[Json]:
        """Ask Jira something that it answers by a list."""
        value = self._read(request)
        if not isinstance(value, list):
            raise _stranger(request)
        return value

    def write(self, request: Request) -> Any:
        """Make Jira do something, once. Temporary(maybe_done=True) says that it may have happened."""
        return self._send(request, write=True)

    def _read(self, request: Request) -> Any:
        try:
            return self._send(request, write=False)
        except Temporary as problem:
            if not problem.maybe_done:
                raise
            raise Temporary(str(problem), retry_after=problem.retry_after) from problem

    def _send(self, request: Request, *, write: bool) -> Any:
        if not self._turns.acquire(timeout=self._timeout):
            raise Temporary("Too many calls to this Jira are under way.", retry_after=1.0)
        try:
            answer = self._authorised(request)
        finally:
            self._turns.release()
        if not 200 <= answer.status < 300:
            raise fault(request.what, answer.status, answer.headers, answer.body, time.time(), write=write)
        if not answer.body.strip():
            return None
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise _stranger(request, maybe_done=write) from None

    def _authorised(self, request: Request) -> Answer:
        credentials = self._credentials()
        answer = self._once(credentials, request)
        if answer.status != 401:
            return answer
        # The secret may have been rotated since we fetched it. An answered 401 did nothing, so that even a write may
        # go out again, signed with the newer secret; if there is none newer, the 401 stands (as Unauthorised).
        self._source.forget(self._tenant, credentials)
        newer = self._credentials()
        if _signed_by(newer) == _signed_by(credentials):
            return answer
        return self._once(newer, request)

    def _credentials(self) -> Credentials:
        """What the source says; its faults must not pass for answers of Jira: nothing was sent, no 404 is an issue's."""
        try:
            return self._source.get(self._tenant)
        except Temporary as problem:
            raise Temporary(str(problem), retry_after=problem.retry_after) from problem
        except Permanent as problem:
            raise Permanent(str(problem), remedy=problem.remedy) from problem

    def _once(self, credentials: Credentials, request: Request) -> Answer:
        method, path, query = request.method, request.path, request.query
        headers = {
            "Accept": _JSON,
            **request.headers,
            "Authorization": jira_auth.authorization(credentials, method, path, query, time.time()),
        }
        url = credentials.base_url.rstrip("/") + path + (f"?{query}" if query else "")
        started, status = time.monotonic(), "0"
        try:
            with trace.span(f"Jira {method} {request.template}"):
                answer = self._http.send(method, url, headers, request.body, timeout=self._timeout)
            status = str(answer.status)
            return answer
        finally:
            metrics.JIRA_CALLS.labels(method, request.template, status).inc()
            metrics.JIRA_ANSWERS.labels(self._tenant, _class(status)).inc()
            metrics.JIRA_CALL_SECONDS.labels(method, request.template).observe(time.monotonic() - started)


def _signed_by(credentials: Credentials) -> tuple[str, str, str, str | None]:
    return credentials.scheme, credentials.base_url, credentials.secret, credentials.email


def _class(status: str) -> str:
    """What is counted for each tenant: few enough to keep a series each."""
    return {"0": "none", "429": "429"}.get(status, f"{status[0]}xx")


def _stranger(request: Request, *, maybe_done: bool = False) -> Temporary:
    # Jira's answers have a known shape: something in front of it spoke (a login page, a proxy).
    return Temporary(f"Something other than Jira answered when asked to {request.what}.", maybe_done=maybe_done)


_JSON = "application/json"
