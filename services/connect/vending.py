"""Jira credentials for those who may have them: the workers over HTTP, and connect's own calls to Jira."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import Blueprint, Request, Response, jsonify, request

from common import log
from common.credentials import PATH, WINDOW, Credentials, LookupUser, check_request, digest
from common.crypto import derive
from common.errors import Permanent, Temporary
from common.problems import Problem
from common.thread_tokens import ThreadKey
from connect.config import Config
from connect.signed import json_of
from connect.store import Store, Tenant
from connect.store_forge import ForgeStore
from connect.store_lookup import LookupStore
from connect.store_site import SiteStore

NONCE_LIFE = 5 * WINDOW
"""Seconds a nonce is kept: longer than a request of its time can be accepted."""

_LIFE = 3600.0
_FORGE_LIFE = 3300.0  # what Atlassian promises of a system token
_TRIED_ON = 120.0
# Newest first. A version added in front signs from the next vending on; those behind it are still recognised.
_THREAD_KEY_VERSIONS = (1,)
_GONE = "Mailbridge is not installed in this Jira."
_DISABLED = "Mailbridge is disabled in this Jira."
_NOT_YET = "No Jira site is attached yet: enter its address and an API token on Mailbridge's page."
_NOT_TOLD = "Forge has not told yet how to call this Jira: it does so every five minutes."
_REFUSED = "Jira does not accept the newest token of Forge any more: a newer one comes within five minutes."
_SILENT = "Mailbridge hears nothing from this Jira any more: it was probably uninstalled."
_log = log.get(__name__)


class NotNow(Temporary):
    """The tenant's Jira may not or cannot be called for the time being; connect answers 409."""


class Vending:
    """What each tenant's Jira is called with now, by its scheme; read from the store each time."""

    def __init__(self, config: Config, store: Store) -> None:
        self._master_key = config.settings.master_key
        self._store = store
        self._lookups = LookupStore(store.database, self._master_key)
        self._forge = ForgeStore(store.database, self._master_key)
        self._by_scheme: Mapping[str, Callable[[Tenant], Signer]] = {
            "connect": _connect,
            "token": Tokens(SiteStore(store.database, self._master_key)).signer,
            "forge": Invocations(self._forge).signer,
        }

    def get(self, tenant: str) -> Credentials:
        """The tenant's credentials; Permanent(status=404) when it has not got the app, NotNow while it is disabled or
        its site is not attached."""
        found = self._store.tenant(tenant)
        if found is None or found.state == "removed":
            raise Permanent(_GONE, status=404)
        if found.state == "disabled":
            raise NotNow(_DISABLED)
        scheme = self._by_scheme.get(found.scheme)
        if scheme is None:
            raise NotNow(f"This version of connect cannot call a Jira by the scheme {found.scheme!r}.")
        now = time.time()
        return credentials(found, scheme(found), self._master_key, now, self._lookups.vended(tenant, now))

    def refused(self, tenant: str, digest: str) -> None:
        """Jira did not accept the secret with this SHA-256 (hex): a token of Forge is not vended again."""
        self._forge.refuse(tenant, digest)


@dataclass(frozen=True, slots=True)
class Signer:
    """What signs a call: the secret, the e-mail address it belongs to, and where calls go.

    good_until: seconds since 1970, None where nobody knows; person_tokens: as in Credentials.
    """

    base_url: str
    secret: str = field(repr=False)
    email: str | None = None
    good_until: float | None = None
    person_tokens: bool = False


def _connect(tenant: Tenant) -> Signer:
    if tenant.secret is None:
        raise Permanent(_GONE, status=404)
    return Signer(tenant.base_url, tenant.secret)


class Tokens:
    """The scheme `token`: an account's e-mail address and API token."""

    def __init__(self, sites: SiteStore) -> None:
        self._sites = sites

    def signer(self, tenant: Tenant) -> Signer:
        """Raises NotNow until a site is attached."""
        site = self._sites.site(tenant.id)
        if site is None:
            raise NotNow(_NOT_YET)
        return Signer(site.base_url, site.account.token, site.account.email)


