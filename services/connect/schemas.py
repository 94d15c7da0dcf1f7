"""Shapes of what comes in and goes out over HTTP; unknown fields are ignored, for Jira adds some now and then."""

from typing import Any
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from common.problems import Problem
from connect.addresses import is_site
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
        installation_id=values["installation_id"],
    )


class LoginInfo(Schema):
    """How people log in to the page. password: one is set; oidc: the host of an OpenID provider."""

    password = fields.Boolean(required=True)
    oidc = fields.String(required=True, allow_none=True)
    logged_in = fields.Boolean(required=True)


class PageInfo(Schema):
    """What the page needs before it can speak to Jira. login: null where only Jira lets people in."""

    all_js = fields.Url(data_key="allJs", required=True, metadata={"description": "where Connect's host script is"})
    login = fields.Nested(LoginInfo, required=True, allow_none=True)


class Login(Schema):
    """A password; with `setup`, the secret of a set-up link, it is the new one (12 characters or more)."""

    password = fields.String(required=True, validate=validate.Length(min=1, max=1000))
    setup = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=200))


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


class Key(Schema):
    """A public Ed25519 key (RFC 8037)."""

    kty = fields.String(required=True)
    crv = fields.String(required=True)
    x = fields.String(required=True)
    kid = fields.String(required=True)
    use = fields.String(required=True)
    alg = fields.String(required=True)


class KeySet(Schema):
    """A JSON Web Key Set."""

    keys = fields.List(fields.Nested(Key), required=True)


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


def _is_site(url: str) -> None:
    if not is_site(url):
        raise ValidationError("Give the address of the Jira site, such as https://example.atlassian.net.")


class _Installed(_Lifecycle):
    base_url = fields.String(data_key="baseUrl", required=True, validate=[validate.Length(max=500), _is_site])
    display_url = fields.String(
        data_key="displayUrl", load_default=None, allow_none=True, validate=validate.Length(max=500)
    )
    shared_secret = fields.String(data_key="sharedSecret", required=True, validate=validate.Length(min=16, max=500))
    # Connect on Forge only.
    installation_id = fields.String(
        data_key="installationId", load_default=None, allow_none=True, validate=validate.Length(min=1, max=255)
    )
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
