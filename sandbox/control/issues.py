"""Control: issues, comments and attachments, as a person makes and changes them in Jira."""

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.control.asked import BadControl, account, body_object, only, text
from sandbox.jira import adf, beans, comment_writes, writes
from sandbox.jira.model import Comment, Issue
from sandbox.jira.site import Site
from sandbox.parts import Parts


def add_routes(routes: Blueprint, parts: Parts) -> None:
    """Registers them."""

    site = parts.site

    @routes.get("/issues")
    def issues() -> Response:
        with site.lock:
            return jsonify([issue_json(site, issue) for issue in site.issues.values()])

    @routes.post("/issues")
    def create() -> tuple[Response, int]:
        body = body_object()
        who = account(site, body.pop("accountId", None))
        with site.lock:
            issue = writes.create_issue(site, who, _fields(body), None)
            return jsonify(issue_json(site, issue)), 201

    @routes.get("/issues/<key>")
    def issue(key: str) -> Response:
        with site.lock:
            return jsonify(issue_json(site, site.issue(key)))

    @routes.put("/issues/<key>")
    def edit(key: str) -> Response:
        body = body_object()
        who = account(site, body.pop("accountId", None))
        inner = body.pop("fields", {})  # the fields stand beside accountId, or as REST has them, in fields
        if not isinstance(inner, dict):
            raise BadControl("fields", "give an object")
        body |= inner
        with site.lock:
            found = site.issue(key)
            status = body.pop("status", None)
            if isinstance(status, dict):
                status = status.get("id") or status.get("name")
            if status is not None:
                writes.set_status(site, who, found, _status(site, status))
            if body:
                writes.edit_issue(site, who, found, _fields(body))
            return jsonify(issue_json(site, found))

    @routes.delete("/issues/<key>")
    def delete(key: str) -> tuple[str, int]:
        with site.lock:
            writes.delete_issue(site, account(site, request.args.get("accountId")), site.issue(key))
        return "", 204

    @routes.post("/comments")
    def comment() -> tuple[Response, int]:
        body = body_object()
        only(body, "issue", "accountId", "text", "internal", "visibility", "body")
        with site.lock:
            found = site.issue(text(body, "issue"))
            document = body["body"] if "body" in body else adf.from_text(text(body, "text"))
            properties = [{"key": "sd.public.comment", "value": {"internal": True}}] if body.get("internal") else None
            who = account(site, body.get("accountId"))
            added = comment_writes.add_comment(site, who, found, document, body.get("visibility"), properties)
            return jsonify(_comment(site, found, added)), 201

    @routes.put("/comments/<comment_id>")
    def edit_comment(comment_id: str) -> Response:
        body = body_object()
        only(body, "accountId", "text", "visibility")
        with site.lock:
            found, entry = site.comment(comment_id)
            changes: dict[str, Any] = {}
            if "text" in body:
                changes["body"] = adf.from_text(text(body, "text"))
            if "visibility" in body:
                changes["visibility"] = body["visibility"]
            comment_writes.edit_comment(site, account(site, body.get("accountId")), found, entry, changes)
            return jsonify(_comment(site, found, entry))

    @routes.delete("/comments/<comment_id>")
    def delete_comment(comment_id: str) -> tuple[str, int]:
        with site.lock:
            found, entry = site.comment(comment_id)
            comment_writes.delete_comment(site, account(site, request.args.get("accountId")), found, entry)
        return "", 204

    @routes.post("/issues/<key>/watchers")
    def watch(key: str) -> tuple[str, int]:
        who = account(site, body_object().get("accountId"))
        with site.lock:
            site.issue(key).watchers.add(who)
        return "", 204

    @routes.get("/attachments/<attachment_id>")
    def attachment(attachment_id: str) -> Response:
        with site.lock:
            for found in site.issues.values():
                for file in found.attachments:
                    if file.id == attachment_id:
                        name = json.dumps(file.filename)
                        return Response(
                            file.content, content_type="application/octet-stream",
                            headers={"Content-Disposition": f"attachment; filename={name.encode('ascii', 'replace').decode()}"},
                        )  # fmt: skip
        raise BadControl("attachment", "there is no such attachment", 404)


def issue_json(site: Site, issue: Issue) -> dict[str, Any]:
    """An issue for the control API: REST's shape, with every comment, attachment and property."""
    bean = beans.issue(site, issue, issue.creator, ["*all"], ["*all"])
    bean["fields"].pop("comment")
    bean["comments"] = [_comment(site, issue, comment) for comment in issue.comments]
    bean["attachments"] = bean["fields"].pop("attachment")
    for attachment in bean["attachments"]:
        attachment["download"] = f"{site.base_url}/control/attachments/{attachment['id']}"
    bean["properties"] = issue.properties
    bean["watchers"] = sorted(issue.watchers)
    bean["text"] = adf.plain(issue.description)
    return bean


def _comment(site: Site, issue: Issue, comment: Comment) -> dict[str, Any]:
    return {
        **beans.comment(site, issue, comment),
        "text": adf.plain(comment.body),
        "internal": comment.internal,
        "properties": comment.properties,
    }


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    """REST's fields, with the short forms a person types: a text for ADF, an account id for a user."""
    fields: dict[str, Any] = {}
    for name, value in body.items():
        if name in ("description", "environment") and isinstance(value, str):
            fields[name] = adf.from_text(value)
        elif name in ("assignee", "reporter") and isinstance(value, str):
            fields[name] = {"accountId": value}
        elif name == "project" and isinstance(value, str):
            fields[name] = {"key": value}
        elif name in ("issuetype", "priority") and isinstance(value, str):
            fields[name] = {"name": value}
        else:
            fields[name] = value
    return fields


def _status(site: Site, wanted: Any) -> str:
    for status in site.statuses.values():
        if str(wanted).lower() in (status.id, status.name.lower()):
            return status.id
    raise BadControl("status", f"give one of {', '.join(status.name for status in site.statuses.values())}")
