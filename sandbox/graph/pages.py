"""Graph over HTTP: `/graph/v1.0/me/…` and `/graph/v1.0/users/{user}/…`."""

import itertools
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request

from sandbox.graph.mailboxes import GraphFolder, GraphMailboxes, GraphMessage
from sandbox.oauth.provider import OauthProvider, Refused

_ID = re.compile(r'IdType\s*=\s*"ImmutableId"')
_TOKEN = re.compile(r"\d+\.\d+\.\d+")
_SIZE = re.compile(r"odata\.maxpagesize\s*=\s*(\d+)")
Answer = Response | tuple[Response | str, int]


class GraphError(Exception):
    """`{"error": {"code", "message"}}` with a status."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.status, self.code = status, code


def blueprint(mailboxes: GraphMailboxes, provider: OauthProvider) -> Blueprint:
    """The API; tokens are the stand-in sign-in service's."""
    routes = Blueprint("graph", __name__, url_prefix="/graph/v1.0")

    @routes.errorhandler(GraphError)
    def refuse(error: GraphError) -> tuple[Response, int]:
        answer = jsonify(error={"code": error.code, "message": str(error)})
        if error.status == 429:
            answer.headers["Retry-After"] = str(mailboxes.retry_after)
        return answer, error.status

    def user_of(user: str | None) -> str:
        if mailboxes.throttled > 0:
            mailboxes.throttled -= 1
            raise GraphError(429, "TooManyRequests", "Too many requests.")
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            claims = provider.whose(token if kind == "Bearer" else "")
        except Refused as error:
            raise GraphError(401, "InvalidAuthenticationToken", str(error)) from error
        if "graph.microsoft.com" not in claims["scope"]:
            raise GraphError(401, "InvalidAuthenticationToken", "The audience is another.")
        person = claims.get("email", "")
        wanted = person if user is None else user
        allowed = bool(person) or mailboxes.allowed is None or wanted.lower() in mailboxes.allowed
        if not wanted or not allowed or (person and wanted.lower() != person):
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        if mailboxes.folders(wanted) is None:
            raise GraphError(404, "ErrorInvalidUser", "The requested user is invalid.")
        return wanted

    @routes.before_request
    def begin() -> None:
        mailboxes.lock.acquire()
        mailboxes.calls.append(f"{request.method} {request.path.removeprefix('/graph/v1.0')}")

    @routes.teardown_request
    def end(_: BaseException | None) -> None:
        mailboxes.lock.release()

    def folders(user: str | None = None, folder: str = "") -> Answer:
        found = mailboxes.folders(user_of(user)) or {}
        if folder and folder not in found:
            raise GraphError(404, "ErrorItemNotFound")
        rows = [one for one in found.values() if one.parent == folder]
        skip = request.args.get("$skip", 0, int)
        page: dict[str, Any] = {"value": [_folder(one, found) for one in rows[skip : skip + 10]]}
        if skip + 10 < len(rows):
            page["@odata.nextLink"] = f"{request.base_url}?$skip={skip + 10}"
        return jsonify(page)

    def folder_of(folder: str, user: str | None) -> GraphFolder:
        found = (mailboxes.folders(user_of(user)) or {}).get(folder.lower() if folder.lower() == "inbox" else folder)
        if found is None:
            raise GraphError(404, "ErrorItemNotFound", "The specified folder could not be found in the store.")
        return found

    def one_folder(folder: str, user: str | None = None) -> Answer:
        one = folder_of(folder, user)
        return jsonify(_folder(one, mailboxes.folders(user_of(user)) or {}))

    def messages(folder: str, user: str | None = None) -> Answer:
        return _listed(mailboxes, folder_of(folder, user))

    def delta(folder: str, user: str | None = None) -> Answer:
        return _delta(mailboxes, folder_of(folder, user))

    def message(id: str, user: str | None = None) -> Answer:
        who = user_of(user)
        folder, one = _message(mailboxes, who, id)
        if request.method == "DELETE":
            mailboxes.remove(folder, one)
            return "", 204
        if request.method == "PATCH":
            mailboxes.mark(folder, one, bool((request.get_json() or {})["isRead"]))
        return jsonify(one.shown(_immutable()))

    def value(id: str, user: str | None = None) -> Answer:
        one = _message(mailboxes, user_of(user), id)[1]
        return _broken(mailboxes.broken.get(one.id, ""), one.raw)

    def move(id: str, user: str | None = None) -> Answer:
        who = user_of(user)
        folder, one = _message(mailboxes, who, id)
        target = (mailboxes.folders(who) or {}).get(request.get_json()["destinationId"])
        if target is None:
            raise GraphError(404, "ErrorItemNotFound")
        mailboxes.move(folder, one, target)
        return jsonify(one.shown(_immutable())), 201

    for base, name in (("/me", "me"), ("/users/<user>", "user")):
        routes.add_url_rule(f"{base}/mailFolders", f"{name}_folders", folders)
        routes.add_url_rule(f"{base}/mailFolders/<folder>", f"{name}_folder", one_folder)
        routes.add_url_rule(f"{base}/mailFolders/<folder>/messages", f"{name}_messages", messages)
        routes.add_url_rule(f"{base}/mailFolders/<folder>/childFolders", f"{name}_children", folders)
        routes.add_url_rule(f"{base}/mailFolders/<folder>/messages/delta", f"{name}_delta", delta)
        routes.add_url_rule(f"{base}/messages/<id>", f"{name}_message", message, methods=["GET", "PATCH", "DELETE"])
        routes.add_url_rule(f"{base}/messages/<id>/$value", f"{name}_value", value)
        routes.add_url_rule(f"{base}/messages/<id>/move", f"{name}_move", move, methods=["POST"])
    return routes


