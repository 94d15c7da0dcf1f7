"""One look at what changed in a tenant's Jira: a search, and reading the issues that it found something new about.

Where events are told, an issue is read only if no event that is known explains its last update; that alone would hide an
untold event behind a later one that was told, so as soon as one is found missing, every issue of that look is read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from common import log, metrics
from common.errors import Permanent
from common.jira import Jira
from connect.events import JiraEvent
from connect.polled_events import FIELDS, Found, events, explained, found, query
from connect.store import Store
from connect.store_polled import PolledStore, Turn

OVERLAP = 300.0
"""Seconds that each look reaches back behind what is known: Jira's search index lags, by less than that in good times."""

LONGEST = 7 * 86_400.0
"""Seconds that the first look after a pause reaches back."""

UNDER_WAY = 60.0
"""Seconds in which an event may still be told (Atlassian: a webhook's primary flow takes 30 at most)."""

_ISSUES = 50
_COMMENTS = 50
_MOST = 5000
# The clock of an event and that of its issue's `updated` differ by less than this.
_SAME_MS = 1000
_GONE = (400, 403, 404)
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """until: up to when everything is known now. left: more waits to be read. missed: something was not told."""

    until: float
    left: bool
    missed: bool


class Looker:
    """Looks, and remembers what it has read: a search finds it again until the overlap is over. For one thread."""

    def __init__(self, store: Store, polled: PolledStore, *, under_way: float = UNDER_WAY) -> None:
        self._store = store
        self._polled = polled
        self._under_way = under_way
        # By tenant, the `updated` of each issue as it was read, and the tenants whose present look found one missing.
        self._read: dict[str, dict[str, int]] = {}
        self._suspect: set[str] = set()

    def look(self, turn: Turn, site: Jira, stopping: Callable[[], bool]) -> Looked:
        """Search, read some issues, store their events. Raises a Fault of Jira's or of the database; what was stored stays.

        stopping: asked before each issue; what is left then is read in another turn.
        """
        start = max(turn.since, turn.until - OVERLAP, turn.now - LONGEST)
        if start > turn.until:
            _log.warning("poll_skipped", seconds=round(start - turn.until))
        said = site.search(query(start, turn.now), FIELDS, _MOST)
        issues = [issue for one in said if (issue := found(one)) is not None and issue.updated >= start * 1000]
        unread = self._unread(turn, start, issues)
        waiting = unread if turn.tenant in self._suspect else self._unexplained(turn, start, unread)
        new = self._take(turn, start, site, waiting[:_ISSUES], stopping)
        missed = turn.heard and new > 0
        if missed:
            self._suspect.add(turn.tenant)
        read = self._read[turn.tenant]
        left = [issue for issue in (unread if missed else waiting) if read.get(issue.id) != issue.updated]
        if not left:
            self._suspect.discard(turn.tenant)
        return Looked(_until(turn, left or (issues[-1:] if len(said) >= _MOST else ())), bool(left), missed)

    def _unread(self, turn: Turn, start: float, issues: Sequence[Found]) -> list[Found]:
        """What changed since it was last read, oldest change first; where events are told, not what may still be told."""
        read = self._read.setdefault(turn.tenant, {})
        for id in [id for id, updated in read.items() if updated < start * 1000]:
            del read[id]
        latest = (turn.now - self._under_way) * 1000 if turn.heard else float("inf")
        return [issue for issue in issues if issue.updated <= latest and read.get(issue.id) != issue.updated]

    def _unexplained(self, turn: Turn, start: float, unread: list[Found]) -> list[Found]:
        # Where nothing is told, what is known was read: whatever has changed since has to be read again.
        if not turn.heard or not unread:
            return unread
        told = self._polled.told(turn.tenant, start, (issue.id for issue in unread))
        return [issue for issue in unread if not explained(issue, told.get(issue.id, ()), _SAME_MS)]

    def _take(self, turn: Turn, start: float, site: Jira, batch: Sequence[Found], stopping: Callable[[], bool]) -> int:
        """Read these issues and store their events; returns how many were new."""
        changelogs = _changelogs(site, [issue.id for issue in batch if not issue.untouched])
        new = 0
        for issue in batch:
            if stopping():
                break
            comments = [] if issue.untouched else _comments(site, issue)
            new += self._keep(turn, issue, events(issue, start, changelogs.get(issue.id, ()), comments))
            self._read[turn.tenant][issue.id] = issue.updated
        return new

    def _keep(self, turn: Turn, issue: Found, happened: Iterable[JiraEvent]) -> int:
        new = [event for event in happened if self._store.keep_event(turn.tenant, event)]
        for event in new:
            metrics.EVENTS.labels(event.kind).inc()
            if turn.heard:
                metrics.EVENTS_REPAIRED.labels(event.kind).inc()
        if new:
            kinds = sorted({event.kind for event in new})
            _log.info("polled", issue=issue.key, kinds=kinds, repaired=turn.heard)
        return len(new)


def _until(turn: Turn, left: Sequence[Found]) -> float:
    """Everything before the first issue that is left is known; the next look begins there, and at the overlap at least."""
    if not left:
        return turn.now
    return min(max(turn.until, left[0].updated / 1000 + OVERLAP), turn.now)


def _changelogs(site: Jira, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """By issue; without those that are gone, or out of our sight, since the search found them."""
    if not ids:
        return {}
    try:
        return site.changelogs(ids)
    except Permanent as fault:
        if fault.status not in _GONE:
            raise
        if len(ids) == 1:
            return {}
    return {id: changes for one in ids for id, changes in _changelogs(site, [one]).items()}


def _comments(site: Jira, issue: Found) -> Sequence[dict[str, Any]]:
    try:
        return site.newest_comments(issue.id, _COMMENTS)
    except Permanent as fault:
        if fault.status not in _GONE:
            raise
        return []
