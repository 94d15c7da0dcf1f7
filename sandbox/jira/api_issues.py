"""REST: issues, their properties, watchers and transitions."""

import json
from typing import Any

from flask import request

from sandbox.jira import beans, changelog, given, writes
from sandbox.jira.api import Answer, Api, Caller, json_body, names
from sandbox.jira.errors import JiraError, bad_request, no_issue
from sandbox.jira.model import Issue
from sandbox.jira.site import Site

MAX_BULK = 100


def add_routes(api: Api) -> None:
    """Every endpoint about issues."""
    api.route("POST", "/issue", "WRITE")(create)
    api.route("POST", "/issue/bulkfetch", "WRITE")(bulk_fetch)
    api.route("GET", "/issue/<issue>")(read)
    api.route("PUT", "/issue/<issue>", "WRITE")(edit)
    api.route("DELETE", "/issue/<issue>", "DELETE")(delete)
    api.route("GET", "/issue/<issue>/properties")(property_keys)
    api.route("GET", "/issue/<issue>/properties/<key>")(read_property)
    api.route("PUT", "/issue/<issue>/properties/<key>", "WRITE")(set_property)
    api.route("DELETE", "/issue/<issue>/properties/<key>", "DELETE")(delete_property)
    api.route("GET", "/issue/<issue>/watchers")(watchers)
    api.route("POST", "/issue/<issue>/watchers", "WRITE")(watch)
    api.route("DELETE", "/issue/<issue>/watchers", "WRITE")(unwatch)
    api.route("GET", "/issue/<issue>/transitions")(transitions)
    api.route("POST", "/issue/<issue>/transitions", "WRITE")(transition)


def create(site: Site, caller: Caller) -> Answer:
    """201 with id, key, self."""
    body = json_body()
    fields = _object(body.get("fields"), "fields")
    issue = writes.create_issue(site, caller.account, fields, body.get("properties"), caller.trace)
    return {"id": issue.id, "key": issue.key, "self": beans.link(site, 3, f"issue/{issue.id}")}, 201


def read(site: Site, caller: Caller, issue: str) -> Answer:
    """All fields unless `fields` asks for some; properties only when asked."""
    found = site.visible_issue(issue, caller.account)
    bean = beans.issue(site, found, caller.account, names("fields"), names("properties"))
    if "changelog" in names("expand"):
        bean["changelog"] = changelog.recent(site, found)
    return bean, 200


def edit(site: Site, caller: Caller, issue: str) -> Answer:
    """204, or 200 with the issue for returnIssue=true."""
    body = json_body()
    found = site.visible_issue(issue, caller.account)
    if body.get("update"):
        raise bad_request("The sandbox takes changes in fields, not in update.")
    writes.edit_issue(site, caller.account, found, _object(body.get("fields", {}), "fields"), caller.trace)
    found.properties.update(given.properties(body.get("properties")))
    writes.touch(site, found)
    if request.args.get("returnIssue") == "true":
        return beans.issue(site, found, caller.account, [], []), 200
    return None, 204


def delete(site: Site, caller: Caller, issue: str) -> Answer:
    """204; sub-tasks must be named to go too."""
    found = site.visible_issue(issue, caller.account)
    children = [other for other in site.issues.values() if other.parent == found.id]
    if children and request.args.get("deleteSubtasks") != "true":
        raise bad_request(f"The issue '{found.key}' has subtasks. You must specify the 'deleteSubtasks' parameter.")
    for child in children:
        writes.delete_issue(site, caller.account, child, caller.trace)
    writes.delete_issue(site, caller.account, found, caller.trace)
    return None, 204


def bulk_fetch(site: Site, caller: Caller) -> Answer:
    """Up to 100 issues in ascending id order; what is not found stands in issueErrors."""
    body = json_body()
    wanted = body.get("issueIdsOrKeys")
    if not isinstance(wanted, list) or not wanted:
        raise bad_request("At least one issue ID or key must be provided.")
    if len(wanted) > MAX_BULK:
        raise bad_request(f"You can only request up to {MAX_BULK} issues.")
    found: dict[str, Issue] = {}
    errors = []
    for key in map(str, wanted):
        try:
            issue = site.visible_issue(key, caller.account)
            found[issue.id] = issue
        except JiraError:
            errors.append({"id": key, "errorMessage": no_issue().messages[0]})
    fields = body.get("fields") or ["*navigable"]
    issues = [
        beans.issue(site, found[issue_id], caller.account, fields, body.get("properties") or [])
        for issue_id in sorted(found, key=int)
    ]
    return {"issues": issues, "issueErrors": errors}, 200


