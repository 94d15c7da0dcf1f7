"""What a page of an app asks of its host and the host asks elsewhere: `__bridge.callBridge(command, payload)`, the server's half.

Commands that concern the browser alone (flags, history, theme) are answered by static/forge-host.js and forge-bridge.js.
Payloads and answers are those of npm @forge/bridge 7.2.0 (out/invoke-endpoint, out/fetch, out/view). Who looks on is not checked
against the module: Forge does not, so an app must do it itself.
"""

import json
import threading
from collections import deque
from typing import Any

from sandbox.forge import remote
from sandbox.forge.host import ForgeHost
from sandbox.forge.model import View
from sandbox.forge.remote import Answer, NoAnswer

MOST_INVOCATIONS, WINDOW = 500, 25.0
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_HOSTS_OWN = {"authorization", "host", "content-length", "cookie", "x-forge-oauth-system", "x-forge-oauth-user"}


class BadCommand(Exception):
    """A command that @forge/bridge does not send, or that this host cannot play; `str()` says which."""


class Bridge:
    """Answers commands for views; counts invocations of each person."""

    def __init__(self, host: ForgeHost) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._invoked: dict[tuple[str, str], deque[float]] = {}

    def call(self, view: View, command: str, payload: dict[str, Any]) -> Any:
        """What callBridge resolves to; raises BadCommand."""
        if command == "getContext":
            return self.context(view)
        if command == "invoke":
            return self._invoke(view, payload)
        if command == "fetchRemote":
            return self._fetch_remote(view, payload)
        if command == "fetchProduct":
            return self._fetch_product(view, payload)
        raise BadCommand(f"The sandbox's Forge host does not know the command {command!r}")

    def context(self, view: View) -> dict[str, Any]:
        """contracts/samples/forge/view-context.json"""
        with self._host.site.lock:
            return {
                "accountId": view.account,
                "cloudId": self._host.cloud_id,
                "siteUrl": self._host.site.base_url,
                "localId": view.local_id,
                "moduleKey": view.page.key,
                "environmentId": view.app.environment,
                "environmentType": "PRODUCTION",
                "locale": "en_US",
                "timezone": self._host.site.users[view.account].time_zone,
                "theme": {"colorMode": "light"},
                "extension": view.extension(self._host.site),
            }

    def _invoke(self, view: View, payload: dict[str, Any]) -> dict[str, Any]:
        kind = payload.get("invokeType")
        if kind != "ui-remote-fetch":
            what = f"invokeType {kind!r}" if kind else f"the resolver function {payload.get('functionKey')!r}"
            raise BadCommand(f"The sandbox's Forge host runs no functions and no containers: {what} cannot be invoked")
        path, method = payload.get("path"), str(payload.get("method") or "GET").upper()
        if not isinstance(path, str) or not path.startswith("/"):
            raise BadCommand(f"invokeRemote needs a path that begins with a slash, not {path!r}")
        if method not in _METHODS:
            raise BadCommand(f"invokeRemote knows {', '.join(_METHODS)}, not {method}")
        if view.page.endpoint is None:
            raise BadCommand(f"The module {view.page.key} has no resolver.endpoint, so invokeRemote leads nowhere")
        if not self._one_more(view):
            return _failed(429, f"Remote invocation calls are rate limited at {MOST_INVOCATIONS}/{WINDOW:g}s")
        headers = _headers(payload.get("headers") or {})
        body = None if method == "GET" or payload.get("body") is None else json.dumps(payload["body"]).encode()
        url = view.page.endpoint.base_url + path
        try:
            answer = self._host.invoke_from(view, method, url, headers, body)
        except NoAnswer as failed:
            return _failed(504 if failed.reason == "TIMEOUT_ERROR" else 502, str(failed))
        said = {"status": answer.status, "headers": {name.lower(): [value] for name, value in answer.headers.items()}}
        return {"success": True, "payload": said if answer.json is None else {**said, "body": answer.json}}

    def _fetch_remote(self, view: View, payload: dict[str, Any]) -> dict[str, Any]:
        """requestRemote: straight from the browser, with the invocation token and no bearers."""
        key = str(payload.get("remoteKey"))
        base_url = view.app.manifest.remotes.get(key)
        if base_url is None:
            raise BadCommand(f"The manifest has no remote {key}")
        init = payload.get("fetchRequestInit") or {}
        url = base_url + str(init.get("path") or "/")
        try:
            answer = self._host.invoke_from(view, _method(init), url, _init_headers(init), _body(init), tokens=False)
        except NoAnswer as failed:
            raise BadCommand(str(failed)) from None
        return _fetched(answer)

    def _fetch_product(self, view: View, payload: dict[str, Any]) -> dict[str, Any]:
        """requestJira: as the person who looks on, with the app's scopes."""
        if payload.get("product") != "jira":
            raise BadCommand(f"There is no {payload.get('product')} on this site, only Jira")
        if payload.get("isMultipartFormData"):
            raise BadCommand("The sandbox's Forge host carries no files by requestJira")
        init = payload.get("fetchRequestInit") or {}
        host = self._host
        bearer = host.viewer_token(view.app, view.account, view.app.manifest.scopes, host.site.clock())
        headers = {**_init_headers(init), "authorization": f"Bearer {bearer}"}
        url = host.api_base_url + str(payload.get("restPath"))
        try:
            return _fetched(remote.call(_method(init), url, headers, _body(init), host.view_limit))
        except NoAnswer as failed:
            raise BadCommand(str(failed)) from None

    def _one_more(self, view: View) -> bool:
        now = self._host.site.clock()
        with self._lock:
            times = self._invoked.setdefault((view.app.installation, view.account), deque())
            while times and times[0] <= now - WINDOW:
                times.popleft()
            if len(times) >= MOST_INVOCATIONS:
                return False
            times.append(now)
            return True


def _failed(status: int, sentence: str) -> dict[str, Any]:
    return {"success": False, "error": {"status": status, "headers": {}, "body": {"message": sentence}}}


def _fetched(answer: Answer) -> dict[str, Any]:
    text = answer.json if isinstance(answer.json, str) else "" if answer.json is None else json.dumps(answer.json)
    kept = {name.lower(): value for name, value in answer.headers.items() if name.lower() == "content-type"}
    return {"status": answer.status, "statusText": "", "headers": kept, "body": text, "isAttachment": False}


def _headers(given: dict[str, Any]) -> dict[str, str]:
    """The page's own headers; those that Forge fills are Forge's."""
    return {str(name).lower(): str(value) for name, value in given.items() if str(name).lower() not in _HOSTS_OWN}


def _init_headers(init: dict[str, Any]) -> dict[str, str]:
    return _headers(dict(init.get("headers") or []))


def _method(init: dict[str, Any]) -> str:
    return str(init.get("method") or "GET").upper()


def _body(init: dict[str, Any]) -> bytes | None:
    body = init.get("body")
    return None if body is None or _method(init) == "GET" else str(body).encode()
