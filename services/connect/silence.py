"""Notices apps that were uninstalled without a word: Forge tells nobody of it.

Its ticks come every five minutes. A site that was not heard for an hour, and whose Jira does not take our newest token
any more, is *silent*: it is called no more, and everything of it waits. Any call by Forge brings it back. After thirty
days of silence it is removed as if it had been uninstalled.
"""

import time
from collections.abc import Callable

from common import log
from common.errors import Fault, Permanent
from common.jira import JiraSites
from common.rounds import Every
from connect.store import Store
from connect.store_forge import ForgeStore

EVERY = 600.0
QUIET = 3600.0
FORGOTTEN = 30 * 86_400.0
_GONE = (401, 403, 404)
_log = log.get(__name__)


class Silence:
    """Looks at each tenant that Forge should be heard of."""

    def __init__(
        self, store: Store, forge: ForgeStore, sites: JiraSites, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._forge = forge
        self._sites = sites
        # Not at the start: ticks that could not reach us while we were away come within five minutes.
        self._now_and_then = Every(EVERY, at_once=False, clock=clock)

    def once(self) -> None:
        """Look, every ten minutes; raises Temporary while the database cannot be had."""
        if self._now_and_then.due():
            self.look()

    def look(self) -> None:
        """One round."""
        for id, quiet in self._forge.silent(QUIET):
            tenant = self._store.tenant(id)
            if tenant is None or (quiet < FORGOTTEN and (tenant.state == "silent" or not self._is_gone(id))):
                continue
            if tenant.secret is not None:
                self._forge.leave(id)
            elif quiet >= FORGOTTEN:
                self._store.remove(id)
            else:
                self._store.set_state(id, "silent")
            _log.warning("forge_silent", tenant=id, seconds=round(quiet), removed=quiet >= FORGOTTEN)

    def _is_gone(self, id: str) -> bool:
        """Whether Jira refuses the newest token: a site that still takes it is one whose ticks do not reach us."""
        try:
            if not self._refused(id):
                self._sites.site(id).myself()
        except Permanent as fault:
            return fault.status in _GONE
        except Fault:
            return self._refused(id)  # now perhaps, by this very call
        return self._refused(id)

    def _refused(self, id: str) -> bool:
        site = self._forge.of(id)
        return site is None or site.token is None or site.refused
