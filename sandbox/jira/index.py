"""The search index: what JQL sees of an issue, some time after it was written, or never.

`reconcileIssues` lets a search see the named issues as they are now.
"""

import copy
import math

from sandbox.jira.model import Issue


class Index:
    """Copies of issues with the instant they were written. The lag is in seconds; infinity freezes the index."""

    def __init__(self) -> None:
        self._versions: dict[str, list[tuple[float, Issue | None]]] = {}
        self._lag = 0.0
        self._frozen_at: float | None = None

    @property
    def lag(self) -> float:
        """Seconds, or infinity."""
        return math.inf if self._frozen_at is not None else self._lag

    def set_lag(self, seconds: float, now: float) -> None:
        """From now on the index is `seconds` late; with infinity it stays as it is seen at this moment."""
        if math.isinf(seconds):
            self._frozen_at = self._horizon(now)
        else:
            self._frozen_at, self._lag = None, seconds

    def put(self, issue: Issue, now: float) -> None:
        """The issue as it is now."""
        seen = copy.copy(issue)
        seen.labels, seen.custom = list(issue.labels), dict(issue.custom)
        seen.properties, seen.comments = copy.deepcopy(issue.properties), list(issue.comments)
        seen.changes = list(issue.changes)
        self._add(issue.id, seen, now)

    def remove(self, issue_id: str, now: float) -> None:
        """The issue is gone."""
        self._add(issue_id, None, now)

    def seen(self, now: float, reconcile: set[str], current: dict[str, Issue]) -> list[Issue]:
        """What a search at `now` looks through; the ids in `reconcile` are taken from `current`."""
        horizon = self._horizon(now)
        found = []
        for issue_id, versions in self._versions.items():
            if issue_id in reconcile:
                newest = current.get(issue_id)
            else:
                newest = next((issue for written, issue in reversed(versions) if written <= horizon), None)
            if newest is not None:
                found.append(newest)
        return found

    def _add(self, issue_id: str, issue: Issue | None, now: float) -> None:
        versions = self._versions.setdefault(issue_id, [])
        horizon = self._horizon(now)
        while len(versions) > 1 and versions[1][0] <= horizon:  # older ones can never be seen again
            versions.pop(0)
        versions.append((now, issue))

    def _horizon(self, now: float) -> float:
        return self._frozen_at if self._frozen_at is not None else now - self._lag
