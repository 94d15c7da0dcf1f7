"""The host's own addresses: the JWKS, GraphQL, the page /forge/host that carries an app's page, the app's files, the bridge."""

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request, send_from_directory

from sandbox.calls import Calls
from sandbox.forge import cdn, graphql
from sandbox.forge.bridge import BadCommand, Bridge
from sandbox.forge.gateway import Refused
from sandbox.forge.host import ForgeHost, NotInstalled
from sandbox.forge.model import ForgeApp, View
from sandbox.jira.errors import JiraError
from sandbox.jira.model import Issue, Project, User
from sandbox.jira.site import Site

_STATIC = Path(__file__).resolve().parents[1] / "static"


class BadView(Exception):
    """What is asked to be looked at is not there; `field` and the sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def blueprint(host: ForgeHost, calls: Calls, files: Path | None) -> Blueprint:
    """The routes. `files`: where the app's built page is; None: as the manifest says, beside the repository's frontend."""
    routes, bridge, site = Blueprint("forge", __name__), Bridge(host), host.site

    @routes.get("/forge/jwks.json")
    def jwks() -> Response:
        return jsonify(host.keys.jwks())

    @routes.post("/graphql")
    def ask_graphql() -> Response:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        bearer = host.bearers.find(value, site.clock()) if scheme == "Bearer" else None
        if bearer is None:
            raise Refused(401, "Unauthorized")
        return jsonify(graphql.answer(host, bearer, request.get_json(force=True, silent=True)))

    @routes.get("/forge/host")
    def page() -> Response:
        return send_from_directory(_STATIC, "forge-host.html")

    @routes.get("/forge/host/frames")
    def frames() -> Response:
        return jsonify(_listing(host, files))

    @routes.get("/forge/cdn/<app_id>/<resource>/")
    @routes.get("/forge/cdn/<app_id>/<resource>/<path:name>")
    def file(app_id: str, resource: str, name: str = "index.html") -> Response | tuple[Response, int]:
        try:
            manifest = host.app(app_id).manifest
            return cdn.serve(manifest, cdn.folder(manifest, resource, files), name)
        except (NotInstalled, cdn.NoFile) as error:
            return jsonify(error=str(error)), 404

    @routes.post("/forge/bridge")
    def call_bridge() -> Response | tuple[Response, int]:
        if request.headers.get("Origin") not in (None, request.host_url.rstrip("/")):
            return jsonify(error="The bridge answers the sandbox's own pages only."), 403
        body = request.get_json(force=True, silent=True)
        if not isinstance(body, dict):
            return jsonify(error="body: give a JSON object"), 400
        command = str(body.get("command"))
        try:
            view = _view(host, body)
            return jsonify(result=bridge.call(view, command, body.get("payload") or {}))
        except BadView as error:
            return jsonify(error=f"{error.field}: {error}"), 400
        except BadCommand as error:
            call = calls.begin("BRIDGE", f"/forge/bridge/{command}", "", body.get("payload"), site.clock(), None)
            calls.violate(call, [str(error)])
            call.status = 400
            return jsonify(error=str(error)), 400

    return routes


def _view(host: ForgeHost, body: dict[str, Any]) -> View:
    try:
        app = host.app(body.get("app"))
    except NotInstalled as error:
        raise BadView("app", str(error)) from None
    page = app.page(str(body.get("module")))
    if page is None:
        raise BadView("module", f"give one of {', '.join(one.key for one in app.manifest.pages)}")
    site, account = host.site, str(body.get("account"))
    with site.lock:
        if account not in site.users:
            raise BadView("account", "there is no such account; GET /control/users shows them")
        issue, project = _around(site, page.kind, body)
    return View(app, page, account, issue, project)


def _around(site: Site, kind: str, body: dict[str, Any]) -> tuple[Issue | None, Project | None]:
    """The issue and the project around a module."""
    try:
        if kind == "jira:issuePanel":
            issue = site.issue(str(body.get("issue")))
            return issue, site.project(issue.project)
        if kind == "jira:projectSettingsPage":
            return None, site.project(str(body.get("project")))
    except JiraError as error:
        raise BadView("issue" if kind == "jira:issuePanel" else "project", error.messages[0]) from None
    return None, None


def _listing(host: ForgeHost, files: Path | None) -> dict[str, Any]:
    """What the host page can show: people, and for each the modules that Jira would show them."""
    site = host.site
    with site.lock:
        people = [one for one in site.users.values() if one.kind == "atlassian" and one.active]
        return {
            "apps": [_app(app, files) for app in host.apps()],
            "people": [_person(site, one) for one in people],
            "issues": [
                {"key": one.key, "project": site.project(one.project).key, "summary": one.summary}
                for one in site.issues.values()
            ],
        }


def _app(app: ForgeApp, files: Path | None) -> dict[str, Any]:
    modules = [
        {
            "key": page.key,
            "kind": page.kind,
            "title": page.title,
            "url": f"/forge/cdn/{app.manifest.app}/{page.resource}/",
            "missing": _missing(app, page.resource, files),
        }
        for page in app.manifest.pages
    ]
    return {
        "app": app.manifest.app,
        "name": app.name,
        "version": app.version,
        "sandbox": cdn.SANDBOX,
        "modules": modules,
    }


def _missing(app: ForgeApp, resource: str, files: Path | None) -> str | None:
    try:
        cdn.folder(app.manifest, resource, files)
    except cdn.NoFile as error:
        return str(error)
    return None


def _person(site: Site, user: User) -> dict[str, Any]:
    def where(permission: str) -> list[str]:
        return [project.key for project in site.projects if site.may(user.account_id, permission, project)]

    return {
        "accountId": user.account_id,
        "name": user.name,
        "admin": "ADMINISTER" in site.global_rights(user.account_id),
        "administers": where("ADMINISTER_PROJECTS"),
        "browses": where("BROWSE_PROJECTS"),
    }