def _folder(one: GraphFolder, found: dict[str, GraphFolder]) -> dict[str, Any]:
    below = sum(other.parent == one.id for other in found.values())
    unread = sum(not message.read for message in one.messages.values())
    counts = {"totalItemCount": len(one.messages), "unreadItemCount": unread}
    return {"id": one.id, "displayName": one.name, "childFolderCount": below, **counts}


def _listed(mailboxes: GraphMailboxes, folder: GraphFolder) -> Response:
    """The messages by their time, the newest first unless told; $filter knows `receivedDateTime ge` alone."""
    rows = sorted(folder.messages.values(), key=lambda one: one.received, reverse="asc" not in _asked("$orderby"))
    if wanted := _asked("$filter"):
        word, operator, instant = wanted.split(" ")
        if (word, operator) != ("receivedDateTime", "ge"):
            raise GraphError(400, "ErrorInvalidUrlQuery", "The filter is not supported.")
        since = datetime.fromisoformat(instant.replace("Z", "+00:00")).timestamp()
        rows = [one for one in rows if one.received >= since]
    preferred = _SIZE.search(request.headers.get("Prefer", ""))
    most = min(mailboxes.page, int(preferred[1]) if preferred else 10)
    skip, size = request.args.get("$skip", 0, int), request.args.get("$top", most, int)
    page: dict[str, Any] = {"value": [one.shown(_immutable()) for one in rows[skip : skip + size]]}
    if "$count" in request.args:
        page["@odata.count"] = len(rows) if mailboxes.counts else -1
    if skip + size < len(rows):
        kept = urlencode({name: value for name, value in request.args.items() if name != "$skip"})
        page["@odata.nextLink"] = f"{request.base_url}?{kept}&$skip={skip + size}"
    return jsonify(page)


def _asked(name: str) -> str:
    return request.args.get(name, "")


def _broken(how: str, raw: bytes) -> Response:
    """The octets of a message, or what comes instead: 404, 500, octets without end, half of them, or none at all."""
    if how in ("404", "500"):
        code = "ErrorItemNotFound" if how == "404" else "ErrorInternalServerError"
        raise GraphError(int(how), code)
    if how == "endless":
        return Response(itertools.repeat(raw), content_type="text/plain")
    if how == "short":
        answer = Response(iter([raw[: len(raw) // 2]]), content_type="text/plain")
        answer.headers["Content-Length"] = str(len(raw))
        return answer
    if how == "silent":
        return Response(_silence(), content_type="text/plain")
    return Response(raw, content_type="text/plain")


def _silence() -> Iterator[bytes]:
    """Nothing, for longer than anybody waits who gives up after two seconds."""
    time.sleep(6.0)
    yield b""


def _delta(mailboxes: GraphMailboxes, folder: GraphFolder) -> Response:
    """$skiptoken goes on within a round, $deltatoken begins the next one: both are `epoch.from.to`, positions in the changes."""
    token = request.args.get("$skiptoken") or request.args.get("$deltatoken")
    begun, upto = 0, len(folder.changes)
    if token:
        if not _TOKEN.fullmatch(token):
            raise GraphError(400, "ErrorInvalidUrlQuery", "The token is badly formed.")
        epoch, begun, end = (int(part) for part in token.split("."))
        if epoch != mailboxes.epoch:
            raise GraphError(410, "SyncStateNotFound", "The sync state generation is not found.")
        upto = end if "$skiptoken" in request.args else upto
    wanted = _SIZE.search(request.headers.get("Prefer", ""))
    size = min(mailboxes.page, int(wanted[1]) if wanted else 10)
    value: list[dict[str, Any]] = []
    at = begun
    while at < upto and len(value) < size:
        id = folder.changes[at]
        at += 1
        if id in folder.messages:
            value.append(folder.messages[id].shown(_immutable()))
        elif token:
            value.append({"id": id, "@removed": {"reason": "deleted"}})
    name, link = ("$skiptoken", "@odata.nextLink") if at < upto else ("$deltatoken", "@odata.deltaLink")
    return jsonify({"value": value, link: f"{request.base_url}?{name}={mailboxes.epoch}.{at}.{upto}"})


def _message(mailboxes: GraphMailboxes, user: str, id: str) -> tuple[GraphFolder, GraphMessage]:
    found = mailboxes.find(user, id, _immutable())
    if found is None:
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    return found


def _immutable() -> bool:
    return bool(_ID.search(request.headers.get("Prefer", "")))
