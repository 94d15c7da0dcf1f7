"""People and rights in one tenant's Jira: who they are, what they may, where they can be written to.

The part of `common.jira.Jira` that may also ask as the look-up user, where there is one: each method says when. The
look-up user is never used to write (`common.jira_call.LOOKUPS`).
"""

from collections.abc import Iterable
from typing import Any

from common.errors import Permanent, Temporary
from common.jira_call import JiraCall
from common.jira_request import Json, Request, ask

_MOST_USERS = 50


class JiraPeople:
    """One call each, and a second one as the look-up user where the docstring says so."""

    def __init__(self, call: JiraCall) -> None:
        self._call = call

    def find_users(self, query: str) -> list[Json]:
        """At most 50 active users whose name or address begins so, as the look-up user where the app finds nobody.

        Who hides their address is found by it only by somebody who may see it.
        """
        search = {"query": query, "maxResults": str(_MOST_USERS)}
        return _list(self._call.look(ask("search for users", "GET", "/user/search", query=search)))

    def users_by_address(self, address: str) -> list[Json]:
        """The users whose visible address is this one (in any case), as the look-up user where the app sees none."""

        def theirs(found: Any) -> list[Json]:
            shown = [(one, one.get("emailAddress")) for one in _list(found)]
            return [one for one, text in shown if isinstance(text, str) and text.lower() == address.lower()]

        search = {"query": address, "maxResults": str(_MOST_USERS)}
        request = ask("search for a user", "GET", "/user/search", query=search)
        return theirs(self._call.look(request, enough=lambda found: bool(theirs(found))))

    def user(self, account_id: str, expand: str = "") -> Json:
        """The user; `emailAddress` only if their profile shows it. As the look-up user where the app is refused.

        expand: such as "applicationRoles".
        """
        return _dict(self._call.look(_user(account_id, expand)))

    def user_as_lookup(self, account_id: str) -> Json | None:
        """The user as the look-up user sees them; None without one, or where it does not see them."""
        seen = self._call.look_only(_user(account_id))
        return seen if isinstance(seen, dict) else None

    def user_email(self, account_id: str) -> str | None:
        """The user's address whatever their profile shows, by the call that Atlassian approves app by app.

        None: there is no such user, or no address. Permanent (400, 403): this app is not approved or lacks the scope.
        Not to be asked with an API token.
        """
        try:
            answer = self._call.read(ask("read an address", "GET", "/user/email", query={"accountId": account_id}))
        except Permanent as fault:
            if fault.status == 404:
                return None
            raise
        return answer.get("email") or None

    def groups_of(self, account_id: str) -> list[Json]:
        """The groups the user is in: [{"name", "groupId"}…]; as the look-up user where the app is refused."""
        query = {"accountId": account_id}
        request = ask("read a user's groups", "GET", "/user/groups", query=query)
        return _list(self._call.look(request, enough=_whatever))

    def role_ids(self, project: str) -> dict[str, str]:
        """The ids of a project's roles by name: Jira names a comment's role by its name, its members by its id.

        As the look-up user where the app is refused.
        """
        request = ask(f"read the roles of project {project}", "GET", "/project/{}/role", project)
        answer = _dict(self._call.look(request, enough=_whatever))
        return {name: str(link).rsplit("/", 1)[-1] for name, link in answer.items()}

    def role_members(self, project: str, role_id: int | str) -> list[Json]:
        """The actors of a project role: {"actorUser": {"accountId"}} or {"actorGroup": {"groupId", "name"}} each.

        As the look-up user where the app is refused: only who administers the project may know them.
        """
        what = f"read a role of project {project}"
        request = ask(what, "GET", "/project/{}/role/{}", project, str(role_id))
        return list(_dict(self._call.look(request, enough=_whatever)).get("actors") or [])

    def check_permissions(
        self,
        account_id: str | None,
        global_: Iterable[str] = (),
        project_permissions: Iterable[str] = (),
        issues: Iterable[int | str] = (),
        projects: Iterable[int | str] = (),
    ) -> Json:
        """What of this the account (None: who asks) may: {"globalPermissions": [name…],
        "projectPermissions": [{"permission", "issues": [id…], "projects": [id…]}…]}.

        As the look-up user where the app is refused, unless it asks about itself.
        """
        body: Json = {"globalPermissions": sorted(set(global_))}
        if account_id is not None:
            body["accountId"] = account_id
        if wanted := sorted(set(project_permissions)):
            where = {"issues": _numbers(issues), "projects": _numbers(projects)}
            body["projectPermissions"] = [{"permissions": wanted, **where}]
        request = ask("check a user's permissions", "POST", "/permissions/check", body=body)
        if account_id is None:
            return self._call.read(request)
        return _dict(self._call.look(request, enough=_whatever))

    def my_permissions(self, permissions: Iterable[str], project: str | None = None) -> dict[str, bool]:
        """Which of these permissions the account that we call as has: in the project (id or key), else anywhere."""
        wanted = sorted(set(permissions))
        query = {"permissions": ",".join(wanted)}
        if project:
            query["projectId" if project.isdigit() else "projectKey"] = project
        answer = self._call.read(ask("read our own permissions", "GET", "/mypermissions", query=query))
        told = answer.get("permissions") or {}
        return {name: (told.get(name) or {}).get("havePermission") is True for name in wanted}

    def assignable(self, account_id: str, project: str) -> bool:
        """True if new issues of the project (key) can be assigned to the account."""
        query = {"accountId": account_id, "project": project}
        found = self._call.read_list(ask("read who can be assigned", "GET", "/user/assignable/search", query=query))
        return any(one.get("accountId") == account_id for one in found)

    def myself(self, expand: str = "") -> Json:
        """The account that we call Jira as."""
        return self._call.read(ask("read the app's own account", "GET", "/myself", query={"expand": expand}))


def _user(account_id: str, expand: str = "") -> Request:
    return ask("read a user", "GET", "/user", query={"accountId": account_id, "expand": expand})


def _whatever(answer: Any) -> bool:
    """An empty answer is one: the user is in no group."""
    return True


def _dict(answer: Any) -> Json:
    if not isinstance(answer, dict):
        raise _stranger()
    return answer


def _list(answer: Any) -> list[Json]:
    if not isinstance(answer, list):
        raise _stranger()
    return answer


def _stranger() -> Temporary:
    return Temporary("Something other than Jira answered when asked about people.")


def _numbers(ids: Iterable[int | str]) -> list[int]:
    return sorted({int(number) for number in ids})
