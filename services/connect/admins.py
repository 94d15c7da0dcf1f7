"""Whether a person administers their Jira, as Jira says; remembered for a minute."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from common.jira import JiraSites

_LIFE = 60.0
_MOST = 10_000


class Admins:
    """Asks Jira for the global permission ADMINISTER; safe to share between threads."""

    def __init__(self, sites: JiraSites, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._sites = sites
        self._clock = clock
        self._guard = threading.Lock()
        self._known: OrderedDict[tuple[str, str], tuple[bool, float]] = OrderedDict()

    def administers(self, tenant: str, account: str) -> bool:
        """True if the account administers the tenant's Jira; raises a Fault while Jira does not say."""
        with self._guard:
            answer, until = self._known.get((tenant, account), (False, float("-inf")))
        if self._clock() < until:
            return answer
        granted = self._sites.site(tenant).check_permissions(account, ["ADMINISTER"])
        answer = "ADMINISTER" in (granted.get("globalPermissions") or [])
        with self._guard:
            self._known[tenant, account] = answer, self._clock() + _LIFE
            self._known.move_to_end((tenant, account))
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return answer
