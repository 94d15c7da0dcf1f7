"""Control: the stand-ins for the sign-in services (what people answer, what is revoked, whose registrations) and for Graph."""

from flask import Blueprint, Response, jsonify, request

from sandbox.control.asked import BadControl, body_object, only, text
from sandbox.parts import Parts

_ANSWERS, _ROTATIONS = ("ask", "accept", "refuse"), ("lenient", "strict")


def add_routes(routes: Blueprint, parts: Parts) -> None:
    """Registers them."""
    oauth, graph = parts.oauth, parts.graph

    @routes.get("/oauth")
    def oauth_settings() -> Response:
        grants = [{"provider": one.provider, "account": one.account, "revoked": one.revoked} for one in oauth.grants]
        return jsonify({**vars(oauth.settings), "grants": grants, "requests": len(oauth.asked)})

    @routes.put("/oauth")
    def change_oauth() -> Response:
        body = body_object()
        only(body, *vars(oauth.settings))
        for name, value in body.items():
            known = getattr(oauth.settings, name)
            kinds = (int, float) if isinstance(known, float) else type(known)
            if not isinstance(value, kinds) or (isinstance(value, bool) and not isinstance(known, bool)):
                raise BadControl(name, f"give something like {known!r}")
        for name, choices in (("answer", _ANSWERS), ("rotation", _ROTATIONS)):
            if name in body and body[name] not in choices:
                raise BadControl(name, f"give one of {', '.join(choices)}")
        for name, value in body.items():
            setattr(oauth.settings, name, value)
        return oauth_settings()

    @routes.post("/oauth/revoke")
    def revoke_grants() -> Response:
        return jsonify(revoked=oauth.revoke(text(body_object(), "account")))

    @routes.post("/oauth/end-tokens")
    def end_tokens() -> tuple[str, int]:
        oauth.end_tokens()
        return "", 204

    @routes.post("/oauth/apps")
    def add_app_registration() -> tuple[str, int]:
        body = body_object()
        only(body, "directory", "client_id", "client_secret")
        oauth.apps[(text(body, "directory"), text(body, "client_id"))] = text(body, "client_secret")
        return "", 204

    @routes.post("/oauth/service-accounts")
    def add_service_account() -> tuple[str, int]:
        body = body_object()
        only(body, "email", "public_key")
        oauth.service_accounts[text(body, "email")] = text(body, "public_key")
        return "", 204

    @routes.put("/graph")
    def change_graph() -> tuple[str, int]:
        body = body_object()
        only(body, "page", "throttled", "retry_after")
        for name, value in body.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise BadControl(name, "give a whole number")
            setattr(graph, name, value)
        return "", 204

    @routes.post("/graph/<user>/mail")
    def graph_mail(user: str) -> tuple[Response, int]:
        return jsonify(id=graph.deliver(user, request.get_data())), 201

    @routes.get("/graph/<user>")
    def graph_mailbox(user: str) -> Response:
        with graph.lock:
            found = graph.folders(user) or {}
            return jsonify({one.name: [each.shown(True) for each in one.messages.values()] for one in found.values()})

    @routes.post("/graph/expire-links")
    def expire_links() -> tuple[str, int]:
        graph.expire_links()
        return "", 204
