"""The built page and what surrounds it: the descriptor, index.html with its Content-Security-Policy, the assets."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, send_from_directory
from werkzeug.exceptions import NotFound

from connect.config import Config
from connect.descriptor import descriptor
from connect.store import Store

_DOMAINS = ("atlassian.net", "jira.com", "jira-dev.com")
_MOST_SITES = 50
# Vite writes a hash of the content into the names below assets/.
_FOREVER = "public, max-age=31536000, immutable"
# For the page as a window of its own, with a login; Jira's frame leaves them as they are. Who opens it or is opened by it
# gets no hold of it, and it asks for nothing that a browser could give away.
_ALONE = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Mailbridge</title>
<body style="font-family: sans-serif; max-width: 40rem; margin: 3rem auto">
<h1>The page has not been built yet</h1>
<p>This server works, but it finds no index.html in its page directory. Run <code>npm ci</code> and
<code>npm run build</code> in <code>frontend</code> (<code>make run</code> does both), or set MAILBRIDGE_PAGE_DIR to
the directory of a built page.</p>
"""


def blueprint(config: Config, store: Store) -> Blueprint:
    """`/`, `/assets/…`, the few files beside index.html, and `/atlassian-connect.json`."""
    pages = Blueprint("page", __name__)

    @pages.get("/atlassian-connect.json")
    def connect_descriptor() -> Response:
        return jsonify(descriptor(config.settings.base_url, config.app_key))

    @pages.get("/")
    def index() -> Response:
        built = (config.page_dir / "index.html").is_file()
        if built:
            response = send_from_directory(config.page_dir, "index.html", max_age=0)
        else:
            response = Response(_NOT_BUILT, 503, content_type="text/html; charset=utf-8")
        # Custom domains and the sandbox: sites that Atlassian's domains do not cover.
        sites = store.base_urls(_DOMAINS, _MOST_SITES)
        response.headers["Content-Security-Policy"] = content_security_policy(config.all_js, sites)
        response.headers["Cache-Control"] = "no-cache"
        for name, value in _ALONE.items():
            response.headers[name] = value
        return response

    @pages.get("/assets/<path:name>")
    def asset(name: str) -> Response:
        response = send_from_directory(config.page_dir / "assets", name)
        response.headers["Cache-Control"] = _FOREVER
        return response

    @pages.get("/<name>")
    def beside(name: str) -> Response:
        if name == "index.html" or name.startswith("."):
            raise NotFound
        return send_from_directory(config.page_dir, name, max_age=3600)

    return pages


def content_security_policy(all_js: str, sites: Iterable[str]) -> str:
    """Only our own scripts and Connect's, and only Jira may put the page into a frame; `sites` are addresses of Jira
    sites beyond Atlassian's domains."""
    hosts = [f"https://*.{domain}" for domain in _DOMAINS]
    rules = {
        "default-src": "'none'",
        "script-src": f"'self' {_origin(all_js)}",
        # Enough for the page: its styles are files or adopted sheets (tests/e2e/test_page.py holds it to that).
        "style-src": "'self'",
        "img-src": "'self' data: https:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": " ".join([*hosts, *sorted({_origin(site) for site in sites})]),
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
