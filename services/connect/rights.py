"""What a visitor may do in their Jira, as Jira says; remembered for a minute."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from common.jira import JiraSites
from connect.visitors import Rights, Visitor

_LIFE = 60.0
_MOST = 10_000


class JiraRights:
    """Asks Jira (POST /permissions/check) about the person of a visit; safe to share between threads."""

    def __init__(self, sites: JiraSites, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._sites = sites
        self._clock = clock
        self._guard = threading.Lock()
        self._known: OrderedDict[Visitor, tuple[Rights, float]] = OrderedDict()

    def of(self, visitor: Visitor) -> Rights:
        """ADMINISTER, and for the page's issue BROWSE_PROJECTS, else for its project ADMINISTER_PROJECTS.

        Raises a Fault while Jira does not say.
        """
        with self._guard:
            known, until = self._known.get(visitor, (None, float("-inf")))
        if known is not None and self._clock() < until:
            return known
        rights = self._asked(visitor)
        with self._guard:
            self._known[visitor] = rights, self._clock() + _LIFE
            self._known.move_to_end(visitor)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return rights

    def _asked(self, visitor: Visitor) -> Rights:
        wanted: dict[str, Any] = {}
        if visitor.issue is not None:
            wanted = {"project_permissions": ["BROWSE_PROJECTS"], "issues": [visitor.issue]}
        elif visitor.project is not None:
            wanted = {"project_permissions": ["ADMINISTER_PROJECTS"], "projects": [visitor.project]}
        said = self._sites.site(visitor.tenant).check_permissions(visitor.account, ["ADMINISTER"], **wanted)
        return read_rights(said, visitor)


def read_rights(said: Mapping[str, Any], visitor: Visitor) -> Rights:
    """Jira's answer to `check_permissions` about this visitor; what it does not name is not granted. Pure."""
    grants = said.get("projectPermissions") or []

    def granted(permission: str, kind: str, id: str | None) -> bool:
        named = (grant.get(kind) for grant in grants if grant.get("permission") == permission)
        return id is not None and any(id in _texts(ids) for ids in named)

    return Rights(
        admin="ADMINISTER" in (said.get("globalPermissions") or []),
        project=granted("ADMINISTER_PROJECTS", "projects", visitor.project),
        issue=granted("BROWSE_PROJECTS", "issues", visitor.issue),
    )


def _texts(ids: Iterable[Any] | None) -> list[str]:
    return [str(id) for id in ids or ()]
