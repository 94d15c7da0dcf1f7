"""What every route's OpenAPI entry says about errors, in one place: which problems may come, always as problem+json.

A view names only what is its own (`alt_response(409, …)`); the frame knows the rest: a session that is missing, a body that
cannot be read, an address that names nothing, a Jira or a database that does not answer.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import apispec

from common.problems import MEDIA_TYPE

_SESSION = (401, 403)
_PATH = (404,)
_BODY = (400, 413, 415, 422)
_QUERY = (422,)
_OTHERS_AWAY = (502, 503)
_DESCRIPTIONS = {
    401: "No page session, or one that has expired.",
    403: "The session is not for this.",
    404: "There is no such thing here.",
    502: "Jira refused what Mailbridge asked of it.",
    503: "Jira or the database does not answer: try again after Retry-After seconds.",
}
SECURITY = {
    "session": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "sessionHeader": {"type": "apiKey", "in": "header", "name": "X-Mailbridge-Session"},
}
"""The two headers in which a page session may come."""

OR_NULL = {"x-or-null": True}
"""For a view whose answer may be null: `@pages.doc(**OR_NULL)`."""

PAGE = {"x-page": True}
"""For a view that answers people, not our page: everything it says is HTML."""


class Problems(apispec.BasePlugin):
    """Completes each operation. `session`: the operations that come next need a page session."""

    session = False

    def operation_helper(self, path: str | None = None, operations: dict[str, Any] | None = None, **_: object) -> None:
        """Adds the problems that the frame raises and gives all problems their one shape."""
        for operation in (operations or {}).values():
            if self.session:
                operation["security"] = [{name: []} for name in SECURITY]
            if operation.pop("x-or-null", False):
                _or_null(operation)
            shaped = _as_page if operation.pop("x-page", False) else _as_problem
            responses: dict[str, Any] = {str(int(code)): said for code, said in operation.get("responses", {}).items()}
            for status in self._expected(path or "", operation):
                responses.setdefault(str(status), {"description": _description(status)})
            operation["responses"] = {code: shaped(code, said) for code, said in sorted(responses.items())}

    def _expected(self, path: str, operation: Mapping[str, Any]) -> list[int]:
        expected = list(_OTHERS_AWAY)
        expected += _SESSION if self.session else ()
        expected += _PATH if "{" in path else ()
        expected += _BODY if "requestBody" in operation else ()
        expected += _QUERY if operation.get("parameters") else ()
        return expected


def _or_null(operation: Mapping[str, Any]) -> None:
    for said in operation["responses"].values():
        for content in said.get("content", {}).values() if isinstance(said, dict) else ():
            content["schema"] = {"allOf": [content["schema"]], "nullable": True}


def _as_problem(code: str, said: Any) -> Any:
    if int(code) < 400:
        return said
    told = said.get("description") if isinstance(said, Mapping) else None
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": told or _description(int(code)), "content": content}


def _as_page(code: str, said: Any) -> Any:
    if 300 <= int(code) < 400:
        return said
    told = said.get("description") if isinstance(said, Mapping) else None
    return {"description": told or _description(int(code)), "content": {"text/html": {"schema": {"type": "string"}}}}


def _description(status: int) -> str:
    return _DESCRIPTIONS.get(status) or HTTPStatus(status).phrase
