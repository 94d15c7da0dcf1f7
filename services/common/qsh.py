"""The query string hash of Atlassian Connect: a digest of one request, carried by its token as the claim `qsh`.

Pure. A token with a qsh is good for one method, path and query only. Source: "Understanding JWT for Connect apps"
(Atlassian); the canonical form is what Atlassian's interoperability vectors say.
"""

import hashlib
from urllib.parse import quote, unquote_plus


def qsh(method: str, url_path: str, query: str, base_path: str = "") -> str:
    """SHA-256 of the canonical request in lower-case hex.

    url_path and query are raw, as they stand in the URL (percent-encoded, without `?`). base_path is the path of
    the base URL the other side knows us (or Jira) by; it is taken off the front.
    """
    return hashlib.sha256(canonical(method, url_path, query, base_path).encode()).hexdigest()


def canonical(method: str, url_path: str, query: str, base_path: str = "") -> str:
    """`METHOD&path&query`, the text that is hashed."""
    return "&".join((method.upper(), _path(url_path, base_path.rstrip("/")), _query(query)))


def _path(path: str, base_path: str) -> str:
    if base_path and (path == base_path or path.startswith(base_path + "/")):
        path = path[len(base_path) :]
    if path.endswith("/"):
        path = path[:-1]
    return path.replace("&", "%26") or "/"


def _query(query: str) -> str:
    values: dict[str, list[str]] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if part and unquote_plus(name) != "jwt":  # the token itself cannot be part of what it signs
            values.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    # The values of a repeated name are sorted as they are, the names as they are written.
    pairs = sorted((_encode(name), ",".join(map(_encode, sorted(several)))) for name, several in values.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def _encode(text: str) -> str:
    return quote(text, safe="-._~")
