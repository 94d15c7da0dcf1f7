"""What a person opens: the page of pages, the host page that carries the app's page in an iframe, the install keys.

`/` everything at a glance · `/host` the app inside Jira, also at a Connect module's own address · `/browse/KEY` as Jira's links
go · `/connect/all.js` the client side of Connect's bridge · `/install-keys/{kid}` the keys that sign installs.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, jsonify, redirect, request, send_from_directory
from werkzeug.wrappers import Response as AnyResponse

from sandbox.control.issues import issue_json
from sandbox.jira.model import Installation
from sandbox.jira.tokens import CONTEXT_QSH, qsh, tenant_token
from sandbox.parts import Parts

STATIC = Path(__file__).parent / "static"
_AVATAR = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><circle cx="24" cy="24" r="24" fill="#8590a2"/>'
    '<circle cx="24" cy="19" r="8" fill="#fff"/><path d="M8 42a16 14 0 0 1 32 0" fill="#fff"/></svg>'
)
_CONTEXT_LIFE = 300  # seconds; what Jira gives a context token
_ADMIN_MODULES = ("adminPages", "configurePage", "postInstallPage", "generalPages")


def blueprint(parts: Parts) -> Blueprint:
    """The routes for people, and Connect's static addresses."""
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    def home() -> AnyResponse:
        return send_from_directory(STATIC, "index.html")

    @routes.get("/static/<path:name>")
    def static(name: str) -> AnyResponse:
        return send_from_directory(STATIC, name)

    @routes.get("/browse/<key>")
    def browse(key: str) -> AnyResponse:
        return redirect(f"/#{key}")

    @routes.get("/favicon.ico")
    @routes.get("/avatar/<name>")
    @routes.get("/images/icons/<name>")
    def picture(name: str = "") -> Response:
        return Response(_AVATAR, content_type="image/svg+xml")

    @routes.get("/page/state")
    def state() -> Response:
        body = json.dumps(_state(parts)).encode()
        tag = hashlib.sha256(body).hexdigest()[:32]
        if request.if_none_match.contains(tag):
            return Response(status=304)
        response = Response(body, content_type="application/json")
        response.set_etag(tag)
        return response

    @routes.get("/host")
    def host() -> AnyResponse:
        return send_from_directory(STATIC, "host.html")

    @routes.get("/plugins/servlet/ac/<app_key>/<module>")
    def module_page(app_key: str, module: str) -> AnyResponse:
        return redirect(f"/host?{urlencode({'module': module})}")

    @routes.get("/host/frames")
    def frames() -> Response:
        account = request.args.get("account", "")
        with parts.site.lock:
            apps = [app for app in parts.site.installations.values() if app.enabled]
            people = [
                {
                    "accountId": user.account_id,
                    "name": user.name,
                    "admin": "ADMINISTER" in parts.site.global_rights(user.account_id),
                }
                for user in parts.site.users.values()
                if user.kind == "atlassian" and user.active
            ]
            chosen = account if any(person["accountId"] == account for person in people) else people[0]["accountId"]
            listed = [frame for app in apps for frame in _frames(parts, app, str(chosen))]
        return jsonify(
            frames=listed, people=people, account=chosen, vendor=(STATIC / "vendor" / "connect-host.js").is_file()
        )

    @routes.post("/host/token")
    def token() -> tuple[Response, int]:
        body = request.get_json(force=True, silent=True) or {}
        app = parts.site.installations.get(str(body.get("app_key")))
        if app is None or not app.enabled:
            return jsonify(error="app_key: no such app is installed and enabled"), 404
        account = str(body.get("account"))
        if account not in parts.site.users:
            return jsonify(error="account: there is no such account"), 404
        return jsonify(token=context_token(parts, app, account)), 200

    @routes.get("/connect/all.js")
    def all_js() -> AnyResponse:
        if not (STATIC / "vendor" / "iframe.js").is_file():
            return Response(
                "// sandbox/static/vendor/iframe.js is not there: build the page first.",
                404,
                content_type="text/javascript",
            )
        return send_from_directory(STATIC / "vendor", "iframe.js", mimetype="text/javascript")

    @routes.get("/install-keys/<kid>")
    def install_key(kid: str) -> Response:
        pem = parts.installer.public_key(kid)
        if pem is None:
            return Response("There is no such key.", 404, content_type="text/plain")
        return Response(pem, content_type="application/x-pem-file")

    return routes


