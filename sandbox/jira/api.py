"""What all REST answers share: who is asking (Connect JWT and scope), one lock, JSON in and out, errors as Jira's."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sandbox.calls import Call, Calls
from sandbox.jira.errors import JiraError, bad_request
from sandbox.jira.model import Installation
from sandbox.jira.site import Site
from sandbox.jira.tokens import check_app_token

_CONTAINS = {  # which scopes a scope includes
    "ADMIN": {"ADMIN", "PROJECT_ADMIN", "DELETE", "WRITE", "READ"},
    "PROJECT_ADMIN": {"PROJECT_ADMIN", "DELETE", "WRITE", "READ"},
    "DELETE": {"DELETE", "WRITE", "READ"},
    "WRITE": {"WRITE", "READ"},
}


@dataclass(frozen=True)
class Caller:
    """Who asks: the app, its account, and the trace it wants echoed in webhooks."""

    app: Installation
    account: str
    trace: str | None


Answer = tuple[Any, int] | Response
Handler = Callable[..., Answer]


class Api:
    """Routes under /rest/api/3, each with the Connect scope it needs."""

    def __init__(self, site: Site, calls: Calls) -> None:
        self.site = site
        self.calls = calls
        self.blueprint = Blueprint("rest", __name__, url_prefix="/rest/api/3")

    def route(self, method: str, path: str, scope: str = "READ") -> Callable[[Handler], Handler]:
        """Registers `handler(site, caller, **path parts)`, which runs under the site's lock."""

        def register(handler: Handler) -> Handler:
            @functools.wraps(handler)
            def view(**parts: str) -> Response:
                caller = self._caller(scope)
                with self.site.lock:
                    answer = handler(self.site, caller, **parts)
                if isinstance(answer, Response):
                    return answer
                body, status = answer
                response = jsonify(body) if body is not None else Response(status=status)
                response.status_code = status
                return response

            endpoint = f"{method} {path}".replace(".", "_")
            self.blueprint.add_url_rule(path, endpoint, view, methods=[method])
            return handler

        return register

    def _caller(self, scope: str) -> Caller:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "JWT":
            token = request.args.get("jwt", "")
        if not token:
            raise JiraError(401, "Client must be authenticated to access this resource.")
        url = request.environ["REQUEST_URI"]  # as it was sent and signed, nothing decoded
        app = check_app_token(token, self.site.installations, request.method, url, self.site.clock())
        call: Call = request.environ["sandbox.call"]
        call.who, call.app = app.account_id, app.app_key
        granted = set().union(*(_CONTAINS.get(given, {given}) for given in app.scopes))
        if scope not in granted:
            raise JiraError(403, f"The app {app.app_key} does not have the scope {scope}.")
        return Caller(app, app.account_id, call.trace)


def install_errors(app: Flask, calls: Calls) -> None:
    """Jira's error bodies; an endpoint nobody answers is a violation."""

    @app.errorhandler(JiraError)
    def refuse(error: JiraError) -> tuple[Response, int]:
        return jsonify(error.body()), error.status

    @app.errorhandler(404)
    @app.errorhandler(405)
    def unknown(error: Any) -> tuple[Response, int]:
        call = request.environ.get("sandbox.call")
        if call is None:
            return jsonify({"error": f"There is no {request.method} {request.path} here."}), error.code
        calls.violate(call, [f"the sandbox does not answer {request.method} {request.path}"])
        return jsonify({"errorMessages": [f"No endpoint {request.method} {request.path}"], "errors": {}}), error.code


def install_loudness(app: Flask, calls: Calls) -> None:
    """A fault of the sandbox itself is answered 500, written to standard error, and a violation, so that no test passes by it."""

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[Response, int]:
        if isinstance(error, HTTPException):
            return jsonify({"errorMessages": [error.description], "errors": {}}), error.code or 500
        app.logger.exception("the sandbox failed at %s %s", request.method, request.path)
        call = request.environ.get("sandbox.call")
        if call is not None:
            calls.violate(call, [f"the sandbox itself failed: {error!r}"])
        return jsonify({"errorMessages": [f"The sandbox failed: {error!r}"], "errors": {}}), 500


def json_body() -> dict[str, Any]:
    """The request's JSON object; raises JiraError 400."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise bad_request("There was an error parsing JSON. Check that your request body is valid.")
    return body


def names(parameter: str) -> list[str]:
    """A query parameter of names: repeated, comma-separated, or both."""
    return [name.strip() for given in request.args.getlist(parameter) for name in given.split(",") if name.strip()]


def number(parameter: str, default: int, most: int) -> int:
    """A query parameter that is a whole number; Jira cuts what is too large."""
    text = request.args.get(parameter, str(default))
    try:
        value = int(text)
    except ValueError:
        raise bad_request(f"The value of {parameter} is not a number.") from None
    if value < 0:
        raise bad_request(f"The value of {parameter} must not be negative.")
    return min(value, most)


def page(site: Site, values: list[Any], start: int, most: int, key: str = "values") -> dict[str, Any]:
    """A page of a list, as Jira's PageBean."""
    part = values[start : start + most]
    query = request.query_string.decode()
    return {
        "self": f"{site.base_url}{request.path}" + (f"?{query}" if query else ""),
        "maxResults": most,
        "startAt": start,
        "total": len(values),
        "isLast": start + most >= len(values),
        key: part,
    }
