"""Reads a Forge manifest and finds everything wrong with it. Pure.

Checked is what Atlassian's own tool (npm @forge/manifest) leaves unsaid and a deployment finds out: unknown events, scopes an
event needs, endpoints without a route, egress that was not asked for. What the host cannot play is refused, not left out.
"""

import re
from typing import Any

import yaml

from sandbox.forge.manifest import INTERVALS, PAGES, BadManifest, Endpoint, Manifest, Page, Scopes, Timer, Trigger

_APP = re.compile(r"ari:cloud:ecosystem::app/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")


def read(text: str, event_scopes: dict[str, list[Scopes]]) -> Manifest:
    """The manifest in a YAML text; raises BadManifest. `event_scopes`: known events, each with the sets of scopes of which
    one suffices."""
    try:
        whole = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadManifest([f"the manifest is not YAML: {error}"]) from None
    if not isinstance(whole, dict):
        raise BadManifest(["the manifest is not a YAML mapping"])
    reader = _Reader(whole, event_scopes)
    manifest = reader.manifest()
    if reader.problems or manifest is None:
        raise BadManifest(reader.problems)
    return manifest


class _Reader:
    """Reads part by part and gathers every problem, so that one attempt shows them all."""

    def __init__(self, whole: dict[str, Any], event_scopes: dict[str, list[Scopes]]) -> None:
        self.problems: list[str] = []
        self._whole = whole
        self._known = event_scopes
        self._modules = self._mapping(whole.get("modules"), "modules")

    def manifest(self) -> Manifest | None:
        app = _APP.fullmatch(str(self._mapping(self._whole.get("app"), "app").get("id")))
        if app is None:
            self.problems.append("app.id is no ari:cloud:ecosystem::app/<uuid>")
        permissions = self._mapping(self._whole.get("permissions", {}), "permissions")
        self._scopes, impersonating = self._read_scopes(permissions.get("scopes", []))
        self._remotes = self._read_remotes(permissions)
        self._resources = {str(one.get("key")): str(one.get("path")) for one in self._list(self._whole, "resources")}
        self._endpoints = {one.key: one for one in map(self._endpoint, self._list(self._modules, "endpoint")) if one}
        triggers = tuple(map(self._trigger, self._list(self._modules, "trigger")))
        schedules = tuple(self._timer(one, "scheduledTrigger") for one in self._list(self._modules, "scheduledTrigger"))
        before = tuple(self._timer(one, "preUninstall") for one in self._list(self._modules, "preUninstall"))
        pages = tuple(self._page(kind, one) for kind in PAGES for one in self._list(self._modules, kind))
        self._check_keys()
        if app is None or self.problems:
            return None
        content = self._mapping(permissions.get("content", {}), "permissions.content")
        return Manifest(
            app[1], self._scopes, impersonating, self._remotes, self._resources, pages,
            tuple(filter(None, triggers)), tuple(filter(None, schedules)), tuple(filter(None, before)),
            "unsafe-inline" in (content.get("styles") or []),
        )  # fmt: skip

    def _read_scopes(self, given: Any) -> tuple[Scopes, Scopes]:
        if isinstance(given, list):
            return frozenset(map(str, given)), frozenset()
        scopes = self._mapping(given, "permissions.scopes")
        return frozenset(scopes), frozenset(
            name
            for name, about in scopes.items()
            if isinstance(about, dict) and about.get("allowImpersonation") is True
        )

    def _read_remotes(self, permissions: dict[str, Any]) -> dict[str, str]:
        external = self._mapping(permissions.get("external", {}), "permissions.external")
        backend = self._mapping(external.get("fetch", {}), "permissions.external.fetch").get("backend", [])
        allowed = {str(one["remote"]) for one in backend if isinstance(one, dict) and "remote" in one}
        found = {}
        for one in self._list(self._whole, "remotes"):
            key, url = str(one.get("key")), one.get("baseUrl")
            if isinstance(url, dict):  # one address a region: this site has no pinned region
                url = url.get("default")
            if not isinstance(url, str) or not re.match(r"https?://[^/\s]+", url):
                self.problems.append(f"remote {key}: baseUrl is no address, nor {{default: address}}")
            elif key not in allowed:
                self.problems.append(f"remote {key}: permissions.external.fetch.backend does not name it")
            else:
                found[key] = url.rstrip("/")
        return found

    def _endpoint(self, one: dict[str, Any]) -> Endpoint | None:
        key, remote, auth = str(one.get("key")), str(one.get("remote")), one.get("auth") or {}
        if remote not in self._remotes:
            self.problems.append(f"endpoint {key}: there is no usable remote {remote}")
            return None
        wants = [bool((auth.get(name) or {}).get("enabled")) for name in ("appSystemToken", "appUserToken")]
        for wanted, scope in zip(wants, ("read:app-system-token", "read:app-user-token"), strict=True):
            if wanted and scope not in self._scopes:
                self.problems.append(f"endpoint {key}: its token needs the scope {scope}")
        route = (one.get("route") or {}).get("path")
        return Endpoint(key, remote, self._remotes[remote], None if route is None else str(route), *wants)

    def _told(self, where: str, one: dict[str, Any]) -> Endpoint | None:
        """The endpoint that something without a page behind it calls: it must have a route, and has no viewer."""
        key = one.get("endpoint")
        if "function" in one:
            self.problems.append(f"{where}: names a function, but the sandbox runs no functions; name an endpoint")
            return None
        endpoint = self._endpoints.get(str(key))
        if endpoint is None:
            self.problems.append(f"{where}: there is no endpoint {key}")
        elif endpoint.route is None:
            self.problems.append(f"{where}: endpoint {key} has no route.path")
        elif endpoint.user_token:
            self.problems.append(f"{where}: endpoint {key} wants appUserToken, but nobody looks on")
        else:
            return endpoint
        return None

    def _trigger(self, one: dict[str, Any]) -> Trigger | None:
        where = f"trigger {one.get('key')}"
        events = one.get("events")
        if not isinstance(events, list) or not events or not all(isinstance(event, str) for event in events):
            self.problems.append(f"{where}: events is no list of names")
            events = []
        for event in events:
            ways = self._known.get(event)
            if ways is None:
                self.problems.append(f"{where}: there is no event {event}")
            elif not any(way <= self._scopes for way in ways):
                self.problems.append(
                    f"{where}: {event} needs {' or '.join(', '.join(sorted(way)) for way in sorted(ways, key=len))}"
                )
        told = self._mapping(one.get("filter", {}), f"{where}.filter")
        for name in sorted(set(told) - {"ignoreSelf"}):
            self.problems.append(f"{where}: the sandbox does not know filter.{name}")
        endpoint = self._told(where, one)
        if endpoint is None:
            return None
        return Trigger(str(one.get("key")), tuple(events), endpoint, told.get("ignoreSelf") is True)

    def _timer(self, one: dict[str, Any], kind: str) -> Timer | None:
        where, interval = f"{kind} {one.get('key')}", one.get("interval")
        if kind == "scheduledTrigger" and interval not in INTERVALS:
            self.problems.append(f"{where}: interval is none of {', '.join(INTERVALS)}")
        endpoint = self._told(where, one)
        return None if endpoint is None else Timer(str(one.get("key")), endpoint, INTERVALS.get(str(interval), 0))

    def _page(self, kind: str, one: dict[str, Any]) -> Page:
        key, resource = str(one.get("key")), str(one.get("resource"))
        where = f"{kind} {key}"
        if resource not in self._resources:
            self.problems.append(f"{where}: there is no resource {resource}")
        named = (one.get("resolver") or {}).get("endpoint")
        if named is not None and named not in self._endpoints:
            self.problems.append(f"{where}: there is no endpoint {named}")
        return Page(kind, key, str(one.get("title", key)), resource, self._endpoints.get(str(named)))

    def _check_keys(self) -> None:
        keys = [str(one.get("key")) for kind in self._modules for one in self._list(self._modules, kind)]
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            self.problems.append(f"the module key {key} is given twice")

    def _list(self, holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
        given = holder.get(name, [])
        if isinstance(given, list) and all(isinstance(one, dict) for one in given):
            return given
        self.problems.append(f"{name} is no list of mappings")
        return []

    def _mapping(self, given: Any, name: str) -> dict[str, Any]:
        if isinstance(given, dict):
            return given
        self.problems.append(f"{name} is no mapping")
        return {}
