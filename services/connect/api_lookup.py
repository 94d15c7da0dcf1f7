"""The page's API of the look-up user: set it, forget it, and see what it can do. Who administers Jira may."""

import math
import time
from typing import Any

from flask import jsonify
from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from common.errors import Permanent, Unauthorised
from common.openapi import OR_NULL
from common.problems import Problem
from common.web import check_session, current_session
from connect import lookup_user
from connect.lookup_check import LookupJira, see
from connect.store import Store
from connect.store_lookup import LookupStore, Stored


def blueprint(store: Store, lookups: LookupStore, jira: LookupJira) -> Blueprint:
    """`/api/connect/lookup-user`."""
    pages = Blueprint("lookup", __name__, url_prefix="/api/connect/lookup-user", description="The look-up user")
    pages.before_request(check_session)

    @pages.get("")
    @pages.response(200, LookupUser)
    @pages.doc(**OR_NULL)
    def get() -> Any:
        """The look-up user, or null while there is none."""
        stored = lookups.get(current_session().tenant)
        return jsonify(None) if stored is None else _shown(stored)

    @pages.put("")
    @pages.arguments(LookupUserBody)
    @pages.response(200, LookupUser)
    @pages.alt_response(409, description="No site is attached yet.")
    def put(body: dict[str, Any]) -> dict[str, Any]:
        """Set the look-up user, once Jira has accepted its address and token. Without `api_token` the stored one stays."""
        tenant = current_session().tenant
        token = body["api_token"] or _stored_token(lookups.get(tenant), body["email"])
        if token is None:
            raise Problem(422, errors={"api_token": ["Paste an API token of this account."]})
        account = _account(jira, tenant, _site_url(store, tenant), body["email"], token)
        lookups.put(tenant, body["email"], token, body["token_expires_at"], *account)
        stored = lookups.get(tenant)
        assert stored is not None
        return _shown(stored)

    @pages.delete("")
    @pages.response(204)
    def delete() -> None:
        """Forget the look-up user and its token."""
        lookups.drop(current_session().tenant)

    @pages.post("/check")
    @pages.arguments(Check)
    @pages.response(200, Findings)
    @pages.alt_response(404, description="There is no look-up user.")
    @pages.alt_response(409, description="No site is attached yet.")
    def check(body: dict[str, Any]) -> dict[str, Any]:
        """Judge what the look-up user can do, for an account and in a project (its key) where they are named."""
        tenant = current_session().tenant
        stored = lookups.get(tenant)
        if stored is None:
            raise Problem(404, detail="There is no look-up user to check.")
        site = jira.of(tenant, _site_url(store, tenant), stored.email, stored.token)
        seen = see(site, body["account_id"], body["project"], stored.email)
        lookups.note(stored, None if seen.token.ok else lookup_user.REFUSED)
        return {"findings": lookup_user.findings(seen)}

    return pages


def _site_url(store: Store, id: str) -> str:
    tenant = store.tenant(id)
    if tenant is None or not tenant.base_url:
        raise Problem(409, detail="No Jira site is attached yet: attach one first.")
    return tenant.base_url


def _stored_token(stored: Stored | None, email: str) -> str | None:
    return stored.token if stored and stored.email.lower() == email.lower() else None


def _account(jira: LookupJira, tenant: str, site_url: str, email: str, token: str) -> tuple[str, str]:
    """Id and name of the account; Problem(422) where Jira does not take it."""
    try:
        own = jira.of(tenant, site_url, email, token).myself()
    except (Unauthorised, Permanent) as refusal:
        sentence = f"{lookup_user.REFUSED} {refusal}"
        raise Problem(422, detail=sentence, errors={"api_token": [lookup_user.REFUSED]}) from None
    id = str(own.get("accountId") or "")
    return id, str(own.get("displayName") or id)


def _shown(stored: Stored) -> dict[str, Any]:
    return {
        "email": stored.email,
        "account": {"account_id": stored.account_id, "name": stored.name} if stored.account_id else None,
        "token_expires_at": stored.expires_at,
        "problem": stored.problem or lookup_user.expiry(stored.expires_at, time.time()),
        "checked_at": stored.checked_at,
    }


def _is_instant(value: float) -> None:
    if not math.isfinite(value) or not 0 < value < 1e11:
        raise ValidationError("Give the end of the token as seconds since 1970, or null.")


def _is_header_text(text: str) -> None:
    if not text.isprintable() or any(letter.isspace() for letter in text):
        raise ValidationError("Paste it as Atlassian shows it: one line without spaces.")


class LookupUserBody(Schema):
    """The look-up user as the page sends it."""

    class Meta:
        unknown = EXCLUDE

    email = fields.Email(required=True, validate=[validate.Length(max=320), _is_header_text])
    api_token = fields.String(
        load_default=None, allow_none=True, load_only=True, validate=[validate.Length(min=1, max=2000), _is_header_text]
    )
    token_expires_at = fields.Float(load_default=None, allow_none=True, validate=_is_instant)


class Person(Schema):
    """An account."""

    account_id = fields.String(required=True)
    name = fields.String(required=True)


class LookupUser(Schema):
    """The look-up user; its token never leaves. problem: what is wrong, or its token's end once that is near."""

    email = fields.String(required=True)
    account = fields.Nested(Person, required=True, allow_none=True)
    token_expires_at = fields.Float(required=True, allow_none=True)
    problem = fields.String(required=True, allow_none=True)
    checked_at = fields.Float(required=True, allow_none=True)


class Check(Schema):
    """Whom and where to check."""

    class Meta:
        unknown = EXCLUDE

    account_id = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=128))
    project = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=100))


class Finding(Schema):
    """One judgement; ok null: not checked, and `detail` says why."""

    what = fields.String(required=True)
    ok = fields.Boolean(required=True, allow_none=True)
    detail = fields.String(required=True)
    remedy = fields.String(required=True)


class Findings(Schema):
    """What the look-up user can do."""

    findings = fields.List(fields.Nested(Finding), required=True)
