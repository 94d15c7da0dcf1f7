"""Errors over HTTP as `application/problem+json` (RFC 9457), the same shape whatever went wrong.

{"type", "title", "status", "detail", "request_id", "errors": {field: [sentence…]}}
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException

from common import log, trace
from common.errors import Fault, Permanent, Temporary

MEDIA_TYPE = "application/problem+json"
_logger = log.get(__name__)

_DETAILS = {
    400: "The request cannot be understood: check that its body is valid JSON.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The request is larger than this address takes.",
    415: "Send the body as application/json.",
    422: "Some fields are missing or wrong: see errors.",
    500: "Something went wrong here. Give the request_id to the operator, who finds the cause in the log.",
}
_WHOLE = {"json": "body"}  # what webargs says of the body as a whole


class Problem(Exception):
    """An answer other than success. `errors` maps field names to sentences that name the remedy."""

    def __init__(
        self,
        status: int,
        title: str = "",
        detail: str = "",
        errors: Mapping[str, Sequence[str]] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title or _phrase(status)
        self.detail = detail or _DETAILS.get(status, "")
        self.errors = {field: list(sentences) for field, sentences in (errors or {}).items()}
        self.headers = dict(headers or {})


def render(problem: Problem) -> Response:
    """The answer that tells a problem."""
    body = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": trace.request_id.get(),
        "errors": problem.errors,
    }
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, problem.status, headers=problem.headers, content_type=MEDIA_TYPE)


def from_http(error: HTTPException) -> Problem:
    """What Flask, webargs or `abort` raised; validation messages become `errors` by field."""
    status = error.code or 500
    data: Mapping[str, Any] = getattr(error, "data", None) or {}
    messages = data.get("errors") or data.get("messages") or {}
    headers = dict(data.get("headers") or {})
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        headers["Allow"] = ", ".join(sorted(allowed))
    return Problem(status, detail=data.get("message", ""), errors=_by_field(messages), headers=headers)


def from_fault(fault: Fault) -> Problem:
    """A fault that a view let through: whatever we asked for an answer could not give one."""
    if isinstance(fault, Temporary):
        wait = str(max(1, round(fault.retry_after or 5)))
        return Problem(503, detail=f"{fault} Try again in a moment.", headers={"Retry-After": wait})
    remedy = fault.remedy if isinstance(fault, Permanent) else ""
    return Problem(502, detail=f"{fault} {remedy}".strip())


def from_bug(error: Exception) -> Problem:
    """Everything else: told to the log, not to the caller."""
    _logger.error("request_broke", exc_info=error)
    return Problem(500)


def _by_field(messages: Any) -> dict[str, list[str]]:
    """webargs' `{location: {field: {nested: [sentence]}}}` with dotted field names."""
    fields: dict[str, list[str]] = {}
    if not isinstance(messages, Mapping):
        return fields
    for location, inner in messages.items():
        entries = inner if isinstance(inner, Mapping) else {_WHOLE.get(str(location), str(location)): inner}
        for name, sentences in _leaves(entries, ""):
            fields.setdefault(name, []).extend(sentences)
    return fields


def _leaves(entries: Mapping[Any, Any], above: str) -> Iterator[tuple[str, list[str]]]:
    for key, value in entries.items():
        name = above if key == "_schema" and above else f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping):
            yield from _leaves(value, name)
        else:
            yield name, [str(item) for item in (value if isinstance(value, list) else [value])]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
