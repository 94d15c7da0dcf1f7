"""The Forge host of the site: apps installed from a manifest, their invocations, upgrades, ticks and removal.

Nothing of an app runs here: it is a manifest and a remote. One installation an app; `cloud_id` stays whatever the site is called.
"""

import threading
import uuid
from dataclasses import replace
from typing import Any

from sandbox.faults import Faults
from sandbox.forge import event_scopes, remote
from sandbox.forge.deliveries import QUIET, Attempt, Deliveries
from sandbox.forge.manifest import INSTALLED, UPGRADED, Endpoint, Scopes
from sandbox.forge.model import ForgeApp, View
from sandbox.forge.read_manifest import read
from sandbox.forge.remote import Answer, NoAnswer
from sandbox.forge.tokens import Bearers, SigningKeys, invocation_claims
from sandbox.jira import seed
from sandbox.jira.model import User
from sandbox.jira.site import Site

_ADMINISTERS = "manage:jira-configuration"
UNINSTALL_LIMIT = 55.0  # seconds
VIEW_LIMIT = 25.0


class NotInstalled(Exception):
    """No app with this id is installed; `str()` says which are."""


class ForgeHost:
    """`origin`: where this sandbox listens; the address of Jira's REST API for apps stays there when the site is renamed."""

    def __init__(
        self, site: Site, faults: Faults, origin: str, retry_seconds: float, cloud_id: str | None = None
    ) -> None:
        self.site = site
        self.cloud_id = cloud_id or str(uuid.uuid4())
        self.view_limit = VIEW_LIMIT  # a test need not wait for it
        self.api_base_url = f"{origin}/ex/jira/{self.cloud_id}"
        self.keys = SigningKeys()
        self.bearers = Bearers()
        self.deliveries = Deliveries(site, faults, self.apps, self._invoke, retry_seconds)
        self._lock = threading.Lock()
        self._apps: dict[str, ForgeApp] = {}
        self._known_accounts: dict[str, tuple[str, str]] = {}  # app → its account and environment, which outlive it

    def apps(self) -> list[ForgeApp]:
        """What is installed."""
        with self._lock:
            return list(self._apps.values())

    def app(self, id_or_ari: str | None = None) -> ForgeApp:
        """The installed app of this UUID or ARI; without one, the only app. Raises NotInstalled."""
        apps = self.apps()
        found = [app for app in apps if id_or_ari in (None, app.manifest.app, app.ari)]
        if len(found) == 1:
            return found[0]
        raise NotInstalled(
            f"{len(found)} apps fit {id_or_ari or 'no name'}; installed: {', '.join(one.ari for one in apps)}"
        )

    def install(self, text: str, installer: str) -> tuple[ForgeApp, list[Attempt]]:
        """Installs the app of a manifest and tells it so; raises BadManifest. An installed app is installed anew."""
        manifest = read(text, event_scopes.known())
        account, environment = self._known_accounts.setdefault(
            manifest.app, (f"557058:{uuid.uuid4()}", str(uuid.uuid4()))
        )
        app = ForgeApp(manifest, str(uuid.uuid4()), environment, account, "1.0.0", installer)
        with self._lock:
            before = self._apps.get(manifest.app)
            self._apps[manifest.app] = app
        if before is not None:
            self.bearers.revoke(before.installation)
        self.give_accounts()
        self.deliveries.keep_time(app)
        return app, self.deliveries.lifecycle(app, INSTALLED, {**_named(app), "installerAccountId": installer})

    def upgrade(self, text: str) -> tuple[ForgeApp, list[Attempt]]:
        """An administrator accepts a newer version. It is a major one, of which the app is told, when scopes or egress differ."""
        manifest = read(text, event_scopes.known())
        before = self.app(manifest.app)
        major = (manifest.scopes, manifest.impersonating, manifest.remotes) != (
            before.manifest.scopes, before.manifest.impersonating, before.manifest.remotes,
        )  # fmt: skip
        app = replace(before, manifest=manifest, version=_next(before.version, major=major))
        with self._lock:
            self._apps[manifest.app] = app
        self.give_accounts()
        self.deliveries.keep_time(app)
        if not major:
            return app, []
        allowed = {
            "scopes": sorted(manifest.scopes), "external": {"fetch": {"backend": sorted(manifest.remotes.values())}},
        }  # fmt: skip
        body = {**_named(app), "upgraderAccountId": app.installer, "permissions": allowed}
        return app, self.deliveries.lifecycle(app, UPGRADED, body)

    def uninstall(self, app: ForgeApp, *, silently: bool = False) -> list[str]:
        """The app is asked to tidy up, then it is gone whatever it said; what was said, in sentences."""
        said = (
            []
            if silently
            else [self._farewell(app, timer.key, timer.endpoint) for timer in app.manifest.before_uninstall]
        )
        with self._lock:
            self._apps.pop(app.manifest.app, None)
        self.bearers.revoke(app.installation)
        with self.site.lock:
            account = self.site.users.get(app.account)
            if account is not None:
                account.active = False
        return said

    def give_accounts(self) -> None:
        """Each app has an account that is in the apps' role of every project, and administers Jira where its scopes do
        ("the system user provisioned for your app will be given the appropriate permissions tied to the scopes", FRGE-212)."""
        with self.site.lock:
            self.site.administering = {app.account for app in self.apps() if _ADMINISTERS in app.manifest.scopes}
            for app in self.apps():
                self.site.users[app.account] = User(app.account, app.name, "", email_shown=False, kind="app")
                for project in self.site.projects:
                    project.role_users.setdefault(seed.APPS, set()).add(app.account)

    def invoke_from(
        self, view: View, method: str, url: str, headers: dict[str, str], body: bytes | None, *, tokens: bool = True
    ) -> Answer:
        """A call that a page makes for the person who looks at it; raises NoAnswer. `tokens`: with bearers besides the FIT."""
        with self.site.lock:
            context = {
                **self._context(view.page.key),
                "localId": view.local_id,
                "accountId": view.account,
                "extension": view.extension(self.site),
            }
        sent = {**headers, **self._proof(view.app, (view.page.kind, view.page.key), context, view.account)}
        if tokens:
            sent |= self._tokens(view.app, view.page.endpoint, view.account)
        return remote.call(method, url, sent, body, self.view_limit, json_wanted=True)

    def offline_token(self, app: ForgeApp, account: str) -> str:
        """A bearer with which the app acts as a person who is not there, with the scopes that allow it."""
        now = self.site.clock()
        return self.bearers.give(app, "offline", account, app.manifest.impersonating, now).value

    def _invoke(self, app: ForgeApp, endpoint: Endpoint, module: tuple[str, str], body: bytes, limit: float) -> Answer:
        """A call that nobody looks on at."""
        headers = self._proof(app, module, self._context(module[1]), None) | self._tokens(app, endpoint, None)
        return remote.call("POST", endpoint.base_url + (endpoint.route or ""), headers, body, limit)

    def _farewell(self, app: ForgeApp, key: str, endpoint: Endpoint) -> str:
        if self.deliveries.quiet:
            return QUIET
        try:
            return f"answered {self._invoke(app, endpoint, ('preUninstall', key), b'{}', UNINSTALL_LIMIT).status}"
        except NoAnswer as failed:
            return str(failed)

    def _context(self, module: str) -> dict[str, Any]:
        return {"cloudId": self.cloud_id, "siteUrl": self.site.base_url, "moduleKey": module}

    def _proof(
        self, app: ForgeApp, module: tuple[str, str], context: dict[str, Any], principal: str | None
    ) -> dict[str, str]:
        claims = invocation_claims(app, self.api_base_url, module, context, principal, self.site.clock())
        return {"authorization": f"Bearer {self.keys.sign(claims)}"}

    def _tokens(self, app: ForgeApp, endpoint: Endpoint | None, viewer: str | None) -> dict[str, str]:
        now, scopes = self.site.clock(), app.manifest.scopes
        headers = {}
        if endpoint is not None and endpoint.system_token:
            headers["x-forge-oauth-system"] = self.bearers.give(app, "system", app.account, scopes, now).value
        if endpoint is not None and endpoint.user_token and viewer is not None:
            headers["x-forge-oauth-user"] = self.viewer_token(app, viewer, scopes, now)
        return headers

    def viewer_token(self, app: ForgeApp, viewer: str, scopes: Scopes, now: float) -> str:
        """A bearer that acts as who looks on."""
        return self.bearers.give(app, "user", viewer, scopes, now).value


def _named(app: ForgeApp) -> dict[str, Any]:
    """contracts/samples/forge/installed-app.json, without who did it."""
    about = {"id": app.manifest.app, "version": app.version, "name": app.name, "ownerAccountId": app.installer}
    return {"id": app.installation, "app": about, "environment": {"id": app.environment}}


def _next(version: str, *, major: bool) -> str:
    first, second, _ = map(int, version.split("."))
    return f"{first + 1}.0.0" if major else f"{first}.{second + 1}.0"
