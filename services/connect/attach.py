"""The check before a site is attached by an API token: is it a Jira Cloud, whose account is this, what may it do?

Nothing is kept and nothing is changed: GET /serverInfo, /myself, /mypermissions (anywhere, and in some projects) and
/project/search. What is wrong is a Problem that names the field and the remedy, never an exception.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from common.env import Settings
from common.errors import Fault, Permanent, Unauthorised
from common.http import Http
from common.jira import Jira
from connect.lookup_check import LookupJira
from connect.site_address import BadAddress, site_address
from connect.site_rights import PERMISSIONS, PROJECT, Right, rights

PROJECTS = 20
"""Projects in which the rights are looked at one by one; the first by key of those in which the account may create issues."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the site cannot be attached; field: url, email or api_token, or None."""

    title: str
    detail: str
    remedy: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What the check found. site: the address that calls go to; account: {"account_id", "name"}, None if not known."""

    site: str
    account: Mapping[str, str] | None = None
    rights: Sequence[Right] = ()
    problem: Problem | None = None

    def to_json(self) -> dict[str, Any]:
        """What is stored of it: {"account", "rights", "problem"}, as the API tells them."""
        return {
            "account": None if self.account is None else dict(self.account),
            "rights": [right.to_json() for right in self.rights],
            "problem": None if self.problem is None else asdict(self.problem),
        }


class Check:
    """Asks a Jira that is not attached yet; safe to share between threads."""

    def __init__(self, http: Http, settings: Settings) -> None:
        self._jira = LookupJira(http, settings)
        self._allow_plain = settings.allow_plain

    def look(self, url: str, email: str, token: str) -> Finding:
        """What there is at `url` for this account; makes four calls and one a project, none that writes."""
        try:
            site = site_address(url, allow_plain=self._allow_plain)
        except BadAddress as error:
            return Finding(
                "", problem=Problem("This is not the address of a Jira site", str(error), error.remedy, "url")
            )
        jira = self._jira.of("check", site, email, token)
        try:
            problem = _is_cloud(jira.server_info())
        except Unauthorised as fault:
            problem = _refused(fault)
        except Fault as fault:
            problem = _no_jira(fault)
        finding = Finding(site, problem=problem)
        return finding if problem is not None else _person(jira, finding)


def _person(jira: Jira, finding: Finding) -> Finding:
    try:
        me = jira.myself()
    except Unauthorised as fault:
        return replace(finding, problem=_refused(fault))
    except Permanent as fault:
        return replace(finding, problem=_not_allowed(fault))
    except Fault as fault:
        return replace(finding, problem=_no_jira(fault))
    id = me.get("accountId")
    if not isinstance(id, str) or not id:
        return replace(finding, problem=_no_jira(Permanent("Jira did not say whose account this is.")))
    account = {"account_id": id, "name": str(me.get("displayName") or id)}
    try:
        return replace(finding, account=account, rights=_rights(jira))
    except Fault as fault:
        problem = Problem("Jira does not say what the account may do", str(fault), "Try again in a minute.", None)
        return replace(finding, account=account, problem=problem)


def _rights(jira: Jira) -> list[Right]:
    anywhere = jira.my_permissions(PERMISSIONS)
    if not anywhere.get("BROWSE_PROJECTS"):
        return rights(anywhere, {})
    keys = [str(project.get("key") or "") for project in jira.projects("", PROJECTS)]
    return rights(anywhere, {key: jira.my_permissions(PROJECT, key) for key in keys if key})


def _is_cloud(info: Mapping[str, Any]) -> Problem | None:
    kind = info.get("deploymentType")
    if kind is not None and kind != "Cloud":
        detail = f"This is a Jira {kind} {info.get('version') or ''}".rstrip() + ", not a Jira Cloud site."
        return Problem("This Jira is not in the cloud", detail, "Mailbridge works with Jira Cloud only.", "url")
    if not isinstance(info.get("baseUrl"), str):
        return _no_jira(Permanent("What answers at this address does not speak as Jira does."))
    return None


def _refused(fault: Fault) -> Problem:
    return Problem(
        "Jira does not accept the e-mail address and API token",
        str(fault),
        "Log in at https://id.atlassian.com/manage-profile/security/api-tokens as this account, make a new API token "
        "(without scopes), and enter it with the account's own e-mail address.",
        "api_token",
    )


def _not_allowed(fault: Permanent) -> Problem:
    remedy = "Give the account access to Jira (admin.atlassian.com, Users), and let it log in to the site once."
    return Problem("The account may not use this Jira", str(fault), remedy, "email")


def _no_jira(fault: Fault) -> Problem:
    remedy = fault.remedy if isinstance(fault, Permanent) and fault.status is None else ""
    return Problem(
        "No Jira Cloud answers at this address",
        str(fault),
        remedy
        or "Give the site's own address, such as https://example.atlassian.net: the one in the browser when Jira is open, "
        "not that of a login page, a proxy or a Data Center.",
        "url",
    )