class Invocations:
    """The scheme `forge`: the newest system token that a call by Forge brought."""

    def __init__(self, forge: ForgeStore) -> None:
        self._forge = forge

    def signer(self, tenant: Tenant) -> Signer:
        """Raises NotNow until a call has brought a token that Jira did not refuse yet."""
        site = self._forge.of(tenant.id)
        if tenant.state == "silent":
            raise NotNow(_SILENT)
        if site is None or site.token is None:
            raise NotNow(_NOT_TOLD)
        if site.refused:
            raise NotNow(_REFUSED)
        good_until = None if site.token_at is None else site.token_at + _FORGE_LIFE
        return Signer(site.api_base_url, site.token, good_until=good_until, person_tokens=True)


class OwnCredentials:
    """connect's own source of credentials (`common.jira_call.Source`)."""

    def __init__(self, config: Config, store: Store) -> None:
        self._vending = Vending(config, store)

    def get(self, tenant: str) -> Credentials:
        """As `Vending.get`."""
        return self._vending.get(tenant)

    def forget(self, tenant: str, used: Credentials | None = None) -> None:
        """Nothing is remembered, but that Jira refused a token of Forge."""
        if used is not None and used.scheme == "forge":
            self._vending.refused(tenant, digest(used.secret))

    def person(self, tenant: str, account_id: str) -> None:
        """connect itself does nothing in a person's name."""

    def forget_person(self, tenant: str, account_id: str) -> None:
        """Nothing is remembered."""


def blueprint(config: Config, store: Store) -> Blueprint:
    """`POST /api/connect/credentials`, signed with a role's key (see common/credentials.py)."""
    pages = Blueprint("credentials", __name__)
    vending = Vending(config, store)

    @pages.post(PATH)
    def vend() -> Response:
        role = role_of(request, config.role_keys, store)
        body = json_of(request)
        id = body.get("tenant") if isinstance(body, dict) else None
        if not isinstance(id, str) or not id:
            raise Problem(422, errors={"tenant": ["Name the tenant."]})
        if isinstance(refused := body.get("refused"), str):
            vending.refused(id, refused)
        try:
            answer = vending.get(id)
        except Permanent as fault:
            raise Problem(404, detail=str(fault)) from None
        except NotNow as fault:
            raise Problem(409, detail=str(fault)) from None
        _log.info("credentials_vended", tenant=id, role=role)
        return jsonify(answer.to_json())

    return pages


def credentials(
    tenant: Tenant, signer: Signer, master_key: bytes, now: float, lookup: LookupUser | None = None
) -> Credentials:
    """What is vended about a tenant at `now`."""
    return Credentials(
        tenant=tenant.id,
        scheme=tenant.scheme,
        base_url=signer.base_url,
        site_url=tenant.base_url,
        app_key=tenant.app_key,
        client_key=tenant.client_key,
        secret=signer.secret,
        email=signer.email,
        account_id=tenant.account_id,
        lookup=lookup,
        person_tokens=signer.person_tokens,
        thread_keys=tuple(thread_key(master_key, tenant.id, version) for version in _THREAD_KEY_VERSIONS),
        # A token past its promised life is tried on, shortly at a time: Jira says when it ends.
        expires_at=min(now + _LIFE, max(signer.good_until or now + _LIFE, now + _TRIED_ON)),
    )


def thread_key(master_key: bytes, tenant: str, version: int) -> ThreadKey:
    """The tenant's key of thread tokens: always the same for a version, so that a reinstalled app knows its mails."""
    return ThreadKey(version, derive(master_key, f"thread tokens {version} {tenant}"))


def role_of(request: Request, keys: Mapping[str, bytes], store: Store) -> str:
    """The role that signed the request; raises Problem(401) for any other, and when it comes again."""
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
