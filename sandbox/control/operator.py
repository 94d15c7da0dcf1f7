"""Control: what was asked and sent, faults, the index, installations, and the way back to the beginning."""

import math
import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import faults as fault_kinds
from sandbox.control.asked import BadControl, body_object, flag, only, seconds, text
from sandbox.forge.host import NotInstalled
from sandbox.jira.install import InstallFailed
from sandbox.limits import Bounds
from sandbox.parts import Parts


def add_routes(routes: Blueprint, parts: Parts) -> None:
    """Registers them."""

    @routes.get("/ports")
    def ports() -> Response:
        outgoing = parts.outgoing_port or parts.smtp.port
        return jsonify(url=parts.site.base_url, imap_port=parts.imap.port, smtp_port=outgoing)

    @routes.get("/calls")
    def calls() -> Response:
        since = request.args.get("since", "0")
        return jsonify([call.as_json() for call in parts.calls.all(int(since) if since.isdigit() else 0)])

    @routes.get("/violations")
    def violations() -> Response:
        return jsonify(parts.calls.violations())

    @routes.get("/faults")
    def list_faults() -> Response:
        return jsonify([fault.as_json() for fault in parts.faults.all()])

    @routes.post("/faults")
    def add_fault() -> tuple[Response, int]:
        try:
            fault = fault_kinds.read(body_object())
        except fault_kinds.BadFault as error:
            raise BadControl(error.field, str(error)) from None
        return jsonify(parts.faults.add(fault).as_json()), 201

    @routes.delete("/faults")
    def clear_faults() -> tuple[str, int]:
        parts.faults.clear()
        return "", 204

    @routes.get("/limits")
    def limits() -> Response:
        return jsonify(_limits(parts))

    @routes.post("/limits")
    def set_limits() -> Response:
        body = body_object()
        only(body, "points", "burst", "per_issue", "window")
        counts = {name: body.get(name) for name in ("points", "burst")}
        for name, value in counts.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise BadControl(name, "give a whole number from 1, or null for no limit")
        window = seconds(body, "window") if "window" in body else 3600.0
        if window <= 0:
            raise BadControl("window", "give more than 0 seconds")
        bounds = Bounds(counts["points"], counts["burst"], flag(body, "per_issue", False), window)
        parts.limits.set(bounds, parts.site.clock())
        return jsonify(_limits(parts))

    @routes.post("/index")
    def index() -> Response:
        lag = body_object().get("lag")
        late = math.inf if lag == "infinite" else lag
        if isinstance(late, bool) or not isinstance(late, int | float) or not late >= 0:
            raise BadControl("lag", 'give seconds from 0, or "infinite"')
        with parts.site.lock:
            parts.site.index.set_lag(float(late), parts.site.clock())
        return jsonify(lag=lag)

    @routes.post("/email-api")
    def email_api() -> Response:
        body = body_object()
        only(body, "allowed")
        keys = body.get("allowed")
        if keys is not None and not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
            raise BadControl("allowed", "give a list of app keys (Forge: app ids), or null for every app")
        parts.site.email_api_apps = None if keys is None else frozenset(keys)
        return jsonify(allowed=keys)

    @routes.get("/installations")
    def installations() -> Response:
        return jsonify([_installation(app) for app in parts.site.installations.values()])

    @routes.post("/install")
    def install() -> tuple[Response, int]:
        body = body_object()
        only(body, "base_url", "on_forge")
        base_url = text(body, "base_url")
        if not re.match(r"https?://", base_url):
            raise BadControl("base_url", "give the app's address, such as http://127.0.0.1:8080")
        try:
            on_forge = parts.forge.app().installation_ari if flag(body, "on_forge", False) else None
            return jsonify(_installation(parts.installer.install(base_url, on_forge))), 201
        except NotInstalled as error:
            raise BadControl("on_forge", str(error), 404) from None
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


def _limits(parts: Parts) -> dict[str, Any]:
    now = parts.site.clock()
    return {**parts.limits.bounds.as_json(), "used": parts.limits.used(now), "resets_at": parts.limits.resets_at(now)}


def _installation(app: Any) -> dict[str, Any]:
    return {
        "app_key": app.app_key, "client_key": app.client_key, "account_id": app.account_id, "base_url": app.base_url,
        "enabled": app.enabled, "scopes": sorted(app.scopes),
    }  # fmt: skip
