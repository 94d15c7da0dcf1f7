"""The frame of every web process: a Flask application with health, errors, request ids, limits and page sessions.

    app, api = create_app("inbound", checks, api_title="Mailbridge inbound", session_keys=keys)
    mailboxes = Blueprint("mailboxes", __name__, url_prefix="/api/inbound/mailboxes")
    mailboxes.before_request(check_session)       # 401 and 403 before anything of the request is read
    …or check_project_session, check_issue_session where more people than Jira's administrators may come in
    …in a view: current_session().tenant
    api.register_blueprint(mailboxes)

OpenAPI 3 is served at /api/<service>/openapi.json.
"""

from collections.abc import Callable, Mapping
from typing import Any

import marshmallow
from flask import Flask, Response
from flask_smorest import Api, Blueprint
from werkzeug.exceptions import HTTPException

from common import health, openapi, problems, trace
from common.errors import Fault
from common.problems import Problem
from common.session_keys import SessionKeys, fetch_from_connect
from common.web_request import surround, takes_any_body
from common.web_session import (
    CHECKS,
    KEYS,
    check_issue_session,
    check_project_session,
    check_session,
    current_session,
    require_session,
)

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

_BODY_LIMIT = 1 << 20


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
    app.extensions[KEYS] = session_keys
    surround(app)
    api = _ProblemApi(app)
    app.register_error_handler(Problem, problems.render)
    app.register_error_handler(Fault, lambda fault: problems.render(problems.from_fault(fault)))
    app.register_error_handler(Exception, lambda error: problems.render(problems.from_bug(error)))
    for path in health.PATHS:
        app.add_url_rule(path, path.strip("/"), _health_view(path, checks))
    return app, api


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
        self._problems.session = any(check in before for check in CHECKS)
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
