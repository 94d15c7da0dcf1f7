"""Control: Forge apps on the site, their tokens and their events; and the site's own name."""

import re
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.control.asked import BadControl, account, body_object, flag, only, seconds, text
from sandbox.forge import event_scopes
from sandbox.forge.deliveries import Attempt
from sandbox.forge.host import ForgeHost, NotInstalled
from sandbox.forge.manifest import INSTALLED, UPGRADED, BadManifest
from sandbox.forge.model import ForgeApp
from sandbox.parts import Parts


def add_routes(routes: Blueprint, parts: Parts) -> None:
    """Registers them."""

    host = parts.forge

    @routes.get("/forge")
    def forge() -> Response:
        return jsonify(_state(host))

    @routes.put("/forge")
    def set_forge() -> Response:
        body = body_object()
        only(body, "retry_seconds", "minute_seconds")
        for name in body:
            setattr(host.deliveries, name, seconds(body, name))
        return jsonify(_state(host))

    @routes.post("/forge/install")
    def install_forge() -> tuple[Response, int]:
        body = body_object()
        only(body, "manifest", "accountId")
        try:
            app, told = host.install(text(body, "manifest"), account(parts.site, body.get("accountId")))
        except BadManifest as error:
            raise BadControl("manifest", str(error)) from None
        return jsonify({**_described(app), "told": _shown(told)}), 201

    @routes.post("/forge/upgrade")
    def upgrade_forge() -> Response:
        body = body_object()
        only(body, "manifest")
        try:
            app, told = host.upgrade(text(body, "manifest"))
        except BadManifest as error:
            raise BadControl("manifest", str(error)) from None
        except NotInstalled as error:
            raise BadControl("manifest", str(error), 404) from None
        return jsonify({**_described(app), "told": _shown(told)})

    @routes.post("/forge/uninstall")
    def uninstall_forge() -> Response:
        body = request.get_json(force=True, silent=True) or {}
        only(body, "app", "silently")
        app = _app(host, body)
        said = host.uninstall(app, silently=flag(body, "silently", False))
        return jsonify(installation=app.installation_ari, said=said)

    @routes.post("/forge/tick")
    def tick() -> Response:
        app = _app(host, request.get_json(force=True, silent=True) or {})
        return jsonify(told=_shown(host.deliveries.tick(app)))

    @routes.post("/forge/age")
    def age() -> tuple[str, int]:
        host.bearers.age(seconds(body_object(), "seconds"))
        return "", 204

    @routes.post("/forge/rotate")
    def rotate() -> tuple[str, int]:
        host.keys.rotate()
        return "", 204

    @routes.post("/forge/quiet")
    def quiet() -> Response:
        host.deliveries.quiet = flag(body_object(), "on", True)
        return jsonify(on=host.deliveries.quiet)

    @routes.post("/rename")
    def rename() -> Response:
        body = body_object()
        only(body, "base_url")
        url = text(body, "base_url").rstrip("/")
        if not re.fullmatch(r"https?://[^/\s?#]+", url):
            raise BadControl("base_url", "give the site's new address, such as http://localhost:8090")
        with parts.site.lock:
            parts.site.base_url = url
        return jsonify(base_url=url, cloud_id=host.cloud_id, failed=parts.installer.tell_address())


def _app(host: ForgeHost, body: dict[str, Any]) -> ForgeApp:
    try:
        return host.app(body.get("app"))
    except NotInstalled as error:
        raise BadControl("app", str(error), 404) from None


def _state(host: ForgeHost) -> dict[str, Any]:
    told = host.deliveries
    return {
        "cloud_id": host.cloud_id, "api_base_url": host.api_base_url, "quiet": told.quiet,
        "retry_seconds": told.retry_seconds, "minute_seconds": told.minute_seconds,
        "apps": [_described(app) for app in host.apps()], "idle": told.idle(), "attempts": _shown(told.attempts()),
    }  # fmt: skip


def _described(app: ForgeApp) -> dict[str, Any]:
    manifest = app.manifest
    never = {event for one in manifest.triggers for event in one.events} - {*event_scopes.TOLD, INSTALLED, UPGRADED}
    return {
        "app": app.ari, "installation": app.installation_ari, "environment": app.environment_ari, "version": app.version,
        "account_id": app.account, "scopes": sorted(manifest.scopes), "impersonating": sorted(manifest.impersonating),
        "modules": [{"kind": page.kind, "key": page.key} for page in manifest.pages], "never_told": sorted(never),
    }  # fmt: skip


def _shown(attempts: list[Attempt]) -> list[dict[str, Any]]:
    return [asdict(attempt) for attempt in attempts]
