"""What a control request says, read field by field; each reader raises BadControl, which names what is wrong."""

import re
from typing import Any

from flask import request

from sandbox.jira.site import Site


class BadControl(Exception):
    """A field of a control request is wrong."""

    def __init__(self, field: str, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.field = field
        self.status = status


def body_object() -> dict[str, Any]:
    """The request's JSON object."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise BadControl("body", "give a JSON object")
    return body


def only(body: dict[str, Any], *known: str) -> None:
    """Refuses fields that are not known, so that a misspelt one is not silently left out."""
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise BadControl(unknown[0], f"unknown field; known are {', '.join(known)}")


def text(body: dict[str, Any], name: str) -> str:
    """A text that is not blank."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadControl(name, "give a text")
    return value


def whole(body: dict[str, Any], name: str) -> int:
    """A whole number."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadControl(name, "give a whole number")
    return value


def flag(body: dict[str, Any], name: str, default: bool) -> bool:
    """True or false; the default when it is not said."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise BadControl(name, "give true or false")
    return value


def seconds(body: dict[str, Any], name: str) -> float:
    """A number of seconds from 0."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadControl(name, "give seconds from 0")
    return float(value)


def pattern(body: dict[str, Any], name: str) -> str:
    """A regular expression."""
    try:
        return re.compile(text(body, name)).pattern
    except re.error as error:
        raise BadControl(name, f"give a regular expression: {error}") from None


def account(site: Site, given: Any) -> str:
    """The account that acts; Alice, the administrator, when nobody is named."""
    account = str(given or next(iter(site.users)))
    if account not in site.users:
        raise BadControl("accountId", "there is no such account; GET /control/users shows them")
    return account
