"""REST: search by JQL through the index, GET and POST, with page tokens and reconcileIssues."""

from typing import Any

from flask import request

from sandbox.jira import beans, changelog, jql
from sandbox.jira.api import Answer, Api, Caller, json_body, names, number, token_at, token_start
from sandbox.jira.errors import JiraError, bad_request
from sandbox.jira.site import Site

_MAX_RECONCILED = 50


def add_routes(api: Api) -> None:
    """The search, and the grave of its predecessor."""
    api.route("POST", "/search/jql")(search_by_body)
    api.route("GET", "/search/jql")(search_by_query)
    api.route("GET", "/search")(removed)
    api.route("POST", "/search")(removed)


def search_by_body(site: Site, caller: Caller) -> Answer:
    """POST /search/jql."""
    body = json_body()
    return _search(site, caller, body), 200


def search_by_query(site: Site, caller: Caller) -> Answer:
    """GET /search/jql."""
    return _search(
        site, caller,
        {
            "jql": request.args.get("jql", ""),
            "nextPageToken": request.args.get("nextPageToken"),
            "maxResults": number("maxResults", 50, 5000),
            "fields": names("fields"),
            "properties": names("properties"),
            "expand": request.args.get("expand", ""),
            "reconcileIssues": [int(issue) for issue in names("reconcileIssues") if issue.isdigit()],
        },
    ), 200  # fmt: skip


def removed(site: Site, caller: Caller) -> Answer:
    """410: gone for good."""
    raise JiraError(410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")


def _search(site: Site, caller: Caller, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        query = jql.parse(str(asked.get("jql") or ""))
    except jql.JqlError as error:
        raise bad_request(str(error)) from None
    if not query.bounded:
        raise bad_request("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
    reconcile = asked.get("reconcileIssues") or []
    if not isinstance(reconcile, list) or len(reconcile) > _MAX_RECONCILED:
        raise bad_request(f"At most {_MAX_RECONCILED} issues can be reconciled.")
    now = site.clock()
    try:
        found = [
            issue
            for issue in site.index.seen(now, set(map(str, reconcile)), site.issues)
            if site.may(caller.account, "BROWSE_PROJECTS", site.project(issue.project))
            and query.matches(site, issue, caller.account, now)
        ]
    except jql.JqlError as error:
        raise bad_request(str(error)) from None
    found.sort(key=lambda issue: int(issue.id), reverse=True)
    for field, descending in reversed(query.order):
        found.sort(key=lambda issue: jql.sort_value(site, issue, field), reverse=descending)
    most = asked.get("maxResults")
    if not isinstance(most, int | None):
        raise bad_request("maxResults must be a whole number.")
    most = 50 if most is None else max(0, min(most, 5000))
    start = token_start(asked.get("nextPageToken"))
    fields = asked.get("fields") or []
    properties = asked.get("properties") or []
    issues = [beans.issue(site, issue, caller.account, fields, properties) for issue in found[start : start + most]]
    if "changelog" in str(asked.get("expand") or "").split(","):
        for bean, issue in zip(issues, found[start:], strict=False):
            bean["changelog"] = changelog.recent(site, issue)
    if not fields:  # unlike GET issue, this search tells only ids unless fields are asked for
        issues = [{name: bean[name] for name in ("id", "changelog") if name in bean} for bean in issues]
    answer: dict[str, Any] = {"issues": issues, "isLast": start + most >= len(found)}
    if not answer["isLast"]:
        answer["nextPageToken"] = token_at(start + most)
    return answer
