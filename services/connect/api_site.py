"""The page's API of the site that is attached: how it goes, and attaching one by an API token. Who administers Jira may."""

import time
from dataclasses import asdict
from typing import Any

from flask_smorest import Blueprint

from common.problems import Problem
from common.web import check_session, current_session
from connect import attach, forge_scopes, hooks
from connect.api_site_schemas import AttachedSite, Checked, SiteToAttach, SiteToCheck
from connect.config import Config
from connect.email_api import EmailApi
from connect.poll import REPAIR
from connect.site_rights import ending
from connect.site_view import Seen, Way, connect_scopes, view
from connect.store import Store, Tenant
from connect.store_forge import ForgeStore
from connect.store_polled import PolledStore
from connect.store_site import Account, Site, SiteStore

_GONE = "This site is not attached any more."
_BY_AN_APP = "This site is attached by an app: it is attached and detached in Jira, under Manage apps."


class Sites:
    """What the views need: the stores, and the check of a site that is not attached yet."""

    def __init__(self, config: Config, store: Store, check: attach.Check, email_api: EmailApi) -> None:
        key = config.settings.master_key
        self.base_url = config.settings.base_url
        self.every = config.jira_poll
        self.store = store
        self.by_token = SiteStore(store.database, key)
        self.by_forge = ForgeStore(store.database, key)
        self.polled = PolledStore(store.database)
        self.check = check
        self.email_api = email_api


def blueprint(sites: Sites) -> Blueprint:
    """`/api/connect/site`."""
    pages = Blueprint("site", __name__, url_prefix="/api/connect/site", description="The site that is attached")
    pages.before_request(check_session)

    @pages.get("")
    @pages.response(200, AttachedSite)
    @pages.alt_response(404, description=_GONE)
    def get() -> dict[str, Any]:
        """The site, whom it is called as, what that account may, and how its events come."""
        return _shown(sites, _tenant(sites))

    @pages.post("/check")
    @pages.arguments(SiteToCheck)
    @pages.response(200, Checked)
    @pages.alt_response(404, description=_GONE)
    @pages.alt_response(409, description=_BY_AN_APP)
    def check(body: dict[str, Any]) -> dict[str, Any]:
        """What there is at this address for this account. Nothing is kept."""
        _by_token(sites)
        finding = sites.check.look(body["url"], body["email"].strip(), body["api_token"].strip())
        return {"ok": finding.problem is None, **finding.to_json()}

    @pages.put("")
    @pages.arguments(SiteToAttach)
    @pages.response(200, AttachedSite)
    @pages.alt_response(404, description=_GONE)
    @pages.alt_response(409, description="Another site is attached, or this one by an app.")
    def put(body: dict[str, Any]) -> dict[str, Any]:
        """Attach the site, or give it another account or token, once a check has found nothing wrong."""
        tenant = _by_token(sites)
        account = Account(body["email"].strip(), body["api_token"].strip(), body["token_expires_at"])
        finding = sites.check.look(body["url"], account.email, account.token)
        if (problem := finding.problem) is not None:
            sentence = f"{problem.detail} {problem.remedy}"
            raise Problem(422, title=problem.title, detail=sentence, errors={problem.field or "url": [sentence]})
        if tenant.base_url not in ("", finding.site) and not body["renamed"]:
            # Issues of two sites have the same numbers: an answer to a mail about one must not reach the other.
            raise Problem(
                409,
                detail=f"Mailbridge is attached to {tenant.base_url}. Detach that site first, which forgets its mailboxes "
                "and its mail; or say that it was renamed (renamed: true).",
            )
        sites.by_token.attach(tenant.id, finding.site, account, finding.to_json())
        return _shown(sites, _tenant(sites))

    @pages.delete("")
    @pages.response(204)
    @pages.alt_response(404, description=_GONE)
    @pages.alt_response(409, description=_BY_AN_APP)
    def delete() -> None:
        """Detach the site. Its mailboxes, its mail and everything else that is known of it are forgotten."""
        tenant = _by_token(sites)
        if tenant.state != "new":
            sites.store.remove(tenant.id)
            sites.by_token.drop(tenant.id)

    @pages.post("/webhook/secret")
    @pages.response(200, AttachedSite)
    @pages.alt_response(404, description=_GONE)
    @pages.alt_response(409, description="No site is attached yet, or it is by an app.")
    def renew() -> dict[str, Any]:
        """A new secret for the webhook. The old one counts no more; until Jira has the new one, Mailbridge polls."""
        tenant = _by_token(sites)
        if tenant.state == "new":
            raise Problem(409, detail="No Jira site is attached yet: attach one first.")
        sites.by_token.renew_hook(tenant.id)
        return _shown(sites, tenant)

    return pages


def _tenant(sites: Sites) -> Tenant:
    tenant = sites.store.tenant(current_session().tenant)
    if tenant is None or tenant.state == "removed":
        raise Problem(404, detail=_GONE)
    return tenant


def _by_token(sites: Sites) -> Tenant:
    tenant = _tenant(sites)
    if tenant.scheme != "token":
        raise Problem(409, detail=_BY_AN_APP)
    return tenant


def _shown(sites: Sites, tenant: Tenant) -> dict[str, Any]:
    if tenant.scheme == "token":
        return view(_seen_by_token(sites, tenant, sites.by_token.site(tenant.id)))
    if tenant.scheme == "forge":
        forge = sites.by_forge.of(tenant.id)
        events = _events(sites, tenant, "forge", None if forge is None else forge.heard_at, REPAIR)
        scopes = [asdict(scope) for scope in forge_scopes.judge(None if forge is None else forge.scopes)]
    else:
        events = _events(sites, tenant, "webhook", sites.polled.newest(tenant.id), REPAIR)
        scopes = connect_scopes()
    access = sites.email_api.of(tenant.id, tenant.scheme, tenant.account_id)
    return view(Seen(tenant.scheme, tenant.base_url, tenant.state, tenant.account_id, events, access, scopes))


def _seen_by_token(sites: Sites, tenant: Tenant, site: Site | None) -> Seen:
    heard_at = None if site is None else site.hook.heard_at
    way, every = ("polling", sites.every) if heard_at is None else ("webhook", REPAIR)
    events = _events(sites, tenant, way, heard_at, every)
    access = sites.email_api.of(tenant.id, tenant.scheme, tenant.account_id)
    if site is None:
        return Seen(tenant.scheme, tenant.base_url, tenant.state, None, events, access)
    return Seen(
        scheme=tenant.scheme,
        site=site.base_url,
        state=tenant.state,
        account_id=tenant.account_id,
        email_api=access,
        events=events,
        email=site.account.email,
        token_expires_at=site.account.expires_at,
        checked=site.checked,
        checked_at=site.checked_at,
        notice=ending(site.account.expires_at, time.time()),
        webhook=hooks.to_paste(site.hook, sites.base_url),
    )


def _events(sites: Sites, tenant: Tenant, way: str, heard_at: float | None, every: float) -> Way:
    progress = sites.polled.progress(tenant.id)
    return Way(
        way=way,
        heard_at=heard_at,
        polled_at=None if progress is None else progress.polled_at,
        every=every,
        problem=None if progress is None else progress.problem,
    )
