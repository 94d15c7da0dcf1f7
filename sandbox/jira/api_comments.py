"""REST: comments, their properties, and attachments."""

from typing import Any

from flask import Response, request

from sandbox.jira import beans, comment_writes, given, writes
from sandbox.jira.api import Answer, Api, Caller, json_body, number, page
from sandbox.jira.api_issues import any_json
from sandbox.jira.errors import JiraError, bad_request
from sandbox.jira.model import Comment, Issue
from sandbox.jira.site import Site


def add_routes(api: Api) -> None:
    """Every endpoint about comments and attachments."""
    api.route("GET", "/issue/<issue>/comment")(comments)
    api.route("POST", "/issue/<issue>/comment", "WRITE")(add)
    api.route("GET", "/issue/<issue>/comment/<comment>")(read)
    api.route("PUT", "/issue/<issue>/comment/<comment>", "WRITE")(edit)
    api.route("DELETE", "/issue/<issue>/comment/<comment>", "DELETE")(delete)
    api.route("POST", "/comment/list")(by_ids)
    api.route("GET", "/comment/<comment>/properties")(property_keys)
    api.route("GET", "/comment/<comment>/properties/<key>")(read_property)
    api.route("PUT", "/comment/<comment>/properties/<key>", "WRITE")(set_property)
    api.route("DELETE", "/comment/<comment>/properties/<key>", "WRITE")(delete_property)
    api.route("POST", "/issue/<issue>/attachments", "WRITE")(attach)
    api.route("GET", "/attachment/<attachment>")(attachment)
    api.route("GET", "/attachment/content/<attachment>")(content)
    api.route("DELETE", "/attachment/<attachment>", "DELETE")(delete_attachment)


def comments(site: Site, caller: Caller, issue: str) -> Answer:
    """A page of comments by creation; orderBy takes created, +created, -created."""
    found = site.visible_issue(issue, caller.account)
    order = request.args.get("orderBy", "created")
    if order.lstrip("+- ") != "created":
        raise bad_request("The orderBy parameter can only be set to created.")
    seen = [entry for entry in found.comments if site.sees_comment(caller.account, found, entry)]
    if order.startswith("-"):
        seen.reverse()
    shown = [beans.comment(site, found, entry, with_properties=_expanded("properties")) for entry in seen]
    start, most = number("startAt", 0, 2**31), number("maxResults", 100, 5000)
    return {"startAt": start, "maxResults": most, "total": len(shown), "comments": shown[start : start + most]}, 200


def add(site: Site, caller: Caller, issue: str) -> Answer:
    """201 with the comment."""
    found = site.visible_issue(issue, caller.account)
    body = json_body()
    comment = comment_writes.add_comment(
        site, caller.account, found, body.get("body"), body.get("visibility"), body.get("properties"), caller.trace
    )
    return beans.comment(site, found, comment, with_properties=_expanded("properties")), 201


def read(site: Site, caller: Caller, issue: str, comment: str) -> Answer:
    """One comment of this issue."""
    found, entry = _find(site, caller, issue, comment)
    return beans.comment(site, found, entry, with_properties=_expanded("properties")), 200


def edit(site: Site, caller: Caller, issue: str, comment: str) -> Answer:
    """200 with the comment."""
    found, entry = _find(site, caller, issue, comment)
    body = json_body()
    changes: dict[str, Any] = {name: body[name] for name in ("body", "visibility", "properties") if name in body}
    comment_writes.edit_comment(site, caller.account, found, entry, changes, caller.trace)
    return beans.comment(site, found, entry, with_properties=_expanded("properties")), 200


def delete(site: Site, caller: Caller, issue: str, comment: str) -> Answer:
    """204."""
    found, entry = _find(site, caller, issue, comment)
    comment_writes.delete_comment(site, caller.account, found, entry, caller.trace)
    return None, 204