def context_token(parts: Parts, app: Installation, account: str) -> str:
    """What AP.context.getToken gives to a page of `app` that `account` looks at."""
    return tenant_token(app, time.time(), CONTEXT_QSH, subject=account, context={"jira": {}}, life=_CONTEXT_LIFE)


def frame_url(parts: Parts, app: Installation, module: dict[str, Any], account: str) -> str:
    """The address of an iframe as Jira makes it: xdm_e and the rest, then a JWT over all of it."""
    path, _, query = str(module.get("url", "/")).partition("?")
    parameters = [
        *parse_qsl(query, keep_blank_values=True),
        ("xdm_e", parts.site.base_url),
        ("xdm_c", f"channel-{app.app_key}__{module['key']}"),
        ("cp", ""),
        ("xdm_deprecated_addon_key_do_not_use", app.app_key),
        ("lic", "none"),
        ("cv", "1001.0.0-SNAPSHOT"),
    ]
    url = f"{app.base_url}/{path.lstrip('/')}?{urlencode(parameters)}"
    token = tenant_token(app, time.time(), qsh("GET", url, app.base_url), subject=account, context={})
    return f"{url}&jwt={token}"


def _frames(parts: Parts, app: Installation, account: str) -> list[dict[str, Any]]:
    modules = app.descriptor.get("modules", {})
    found = []
    for kind in _ADMIN_MODULES:
        declared = modules.get(kind, [])
        found += [
            {
                "app_key": app.app_key,
                "app": app.descriptor.get("name", app.app_key),
                "key": module["key"],
                "kind": kind,
                "name": module.get("name", {}).get("value", module["key"]),
                "url": frame_url(parts, app, module, account),
            }
            for module in (declared if isinstance(declared, list) else [declared])
        ]
    return found


def _state(parts: Parts) -> dict[str, Any]:
    """Everything the page of pages shows."""
    site = parts.site
    with site.lock:
        return {
            "mailbox": parts.mailbox,
            "apps": [
                {"name": app.descriptor.get("name"), "base_url": app.base_url} for app in site.installations.values()
            ],
            "people": [
                {"accountId": user.account_id, "name": user.name, "kind": user.kind}
                for user in site.users.values()
                if user.active and user.kind != "app"
            ],
            "statuses": [{"id": status.id, "name": status.name} for status in site.statuses.values()],
            "roles": [role.name for role in site.roles.values()],
            "issues": [_issue(issue_json(site, issue)) for issue in reversed(list(site.issues.values()))],
            "inboxes": {
                address: [_letter(one.as_json()) for one in reversed(found)]
                for address, found in parts.post.inboxes().items()
            },
            "mailboxes": {user: _mailbox(parts, user) for user in parts.imap.mailboxes()},
            "violations": parts.calls.violations()[-20:],
        }


def _issue(full: dict[str, Any]) -> dict[str, Any]:
    fields = full["fields"]
    return {
        "id": full["id"],
        "key": full["key"],
        "summary": fields["summary"],
        "text": full["text"],
        "type": fields["issuetype"]["name"],
        "status": fields["status"]["name"],
        "reporter": _person(fields["reporter"]),
        "assignee": _person(fields["assignee"]),
        "created": fields["created"],
        "attachments": [{name: one[name] for name in ("id", "filename", "size", "mimeType")} for one in full["attachments"]],
        "comments": [
            {
                "id": one["id"], "author": _person(one["author"]), "text": one["text"], "created": one["created"],
                "internal": one["internal"], "visibility": one.get("visibility"), "mail": one["properties"].get("mailbridge"),
            }
            for one in full["comments"]
        ],
        "mail": full["properties"].get("mailbridge"),
    }  # fmt: skip


def _person(bean: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if bean is None else {"accountId": bean["accountId"], "name": bean["displayName"]}


def _letter(full: dict[str, Any]) -> dict[str, Any]:
    names = (
        "id", "at", "from", "to", "cc", "reply_to", "subject", "date", "message_id", "references", "text", "html", "attachments",
        "envelope_to",
    )  # fmt: skip
    return {name: full[name] for name in names}


def _mailbox(parts: Parts, user: str) -> dict[str, int]:
    messages, unread = parts.imap.counts(user)
    return {"messages": messages, "unread": unread}
