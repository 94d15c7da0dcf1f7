"""The control API: what a test or a person does to the sandbox from outside, as a customer, an agent or an operator.

JSON in and out, loopback only. A wrong request is answered 400 {"error", "errors": {field: sentence}}.
"""

import ipaddress

from flask import Blueprint, Response, jsonify, request

from sandbox.control import cloud, forge, issues, mail, operator, people, webhooks
from sandbox.control.asked import BadControl
from sandbox.jira.errors import JiraError
from sandbox.parts import Parts

MAX_MAIL = 60 * 1024 * 1024


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

    for module in (mail, issues, people, webhooks, forge, cloud, operator):
        module.add_routes(routes, parts)
    return routes
