"""The doors to Mailbridge's API, one for each way of being attached, and a client that keeps a page session behind any of them.

A door knows how a page there proves who looks at it, and how its requests travel. All raise ClientError.
"""

import time
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import requests

from sandbox.client import ClientError, SandboxClient, checked

_TIMEOUT = 30.0
_EARLY = 30.0  # seconds before its end at which a session is renewed
Json = Any


class Door(Protocol):
    """`session_header`: by which a page session goes along, and what stands before it."""

    session_header: tuple[str, str]

    def proof(self) -> dict[str, str]:
        """The headers that say who looks at the page."""
        ...

    def ask(self, method: str, path: str, headers: dict[str, str], body: Json = None) -> Json:
        """A request to Mailbridge; its JSON answer."""
        ...

    def close(self) -> None:
        """Gives the connections back."""
        ...


class _Direct:
    """A door whose requests go straight to Mailbridge."""

    session_header = ("Authorization", "Bearer ")

    def __init__(self, app_url: str) -> None:
        self.app_url = app_url.rstrip("/")
        self._http = requests.Session()

    def close(self) -> None:
        self._http.close()

    def ask(self, method: str, path: str, headers: dict[str, str], body: Json = None) -> Json:
        return checked(self._http.request(method, self.app_url + path, headers=headers, json=body, timeout=_TIMEOUT))


class ConnectDoor(_Direct):
    """A page in Connect's iframe that `account` looks at."""

    def __init__(self, app_url: str, sandbox: SandboxClient, app_key: str, account: str) -> None:
        super().__init__(app_url)
        self._sandbox, self._app_key, self._account = sandbox, app_key, account

    def proof(self) -> dict[str, str]:
        return {"Authorization": f"JWT {self._sandbox.context_token(self._app_key, self._account)}"}


class LoginDoor(_Direct):
    """The page on its own, behind its own login; a browser's headers and cookies."""

    def __init__(self, app_url: str) -> None:
        super().__init__(app_url)
        address = urlsplit(self.app_url)
        self._own = {"Origin": f"{address.scheme}://{address.netloc}", "X-Mailbridge-Page": "1"}

    def set_password(self, link: str, password: str) -> None:
        """Uses a set-up link, which logs in."""
        secret = link.partition("#setup=")[2]
        if not secret:
            raise ClientError(f"This is no set-up link: {link}")
        self.ask("POST", "/api/connect/login", self._own, {"setup": secret, "password": password})

    def log_in(self, password: str) -> None:
        """By the password."""
        self.ask("POST", "/api/connect/login", self._own, {"password": password})

    def proof(self) -> dict[str, str]:
        return self._own


class ForgeDoor:
    """A Custom UI page that `account` looks at; each request passes Forge's bridge, which fills Authorization itself."""

    session_header = ("X-Mailbridge-Session", "")

    def __init__(self, sandbox: SandboxClient, module: str, account: str) -> None:
        self._sandbox, self._module, self._account = sandbox, module, account

    def close(self) -> None:
        pass

    def proof(self) -> dict[str, str]:
        return {}

    def ask(self, method: str, path: str, headers: dict[str, str], body: Json = None) -> Json:
        payload = {
            "invokeType": "ui-remote-fetch", "path": path, "method": method, "headers": headers,
            **({} if body is None else {"body": body}),
        }  # fmt: skip
        result = self._sandbox.invoke(self._module, self._account, payload)
        said = result["payload"] if result["success"] else result["error"]
        if said["status"] >= 400:
            raise ClientError(f"{method} {path} answered {said['status']}: {str(said.get('body'))[:1000]}")
        return said.get("body")


class AppClient:
    """Mailbridge's admin API behind a door, in a page session that is renewed before it ends."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self._headers: dict[str, str] = {}
        self._expires = 0.0

    def close(self) -> None:
        """Gives the connections back."""
        self.door.close()

    def login(self) -> Json:
        """Exchanges the door's proof for a page session, which the later calls carry."""
        session = self.door.ask("POST", "/api/connect/session", self.door.proof())
        name, before = self.door.session_header
        self._headers = {name: before + session["session"]}
        self._expires = float(session["expires_at"])
        return session

    def get(self, path: str, **query: Any) -> Json:
        """GET /api/…"""
        given = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", path + (f"?{urlencode(given)}" if given else ""))

    def post(self, path: str, body: Json = None) -> Json:
        """POST /api/…"""
        return self._send("POST", path, body)

    def put(self, path: str, body: Json) -> Json:
        """PUT /api/…"""
        return self._send("PUT", path, body)

    def delete(self, path: str) -> Json:
        """DELETE /api/…"""
        return self._send("DELETE", path)

    def _send(self, method: str, path: str, body: Json = None) -> Json:
        if time.time() > self._expires - _EARLY:
            self.login()
        return self.door.ask(method, path, self._headers, body)
