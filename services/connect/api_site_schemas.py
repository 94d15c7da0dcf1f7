"""Shapes of the page's API about the site that is attached."""

import math

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from connect.site_address import is_email, is_token

_LATEST = 4_102_444_800.0  # the year 2100


def _email(text: str) -> None:
    if not is_email(text.strip()):
        raise ValidationError("Give the account's e-mail address.")


def _token(text: str) -> None:
    if not is_token(text.strip()):
        raise ValidationError("Paste the API token in one piece, as Atlassian shows it.")


def _instant(value: float) -> None:
    if not math.isfinite(value) or not 0 < value < _LATEST:
        raise ValidationError("Give seconds since 1970, or null.")


class SiteToCheck(Schema):
    """A site, and the account that it would be called as."""

    class Meta:
        unknown = EXCLUDE

    url = fields.String(required=True, validate=validate.Length(min=1, max=500))
    email = fields.String(required=True, validate=_email)
    api_token = fields.String(required=True, load_only=True, validate=_token)


class SiteToAttach(SiteToCheck):
    """The same, to be kept. renamed: the attached site has a new address, and this is it."""

    token_expires_at = fields.Float(load_default=None, allow_none=True, validate=_instant)
    renamed = fields.Boolean(load_default=False)


class Account(Schema):
    """Whom Jira is called as."""

    account_id = fields.String(required=True)
    name = fields.String(required=True)


class Right(Schema):
    """A right of that account; ok: null where Jira did not say; where: "global" or "project KEY"."""

    right = fields.String(required=True)
    why = fields.String(
        required=True, attribute="for", data_key="for", metadata={"description": "what stops working without it"}
    )
    ok = fields.Boolean(required=True, allow_none=True)
    where = fields.String(required=True)
    remedy = fields.String(required=True)


class SiteProblem(Schema):
    """What is wrong; field: url, email, api_token or null."""

    title = fields.String(required=True)
    detail = fields.String(required=True)
    remedy = fields.String(required=True)
    field = fields.String(required=True, allow_none=True)


class Checked(Schema):
    """What a check found; nothing of it was kept."""

    ok = fields.Boolean(required=True)
    account = fields.Nested(Account, required=True, allow_none=True)
    rights = fields.List(fields.Nested(Right), required=True)
    problem = fields.Nested(SiteProblem, required=True, allow_none=True)


class Scope(Schema):
    """A scope of the app; granted: null where nobody told."""

    name = fields.String(required=True)
    granted = fields.Boolean(required=True, allow_none=True)
    why = fields.String(required=True)
    remedy = fields.String(required=True)


class Events(Schema):
    """How events come: way is webhook, forge or polling; every: seconds between two searches for untold ones."""

    way = fields.String(required=True, validate=validate.OneOf(["webhook", "forge", "polling"]))
    heard_at = fields.Float(required=True, allow_none=True)
    polled_at = fields.Float(required=True, allow_none=True)
    every = fields.Float(required=True)
    problem = fields.String(required=True, allow_none=True, metadata={"description": "why the last search failed"})


class Webhook(Schema):
    """What an administrator pastes into Jira's own form; heard_at: null until its first event came."""

    url = fields.String(required=True)
    secret = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    jql = fields.String(required=True)
    heard_at = fields.Float(required=True, allow_none=True)


class EmailApi(Schema):
    """Whether Jira tells the addresses of its people to the app; with an API token it never does."""

    state = fields.String(required=True, validate=validate.OneOf(["works", "refused", "unknown"]))
    checked_at = fields.Float(required=True, allow_none=True)


class AttachedSite(Schema):
    """The site that is attached. state: new, installed, enabled, disabled, silent, or trouble: see `problem`."""

    scheme = fields.String(required=True, validate=validate.OneOf(["connect", "forge", "token"]))
    site = fields.String(required=True, metadata={"description": "its address; empty while there is none"})
    state = fields.String(required=True)
    problem = fields.Nested(SiteProblem, required=True, allow_none=True)
    notice = fields.String(required=True, allow_none=True, metadata={"description": "what will need attention soon"})
    account = fields.Nested(Account, required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    token_expires_at = fields.Float(required=True, allow_none=True)
    rights = fields.List(fields.Nested(Right), required=True)
    checked_at = fields.Float(required=True, allow_none=True)
    scopes = fields.List(fields.Nested(Scope), required=True)
    events = fields.Nested(Events, required=True)
    webhook = fields.Nested(Webhook, required=True, allow_none=True)
    email_api = fields.Nested(EmailApi, required=True)
