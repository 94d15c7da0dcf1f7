"""The frame of every web process: a Flask application with health, errors, request ids, limits and page sessions.

    app, api = create_app("inbound", checks, api_title="Mailbridge inbound", session_keys=keys)
    mailboxes = Blueprint("mailboxes", __name__, url_prefix="/api/inbound/mailboxes")
    mailboxes.before_request(check_session)       # 401 and 403 before anything of the request is read
    …or check_project_session, check_issue_session where more people than Jira's administrators may come in
    …in a view: current_session().tenant
    api.register_blueprint(mailboxes)

OpenAPI 3 is served at /api/<service>/openapi.json.
"""

import re
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import marshmallow
from flask import Flask, Response, current_app, g, request
from flask_smorest import Api, Blueprint
from werkzeug.exceptions import HTTPException

from common import health, log, metrics, openapi, problems, trace
from common.errors import Fault
from common.ids import new_id
from common.problems import Problem
from common.session_keys import SessionKeys, fetch_from_connect
from common.sessions import BadSession, Session

__all__ = [
    "Blueprint",
    "Problem",
    "SessionKeys",
    "check_issue_session",
    "check_project_session",
    "check_session",
    "create_app",
    "current_session",
    "fetch_from_connect",
    "require_session",
    "takes_any_body",
]

P = ParamSpec("P")
R = TypeVar("R")

_BODY_LIMIT = 1 << 20
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_KEYS = "mailbridge_session_keys"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_logger = log.get(__name__)


def create_app(
    service: str,
    checks: Mapping[str, health.Check],
    *,
    api_title: str,
    session_keys: SessionKeys | None = None,
    body_limit: int = _BODY_LIMIT,
) -> tuple[Flask, Api]:
    """An application with /healthz, /readyz, /metrics and an empty API.

    checks: by name, what must hold for /readyz to say 200. session_keys: needed by `current_session`.
    body_limit: octets a request body may have. Views may set any of the security headers themselves.
    """
    trace.named(f"{service}-app")
    app = Flask(service, static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=body_limit,
        API_TITLE=api_title,
        API_VERSION="1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX=f"/api/{service}",
    )
    app.extensions[_KEYS] = session_keys
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_forget)
    api = _ProblemApi(app)
    app.register_error_handler(Problem, problems.render)
    app.register_error_handler(Fault, lambda fault: problems.render(problems.from_fault(fault)))
    app.register_error_handler(Exception, lambda error: problems.render(problems.from_bug(error)))
    for path in health.PATHS:
        app.add_url_rule(path, path.strip("/"), _health_view(path, checks))
    return app, api


def current_session(*, admin: bool = True, project: bool = False, issue: bool = False) -> Session:
    """Who sent this request, by `Authorization: Bearer <page session>` or `X-Mailbridge-Session: <page session>`.

    Who administers Jira may come in always; with `project` also the administrator of one project (`session.project` is
    its id), with `issue` also who looks at one issue (`session.issue`): the caller compares these ids. `admin=False`
    takes everybody with a session.
    Raises Problem: 401 when it is missing, malformed, expired or forged, 403 when the person may not come in,
    503 while connect's keys were never had.
    """
    session: Session | None = g.get("session")
    if session is None:
        session = g.session = _verified_session()
        g.bound.append(log.bind(tenant=session.tenant))
    invited = (project and session.project is not None) or (issue and session.issue is not None)
    if admin and not session.admin and not invited:
        others = " or this project" if project else ""
        raise Problem(403, detail=f"Only people who administer Jira{others} may use this page.")
    return session


def check_session() -> None:
    """`current_session` as a `before_request` function of a blueprint."""
    current_session()


def check_project_session() -> None:
    """`check_session` for what a project's administrator may do too; the views compare `session.project`."""
    current_session(project=True)


def check_issue_session() -> None:
    """`check_session` for what anybody may see who looks at an issue; the views compare `session.issue`."""
    current_session(issue=True)


_CHECKS = (check_session, check_project_session, check_issue_session)


def require_session(view: Callable[P, R]) -> Callable[P, R]:
    """A decorator for single views, outermost: nothing of the request is read before the session holds."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        current_session()
        return view(*args, **kwargs)

    return guarded


def takes_any_body(view: Callable[P, R]) -> Callable[P, R]:
    """A decorator for views under /api/ whose callers are no pages of ours: they send other bodies than JSON, which the view
    reads itself, and may carry a secret in the address, which then does not stand in the log. It goes below the route's."""
    view.takes_any_body = True  # type: ignore[attr-defined]
    return view


def _is_open() -> bool:
    return getattr(current_app.view_functions.get(request.endpoint or ""), "takes_any_body", False)


def _verified_session() -> Session:
    token = _token()
    if not token:
        raise _unauthorized("This address needs a page session: send Authorization: Bearer <session>.")
    keys: SessionKeys | None = current_app.extensions[_KEYS]
    if keys is None:
        raise RuntimeError("create_app was given no session_keys")
    try:
        return keys.verify(token, time.time())
    except BadSession as error:
        raise _unauthorized(f"{error} {error.remedy}") from error


def _token() -> str:
    # Forge fills Authorization with a token of its own on the way here, so a header of ours goes first.
    own = request.headers.get("X-Mailbridge-Session", "").strip()
    if own:
        return own
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail=detail, headers={"WWW-Authenticate": "Bearer"})


class ProblemSchema(marshmallow.Schema):
    """How problems.render looks, for the OpenAPI document."""

    type = marshmallow.fields.String(required=True)
    title = marshmallow.fields.String(required=True)
    status = marshmallow.fields.Integer(required=True)
    detail = marshmallow.fields.String(required=True)
    request_id = marshmallow.fields.String(required=True)
    errors = marshmallow.fields.Dict(
        keys=marshmallow.fields.String(),
        values=marshmallow.fields.List(marshmallow.fields.String()),
        required=True,
        metadata={"description": "by field, sentences that name the remedy"},
    )


class _ProblemApi(Api):  # type: ignore[misc]
    """flask-smorest with our one shape for errors, documented by common/openapi.py."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        self._problems = openapi.Problems()
        super().__init__(app, spec_kwargs={"extra_plugins": [self._problems]})
        for name, scheme in openapi.SECURITY.items():
            self.spec.components.security_scheme(name, scheme)

    def register_blueprint(self, blp: Blueprint, **options: Any) -> None:
        """Register it, and note in its documentation whether it needs a session."""
        before = blp.before_request_funcs.get(None, ())
        self._problems.session = any(check in before for check in _CHECKS)
        super().register_blueprint(blp, **options)

    def handle_http_exception(self, error: HTTPException) -> Any:
        if error.code is not None and error.code < 400:
            return error  # a redirect to the address with its slash
        return problems.render(problems.from_http(error))


def _health_view(path: str, checks: Mapping[str, health.Check]) -> Callable[[], Response]:
    def view() -> Response:
        status, kind, body = health.answer(path, checks)
        return Response(body, status, content_type=kind)

    return view


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
