"""One call to one tenant's Jira: signed, bounded in number, measured, its answer turned into JSON or a fault.

`common.jira` is the only module that uses it.
"""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from common import jira_auth, jira_limits, log, metrics, trace
from common.credentials import Credentials
from common.errors import Permanent, PersonRefused, Temporary, Unauthorised
from common.http import Answer, Http
from common.jira_faults import fault, lacks_scope
from common.jira_request import JSON, Json, Request

LOOKUPS = frozenset(
    {
        ("GET", "/user"),
        ("GET", "/user/search"),
        ("GET", "/user/groups"),
        ("GET", "/project/{}/role"),
        ("GET", "/project/{}/role/{}"),
        ("POST", "/permissions/check"),
    }
)
"""All that is ever asked as the look-up user (method and template): it finds people and judges rights, nothing else."""

_REFUSALS = (400, 403, 404)

_log = log.get(__name__)


class Source(Protocol):
    """Where credentials come from: the workers' `Vendor`, or connect's own store."""

    def get(self, tenant: str) -> Credentials:
        """The tenant's credentials, good now; raises a Fault."""

    def forget(self, tenant: str, used: Credentials | None = None) -> None:
        """Look them up anew next time; with `used`, only if these are the ones remembered."""

    def person(self, tenant: str, account_id: str) -> Credentials | None:
        """Those for a call in a person's own name; None if no token of theirs can be had."""

    def forget_person(self, tenant: str, account_id: str) -> None:
        """Jira refused the person's token: ask for another next time."""


class JiraCall:
    """Sends for one tenant, at most `parallel` at a time; who waits longer than `timeout` seconds for a turn gets
    Temporary."""

    def __init__(self, http: Http, source: Source, tenant: str, *, timeout: float, parallel: int) -> None:
        self._http = http
        self._source = source
        self._tenant = tenant
        self._timeout = timeout
        self._turns = threading.BoundedSemaphore(parallel)

    def scheme(self) -> str:
        """The scheme by which this tenant's Jira is called now: not every operation is open to each."""
        return self._credentials().scheme

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

    def look(self, request: Request, enough: Callable[[Any], bool] = bool) -> Any:
        """Ask as the app; where it is refused or its answer is not `enough`, as the look-up user, if there is one.

        What the look-up user is refused counts for nothing: then the app's answer, or its fault, stands. `request` is
        one of LOOKUPS.
        """
        try:
            answer = self._read(request)
        except Permanent as refusal:
            seen = self.look_only(request) if refusal.status in _REFUSALS else None
            if seen is None:
                raise
            return seen
        if enough(answer):
            return answer
        seen = self.look_only(request)
        return answer if seen is None else seen

    def look_only(self, request: Request) -> Any:
        """What the look-up user is told; None if there is none, its token no longer works, or Jira refuses it."""
        if (request.method, request.template) not in LOOKUPS:
            raise ValueError(f"The look-up user may not be used to {request.what}.")
        credentials = self._credentials().as_lookup()
        if credentials is None:
            return None
        try:
            return self._value(request, self._turn(lambda: self._once(credentials, request)), write=False)
        except Unauthorised:
            # Its token ended: what the app itself sees must do, and the page tells the administrator.
            _log.warning("look_up_user_refused", tenant=self._tenant)
            return None
        except Permanent:
            return None
        except Temporary as problem:
            raise Temporary(str(problem), retry_after=problem.retry_after) from problem

    def write(self, request: Request) -> Any:
        """Make Jira do something, once. Temporary(maybe_done=True) says that it may have happened."""
        return self._send(request, write=True)

    def write_as(self, account_id: str, request: Request) -> Any:
        """The same in a person's own name; PersonRefused if there is no token of theirs, or Jira answers them with no."""
        try:
            credentials = self._source.person(self._tenant, account_id)
        except Temporary as problem:
            raise Temporary(str(problem), retry_after=problem.retry_after) from problem
        except Permanent as problem:
            raise Permanent(str(problem), remedy=problem.remedy) from problem
        if credentials is None:
            raise PersonRefused("Mailbridge may not act in this person's name.")
        try:
            return self._value(request, self._turn(lambda: self._once(credentials, request)), write=True)
        except Unauthorised as refusal:
            self._source.forget_person(self._tenant, account_id)
            raise PersonRefused(str(refusal), status=401) from refusal
        except Permanent as refusal:
            # Jira answers a missing right by 400, 403 or 404. What is wrong with the request itself it says to the app too.
            raise PersonRefused(str(refusal), status=refusal.status) from refusal

    def _read(self, request: Request) -> Any:
        try:
            return self._send(request, write=False)
        except Temporary as problem:
            if not problem.maybe_done:
                raise
            raise Temporary(str(problem), retry_after=problem.retry_after) from problem

    def _send(self, request: Request, *, write: bool) -> Any:
        return self._value(request, self._turn(lambda: self._authorised(request)), write=write)

    def _turn(self, send: Callable[[], Answer]) -> Answer:
        if not self._turns.acquire(timeout=self._timeout):
            raise Temporary("Too many calls to this Jira are under way.", retry_after=1.0)
        try:
            return send()
        finally:
            self._turns.release()

    def _value(self, request: Request, answer: Answer, *, write: bool) -> Any:
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
        if answer.status != 401 or lacks_scope(answer.body):
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
            "Accept": JSON,
            **request.headers,
            "Authorization": jira_auth.authorization(credentials, method, path, query, time.time()),
        }
        url = credentials.base_url.rstrip("/") + path + (f"?{query}" if query else "")
        started, status = time.monotonic(), "0"
        try:
            with trace.span(f"Jira {method} {request.template}"):
                answer = self._http.send(method, url, headers, request.body, timeout=self._timeout)
            status = str(answer.status)
            self._note_limits(answer)
            return answer
        finally:
            metrics.JIRA_CALLS.labels(method, request.template, status).inc()
            metrics.JIRA_ANSWERS.labels(self._tenant, _class(status)).inc()
            metrics.JIRA_CALL_SECONDS.labels(method, request.template).observe(time.monotonic() - started)

    def _note_limits(self, answer: Answer) -> None:
        if jira_limits.near(answer.headers):
            metrics.JIRA_NEAR_LIMIT.labels(self._tenant).inc()
        left = jira_limits.remaining(answer.headers)
        if left is not None:
            metrics.JIRA_LIMIT_LEFT.labels(self._tenant).set(left)


def _signed_by(credentials: Credentials) -> tuple[str, str, str, str | None]:
    return credentials.scheme, credentials.base_url, credentials.secret, credentials.email


def _class(status: str) -> str:
    """What is counted for each tenant: few enough to keep a series each."""
    return {"0": "none", "429": "429"}.get(status, f"{status[0]}xx")


def _stranger(request: Request, *, maybe_done: bool = False) -> Temporary:
    # Jira's answers have a known shape: something in front of it spoke (a login page, a proxy).
    return Temporary(f"Something other than Jira answered when asked to {request.what}.", maybe_done=maybe_done)
