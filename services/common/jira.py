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
from common.errors import Temporary
from common.http import Http
from common.jira_call import JiraCall, Source
from common.jira_people import JiraPeople
from common.jira_request import Json, ask
from common.jira_upload import upload

_BATCH = 100


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


class Jira(JiraPeople):
    """One tenant's Jira. Every method makes one call unless its docstring says otherwise."""

    # --- issues

    def search(
        self, jql: str, fields: Sequence[str], max_results: int, reconcile: Iterable[int | str] = (), expand: str = ""
    ) -> list[Json]:
        """Issues that match, at most max_results, page by page; the search index may lag behind what was written.

        reconcile: ids (≤ 50) of issues just written, to be read fresh. expand: such as "changelog" (recent changes).
        """
        body: Json = {"jql": jql, "fields": list(fields), "maxResults": min(max_results, _BATCH)}
        if ids := [int(number) for number in reconcile]:
            body["reconcileIssues"] = ids
        if expand:
            body["expand"] = expand
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

    def changelogs(self, issues: Sequence[str], most: int = 1000) -> dict[str, list[Json]]:
        """The changes of these issues (ids, ≤ 1000), oldest first: {issue id: [{"id", "author", "created", "items"}…]}.

        Makes a call a page, and one an issue at least for a Connect app, which may not ask for several at once. Of
        each issue the newest `most` changes. `created` is ISO 8601, or a number where Jira answers one.
        """
        if self._call.scheme() == "connect":
            return {issue: self._changelog(issue, most) for issue in issues}
        found: dict[str, list[Json]] = {issue: [] for issue in issues}
        body: Json = {"issueIdsOrKeys": list(issues), "maxResults": 1000}
        while issues:
            page = self._call.read(ask("read the changes of issues", "POST", "/changelog/bulkfetch", body=body))
            for one in page.get("issueChangeLogs") or ():
                found.setdefault(str(one.get("issueId")), []).extend(one.get("changeHistories") or ())
            token = page.get("nextPageToken")
            if not token:
                break
            body = {**body, "nextPageToken": token}
        return {issue: changes[-most:] for issue, changes in found.items()}

    def _changelog(self, issue: str, most: int) -> list[Json]:
        what, path, start = f"read the changes of issue {issue}", "/issue/{}/changelog", 0
        found: list[Json] = []
        while True:
            query = {"startAt": str(start), "maxResults": "100"}
            page = self._call.read(ask(what, "GET", path, issue, query=query))
            values = list(page.get("values") or [])
            found += values
            start += len(values)
            if not values or page.get("isLast", start >= int(page.get("total") or 0)):
                return found[-most:]

    def notify(self, issue: str, subject: str, text: str, html: str, account_id: str) -> None:
        """Have Jira send one person a mail about the issue; whether and where it arrives, their settings decide.

        Permanent(status=400) also where the account is the one we call as, 403 where Jira sends no mail.
        """
        to = {"users": [{"accountId": account_id}]}
        body = {"subject": subject, "textBody": text, "htmlBody": html, "to": to}
        self._call.write(ask(f"send a mail about issue {issue}", "POST", "/issue/{}/notify", issue, body=body))

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
        *,
        person: str | None = None,
    ) -> Json:
        """Add a comment (an ADF document) with its properties (key: value); returns it with its "id".

        visibility: {"type": "role"|"group", "value", "identifier"}, or None for everyone who sees the issue.
        person: an account in whose own name it is written; PersonRefused where that can't be: nothing was done.
        """
        body: Json = {"body": dict(body_adf), "properties": _properties(properties)}
        if visibility is not None:
            body["visibility"] = dict(visibility)
        request = ask(f"comment on issue {issue}", "POST", "/issue/{}/comment", issue, body=body)
        made = self._call.write(request) if person is None else self._call.write_as(person, request)
        return _made(made, "id")

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

    # --- projects and the site

    def server_info(self) -> Json:
        """The site: "baseUrl", "displayUrl", "serverTime", …; any caller may ask."""
        return self._call.read(ask("read the site's own data", "GET", "/serverInfo"))

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
