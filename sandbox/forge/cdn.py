"""The app's static files as Forge serves them: with the bridge's script before any other, under a policy like Custom UI's.

Source of the policy: Atlassian's "Custom UI iframe" and manifest reference: own files only, no inline scripts; inline styles only
with permissions.content.styles.
"""

import mimetypes
import re
from pathlib import Path

from flask import Response

from sandbox.forge.manifest import Manifest

BRIDGE_SCRIPT = "/static/forge-bridge.js"
SANDBOX = (
    "allow-downloads allow-forms allow-modals allow-pointer-lock allow-same-origin allow-scripts "
    "allow-top-navigation-by-user-activation allow-popups"
)
HOSTS = ("'self'", "http://127.0.0.1:*", "http://localhost:*")  # where the host page may be
_FRONTEND = Path(__file__).resolve().parents[2] / "frontend"


class NoFile(Exception):
    """The file is not there; `str()` says what to do."""


def folder(manifest: Manifest, resource: str, given: Path | None) -> Path:
    """Where the files of a resource lie: `given`, else beside the repository's own manifest; raises NoFile."""
    found = given or _FRONTEND / manifest.resources.get(resource, "")
    if resource not in manifest.resources or not (found / "index.html").is_file():
        raise NoFile(
            f"The resource {resource} is not at {found}: build the page (npm run build), or give --forge-page PATH"
        )
    return found


def serve(manifest: Manifest, root: Path, name: str) -> Response:
    """One file of a resource, headers included; raises NoFile."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        raise NoFile(f"There is no file {name} in {root}")
    content = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind == "text/html":
        content = with_bridge(content.decode()).encode()
    response = Response(content, content_type=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
    response.headers["Content-Security-Policy"] = policy(manifest)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def with_bridge(html: str) -> str:
    """The page with the bridge's script as the first in its head."""
    script = f'<script src="{BRIDGE_SCRIPT}"></script>'
    return re.sub(r"(<head[^>]*>)", lambda head: head[1] + script, html, count=1, flags=re.IGNORECASE)


def policy(manifest: Manifest) -> str:
    """The content security policy of the app's pages."""
    inline = " 'unsafe-inline'" if manifest.inline_styles else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'{inline}; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; media-src 'self' data: blob:; frame-src 'self'; form-action 'self'; base-uri 'self'; "
        f"frame-ancestors {' '.join(HOSTS)}"
    )
