"""The addresses of the page's own login, where no Jira surrounds the page.

A login is a cookie that is good for one thing: to be exchanged for a page session (`POST /api/connect/session`). No request
that a cookie speaks for counts unless our own page made it (connect/origin.py), and people are sent to our own page only.
"""

import secrets
from typing import Any

from flask import redirect, request
from flask_smorest import Blueprint
from werkzeug.wrappers import Response

from common import log
from common.errors import Fault
from connect import schemas
from connect.logins import Logins
from connect.oidc import Provider, Refused, is_allowed
from connect.store_login import LoginStore

CALLBACK = "/api/connect/login/oidc/callback"
_log = log.get(__name__)


def blueprint(logins: Logins) -> Blueprint:
    """Logging in by password, and out."""
    pages = Blueprint("login", __name__, url_prefix="/api/connect", description="The page's own login")
    pages.before_request(lambda: logins.must_be_ours(request))

    @pages.post("/login")
    @pages.arguments(schemas.Login)
    @pages.response(204)
    @pages.alt_response(403, description="Not from our own page, the wrong password, or a link that is used up.")
    @pages.alt_response(429, description="Too many wrong passwords: wait Retry-After seconds.")
    def log_in(body: dict[str, Any]) -> Response:
        """By password; or by the set-up link, which sets it."""
        if body["setup"] is not None:
            return logins.by_setup(request, body["setup"], body["password"])
        return logins.by_password(request, body["password"])

    @pages.post("/logout")
    @pages.response(204)
    @pages.alt_response(403, description="Not from our own page.")
    def log_out() -> Response:
        """End this login."""
        return logins.end(request)

    return pages


def oidc_blueprint(logins: Logins, store: LoginStore, provider: Provider, allowed: tuple[str, ...]) -> Blueprint:
    """Logging in by an OpenID provider. Whatever happens people end at the page; why not is a word in its fragment:
    refused, expired (too late, or another browser) or unavailable (the provider does not answer)."""
    pages = Blueprint("oidc", __name__, url_prefix="/api/connect/login", description="Login by an OpenID provider")

    @pages.get("/oidc")
    @pages.response(303)
    def leave() -> Response:
        """To the provider."""
        secret = secrets.token_urlsafe(32)
        try:
            answer = redirect(provider.address(secret), 303)
        except Fault as fault:
            return _not_logged_in("unavailable", str(fault))
        store.leave(secret)
        logins.cookies.keep_state(answer, secret)
        return answer

    @pages.get("/oidc/callback")
    @pages.response(303)
    def come_back() -> Response:
        """From the provider, which adds code and state; once for each time somebody went there."""
        secret = logins.cookies.state(request)
        if secret is None or not store.is_back(secret):
            return _not_logged_in("expired", "nobody with this cookie went to the provider")
        try:
            person = provider.person(secret, request.args)
        except Refused as refused:
            return _not_logged_in("refused", str(refused))
        except Fault as fault:
            return _not_logged_in("unavailable", str(fault))
        if not is_allowed(person.address, allowed):
            return _not_logged_in("refused", "the address is not among MAILBRIDGE_OIDC_ALLOWED")
        account = store.account_of(person.subject, logins.own_tenant(), person.address)
        return logins.begin(request, account, redirect("/", 303), how="oidc")

    return pages


def _not_logged_in(why: str, reason: str) -> Response:
    _log.warning("login_refused", how="oidc", reason=reason)
    return redirect(f"/#login={why}", 303)
