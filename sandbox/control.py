"""The control API: what a test or a person does to the sandbox from outside, as a customer, an agent or an operator.

JSON in and out, loopback only. A wrong request is answered 400 {"error", "errors": {field: sentence}}.
"""

import ipaddress
import json
import math
import re
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import faults as fault_kinds
from sandbox.jira import adf, beans, writes
from sandbox.jira.errors import JiraError
from sandbox.jira.install import InstallFailed
from sandbox.jira.model import Comment, Issue, User
from sandbox.jira.site import Site
from sandbox.mail import letters
from sandbox.mail.smtp import STAGES, Refusal
from sandbox.parts import Parts

MAX_MAIL = 60 * 1024 * 1024
_KINDS = ("atlassian", "customer", "app")


class BadControl(Exception):
    """A field of a control request is wrong."""

    def __init__(self, field: str, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.field = field
        self.status = status


def blueprint(parts: Parts) -> Blueprint:
    """The routes under /control."""
    routes = Blueprint("control", __name__, url_prefix="/control")

    @routes.before_request
    def loopback_only() -> tuple[Response, int] | None:
        if not ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback:
            return jsonify(error="The control API answers on the loopback interface only."), 403
        origin = request.headers.get("Origin")
        if origin not in (None, request.host_url.rstrip("/")):  # another site's page in this machine's browser
            return jsonify(error=f"The control API does not answer to pages of {origin}."), 403
        return None

    @routes.errorhandler(BadControl)
    def refuse(error: BadControl) -> tuple[Response, int]:
        return jsonify(error=f"{error.field}: {error}", errors={error.field: str(error)}), error.status

    @routes.errorhandler(JiraError)
    def refuse_as_jira(error: JiraError) -> tuple[Response, int]:
        return jsonify(error="; ".join([*error.messages, *error.errors.values()]), errors=error.errors), error.status

    _mail_routes(routes, parts)
    _issue_routes(routes, parts)
    _people_routes(routes, parts)
    _operator_routes(routes, parts)
    return routes


def _mail_routes(routes: Blueprint, parts: Parts) -> None:
    @routes.post("/mail")
    def mail() -> tuple[Response, int]:
        raw, sender, recipients = _letter(parts.mailbox)
        into = parts.post.deliver(sender, recipients, raw)
        message_id = letters.read(raw)["message_id"]
        return jsonify(message_id=message_id, delivered_to=recipients, mailboxes=into), 201

    @routes.post("/bounce")
    def bounce() -> tuple[Response, int]:
        body = _object()
        letter = parts.post.letter(_whole(body, "letter"))
        if letter is None:
            raise BadControl("letter", "there is no letter with this id; GET /control/inboxes shows them", 404)
        report = letters.delivery_report(letter.raw, letter.recipient, status=str(body.get("status", "5.1.1")))
        # a report goes to the envelope's sender, and that is where Mailbridge must have put its mailbox
        into = parts.post.deliver("", [letter.sender], report)
        return jsonify(message_id=letters.read(report)["message_id"], delivered_to=[letter.sender], mailboxes=into), 201

    @routes.get("/inboxes")
    def inboxes() -> Response:
        return jsonify({address: [one.as_json() for one in found] for address, found in parts.post.inboxes().items()})

    @routes.get("/inboxes/<address>")
    def inbox(address: str) -> Response:
        return jsonify([one.as_json() for one in parts.post.inbox(address)])

    @routes.get("/letters/<int:number>/raw")
    def raw_letter(number: int) -> Response | tuple[Response, int]:
        letter = parts.post.letter(number)
        if letter is None:
            return jsonify(error=f"There is no letter {number}."), 404
        return Response(letter.raw, content_type="text/plain; charset=utf-8")

    @routes.get("/mailboxes")
    def mailboxes() -> Response:
        return jsonify(
            {
                user: {
                    folder: [_stored(one) for one in parts.imap.messages(user, folder)]
                    for folder in parts.imap.folders(user)
                }
                for user in parts.imap.mailboxes()
            }
        )

    @routes.post("/mailboxes")
    def add_mailbox() -> tuple[Response, int]:
        body = _object()
        address, password = _text(body, "address"), _text(body, "password")
        if not re.fullmatch(r"[^@\s+]+@[^@\s]+", address):
            raise BadControl("address", "give an address such as help@sandbox.test, without a sub-address")
        parts.imap.add_mailbox(address, password)
        return jsonify(address=address), 201

    @routes.post("/imap/drop")
    def drop() -> tuple[str, int]:
        parts.imap.drop_connections()
        return "", 204

    @routes.post("/smtp/refusals")
    def refuse_mail() -> tuple[Response, int]:
        body = _object()
        _only(body, "match", "reply", "count", "stage")
        reply = body.get("reply", "550 5.1.1 user unknown")
        if not isinstance(reply, str) or not re.match(r"[45]\d\d ", reply):
            raise BadControl("reply", "give an SMTP answer such as '550 5.1.1 user unknown'")
        stage = body.get("stage", "rcpt")
        if stage not in STAGES:
            raise BadControl("stage", f"give one of {', '.join(STAGES)}")
        refusal = Refusal(_pattern(body, "match"), reply, _whole(body, "count") if "count" in body else None, stage)
        parts.smtp.refuse(refusal)
        return jsonify(asdict(refusal)), 201

    @routes.delete("/smtp/refusals")
    def accept_mail() -> tuple[str, int]:
        parts.smtp.accept_all()
        return "", 204


def _issue_routes(routes: Blueprint, parts: Parts) -> None:
    site = parts.site

    @routes.get("/issues")
    def issues() -> Response:
        with site.lock:
            return jsonify([issue_json(site, issue) for issue in site.issues.values()])

    @routes.post("/issues")
    def create() -> tuple[Response, int]:
        body = _object()
        who = _account(site, body.pop("accountId", None))
        with site.lock:
            issue = writes.create_issue(site, who, _fields(body), None)
            return jsonify(issue_json(site, issue)), 201

    @routes.get("/issues/<key>")
    def issue(key: str) -> Response:
        with site.lock:
            return jsonify(issue_json(site, site.issue(key)))

    @routes.put("/issues/<key>")
    def edit(key: str) -> Response:
        body = _object()
        who = _account(site, body.pop("accountId", None))
        with site.lock:
            found = site.issue(key)
            status = body.pop("status", None)
            if status is not None:
                writes.set_status(site, who, found, _status(site, status))
            if body:
                writes.edit_issue(site, who, found, _fields(body))
            return jsonify(issue_json(site, found))

    @routes.delete("/issues/<key>")
    def delete(key: str) -> tuple[str, int]:
        with site.lock:
            writes.delete_issue(site, _account(site, request.args.get("accountId")), site.issue(key))
        return "", 204

    @routes.post("/comments")
    def comment() -> tuple[Response, int]:
        body = _object()
        _only(body, "issue", "accountId", "text", "internal", "visibility", "body")
        with site.lock:
            found = site.issue(_text(body, "issue"))
            document = body["body"] if "body" in body else adf.from_text(_text(body, "text"))
            properties = [{"key": "sd.public.comment", "value": {"internal": True}}] if body.get("internal") else None
            who = _account(site, body.get("accountId"))
            added = writes.add_comment(site, who, found, document, body.get("visibility"), properties)
            return jsonify(_comment(site, found, added)), 201

    @routes.put("/comments/<comment_id>")
    def edit_comment(comment_id: str) -> Response:
        body = _object()
        _only(body, "accountId", "text", "visibility")
        with site.lock:
            found, entry = site.comment(comment_id)
            changes: dict[str, Any] = {}
            if "text" in body:
                changes["body"] = adf.from_text(_text(body, "text"))
            if "visibility" in body:
                changes["visibility"] = body["visibility"]
            writes.edit_comment(site, _account(site, body.get("accountId")), found, entry, changes)
            return jsonify(_comment(site, found, entry))

    @routes.delete("/comments/<comment_id>")
    def delete_comment(comment_id: str) -> tuple[str, int]:
        with site.lock:
            found, entry = site.comment(comment_id)
            writes.delete_comment(site, _account(site, request.args.get("accountId")), found, entry)
        return "", 204

    @routes.post("/issues/<key>/watchers")
    def watch(key: str) -> tuple[str, int]:
        who = _account(site, _object().get("accountId"))
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


def _people_routes(routes: Blueprint, parts: Parts) -> None:
    site = parts.site

    @routes.get("/users")
    def users() -> Response:
        with site.lock:
            return jsonify([_user(site, user) for user in site.users.values()])

    @routes.post("/users")
    def add_user() -> tuple[Response, int]:
        body = _object()
        _only(body, "accountId", "name", "email", "email_shown", "active", "kind", "groups", "roles")
        with site.lock:
            old = site.users.get(str(body.get("accountId")))
            if old is None:
                number = len(site.users) + 1
                account = str(body.get("accountId") or f"712020:cccccccc-0000-4000-8000-{number:012d}")
                old = User(account, _text(body, "name"), _text(body, "email"))
            old.name, old.email = str(body.get("name", old.name)), str(body.get("email", old.email))
            old.email_shown = _flag(body, "email_shown", old.email_shown)
            old.active = _flag(body, "active", old.active)
            old.kind = str(body.get("kind", old.kind))
            if old.kind not in _KINDS:
                raise BadControl("kind", f"give one of {', '.join(_KINDS)}")
            site.users[old.account_id] = old
            _join_groups(site, old, body.get("groups"))
            _join_roles(site, old, body.get("roles"))
            return jsonify(_user(site, old)), 201

    @routes.get("/projects")
    def projects() -> Response:
        with site.lock:
            return jsonify(
                [
                    {
                        "id": project.id, "key": project.key, "name": project.name, "type": project.type,
                        "issue_types": [{"id": kind, "name": site.issue_types[kind].name} for kind in project.issue_types],
                    }
                    for project in site.projects
                ]
            )  # fmt: skip


def _operator_routes(routes: Blueprint, parts: Parts) -> None:
    @routes.get("/ports")
    def ports() -> Response:
        return jsonify(url=parts.site.base_url, imap_port=parts.imap.port, smtp_port=parts.smtp.port)

    @routes.get("/calls")
    def calls() -> Response:
        since = request.args.get("since", "0")
        return jsonify([call.as_json() for call in parts.calls.all(int(since) if since.isdigit() else 0)])

    @routes.get("/violations")
    def violations() -> Response:
        return jsonify(parts.calls.violations())

    @routes.get("/webhooks")
    def webhooks() -> Response:
        return jsonify({"idle": parts.webhooks.idle(), "attempts": [asdict(one) for one in parts.webhooks.attempts()]})

    @routes.put("/webhooks")
    def set_webhooks() -> Response:
        body = _object()
        _only(body, "retry_seconds")
        parts.webhooks.retry_seconds = _seconds(body, "retry_seconds")
        return jsonify(retry_seconds=parts.webhooks.retry_seconds)

    @routes.get("/faults")
    def list_faults() -> Response:
        return jsonify([fault.as_json() for fault in parts.faults.all()])

    @routes.post("/faults")
    def add_fault() -> tuple[Response, int]:
        try:
            fault = fault_kinds.read(_object())
        except fault_kinds.BadFault as error:
            raise BadControl(error.field, str(error)) from None
        return jsonify(parts.faults.add(fault).as_json()), 201

    @routes.delete("/faults")
    def clear_faults() -> tuple[str, int]:
        parts.faults.clear()
        return "", 204

    @routes.post("/index")
    def index() -> Response:
        lag = _object().get("lag")
        seconds = math.inf if lag == "infinite" else lag
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
            raise BadControl("lag", 'give seconds from 0, or "infinite"')
        with parts.site.lock:
            parts.site.index.set_lag(float(seconds), parts.site.clock())
        return jsonify(lag=lag)

    @routes.post("/email-api")
    def email_api() -> Response:
        parts.site.email_api_open = _flag(_object(), "approved", True)
        return jsonify(approved=parts.site.email_api_open)

    @routes.get("/installations")
    def installations() -> Response:
        return jsonify([_installation(app) for app in parts.site.installations.values()])

    @routes.post("/install")
    def install() -> tuple[Response, int]:
        base_url = _text(_object(), "base_url")
        if not re.match(r"https?://", base_url):
            raise BadControl("base_url", "give the app's address, such as http://127.0.0.1:8080")
        try:
            return jsonify(_installation(parts.installer.install(base_url))), 201
        except InstallFailed as error:
            raise BadControl("base_url", str(error), 502) from None

    @routes.post("/uninstall")
    def uninstall() -> tuple[Response, int]:
        body = request.get_json(force=True, silent=True) or {}
        keys = [body["app_key"]] if "app_key" in body else list(parts.site.installations)
        try:
            for key in keys:
                parts.installer.uninstall(str(key))
        except InstallFailed as error:
            raise BadControl("app_key", str(error), 502) from None
        return jsonify(uninstalled=keys), 200

    @routes.post("/reset")
    def reset() -> tuple[str, int]:
        parts.reset()
        return "", 204


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


def _letter(mailbox: str) -> tuple[bytes, str, list[str]]:
    """The raw letter of a request, its envelope sender and recipients."""
    if request.mimetype == "message/rfc822":
        raw = request.get_data(cache=False)
        if not raw.strip():
            raise BadControl("body", "give a message")
        to = request.args.getlist("to") or letters.addresses(raw, "To", "Cc") or [mailbox]
        sender = request.args.get("from") or (letters.addresses(raw, "From") or [""])[0]
        return raw, sender, to
    form = _object()
    form.setdefault("to", mailbox)
    try:
        raw = letters.compose(form)
    except letters.BadLetter as error:
        raise BadControl(error.field, str(error)) from None
    return raw, letters.addresses(raw, "From")[0], letters.addresses(raw, "To", "Cc")


def _stored(message: Any) -> dict[str, Any]:
    read = letters.read(message.raw)
    names = ("from", "to", "subject", "message_id", "date")
    return {"uid": message.uid, "flags": list(message.flags), **{name: read[name] for name in names}}


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


def _account(site: Site, given: Any) -> str:
    """The account that acts; Alice, the administrator, when nobody is named."""
    account = str(given or next(iter(site.users)))
    if account not in site.users:
        raise BadControl("accountId", "there is no such account; GET /control/users shows them")
    return account


def _join_groups(site: Site, user: User, names: Any) -> None:
    if names is None:
        return
    if not isinstance(names, list) or any(site.group(str(name)) is None for name in names):
        raise BadControl("groups", f"give a list of {', '.join(group.name for group in site.groups)}")
    for group in site.groups:
        (group.members.add if group.name in names else group.members.discard)(user.account_id)


def _join_roles(site: Site, user: User, roles: Any) -> None:
    """roles: {project key: [role name…]}."""
    by_name = {role.name: role.id for role in site.roles.values()}
    for key, names in (roles or {}).items():
        if not isinstance(names, list) or any(name not in by_name for name in names):
            raise BadControl("roles", f"give an object of project keys and lists of {', '.join(by_name)}")
        project = site.project(key)
        for name, number in by_name.items():
            actors = project.role_users.setdefault(number, set())
            (actors.add if name in names else actors.discard)(user.account_id)


def _user(site: Site, user: User) -> dict[str, Any]:
    return {
        "accountId": user.account_id,
        "name": user.name,
        "email": user.email,
        "email_shown": user.email_shown,
        "active": user.active,
        "kind": user.kind,
        "groups": [group.name for group in site.groups_of(user.account_id)],
        "roles": {
            project.key: [role.name for role in site.roles_of(user.account_id, project)] for project in site.projects
        },
    }


def _installation(app: Any) -> dict[str, Any]:
    return {
        "app_key": app.app_key, "client_key": app.client_key, "account_id": app.account_id, "base_url": app.base_url,
        "enabled": app.enabled, "scopes": sorted(app.scopes),
    }  # fmt: skip


def _object() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise BadControl("body", "give a JSON object")
    return body


def _only(body: dict[str, Any], *known: str) -> None:
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise BadControl(unknown[0], f"unknown field; known are {', '.join(known)}")


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadControl(name, "give a text")
    return value


def _whole(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadControl(name, "give a whole number")
    return value


def _flag(body: dict[str, Any], name: str, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise BadControl(name, "give true or false")
    return value


def _seconds(body: dict[str, Any], name: str) -> float:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadControl(name, "give seconds from 0")
    return float(value)


def _pattern(body: dict[str, Any], name: str) -> str:
    try:
        return re.compile(_text(body, name)).pattern
    except re.error as error:
        raise BadControl(name, f"give a regular expression: {error}") from None
