"""Whether Atlassian lets a tenant's app ask for people's addresses (GET /user/email), for the page to show.

Approval is not access, and nobody tells an app of it: it is found out, by asking about the app's own account. Outbound,
which uses the call, finds out for itself. With an account's API token the call is never made. In memory only.
"""

import threading
import time
from collections.abc import Callable

from common.errors import Permanent, Temporary
from common.jira import JiraSites
from connect.site_view import Access

_DAY = 86_400.0
_UNSURE = 600.0
_MOST = 10_000


class EmailApi:
    """Any number of threads may share it."""

    def __init__(self, sites: JiraSites, clock: Callable[[], float] = time.time) -> None:
        self._sites = sites
        self._clock = clock
        self._guard = threading.Lock()
        self._known: dict[str, Access] = {}

    def of(self, tenant: str, scheme: str, account_id: str | None) -> Access:
        """What is known, not older than a day. account_id: the app's own account; without it, and by API token, nobody is
        asked."""
        if scheme == "token":
            return Access("unknown", None)
        now = self._clock()
        with self._guard:
            known = self._known.get(tenant)
        if known is not None and now - (known.checked_at or 0.0) < (_UNSURE if known.state == "unknown" else _DAY):
            return known
        if account_id is None:
            return Access("unknown", None)
        found = Access(self._ask(tenant, account_id), now)
        with self._guard:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[tenant] = found
        return found

    def _ask(self, tenant: str, account_id: str) -> str:
        try:
            self._sites.site(tenant).user_email(account_id)
        except Permanent as refusal:
            return "refused" if refusal.status in (400, 403) else "unknown"
        except Temporary:
            return "unknown"
        return "works"
