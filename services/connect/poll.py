"""Events that nobody told: rounds that ask each Jira what changed (`updated >=`) and make events of it.

A site that cannot reach us is asked every MAILBRIDGE_JIRA_POLL_SECONDS, for polling is its only way; any other every
ten minutes, which repairs what a webhook or Forge did not tell. Any number of workers share the tenants; a turn reads
few issues, so that a busy tenant does not keep the others waiting.
"""

from common import log
from common.errors import Fault, Temporary, Unauthorised
from common.jira import JiraSites
from common.rounds import Rounds, Stopping, never
from connect.look import Looked, Looker
from connect.store_polled import PolledStore, Turn
from connect.store_site import SiteStore

REPAIR = 600.0
"""Seconds between two looks where events are told anyway."""

_PAUSE = 2.0
_LEASE = 600.0
_AFTER_FAULT = 60.0
_log = log.get(__name__)


class Poll:
    """`rounds()` is the thread. every: seconds between two looks where polling is the only way."""

    def __init__(self, polled: PolledStore, sites: SiteStore, jira: JiraSites, looker: Looker, every: float) -> None:
        self._polled = polled
        self._sites = sites
        self._jira = jira
        self._looker = looker
        self._every = every

    def rounds(self) -> Rounds:
        """`once` every two seconds."""
        return Rounds("poll", self.once, _PAUSE)

    def once(self, stopping: Stopping = never) -> None:
        """A turn for each tenant that is due; raises Temporary while the database cannot be had."""
        self._polled.enrol(REPAIR)
        while not stopping() and (turn := self._polled.claim(_LEASE)) is not None:
            with log.bind(tenant=turn.tenant):
                self._serve(turn, stopping)

    def _serve(self, turn: Turn, stopping: Stopping) -> None:
        every = REPAIR if turn.heard else self._every
        try:
            looked = self._looker.look(turn, self._jira.site(turn.tenant), stopping)
        except Fault as fault:
            self._put_off(turn, fault, every)
        else:
            self._note(turn, looked, every)

    def _note(self, turn: Turn, looked: Looked, every: float) -> None:
        if looked.missed:
            # By API token: the webhook does not tell everything, so polling takes over until it is heard again.
            self._sites.unheard(turn.tenant)
        due_in = 0.0 if looked.left else every
        self._polled.finish(turn, until=looked.until, due_in=due_in, complete=not looked.left, problem=None)

    def _put_off(self, turn: Turn, fault: Fault, every: float) -> None:
        if isinstance(fault, Unauthorised):
            self._sites.doubt(turn.tenant)
        asked = fault.retry_after if isinstance(fault, Temporary) else REPAIR
        due_in = max(every, asked or _AFTER_FAULT)
        _log.warning("poll_put_off", reason=str(fault), seconds=due_in)
        self._polled.finish(turn, until=turn.until, due_in=due_in, complete=False, problem=str(fault))
