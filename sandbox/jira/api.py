"""What all REST answers share: one lock, JSON in and out, errors as Jira's; who is asking is `callers`' to say."""

import base64
import functools
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sandbox.calls import Calls
from sandbox.jira.callers import Caller, Operation, Who
from sandbox.jira.errors import JiraError, bad_request
from sandbox.jira.site import Site

__all__ = [
    "Answer",
    "Api",
    "Caller",
    "install_errors",
    "install_loudness",
    "json_body",
    "names",
    "number",
    "page",
    "token_at",
    "token_start",
]

Answer = tuple[Any, int] | Response
Handler = Callable[..., Answer]


class Api:
    """The operations under /rest/api/3, each with the Connect scope it needs; `blueprint` gives them an address."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._operations: list[tuple[Operation, Handler]] = []

    def route(
        self, method: str, path: str, scope: str = "READ", *, anonymous: bool = False
    ) -> Callable[[Handler], Handler]:
        """Registers `handler(site, caller, **path parts)`, which runs under the site's lock."""

        def register(handler: Handler) -> Handler:
            self._operations.append((Operation(method, path, scope, anonymous), handler))
            return handler

        return register

    def blueprint(self, name: str, prefix: str, who: Who) -> Blueprint:
        """All operations under `prefix`, answered to those whom `who` knows. Parts of the path that the prefix names are
        for `who` (in `request.view_args`), not for the handlers."""
        routes = Blueprint(name, __name__, url_prefix=prefix)
        for operation, handler in self._operations:
            endpoint = f"{operation.method} {operation.path}".replace(".", "_")
            view = _view(self.site, operation, handler, who)
            routes.add_url_rule(operation.path, endpoint, view, methods=[operation.method])
        return routes


def _view(site: Site, operation: Operation, handler: Handler, who: Who) -> Callable[..., Response]:
    @functools.wraps(handler)
    def view(**parts: str) -> Response:
        caller = who(operation)
        with site.lock:
            answer = handler(
                site, caller, **{name: part for name, part in parts.items() if f"<{name}>" in operation.path}
            )
        if isinstance(answer, Response):
            return answer
        body, status = answer
        response = jsonify(body) if body is not None else Response(status=status)
        response.status_code = status
        return response

    return view


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


def token_at(position: int) -> str:
    """A nextPageToken: opaque to the caller."""
    return base64.urlsafe_b64encode(f"at:{position}".encode()).decode()


def token_start(token: str | None) -> int:
    """Where a page begins that was asked for by its token; raises JiraError 400."""
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("at:"))
    except ValueError:
        raise bad_request("The nextPageToken is not valid.") from None


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
