"""Jira credentials for those who may have them: the workers over HTTP, and connect's own calls to Jira."""

import time
from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, request

from common import log
from common.credentials import PATH, WINDOW, Credentials, check_request
from common.crypto import derive
from common.errors import Permanent, Temporary
from common.problems import Problem
from common.thread_tokens import ThreadKey
from connect.config import Config
from connect.signed import json_of
from connect.store import Store, Tenant

NONCE_LIFE = 5 * WINDOW
"""Seconds a nonce is kept: longer than a request of its time can be accepted."""

_LIFE = 3600.0
# Newest first. A version added in front signs from the next vending on; those behind it are still recognised.
_THREAD_KEY_VERSIONS = (1,)
_GONE = "Mailbridge is not installed in this Jira."
_DISABLED = "Mailbridge is disabled in this Jira."
_log = log.get(__name__)


class OwnCredentials:
    """connect's own source of credentials (`common.jira_call.Source`): read from the store each time."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store

    def get(self, tenant: str) -> Credentials:
        """The tenant's credentials; Permanent(status=404) when it has not got the app, Temporary when disabled."""
        found = self._store.tenant(tenant)
        if found is None or found.secret is None:
            raise Permanent(_GONE, status=404)
        if found.state == "disabled":
            raise Temporary(_DISABLED)
        return credentials(found, found.secret, self._config.settings.master_key, time.time())

    def forget(self, tenant: str, used: Credentials | None = None) -> None:
        """Nothing is remembered."""

    def person(self, tenant: str, account_id: str) -> None:
        """connect itself does nothing in a person's name."""

    def forget_person(self, tenant: str, account_id: str) -> None:
        """Nothing is remembered."""


def blueprint(config: Config, store: Store) -> Blueprint:
    """`POST /api/connect/credentials`, signed with a role's key (see common/credentials.py)."""
    pages = Blueprint("credentials", __name__)

    @pages.post(PATH)
    def vend() -> Response:
        role = _role(config.role_keys, store)
        body = json_of(request)
        id = body.get("tenant") if isinstance(body, dict) else None
        if not isinstance(id, str) or not id:
            raise Problem(422, errors={"tenant": ["Name the tenant."]})
        tenant = store.tenant(id)
        if tenant is None or tenant.secret is None:
            raise Problem(404, detail=_GONE)
        if tenant.state == "disabled":
            raise Problem(409, detail=_DISABLED)
        _log.info("credentials_vended", tenant=tenant.id, role=role)
        answer = credentials(tenant, tenant.secret, config.settings.master_key, time.time())
        return jsonify(answer.to_json())

    return pages


def credentials(tenant: Tenant, secret: str, master_key: bytes, now: float) -> Credentials:
    """What is vended about a tenant at `now`."""
    return Credentials(
        tenant=tenant.id,
        scheme="connect",
        base_url=tenant.base_url,
        site_url=tenant.base_url,
        app_key=tenant.app_key,
        client_key=tenant.client_key,
        secret=secret,
        email=None,
        account_id=tenant.account_id,
        lookup=None,
        person_tokens=False,
        thread_keys=tuple(thread_key(master_key, tenant.id, version) for version in _THREAD_KEY_VERSIONS),
        expires_at=now + _LIFE,
    )


def thread_key(master_key: bytes, tenant: str, version: int) -> ThreadKey:
    """The tenant's key of thread tokens: always the same for a version, so that a reinstalled app knows its mails."""
    return ThreadKey(version, derive(master_key, f"thread tokens {version} {tenant}"))


def _role(keys: Mapping[str, bytes], store: Store) -> str:
    try:
        role, nonce = check_request(
            keys, request.method, request.path, request.headers, request.get_data(), time.time()
        )
        if not store.use_nonce(nonce):
            raise Permanent("The request was made before.", status=401)
    except Permanent as fault:
        _log.warning("credentials_refused", reason=str(fault))
        raise Problem(401, detail=f"{fault} {fault.remedy}".strip()) from None
    return role
