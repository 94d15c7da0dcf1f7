"""REST: the histories of issues, of one by pages and of many at once."""

from typing import Any

from sandbox.jira import changelog
from sandbox.jira.api import Answer, Api, Caller, json_body, number, page, token_at, token_start
from sandbox.jira.callers import INACCESSIBLE
from sandbox.jira.errors import JiraError, bad_request
from sandbox.jira.model import Issue
from sandbox.jira.site import Site

MAX_HISTORIES = 1000


def add_routes(api: Api) -> None:
    """Both endpoints about histories."""
    api.route("GET", "/issue/<issue>/changelog")(history)
    api.route("POST", "/changelog/bulkfetch", INACCESSIBLE)(histories)


def history(site: Site, caller: Caller, issue: str) -> Answer:
    """A page of the issue's history, oldest first."""
    found = site.visible_issue(issue, caller.account)
    entries = [changelog.entry(site, change) for change in found.changes]
    return page(site, entries, number("startAt", 0, 2**31), number("maxResults", 100, 100)), 200


def histories(site: Site, caller: Caller) -> Answer:
    """The histories of many issues in one sequence, oldest first; whom the caller may not see is left out."""
    body = json_body()
    wanted, fields = body.get("issueIdsOrKeys"), body.get("fieldIds") or []
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= MAX_HISTORIES:
        raise bad_request(f"Provide between 1 and {MAX_HISTORIES} issue IDs or keys.")
    seen = {issue.id: issue for issue in (_visible(site, caller, str(key)) for key in wanted) if issue is not None}
    entries = [
        (issue, change)
        for issue in seen.values()
        for change in issue.changes
        if not fields or any(item["fieldId"] in fields for item in change.items)
    ]
    entries.sort(key=lambda pair: (pair[1].at, int(pair[0].id)))
    start, most = token_start(body.get("nextPageToken")), body.get("maxResults", 1000)
    by_issue: dict[str, list[Any]] = {}
    for issue, change in entries[start : start + most]:
        by_issue.setdefault(issue.id, []).append(changelog.entry(site, change))
    answer: dict[str, Any] = {
        "issueChangeLogs": [{"issueId": one, "changeHistories": found} for one, found in by_issue.items()]
    }
    if start + most < len(entries):
        answer["nextPageToken"] = token_at(start + most)
    return answer, 200


def _visible(site: Site, caller: Caller, key: str) -> Issue | None:
    try:
        return site.visible_issue(key, caller.account)
    except JiraError:
        return None
