"""POST /graphql: the one mutation that a Forge remote may send, offlineUserAuthToken.

Source: "Calling Atlassian app APIs from a remote", offline user impersonation; the sentence of a refused context as
community.developer.atlassian.com/t/94615 shows it.
"""

from typing import Any

from sandbox.forge.host import ForgeHost
from sandbox.forge.tokens import LIFE, Bearer

_FIELD = "offlineUserAuthToken"


def answer(host: ForgeHost, bearer: Bearer, body: Any) -> dict[str, Any]:
    """The answer (status 200, as GraphQL has it) to what the bearer of a system token asks."""
    query = body.get("query") if isinstance(body, dict) else None
    if not isinstance(query, str) or _FIELD not in query:
        return {
            "data": None,
            "errors": [{"message": f"The sandbox knows one field, {_FIELD}; the query does not name it"}],
        }
    given = (body.get("variables") or {}).get("input")
    if not isinstance(given, dict) or not isinstance(given.get("contextIds"), list) or not given.get("userId"):
        return {"data": None, "errors": [{"message": "Variable 'input' needs contextIds (a list) and userId"}]}
    problem = _problem(host, bearer, given)
    if problem is not None:
        return _result({"success": False, "errors": [{"message": problem}], "authToken": None})
    token = host.offline_token(host.app(bearer.app), str(given["userId"]))
    return _result({"success": True, "errors": None, "authToken": {"token": token, "ttl": int(LIFE)}})


def _problem(host: ForgeHost, bearer: Bearer, given: dict[str, Any]) -> str | None:
    site = (f"ari:cloud:jira::site/{host.cloud_id}", f"ari:cloud:jira:{host.cloud_id}:workspace/{host.cloud_id}")
    contexts = [str(one) for one in given["contextIds"]]
    if bearer.kind != "system" or not contexts or any(one not in site for one in contexts):
        return f"Could not load permissions for app user in the provided contextIds of [{', '.join(contexts)}]"
    if not host.app(bearer.app).manifest.impersonating:
        return "The app has no scope that allows impersonation"
    user = host.site.users.get(str(given["userId"]))
    if user is None or not user.active or user.kind == "app":
        return f"The user {given['userId']} cannot be impersonated"
    return None


def _result(value: dict[str, Any]) -> dict[str, Any]:
    return {"data": {_FIELD: value}}
