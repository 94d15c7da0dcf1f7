"""Shapes of what comes in and goes out over HTTP; unknown fields are ignored, for Jira adds some now and then."""

import re
from typing import Any
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from common.problems import Problem
from connect.store import Installation


def read_lifecycle(body: Any, *, app_key: str) -> str:
    """The client key in the body of a lifecycle call for this app; raises Problem(422)."""
    client_key: str = _load(_Lifecycle(), body, app_key)["client_key"]
    return client_key


def read_installation(body: Any, *, app_key: str, allow_plain: bool) -> Installation:
    """The body of `installed` for this app; raises Problem(422). A plain http address only with `allow_plain`."""
    values = _load(_Installed(), body, app_key)
    if urlsplit(values["base_url"]).scheme != "https" and not allow_plain:
        raise Problem(422, errors={"baseUrl": ["Jira must be reached by https."]})
    return Installation(
        client_key=values["client_key"],
        base_url=values["base_url"].rstrip("/"),
        app_key=values["key"],
        display_url=values["display_url"],
        secret=values["shared_secret"],
    )


class PageInfo(Schema):
    """What the page needs before it can speak to Jira."""

    all_js = fields.Url(data_key="allJs", required=True, metadata={"description": "where Connect's host script is"})


class Exchanged(Schema):
    """A page session; `expires_at` in seconds since 1970.

    admin: administers Jira. project: id of the project that they administer here; issue: id of the issue they look at.
    """

    session = fields.String(required=True)
    expires_at = fields.Float(required=True)
    tenant = fields.String(required=True)
    account = fields.String(required=True)
    admin = fields.Boolean(required=True)
    project = fields.String(required=True, allow_none=True)
    issue = fields.String(required=True, allow_none=True)
    scheme = fields.String(required=True, metadata={"description": "how Jira is called: connect, forge or token"})
    site = fields.String(
        required=True, metadata={"description": "the site as people see it; empty before there is one"}
    )


class Search(Schema):
    """What somebody typed into a search field."""

    query = fields.String(load_default="", validate=validate.Length(max=100))


class Project(Schema):
    """A project in which Mailbridge may create issues."""

    id = fields.String(required=True)
    key = fields.String(required=True)
    name = fields.String(required=True)


class IssueType(Schema):
    """An issue type of a project."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    subtask = fields.Boolean(required=True)


class User(Schema):
    """A person with an account in this Jira."""

    account_id = fields.String(required=True)
    name = fields.String(required=True)


class _Lifecycle(Schema):
    class Meta:
        unknown = EXCLUDE

    key = fields.String(required=True)
    client_key = fields.String(data_key="clientKey", required=True, validate=validate.Length(min=1, max=255))


# Strict, for the origin goes into a Content-Security-Policy.
_SITE = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")


def _is_site(url: str) -> None:
    try:
        good = _SITE.fullmatch(url) is not None and bool(urlsplit(url).hostname) and urlsplit(url).port != 0
    except ValueError:
        good = False
    if not good:
        raise ValidationError("Give the address of the Jira site, such as https://example.atlassian.net.")


class _Installed(_Lifecycle):
    base_url = fields.String(data_key="baseUrl", required=True, validate=[validate.Length(max=500), _is_site])
    display_url = fields.String(
        data_key="displayUrl", load_default=None, allow_none=True, validate=validate.Length(max=500)
    )
    shared_secret = fields.String(data_key="sharedSecret", required=True, validate=validate.Length(min=16, max=500))
    product_type = fields.String(data_key="productType", load_default="jira", validate=validate.Equal("jira"))


def _load(schema: Schema, body: Any, app_key: str) -> dict[str, Any]:
    try:
        values: dict[str, Any] = schema.load(body)
    except ValidationError as error:
        raise Problem(422, errors=_by_field(error.messages)) from None
    if values["key"] != app_key:
        raise Problem(422, errors={"key": [f"This is another app: {app_key}."]})
    return values


def _by_field(messages: Any) -> dict[str, list[str]]:
    if not isinstance(messages, dict):
        return {"body": [str(message) for message in messages]}
    return {str(name): [str(sentence) for sentence in sentences] for name, sentences in messages.items()}
