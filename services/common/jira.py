"""The only Jira HTTP: one method an operation of Jira Cloud's REST API v3 that we use, plain dicts in and out.

Reads raise `Temporary` (429, 5xx, no answer) or `Permanent` (other 4xx; its `status` tells which, 404 for what does
not exist or may not be seen). A write is sent once and never repeated: `Temporary(maybe_done=True)` says that it may
have happened, any other fault that it did not. No thread sleeps here: `retry_after` says how long to wait.
Source: Atlassian's OpenAPI file of the Jira Cloud platform REST API v3.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from common.env import Settings
from common.errors import Permanent, Temporary
from common.http import Http
from common.jira_call import JiraCall, Json, Source, ask
from common.jira_upload import upload

_BATCH = 100
_MOST_USERS = 50


class JiraSites:
    """Every tenant's Jira over one connection pool; any number of threads may share it."""

    def __init__(self, http: Http, source: Source, settings: Settings) -> None:
        self._http = http
        self._source = source
        self._timeout = settings.jira_timeout
        self._parallel = settings.jira_parallel
        self._guard = threading.Lock()
        self._sites: dict[str, Jira] = {}

    def site(self, tenant: str) -> "Jira":
        """The tenant's Jira; nothing is asked or looked up yet."""
        with self._guard:
            if tenant not in self._sites:
                call = JiraCall(self._http, self._source, tenant, timeout=self._timeout, parallel=self._parallel)
                self._sites[tenant] = Jira(call)
            return self._sites[tenant]

    def forget(self, tenant: str) -> None:
        """Look the tenant's credentials up anew: it has changed or gone (`tenant.changed`, `tenant.removed`)."""
        self._source.forget(tenant)


