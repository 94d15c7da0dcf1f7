"""Installing a Connect app as Jira does: read its descriptor, send `installed` (RS256) and `enabled` (HS256)."""

import json
import secrets
import uuid
from typing import Any

import requests

from sandbox import contract
from sandbox.jira import jql
from sandbox.jira.model import Installation
from sandbox.jira.site import Site
from sandbox.jira.tokens import InstallKey, install_token, new_install_key, qsh, tenant_token

_TIMEOUT = 15.0


class InstallFailed(Exception):
    """The app cannot be installed; `str()` says why."""


class Installer:
    """Knows the site's client key and the keys that sign installs."""

    def __init__(self, site: Site, client_key: str | None = None) -> None:
        self.client_key = client_key or str(uuid.uuid4())
        self._site = site
        self._keys: dict[str, InstallKey] = {}
        self._current: InstallKey | None = None
        self._on_forge: dict[str, str] = {}  # app key → the installation of the same app on Forge

    def public_key(self, kid: str) -> str | None:
        """The PEM of an install key."""
        key = self._keys.get(kid)
        return key.pem if key else None

    def register(
        self, app_key: str = "mailbridge", base_url: str = "http://127.0.0.1:9", *,
        scopes: frozenset[str] = frozenset({"ADMIN", "ACCESS_EMAIL_ADDRESSES"}), descriptor: dict[str, Any] | None = None,
        enabled: bool = True,
    ) -> Installation:  # fmt: skip
        """The app is known from now on, without a word to it; for tests that hold the credentials themselves."""
        old = self._site.installations.get(app_key)
        app = Installation(
            app_key=app_key,
            client_key=self.client_key,
            shared_secret=secrets.token_urlsafe(48),
            account_id=old.account_id if old else f"557058:{uuid.uuid4()}",
            base_url=base_url.rstrip("/"),
            scopes=scopes,
            descriptor=descriptor or {"key": app_key, "name": "Mail gateway"},
            enabled=enabled,
        )
        with self._site.lock:
            self._site.installations[app_key] = app
            self._site.add_app_account(app)
        return app

    def install(self, base_url: str, forge_installation: str | None = None) -> Installation:
        """The whole handshake with a running app; raises InstallFailed. `forge_installation`: the ARI of its installation on
        Forge, where it is Connect on Forge."""
        base_url = base_url.rstrip("/")
        descriptor = _descriptor(base_url)
        app_key = str(descriptor["key"])
        before = self._site.installations.get(app_key)
        self._on_forge.pop(app_key, None)
        if forge_installation is not None:
            self._on_forge[app_key] = forge_installation
        app = self.register(
            app_key,
            str(descriptor["baseUrl"]),
            scopes=frozenset(descriptor.get("scopes", [])),
            descriptor=descriptor,
            enabled=False,
        )
        try:
            self._signed_by_install_key(app, "installed", {"sharedSecret": app.shared_secret})
        except InstallFailed:
            with self._site.lock:
                if before is None:
                    del self._site.installations[app_key]
                else:
                    self._site.installations[app_key] = before
            raise
        app.enabled = True
        self._signed_by_secret(app, "enabled")
        return app

    def tell_address(self) -> list[str]:
        """After the site got another address, every app is told by `installed` with its old secret; what went wrong."""
        failed = []
        for app in list(self._site.installations.values()):
            try:
                self._signed_by_install_key(app, "installed", {"sharedSecret": app.shared_secret})
            except InstallFailed as error:
                failed.append(str(error))
        return failed

    def disable(self, app_key: str) -> None:
        """The app is switched off and told so."""
        app = self._app(app_key)
        app.enabled = False
        self._signed_by_secret(app, "disabled")

    def uninstall(self, app_key: str) -> None:
        """The app is gone and told so; it is forgotten even when it does not answer, as with Jira."""
        app = self._app(app_key)
        app.enabled = False
        try:
            self._signed_by_secret(app, "disabled")
            self._signed_by_install_key(app, "uninstalled", {})
        finally:
            with self._site.lock:
                self._site.installations.pop(app_key, None)

    def _app(self, app_key: str) -> Installation:
        app = self._site.installations.get(app_key)
        if app is None:
            raise InstallFailed(f"No app with the key {app_key} is installed.")
        return app

    def _signed_by_install_key(self, app: Installation, event: str, more: dict[str, Any]) -> None:
        if self._current is None:
            self._current = new_install_key()
            self._keys[self._current.kid] = self._current
        url = _lifecycle_url(app, event)
        if url:
            token = install_token(self._current, app.client_key, app.base_url, "POST", url, self._site.clock())
            _post(url, token, {**self._payload(app, event), **more})

    def _signed_by_secret(self, app: Installation, event: str) -> None:
        url = _lifecycle_url(app, event)
        if url:
            token = tenant_token(app, self._site.clock(), qsh("POST", url, app.base_url))
            _post(url, token, self._payload(app, event))

    def _payload(self, app: Installation, event: str) -> dict[str, Any]:
        site = self._site.base_url
        return {
            "key": app.app_key,
            "clientKey": app.client_key,
            "oauthClientId": "c2FuZGJveA",
            "baseUrl": site,
            "displayUrl": site,
            "displayUrlServicedeskHelpCenter": site,
            "productType": "jira",
            "description": f"Atlassian Jira at {site}",
            "serviceEntitlementNumber": "SEN-000000",
            "entitlementId": "00000000-0000-4000-8000-00000000e001",
            "entitlementNumber": "E-000-000-000",
            "eventType": event,
            **({"installationId": self._on_forge[app.app_key]} if app.app_key in self._on_forge else {}),
        }


