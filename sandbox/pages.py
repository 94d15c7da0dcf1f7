"""What a person opens: the page of pages, the host page that carries the app's page in an iframe, the install keys."""

from flask import Blueprint, Response

from sandbox.parts import Parts


def blueprint(parts: Parts) -> Blueprint:
    """The routes for people, and Connect's static addresses."""
    routes = Blueprint("pages", __name__)

    @routes.get("/install-keys/<kid>")
    def install_key(kid: str) -> Response:
        pem = parts.installer.public_key(kid)
        if pem is None:
            return Response("There is no such key.", 404, content_type="text/plain")
        return Response(pem, content_type="application/x-pem-file")

    return routes