class Jira:
    """One tenant's Jira. Every method makes one call unless its docstring says otherwise."""

    def __init__(self, call: JiraCall) -> None:
        self._call = call

    # --- issues

    def search(
        self, jql: str, fields: Sequence[str], max_results: int, reconcile: Iterable[int | str] = ()
    ) -> list[Json]:
        """Issues that match, at most max_results, page by page; the search index may lag behind what was written.

        reconcile: ids (≤ 50) of issues just written, to be read fresh.
        """
        body: Json = {"jql": jql, "fields": list(fields), "maxResults": min(max_results, _BATCH)}
        if ids := [int(number) for number in reconcile]:
            body["reconcileIssues"] = ids
        found: list[Json] = []
        while True:
            page = self._call.read(ask("search for issues", "POST", "/search/jql", body=body))
            found += page.get("issues") or []
            token = page.get("nextPageToken")
            if not token or page.get("isLast") or len(found) >= max_results:
                return found[:max_results]
            body = {**body, "nextPageToken": token}

    def issue(self, id_or_key: str, fields: Sequence[str] = (), properties: Sequence[str] = ()) -> Json:
        """The issue with these fields (none given: all) and, under `properties`, these entity properties."""
        query = {"fields": ",".join(fields), "properties": ",".join(properties)}
        return self._call.read(ask(f"read issue {id_or_key}", "GET", "/issue/{}", id_or_key, query=query))

    def bulk_fetch(self, keys: Sequence[str], fields: Sequence[str], properties: Sequence[str] = ()) -> list[Json]:
        """Those of at most 100 issues (ids or keys) that exist and may be seen, by ascending id."""
        body = {"issueIdsOrKeys": list(keys), "fields": list(fields), "properties": list(properties)}
        answer = self._call.read(ask("read several issues", "POST", "/issue/bulkfetch", body=body))
        return list(answer.get("issues") or [])

    def create_issue(self, fields: Mapping[str, Any], properties: Mapping[str, Any]) -> Json:
        """Create an issue together with its entity properties (key: value); returns {"id", "key", …}."""
        body = {"fields": dict(fields), "properties": _properties(properties)}
        return _made(self._call.write(ask("create an issue", "POST", "/issue", body=body)), "id", "key")

    def set_property(self, issue: str, key: str, value: Any) -> None:
        """Set an entity property of an issue: any non-empty JSON up to 32,768 characters."""
        what = f"set a property of issue {issue}"
        self._call.write(ask(what, "PUT", "/issue/{}/properties/{}", issue, key, body=value))

    def watchers(self, issue: str) -> list[Json]:
        """The users who watch the issue, as far as the app may see them."""
        answer = self._call.read(ask(f"read the watchers of {issue}", "GET", "/issue/{}/watchers", issue))
        return list(answer.get("watchers") or [])

    # --- comments and attachments

    def add_comment(
        self,
        issue: str,
        body_adf: Mapping[str, Any],
        properties: Mapping[str, Any],
        visibility: Mapping[str, Any] | None = None,
    ) -> Json:
        """Add a comment (an ADF document) with its properties (key: value); returns it with its "id".

        visibility: {"type": "role"|"group", "value", "identifier"}, or None for everyone who sees the issue.
        """
        body: Json = {"body": dict(body_adf), "properties": _properties(properties)}
        if visibility is not None:
            body["visibility"] = dict(visibility)
        what = f"comment on issue {issue}"
        return _made(self._call.write(ask(what, "POST", "/issue/{}/comment", issue, body=body)), "id")

    def newest_comments(self, issue: str, count: int) -> list[Json]:
        """The issue's newest `count` comments, newest first; without their properties (see comments_by_id)."""
        query = {"orderBy": "-created", "maxResults": str(count)}
        answer = self._call.read(ask(f"read the comments of {issue}", "GET", "/issue/{}/comment", issue, query=query))
        return list(answer.get("comments") or [])

    def comments_by_id(self, ids: Iterable[int | str]) -> list[Json]:
        """Those of these comments (≤ 1000) that exist and may be seen, with `properties`: [{"key", "value"}…]."""
        numbers = sorted({int(number) for number in ids})
        if not numbers:
            return []
        query, body = {"expand": "properties"}, {"ids": numbers}
        answer = self._call.read(ask("read comments", "POST", "/comment/list", query=query, body=body))
        return list(answer.get("values") or [])

    def comment_property(self, comment: str, key: str) -> Any:
        """The value of a comment's property; Permanent(status=404) without the comment or the property."""
        what = f"read a property of comment {comment}"
        return self._call.read(ask(what, "GET", "/comment/{}/properties/{}", comment, key)).get("value")

    def attach(self, issue: str, filename: str, content_type: str, data: bytes) -> Json:
        """Attach a file; returns Jira's record of it ("id", "filename", "size", …)."""
        answer = self._call.write(upload(issue, filename, content_type, data))
        return _made(answer[0] if isinstance(answer, list) and answer else None, "id")

    # --- people

    def find_users(self, query: str) -> list[Json]:
        """At most 50 active users whose name or address begins so; who hides their address is not found by it."""
        search = {"query": query, "maxResults": str(_MOST_USERS)}
        return self._call.read_list(ask("search for users", "GET", "/user/search", query=search))

    def user(self, account_id: str) -> Json:
        """The user; `emailAddress` only if their profile shows it."""
        return self._call.read(ask("read a user", "GET", "/user", query={"accountId": account_id}))

    def user_email(self, account_id: str) -> str | None:
        """The user's address whatever their profile shows; None when Jira does not tell this app."""
        try:
            answer = self._call.read(ask("read an address", "GET", "/user/email", query={"accountId": account_id}))
        except Permanent as fault:
            # 400: the app is not approved for this call; 403: it lacks the scope; 404: no such user.
            if fault.status in (400, 403, 404):
                return None
            raise
        return answer.get("email") or None

    def groups_of(self, account_id: str) -> list[Json]:
        """The groups the user is in: [{"name", "groupId"}…]."""
        query = {"accountId": account_id}
        return self._call.read_list(ask("read a user's groups", "GET", "/user/groups", query=query))

    def role_ids(self, project: str) -> dict[str, str]:
        """The ids of a project's roles by name: Jira names a comment's role by its name, its members by its id."""
        what = f"read the roles of project {project}"
        answer = self._call.read(ask(what, "GET", "/project/{}/role", project))
        return {name: str(link).rsplit("/", 1)[-1] for name, link in answer.items()}

    def role_members(self, project: str, role_id: int | str) -> list[Json]:
        """The actors of a project role: {"actorUser": {"accountId"}} or {"actorGroup": {"groupId", "name"}} each."""
        what = f"read a role of project {project}"
        answer = self._call.read(ask(what, "GET", "/project/{}/role/{}", project, str(role_id)))
        return list(answer.get("actors") or [])

    def check_permissions(
        self,
        account_id: str,
        global_: Iterable[str] = (),
        project_permissions: Iterable[str] = (),
        issues: Iterable[int | str] = (),
        projects: Iterable[int | str] = (),
    ) -> Json:
        """What of this the account may: {"globalPermissions": [name…],
        "projectPermissions": [{"permission", "issues": [id…], "projects": [id…]}…]}."""
        body: Json = {"accountId": account_id, "globalPermissions": sorted(set(global_))}
        if wanted := sorted(set(project_permissions)):
            where = {"issues": _numbers(issues), "projects": _numbers(projects)}
            body["projectPermissions"] = [{"permissions": wanted, **where}]
        return self._call.read(ask("check a user's permissions", "POST", "/permissions/check", body=body))

    def myself(self) -> Json:
        """The account that we call Jira as."""
        return self._call.read(ask("read the app's own account", "GET", "/myself"))

    # --- projects

    def projects(self, query: str, max_results: int) -> list[Json]:
        """At most max_results (≤ 100) projects in which the app may create issues, by key; "" finds all."""
        search = {"query": query, "maxResults": str(min(max_results, _BATCH)), "orderBy": "key", "action": "create"}
        answer = self._call.read(ask("search for projects", "GET", "/project/search", query=search))
        return list(answer.get("values") or [])

    def issue_types(self, project: str) -> list[Json]:
        """The issue types (≤ 200) that can be created in the project (id or key)."""
        what, path = f"read the issue types of {project}", "/issue/createmeta/{}/issuetypes"
        answer = self._call.read(ask(what, "GET", path, project, query={"maxResults": "200"}))
        return list(answer.get("issueTypes") or [])

    def create_fields(self, project: str, issue_type: str) -> list[Json]:
        """The fields (≤ 200) that can be set when creating; each with "fieldId", "required", "schema"."""
        what, path = f"read the fields of {project}", "/issue/createmeta/{}/issuetypes/{}"
        answer = self._call.read(ask(what, "GET", path, project, issue_type, query={"maxResults": "200"}))
        return list(answer.get("fields") or [])


def _made(answer: Any, *names: str) -> Json:
    """The record of what was made. It was made all the same when the answer does not name it."""
    if not isinstance(answer, dict) or not all(isinstance(answer.get(name), str) for name in names):
        raise Temporary("Jira did not name what it made.", maybe_done=True)
    return answer


def _properties(values: Mapping[str, Any]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _numbers(ids: Iterable[int | str]) -> list[int]:
    return sorted({int(number) for number in ids})