def property_keys(site: Site, caller: Caller, issue: str) -> Answer:
    """The keys of an issue's properties."""
    found = site.visible_issue(issue, caller.account)
    return {"keys": [{"self": _property_link(site, found, key), "key": key} for key in found.properties]}, 200


def read_property(site: Site, caller: Caller, issue: str, key: str) -> Answer:
    """One property."""
    found = site.visible_issue(issue, caller.account)
    if key not in found.properties:
        raise JiraError(404, f"The property {key} does not exist.")
    return {"key": key, "value": found.properties[key]}, 200


def set_property(site: Site, caller: Caller, issue: str, key: str) -> Answer:
    """201 when it is new, else 200."""
    found = site.visible_issue(issue, caller.account)
    new = writes.set_property(site, caller.account, found, key, any_json())
    return {}, 201 if new else 200


def delete_property(site: Site, caller: Caller, issue: str, key: str) -> Answer:
    """204."""
    found = site.visible_issue(issue, caller.account)
    writes.delete_property(site, caller.account, found, key)
    return None, 204


def watchers(site: Site, caller: Caller, issue: str) -> Answer:
    """Who watches; who may not know sees of all the watchers only whether it is one itself."""
    found = site.visible_issue(issue, caller.account)
    known = site.may(caller.account, "VIEW_VOTERS_AND_WATCHERS", site.project(found.project))
    shown = found.watchers if known else found.watchers & {caller.account}
    return {
        "self": beans.link(site, 3, f"issue/{found.key}/watchers"),
        "isWatching": caller.account in found.watchers,
        "watchCount": len(found.watchers),
        "watchers": [beans.user(site, account) for account in sorted(shown)],
    }, 200


def watch(site: Site, caller: Caller, issue: str) -> Answer:
    """The body is a JSON string, the account id; without one it is the caller."""
    found = site.visible_issue(issue, caller.account)
    account = request.get_json(force=True, silent=True) or caller.account
    if not isinstance(account, str):
        raise bad_request("The account ID must be a JSON string.")
    _may_change_watchers(site, caller, found, account)
    found.watchers.add(site.user(account).account_id)
    return None, 204


def unwatch(site: Site, caller: Caller, issue: str) -> Answer:
    """204."""
    found = site.visible_issue(issue, caller.account)
    account = site.user(request.args.get("accountId", "")).account_id
    _may_change_watchers(site, caller, found, account)
    found.watchers.discard(account)
    return None, 204


def transitions(site: Site, caller: Caller, issue: str) -> Answer:
    """One transition to each other status; its id is the status's with 1 before it."""
    found = site.visible_issue(issue, caller.account)
    ways = [
        {"id": f"1{status.id}", "name": status.name, "to": beans.status(site, status), "hasScreen": False,
         "isGlobal": True, "isInitial": False, "isAvailable": True, "isConditional": False}
        for status in site.statuses.values()
        if status.id != found.status
    ]  # fmt: skip
    return {"expand": "transitions", "transitions": ways}, 200


def transition(site: Site, caller: Caller, issue: str) -> Answer:
    """204."""
    found = site.visible_issue(issue, caller.account)
    wanted = _object(json_body().get("transition"), "transition").get("id")
    writes.set_status(site, caller.account, found, str(wanted).removeprefix("1"), caller.trace)
    return None, 204


def _may_change_watchers(site: Site, caller: Caller, issue: Issue, account: str) -> None:
    if account != caller.account and not site.may(caller.account, "MANAGE_WATCHERS", site.project(issue.project)):
        raise JiraError(403, "You do not have permission to manage the watcher list.")


def any_json() -> Any:
    """A body that is any non-empty JSON; raises JiraError 400."""
    try:
        value = json.loads(request.get_data() or b"null")
    except ValueError:
        raise bad_request("The value is not valid JSON.") from None
    if value is None:
        raise bad_request("The value must be non-empty JSON.")
    return value


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_request(f"{name} must be a JSON object.")
    return value


def _property_link(site: Site, issue: Issue, key: str) -> str:
    return beans.link(site, 3, f"issue/{issue.id}/properties/{key}")
