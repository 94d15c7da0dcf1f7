"""Control: webhooks, those that an administrator makes by hand and what became of each attempt to send one."""

import re
from dataclasses import asdict

from flask import Blueprint, Response, jsonify

from sandbox.control.asked import BadControl, body_object, only, seconds, text
from sandbox.jira.hooks import EVENTS
from sandbox.jira.jql import JqlError
from sandbox.parts import Parts


def add_routes(routes: Blueprint, parts: Parts) -> None:
    """Registers them."""

    @routes.get("/webhooks")
    def webhooks() -> Response:
        return jsonify(
            idle=parts.webhooks.idle(),
            attempts=[asdict(one) for one in parts.webhooks.attempts()],
            webhooks=[one.as_json() for one in parts.webhooks.hooks.admin()],
        )

    @routes.put("/webhooks")
    def set_webhooks() -> Response:
        body = body_object()
        only(body, "retry_seconds")
        parts.webhooks.retry_seconds = seconds(body, "retry_seconds")
        return jsonify(retry_seconds=parts.webhooks.retry_seconds)

    @routes.post("/webhooks")
    def add_webhook() -> tuple[Response, int]:
        body = body_object()
        only(body, "url", "secret", "events", "jql")
        url, events = text(body, "url"), body.get("events")
        if not re.match(r"https?://[^/]+", url):
            raise BadControl("url", "give the address that is told, such as http://127.0.0.1:8080/connect/hooks/…")
        if not isinstance(events, list) or not events or any(one not in EVENTS for one in events):
            raise BadControl("events", f"give a list of {', '.join(EVENTS)}")
        try:
            hook = parts.webhooks.hooks.add(
                url, str(body.get("secret") or ""), tuple(events), str(body.get("jql") or "")
            )
        except JqlError as error:
            raise BadControl("jql", str(error)) from None
        return jsonify(hook.as_json()), 201

    @routes.delete("/webhooks/<hook_id>")
    def remove_webhook(hook_id: str) -> tuple[str, int]:
        if not parts.webhooks.hooks.remove(hook_id):
            raise BadControl("webhook", "there is no such webhook; GET /control/webhooks shows them", 404)
        return "", 204
