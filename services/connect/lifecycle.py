"""Jira's lifecycle calls: installed, enabled, disabled, uninstalled.

`installed` and `uninstalled` count only with Atlassian's own signature over this client key and this app, whatever
secret the tenant has: else whoever learned a secret could replace it. `installed` comes again on upgrades, rotation of
the secret, renaming of the site and import; it is an upsert, and the old secret stands until the new call is verified.
Where the app is Connect on Forge, `installed` names Forge's installation: that proves which tenant Forge's calls are for.
"""

import time

from flask import Blueprint, Request, request

from common import log
from connect.config import Config
from connect.install_keys import InstallKeys
from connect.schemas import read_installation, read_lifecycle
from connect.signed import json_of, qsh_of, tenant_call, token_of
from connect.store import Installation, Store, Tenant
from connect.store_forge import ForgeStore
from connect.tokens import BadToken, install_kid, verify_install

_DONE = ("", 204)
_log = log.get(__name__)


def blueprint(config: Config, store: Store, forge: ForgeStore, keys: InstallKeys) -> Blueprint:
    """The four addresses that the descriptor names."""
    pages = Blueprint("lifecycle", __name__, url_prefix="/connect")

    @pages.post("/installed")
    def installed() -> tuple[str, int]:
        installation = read_installation(
            json_of(request), app_key=config.app_key, allow_plain=config.settings.allow_plain
        )
        _verify_atlassian(request, installation.client_key, config, keys)
        before = store.by_client_key(installation.client_key)
        by_forge = _by_forge(installation, store, forge) if before is None else None
        found = before or by_forge
        state = state_after_install(found.state if found else None)
        tenant = store.install(installation, state, into=by_forge.id if by_forge else None)
        _log.info("installed", tenant=tenant, again=before is not None, site=installation.base_url)
        if installation.installation_id is not None:
            double = forge.announce(installation.installation_id, tenant)
            if double is not None:
                store.remove(double)
                _log.info("merged", tenant=tenant, double=double)
        return _DONE

    @pages.post("/uninstalled")
    def uninstalled() -> tuple[str, int]:
        client_key = read_lifecycle(json_of(request), app_key=config.app_key)
        _verify_atlassian(request, client_key, config, keys)
        tenant = store.by_client_key(client_key)
        if tenant is not None:
            # A site that has moved to Forge only loses its Connect half.
            if tenant.scheme == "forge":
                store.leave_connect(tenant.id)
            else:
                store.remove(tenant.id)
            _log.info("uninstalled", tenant=tenant.id, stays=tenant.scheme == "forge")
        return _DONE

    @pages.post("/enabled", defaults={"state": "enabled"})
    @pages.post("/disabled", defaults={"state": "disabled"})
    def switched(state: str) -> tuple[str, int]:
        tenant, _ = tenant_call(request, store)
        if read_lifecycle(json_of(request), app_key=config.app_key) != tenant.client_key:
            raise BadToken("iss")
        if tenant.scheme != "forge":  # else it is Forge that says whether the app is there
            store.set_state(tenant.id, state)
        _log.info(state, tenant=tenant.id)
        return _DONE

    return pages


def state_after_install(before: str | None) -> str:
    """A repeated `installed` switches nothing on or off; Jira says that by enabled and disabled."""
    return before if before in ("enabled", "disabled") else "installed"


def _by_forge(installation: Installation, store: Store, forge: ForgeStore) -> Tenant | None:
    """The tenant that Forge told of first, where this is Connect on Forge; None unless it has no Connect half yet."""
    id = None if installation.installation_id is None else forge.tenant_of(installation.installation_id)
    tenant = None if id is None else store.tenant(id)
    return tenant if tenant is not None and tenant.client_key is None else None


def _verify_atlassian(request: Request, client_key: str, config: Config, keys: InstallKeys) -> None:
    token = token_of(request)
    key = keys.get(install_kid(token))
    verify_install(
        token,
        key,
        client_key=client_key,
        base_url=config.settings.base_url,
        expected_qsh=qsh_of(request),
        now=time.time(),
    )
