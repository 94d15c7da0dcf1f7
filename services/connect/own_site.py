"""The site that the operator names by MAILBRIDGE_JIRA_URL, and the daily look at what every account by API token may.

Runs in connect's worker. What the environment names is attached at its start, checked or not: a token that does not
work yet is shown on the page and tried again, and mail waits meanwhile.
"""

import time
from dataclasses import replace

from common import log
from connect.attach import Check, Finding, Problem
from connect.config import JiraSite
from connect.site_rights import ending
from connect.store_site import Account, SiteStore

AGAIN = 60.0
"""Seconds until an account that did not work is tried again."""

DAILY = 86_400.0
_log = log.get(__name__)


class OwnSite:
    """`once` is called now and then; named: what the environment says, if anything."""

    def __init__(self, named: JiraSite | None, sites: SiteStore, check: Check) -> None:
        self._named = named
        self._named_url = named.url if named is not None else ""
        self._sites = sites
        self._check = check
        self._done = named is None
        self._conflict: tuple[str, Problem] | None = None

    def once(self) -> None:
        """Attach what the environment names, once; check accounts whose time has come. Raises Temporary."""
        if self._named is not None and not self._done:
            self._attach(self._named)
            self._done = True
        for tenant in self._sites.unchecked(troubled=AGAIN, well=DAILY):
            self._look(tenant)

    def _attach(self, named: JiraSite) -> None:
        tenant = self._sites.own_tenant()
        there = self._sites.site(tenant)
        if there is not None and there.base_url != named.url:
            # Issues of two sites have the same numbers: an answer to a mail about one must not reach the other.
            detail = f"MAILBRIDGE_JIRA_URL is {named.url}, but Mailbridge is attached to {there.base_url}."
            remedy = "Detach that site on this page and start again; or, if it was renamed, enter its new address here."
            self._conflict = tenant, Problem("The setting names another site", detail, remedy, "url")
            _log.error("site_not_attached", tenant=tenant, reason=detail)
            self._sites.note(tenant, _with(Finding(there.base_url), self._conflict[1]).to_json())
            return
        if there is not None and (there.account.email, there.account.token) == (named.email, named.token):
            return
        self._sites.attach(tenant, named.url, Account(named.email, named.token, None), None)
        _log.info("site_attached", tenant=tenant, site=named.url, again=there is not None)

    def _look(self, tenant: str) -> None:
        site = self._sites.site(tenant)
        if site is None:
            return
        finding = self._check.look(site.base_url, site.account.email, site.account.token)
        if self._conflict is not None and self._conflict[0] == tenant and site.base_url != self._named_url:
            finding = _with(finding, finding.problem or self._conflict[1])
        self._sites.note(tenant, finding.to_json())
        if finding.problem is not None:
            _log.warning("site_in_trouble", tenant=tenant, reason=finding.problem.detail)
        if notice := ending(site.account.expires_at, time.time()):
            _log.warning("token_ends", tenant=tenant, notice=notice)


def _with(finding: Finding, problem: Problem) -> Finding:
    return replace(finding, problem=problem)