def _descriptor(base_url: str) -> dict[str, Any]:
    url = f"{base_url}/atlassian-connect.json"
    try:
        answer = requests.get(url, timeout=_TIMEOUT)
        descriptor = answer.json() if answer.ok else None
    except (requests.RequestException, ValueError) as error:
        raise InstallFailed(f"The descriptor at {url} cannot be read: {error}") from None
    if not isinstance(descriptor, dict):
        raise InstallFailed(f"The descriptor at {url} answered {answer.status_code} instead of a JSON object.")
    problems = contract.descriptor_problems(descriptor) + _bad_filters(descriptor)
    for name in ("key", "baseUrl", "authentication"):
        if name not in descriptor:
            problems.append(f"{name} is missing")
    if problems:
        raise InstallFailed(f"The descriptor at {url} is not valid: {'; '.join(problems[:5])}")
    if str(descriptor["baseUrl"]).rstrip("/") != base_url:
        raise InstallFailed(f"The descriptor's baseUrl is {descriptor['baseUrl']}, but it was read from {base_url}.")
    return descriptor


def _bad_filters(descriptor: dict[str, Any]) -> list[str]:
    problems = []
    for hook in descriptor.get("modules", {}).get("webhooks", []):
        try:
            jql.parse(str(hook.get("filter") or ""))
        except jql.JqlError as error:
            problems.append(f"webhooks filter {hook['filter']!r}: {error}")
    return problems


def _lifecycle_url(app: Installation, event: str) -> str | None:
    path = app.descriptor.get("lifecycle", {}).get(event)
    return app.base_url + "/" + str(path).lstrip("/") if path else None


def _post(url: str, token: str, body: dict[str, Any]) -> None:
    headers = {
        "Authorization": f"JWT {token}",
        "Content-Type": "application/json",
        "User-Agent": "Atlassian HttpClient",
    }
    try:
        answer = requests.post(url, json.dumps(body), headers=headers, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise InstallFailed(f"{url} did not answer: {error}") from None
    if answer.status_code not in (200, 204):
        raise InstallFailed(f"{url} answered {answer.status_code}: {answer.text[:500]}")
