"""Who is asking Jira's REST API: an app by its JWT, a person by e-mail address and API token, or nobody.

`of_site` knows the ways in at the site's own address. Forge's way in, by bearer at api.atlassian.com, is another `Who` for the
same operations: `Api.blueprint(name, prefix, who)`.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

from flask import request

from sandbox.calls import Call
from sandbox.jira.errors import JiraError
from sandbox.jira.site import Site
from sandbox.jira.tokens import check_app_token

INACCESSIBLE = "INACCESSIBLE"  # an operation that Connect apps never get
_APPS_ONLY = "ACCESS_EMAIL_ADDRESSES"
_CONTAINS = {  # which scopes a scope includes
    "ADMIN": {"ADMIN", "PROJECT_ADMIN", "DELETE", "WRITE", "READ"},
    "PROJECT_ADMIN": {"PROJECT_ADMIN", "DELETE", "WRITE", "READ"},
    "DELETE": {"DELETE", "WRITE", "READ"},
    "WRITE": {"WRITE", "READ"},
}


@dataclass(frozen=True)
class Operation:
    """What is asked: `path` as it is registered (`/issue/<issue>`), `scope` as a Connect app needs it. `anonymous`: answers
    callers without any credentials too."""

    method: str
    path: str
    scope: str
    anonymous: bool = False


@dataclass(frozen=True)
class Caller:
    """Who asks: the account whose rights count, the key of its app (None: a person), in which way (connect, basic, forge,
    anonymous), and the trace it wants echoed in webhooks."""

    account: str
    app: str | None
    how: str
    trace: str | None = None


Who = Callable[[Operation], Caller]


def of_site(site: Site) -> Who:
    """Who asks at the site's own address; raises JiraError 401 or 403."""

    def who(operation: Operation) -> Caller:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            return _person(site, operation, token)
        if scheme != "JWT":
            token = request.args.get("jwt", "")
        if token:
            return _app(site, operation, token)
        if operation.anonymous and not scheme:
            return note(Caller("", None, "anonymous"))
        raise unauthenticated()

    return who


def note(caller: Caller) -> Caller:
    """Writes the caller into the record of calls; the caller with the trace of this call."""
    call: Call = request.environ["sandbox.call"]
    call.who, call.app, call.how = caller.account or None, caller.app, caller.how
    return Caller(caller.account, caller.app, caller.how, call.trace)


def unauthenticated() -> JiraError:
    """401 as Jira says it."""
    return JiraError(401, "Client must be authenticated to access this resource.")


def _app(site: Site, operation: Operation, token: str) -> Caller:
    url = request.environ["REQUEST_URI"]  # as it was sent and signed, nothing decoded
    app = check_app_token(token, site.installations, request.method, url, site.clock())
    caller = note(Caller(app.account_id, app.app_key, "connect"))
    granted = set().union(*(_CONTAINS.get(given, {given}) for given in app.scopes))
    if operation.scope == INACCESSIBLE:
        raise JiraError(403, "This resource is not accessible to Connect apps.")
    if operation.scope not in granted:
        raise JiraError(403, f"The app {app.app_key} does not have the scope {operation.scope}.")
    return caller


def _person(site: Site, operation: Operation, encoded: str) -> Caller:
    try:
        email, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise unauthenticated() from None
    account = site.account_of_token(email, token)
    if account is None:
        raise unauthenticated()
    caller = note(Caller(account, None, "basic"))
    if operation.scope == _APPS_ONLY:  # "401: … for example if a user is trying to access this API"
        raise unauthenticated()
    return caller