def by_ids(site: Site, caller: Caller) -> Answer:
    """Comments of any issues by id; unknown and hidden ones are left out."""
    ids = json_body().get("ids")
    if not isinstance(ids, list) or not ids or len(ids) > 1000:
        raise bad_request("Provide between 1 and 1000 comment IDs.")
    if not all(isinstance(comment_id, int) for comment_id in ids):
        raise bad_request("The comment IDs must be numbers.")
    wanted = {str(comment_id) for comment_id in ids}
    shown = [
        beans.comment(site, found, entry, with_properties=_expanded("properties"))
        for found, entry in site.comments()
        if entry.id in wanted and site.sees_comment(caller.account, found, entry)
    ]
    return page(site, shown, 0, 1048576), 200


def property_keys(site: Site, caller: Caller, comment: str) -> Answer:
    """The keys of a comment's properties."""
    _, entry = _visible(site, caller, comment)
    keys = [
        {"self": beans.link(site, 3, f"comment/{comment}/properties/{key}"), "key": key} for key in entry.properties
    ]
    return {"keys": keys}, 200


def read_property(site: Site, caller: Caller, comment: str, key: str) -> Answer:
    """One property."""
    _, entry = _visible(site, caller, comment)
    if key not in entry.properties:
        raise JiraError(404, f"The property {key} does not exist.")
    return {"key": key, "value": entry.properties[key]}, 200


def set_property(site: Site, caller: Caller, comment: str, key: str) -> Answer:
    """201 when it is new, else 200."""
    _, entry = _visible(site, caller, comment)
    new = given.set_property(entry.properties, key, any_json())
    return {}, 201 if new else 200


def delete_property(site: Site, caller: Caller, comment: str, key: str) -> Answer:
    """204."""
    _, entry = _visible(site, caller, comment)
    if entry.properties.pop(key, None) is None:
        raise JiraError(404, f"The property {key} does not exist.")
    return None, 204


def attach(site: Site, caller: Caller, issue: str) -> Answer:
    """200 with the new attachments; without X-Atlassian-Token: no-check Jira suspects a forged form."""
    if request.headers.get("X-Atlassian-Token") != "no-check":
        return Response("XSRF check failed", 403, content_type="text/html;charset=UTF-8")
    found = site.visible_issue(issue, caller.account)
    files = [
        (part.filename or "", part.mimetype or "application/octet-stream", part.stream.read())
        for part in request.files.getlist("file")
    ]
    if not files or not all(name for name, _, _ in files):
        raise bad_request("The request must carry at least one part named file, with a file name.")
    stored = writes.attach(site, caller.account, found, files, caller.trace)
    return [beans.attachment(site, file) for file in stored], 200


def attachment(site: Site, caller: Caller, attachment: str) -> Answer:
    """The metadata of a file; here, unlike elsewhere, its id is a number."""
    _, file = _file(site, caller, attachment)
    return {**beans.attachment(site, file), "id": int(file.id)}, 200


def content(site: Site, caller: Caller, attachment: str) -> Answer:
    """The file itself."""
    _, file = _file(site, caller, attachment)
    return Response(file.content, content_type=file.content_type)


def delete_attachment(site: Site, caller: Caller, attachment: str) -> Answer:
    """204."""
    issue, file = _file(site, caller, attachment)
    issue.attachments.remove(file)
    return None, 204


def _find(site: Site, caller: Caller, issue: str, comment: str) -> tuple[Issue, Comment]:
    found = site.visible_issue(issue, caller.account)
    for entry in found.comments:
        if entry.id == comment and site.sees_comment(caller.account, found, entry):
            return found, entry
    raise JiraError(404, f"Can not find a comment for the id: {comment}.")


def _visible(site: Site, caller: Caller, comment: str) -> tuple[Issue, Comment]:
    issue, entry = site.comment(comment)
    return _find(site, caller, issue.id, entry.id)


def _file(site: Site, caller: Caller, attachment: str) -> tuple[Issue, Any]:
    for issue in site.issues.values():
        for file in issue.attachments:
            if file.id == attachment and site.may(caller.account, "BROWSE_PROJECTS", site.project(issue.project)):
                return issue, file
    raise JiraError(404, f"The attachment with id '{attachment}' does not exist")


def _expanded(name: str) -> bool:
    return name in request.args.get("expand", "").split(",")
