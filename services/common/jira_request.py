"""One request to Jira's REST API v3 before it is signed: its path made of a template, its body as JSON. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

JSON = "application/json"

_ROOT = "/rest/api/3"

Json = dict[str, Any]


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
    return Request(what, method, template, path, text, data, {} if data is None else {"Content-Type": JSON})
