"""Events that nobody told: a thread that asks each Jira what changed (`updated >=`) and makes events of it.

A site that cannot reach us is asked every MAILBRIDGE_JIRA_POLL_SECONDS, for polling is its only way; any other every
ten minutes, which repairs what a webhook or Forge did not tell. Any number of workers share the tenants. A turn is one
search, then one call for the changelogs of the issues that nothing known explains (a Connect app: one an issue) and one
for the comments of each; a turn reads few issues, so that a busy tenant does not keep the others waiting.
"""

import threading
from collections.abc import Iterable, Sequence

from common import log, metrics
from common.errors import Fault, Permanent, Temporary, Unauthorised
from common.jira import Jira, JiraSites
from connect.events import JiraEvent
from connect.polled_events import FIELDS, Found, events, explained, found, query
from connect.store import Store
from connect.store_polled import PolledStore, Turn
from connect.store_site import SiteStore

REPAIR = 600.0
"""Seconds between two searches where events are told anyway."""

OVERLAP = 300.0
"""Seconds that each search looks back behind what is known: Jira's search index lags behind by that much at most, we hope."""

LONGEST = 7 * 86_400.0
"""Seconds that the first search after a pause looks back."""

_PAUSE = 2.0
_LEASE = 600.0
_ISSUES = 50
_COMMENTS = 50
_MOST = 5000
_AFTER_FAULT = 60.0
# A webhook is under way for some seconds (Atlassian: 30 in the primary flow).
_UNDER_WAY = 60.0
# Where events are told, an event at the instant of the update explains it: the clocks of both differ by less than this.
_SAME_MS = 1000
_log = log.get(__name__)


class Poll:
    """The thread. `start`, `stop(grace)`, `alive`.

    every: seconds between two searches where polling is the only way. under_way: seconds in which an event may still be
    told: what is younger is not yet missing where events are told.
    """

    def __init__(
        self,
        store: Store,
        polled: PolledStore,
        sites: SiteStore,
        jira: JiraSites,
        every: float,
        *,
        under_way: float = _UNDER_WAY,
    ) -> None:
        self._store = store
        self._polled = polled
        self._sites = sites
        self._jira = jira
        self._every = every
        self._under_way = under_way
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poll", daemon=True)
        # By tenant, the `updated` of each issue that was read: a search finds it again until the overlap is over.
        self._read: dict[str, dict[str, int]] = {}

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, grace: float = 10.0) -> None:
        """Stop after the call in hand, `grace` seconds at most."""
        self._stopping.set()
        self._thread.join(grace)

    def alive(self) -> bool:
        """True while it polls."""
        return self._thread.is_alive()

    def once(self) -> None:
        """A turn for each tenant that is due; raises Temporary while the database cannot be had."""
        self._polled.enrol(REPAIR)
        while not self._stopping.is_set() and (turn := self._polled.claim(_LEASE)) is not None:
            with log.bind(tenant=turn.tenant):
                self._serve(turn)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.once()
            except Fault as fault:
                _log.warning("poll_put_off", reason=str(fault))
            except Exception:
                _log.exception("poll_failed")
            self._stopping.wait(_PAUSE)

    def _serve(self, turn: Turn) -> None:
        every = REPAIR if turn.heard else self._every
        try:
            until = self._look(turn)
        except Unauthorised as fault:
            self._sites.doubt(turn.tenant)
            self._put_off(turn, fault, max(every, fault.retry_after or _AFTER_FAULT))
        except Temporary as fault:
            self._put_off(turn, fault, max(every, fault.retry_after or _AFTER_FAULT))
        except Permanent as fault:
            self._put_off(turn, fault, max(every, REPAIR))
        else:
            complete = until is None
            self._polled.finish(
                turn,
                until=turn.now if until is None else until,
                due_in=every if complete else 0.0,
                complete=complete,
                problem=None,
            )

    def _put_off(self, turn: Turn, fault: Fault, due_in: float) -> None:
        _log.warning("poll_put_off", reason=str(fault), seconds=due_in)
        self._polled.finish(turn, until=turn.until, due_in=due_in, complete=False, problem=str(fault))

    def _look(self, turn: Turn) -> float | None:
        """One search and what it leads to: None if that is all, else up to when everything is known now."""
        start = max(turn.since, turn.until - OVERLAP, turn.now - LONGEST)
        if start > turn.until:
            _log.warning("poll_skipped", seconds=round(start - turn.until))
        site = self._jira.site(turn.tenant)
        said = site.search(query(start, turn.now), FIELDS, _MOST)
        issues = [issue for one in said if (issue := found(one)) is not None and issue.updated >= start * 1000]
        waiting = self._waiting(turn, start, issues)
        left = self._take(turn, start, site, waiting)
        if left is None and len(said) >= _MOST:
            left = issues[-1] if issues else None
        return None if left is None else min(max(turn.until, left.updated / 1000 + OVERLAP), turn.now)

    def _waiting(self, turn: Turn, start: float, issues: Sequence[Found]) -> list[Found]:
        """The issues that nothing known explains, oldest change first."""
        read = self._read.setdefault(turn.tenant, {})
        for id in [id for id, updated in read.items() if updated < start * 1000]:
            del read[id]
        new = [issue for issue in issues if read.get(issue.id) != issue.updated]
        if turn.heard:
            new = [issue for issue in new if issue.updated <= (turn.now - self._under_way) * 1000]
        told = self._polled.told(turn.tenant, start, (issue.id for issue in new)) if new else {}
        within = _SAME_MS if turn.heard else 0
        return [issue for issue in new if not explained(issue, told.get(issue.id, ()), within)]

    def _take(self, turn: Turn, start: float, site: Jira, waiting: Sequence[Found]) -> Found | None:
        """Read the first of these issues and store their events; returns the first one that has to wait."""
        batch = waiting[:_ISSUES]
        touched = [issue.id for issue in batch if not issue.untouched]
        changelogs = site.changelogs(touched) if touched else {}
        for issue in batch:
            if self._stopping.is_set():
                return issue
            comments = [] if issue.untouched else _comments(site, issue)
            self._keep(turn, issue, events(issue, start, changelogs.get(issue.id, ()), comments))
            self._read[turn.tenant][issue.id] = issue.updated
        return waiting[_ISSUES] if len(waiting) > _ISSUES else None

    def _keep(self, turn: Turn, issue: Found, happened: Iterable[JiraEvent]) -> None:
        new = [event for event in happened if self._store.keep_event(turn.tenant, event)]
        for event in new:
            metrics.EVENTS.labels(event.kind).inc()
            if turn.heard:
                metrics.EVENTS_REPAIRED.labels(event.kind).inc()
        if new:
            kinds = sorted({event.kind for event in new})
            _log.info("polled", issue=issue.key, kinds=kinds, repaired=turn.heard)
        if new and turn.heard:
            # By API token: the webhook does not tell everything, so polling takes over until it is heard again.
            self._sites.unheard(turn.tenant)


def _comments(site: Jira, issue: Found) -> Sequence[dict[str, object]]:
    try:
        return site.newest_comments(issue.id, _COMMENTS)
    except Permanent as fault:
        if fault.status in (403, 404):  # gone, or out of our sight, since the search found it
            return []
        raise
