"""Which OAuth scopes an operation of Jira's REST API needs: as Atlassian's OpenAPI file says where it lies beside the repository,
else by a table of the operations that this stand-in answers."""

from sandbox import contract
from sandbox.forge.manifest import Scopes

_NONE: Scopes = frozenset()
_READ, _WRITE = frozenset({"read:jira-work"}), frozenset({"write:jira-work"})
_PEOPLE = frozenset({"read:jira-user"})
_READING_POSTS = ("/search", "/search/jql", "/issue/bulkfetch", "/comment/list", "/changelog/bulkfetch", "/jql/parse")
_OTHERS: dict[str, Scopes] = {
    "/myself": _PEOPLE,
    "/user": _PEOPLE,
    "/user/search": _PEOPLE,
    "/user/groups": _PEOPLE,
    "/user/bulk": _PEOPLE,
    "/user/assignable/search": _PEOPLE,
    "/user/email": frozenset({"read:email-address:jira"}),
    "/user/email/bulk": frozenset({"read:email-address:jira"}),
    "/group/member": frozenset({"manage:jira-configuration"}),
    "/permissions/check": _NONE,
    "/serverInfo": _NONE,
}


def ways(method: str, path: str, registered: str) -> list[Scopes]:
    """The sets of scopes of which a token must have one; no set at all means that no OAuth token will do.

    path: below the API's address, as it came (`/rest/api/3/issue/SUP-1`); registered: as the route has it (`/issue/<issue>`).
    """
    operation = contract.operation(method, path)
    if operation is None:
        return [by_table(method, registered)]
    stated = [frozenset(one["scopes"]) for one in operation.get("x-atlassian-oauth2-scopes", [])]
    return stated or [frozenset(one["OAuth2"]) for one in operation.get("security", []) if "OAuth2" in one]


def by_table(method: str, registered: str) -> Scopes:
    """The classic scopes of an operation, without the file."""
    if registered in _OTHERS:
        return _OTHERS[registered]
    return _READ if method == "GET" or registered in _READING_POSTS else _WRITE
