"""Where each account can be written to, asked of Jira way by way (`reach`); answers are kept for five minutes, in memory.

How the e-mail API answers is remembered for each tenant: approval by Atlassian is not told, it is found out.
"""

import threading
from collections.abc import Iterable, Mapping

from common import log
from common.credentials import Credentials
from common.db import Database
from common.errors import Permanent, Temporary, Unauthorised
from common.jira import Jira, JiraSites
from common.vendor import Vendor
from outbound import store_people
from outbound.asking import Asking
from outbound.facts import Account
from outbound.reach import ApiState, Reach, may_try

_WILL_NOT_SAY = (400, 403, 404)
_log = log.get(__name__)


class Addresses:
    """Any number of threads may share it."""

    def __init__(self, sites: JiraSites, vendor: Vendor, database: Database, asking: Asking) -> None:
        self._sites = sites
        self._vendor = vendor
        self._database = database
        self._asking = asking

    def of(self, tenant: str, wanted: Iterable[str], known: Mapping[str, Account]) -> dict[str, Reach]:
        """How each account id is reached. known: accounts as Jira showed them."""
        wanted = list(wanted)
        if not wanted:
            return {}
        credentials = self._vendor.get(tenant)
        site = _Site(self._sites.site(tenant), credentials, EmailApi(self._database, tenant, credentials.scheme))

        def ask(id: str) -> Reach:
            if credentials.email and id == credentials.account_id:
                return Reach(credentials.email, "own")
            shown = known[id].address if id in known else None
            if shown:
                return Reach(shown, "profile")
            return self._asking.once((tenant, "reach", id), lambda: site.ask(id, shown_before=id in known))

        return self._asking.each(wanted, ask)


class EmailApi:
    """GET /user/email for one tenant, as long as it is of use; threads share one while a window is gathered."""

    def __init__(self, database: Database, tenant: str, scheme: str) -> None:
        self._database = database
        self._tenant = tenant
        self._trying = threading.Lock()
        with database.read() as tx:
            self._state, at, clock = store_people.email_api_of(tx, tenant)
        self._open = may_try(scheme, self._state, at, clock)
        self._noted = self._state == "works" and at is not None and clock - at < store_people.FRESH

    def ask(self, jira: Jira, account_id: str) -> str | None:
        """The address, or None where this way does not lead. Raises Temporary when a rate limit says to wait."""
        if self._state == "works":
            return self._ask(jira, account_id)
        with self._trying:  # one finds out, the others wait for it
            return self._ask(jira, account_id)

    def _ask(self, jira: Jira, account_id: str) -> str | None:
        if not self._open:
            return None
        try:
            address = jira.user_email(account_id)
        except Permanent as refusal:
            if refusal.status not in _WILL_NOT_SAY:
                raise
            self._note("refused")
            return None
        except Unauthorised:
            self._note("refused")  # "for example if a user is trying to access this API": other calls tell the rest
            return None
        except Temporary as fault:
            if fault.retry_after is not None:
                raise
            self._note("unknown")  # also 503: the API is not enabled there
            return None
        self._note("works")
        return address

    def _note(self, state: ApiState) -> None:
        self._open = state == "works"
        if state == self._state and self._noted:
            return
        self._state, self._noted = state, True
        _log.info("email_api", tenant=self._tenant, state=state)
        with self._database.write() as tx:
            store_people.set_email_api(tx, self._tenant, state)


class _Site:
    """One tenant's Jira while a window is gathered."""

    def __init__(self, jira: Jira, credentials: Credentials, api: EmailApi) -> None:
        self._jira = jira
        self._has_lookup = credentials.lookup is not None
        self._api = api

    def ask(self, id: str, *, shown_before: bool) -> Reach:
        """shown_before: Jira has shown the account with the issue, and no address: its profile hides it from the app."""
        address = self._api.ask(self._jira, id)
        if address:
            return Reach(address, "email-api")
        if not shown_before and (shown := self._profile(id)):
            return Reach(shown, "profile")
        seen = self._jira.user_as_lookup(id) if self._has_lookup else None
        address = (seen or {}).get("emailAddress")
        return Reach(address, "lookup") if isinstance(address, str) and address else Reach(None)

    def _profile(self, id: str) -> str | None:
        try:
            address = self._jira.user(id).get("emailAddress")
        except Permanent as fault:
            if fault.status in _WILL_NOT_SAY:
                return None
            raise
        return address if isinstance(address, str) and address else None
