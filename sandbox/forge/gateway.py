"""Who asks Jira at apiBaseUrl (/ex/jira/{cloudId}): a bearer of an installed app, with the scopes that its operation needs.

Refusals have the form of Atlassian's gateway, not of Jira: {"code", "message"}, and a missing scope is a 401 as well.
"""

from typing import Any

from flask import request

from sandbox.forge import scopes
from sandbox.forge.host import ForgeHost
from sandbox.jira.callers import Caller, Operation, Who, note
from sandbox.jira.errors import JiraError

PREFIX = "/ex/jira/<cloud_id>/rest/api/3"
_API = "/rest/api/3"
_APP_ONLY = ("/user/email", "/user/email/bulk")


class Refused(JiraError):
    """An answer of the gateway in front of Jira."""

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"code": self.status, "message": "; ".join(self.messages)}


def of_forge(host: ForgeHost) -> Who:
    """Raises Refused 401 for a bearer that is not good here or has not the scope, 404 for another site."""

    def who(operation: Operation) -> Caller:
        parts = request.view_args or {}
        if parts.get("cloud_id") != host.cloud_id:
            raise Refused(404, "Not Found")
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        bearer = host.bearers.find(value, host.site.clock()) if scheme == "Bearer" else None
        if bearer is None:
            raise Refused(401, "Unauthorized")
        caller = note(Caller(bearer.account, bearer.app, "forge"))
        path = _API + request.path.partition(_API)[2]
        ways = scopes.ways(operation.method, path, operation.path)
        app_only = operation.path in _APP_ONLY and bearer.kind != "system"
        if app_only or not any(way <= bearer.scopes for way in ways):
            raise Refused(401, "Unauthorized; scope does not match")
        return caller

    return who
