"""Asks Jira as the look-up user what `lookup_user` judges, and once a day whether its token still works.

Only reads are sent. The calls go to the site itself, authorised by the account's address and API token.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from common import log
from common.credentials import Credentials
from common.env import Settings
from common.errors import Fault, Permanent, Temporary, Unauthorised
from common.http import Http
from common.jira import Jira, JiraSites
from connect.lookup_user import REFUSED, Answer, Seen
from connect.store import Store
from connect.store_lookup import LookupStore, Stored

DAY = 86_400.0

_NEEDS_BOTH = "Name an account and a project to check this."
_NEEDS_PROJECT = "Name a project to check this."
_NOT_TRIED = "Not tried: the token does not work."
_log = log.get(__name__)


class LookupJira:
    """A client of Jira as some account, by its API token; nothing is remembered."""

    def __init__(self, http: Http, settings: Settings) -> None:
        self._http = http
        self._settings = settings

    def of(self, tenant: str, site_url: str, email: str, token: str) -> Jira:
        """The site as this account sees it."""
        return JiraSites(self._http, _Fixed(_basic(tenant, site_url, email, token)), self._settings).site(tenant)


def see(jira: Jira, account_id: str | None, project: str | None, email: str) -> Seen:
    """Everything that is judged. email: the look-up user's own, searched for where the account shows no address.

    Raises Temporary while Jira cannot be asked.
    """
    try:
        own = jira.myself("applicationRoles")
    except Unauthorised as refusal:
        return _all_untried(Answer(False, str(refusal)))
    except Permanent as refusal:
        return _all_untried(Answer(False, f"{refusal} {refusal.remedy}".strip()))
    own_name = str(own.get("displayName") or own.get("accountId") or "")
    person = _answer_or_none(lambda: jira.user(account_id, "applicationRoles")) if account_id else own
    address, wanted = email, str(own.get("accountId"))
    if account_id and person and person.get("emailAddress"):
        address, wanted = str(person["emailAddress"]), account_id
    return Seen(
        name=own_name,
        token=Answer(True),
        browse_users=_ask(lambda: jira.my_permissions(["USER_PICKER"])["USER_PICKER"]),
        browse_projects=_ask(lambda: jira.my_permissions(["BROWSE_PROJECTS"], project)["BROWSE_PROJECTS"]),
        project_role=_ask(lambda: _reads_roles(jira, project)) if project else Answer(None, _NEEDS_PROJECT),
        application_access=_access(person),
        assignable=(
            _ask(lambda: jira.assignable(account_id, project)) if account_id and project else Answer(None, _NEEDS_BOTH)
        ),
        found=_ask(lambda: any(one.get("accountId") == wanted for one in jira.find_users(address))),
        project=project,
        person=str(person.get("displayName") or account_id) if account_id and person else account_id,
        address=address,
    )


class DailyCheck:
    """Looks once a day whether each look-up user's token still works, and notes it where the page shows it."""

    def __init__(self, lookups: LookupStore, jira: LookupJira, store: Store) -> None:
        self._lookups = lookups
        self._jira = jira
        self._store = store

    def once(self) -> None:
        """Check those that are due."""
        for id in self._lookups.unchecked(DAY):
            stored, tenant = self._lookups.get(id), self._store.tenant(id)
            if stored is not None and tenant is not None and tenant.base_url:
                self._check(stored, tenant.base_url)

    def _check(self, stored: Stored, url: str) -> None:
        try:
            self._jira.of(stored.tenant, url, stored.email, stored.token).myself()
        except Unauthorised:
            problem: str | None = REFUSED
        except Temporary as fault:
            _log.info("look_up_user_not_checked", tenant=stored.tenant, reason=str(fault))
            return
        except Fault as fault:
            problem = str(fault)
        else:
            problem = None
        if problem:
            _log.warning("look_up_user_in_trouble", tenant=stored.tenant, reason=problem)
        self._lookups.note(stored, problem)


class _Fixed:
    """A source of credentials that has one answer."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def get(self, tenant: str) -> Credentials:
        return self._credentials

    def forget(self, tenant: str, used: Credentials | None = None) -> None: ...

    def person(self, tenant: str, account_id: str) -> None: ...

    def forget_person(self, tenant: str, account_id: str) -> None: ...


def _basic(tenant: str, site_url: str, email: str, token: str) -> Credentials:
    return Credentials(
        tenant=tenant,
        scheme="token",
        base_url=site_url,
        site_url=site_url,
        app_key=None,
        client_key=None,
        secret=token,
        email=email,
        account_id=None,
        lookup=None,
        person_tokens=False,
        thread_keys=(),
        expires_at=0.0,
    )


def _all_untried(token: Answer) -> Seen:
    rest = Answer(None, _NOT_TRIED)
    untried = Seen(token=token, browse_users=rest, browse_projects=rest, project_role=rest)
    return replace(untried, application_access=rest, assignable=rest, found=rest)


def _reads_roles(jira: Jira, project: str | None) -> bool:
    assert project is not None
    ids = jira.role_ids(project)
    jira.role_members(project, next(iter(ids.values())))
    return True


def _access(person: Any) -> Answer:
    if person is None:
        return Answer(None, "The look-up user does not see this account.")
    roles = person.get("applicationRoles")
    if not isinstance(roles, dict):
        return Answer(None, "Jira does not tell which applications it has access to.")
    return Answer(bool(roles.get("size") or roles.get("items")))


def _ask(ask: Callable[[], bool]) -> Answer:
    try:
        return Answer(bool(ask()))
    except (Permanent, StopIteration) as refusal:
        return Answer(False, str(refusal))


def _answer_or_none(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Permanent:
        return None
