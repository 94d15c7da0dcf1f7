"""Requests that Jira signed: their token, their qsh, and the tenant whose secret signed them."""

import json
import time
from typing import Any

from flask import Request

from common.problems import Problem
from common.qsh import qsh
from connect.store import Store, Tenant
from connect.tokens import BadToken, Caller, claimed_issuer, verify_context, verify_tenant
from connect.visitors import Visitor


def token_of(request: Request) -> str:
    """The token in `Authorization: JWT …`, else in the query's `jwt`; raises BadToken without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.upper() != "JWT" or not token.strip():
        token = request.args.get("jwt", "")
    if not token.strip():
        raise BadToken("malformed")
    return token.strip()


def qsh_of(request: Request) -> str:
    """The qsh that the token of this request has to carry."""
    return qsh(request.method, request.path, request.query_string.decode("utf-8", "replace"))


def tenant_call(request: Request, store: Store) -> tuple[Tenant, Caller]:
    """Who called, by a token that Jira signed with the tenant's secret for this very request; raises BadToken."""
    token = token_of(request)
    tenant, client_key, secret = _signer(token, store)
    expected = qsh_of(request)
    return tenant, verify_tenant(token, secret, client_key=client_key, expected_qsh=expected, now=time.time())


def connect_visitor(token: str, store: Store) -> Visitor:
    """Who looks at the page, by the context token that Jira's host script gave it; raises BadToken."""
    tenant, client_key, secret = _signer(token, store)
    caller = verify_context(token, secret, client_key=client_key, now=time.time())
    assert caller.account is not None  # a context token without a person was refused
    return Visitor(tenant.id, caller.account, caller.project, caller.issue)


def json_of(request: Request) -> Any:
    """The JSON in the body; raises Problem(400)."""
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError):
        raise Problem(400) from None


def _signer(token: str, store: Store) -> tuple[Tenant, str, str]:
    client_key = claimed_issuer(token)
    tenant = store.by_client_key(client_key)
    if tenant is None or tenant.secret is None:
        raise BadToken("iss")
    return tenant, client_key, tenant.secret
