"""What has to be asked about accounts: addresses, rights, names. Answers are kept for five minutes, in memory only."""

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from common.errors import Permanent
from common.jira import Jira, JiraSites
from outbound.facts import Account, Issue, Restriction, Rights

KEPT = 300.0
"""Seconds for which an answer may be used again."""

_MOST = 20_000
_BROWSE, _AGENT = "BROWSE_PROJECTS", "SERVICEDESK_AGENT"
_WILL_NOT_SAY = (400, 403, 404)

T = TypeVar("T")


class Lookups:
    """Asks Jira, or remembers; any number of threads may share it. At most `parallel` questions are out at a time."""

    def __init__(self, sites: JiraSites, parallel: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._sites = sites
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="lookups")
        self._kept = _Kept(clock)

    def addresses(self, tenant: str, wanted: Iterable[str], known: Mapping[str, Account]) -> dict[str, str | None]:
        """The address of each account id: as Jira showed it with the account, else asked for. None: Jira won't tell."""
        jira = self._sites.site(tenant)

        def ask(id: str) -> str | None:
            shown = known[id].address if id in known else None
            return shown or self._kept.get((tenant, "address", id), lambda: _email(jira, id))

        return self._each(wanted, ask)

    def rights(
        self, tenant: str, issue: Issue, wanted: Iterable[str], restrictions: Sequence[Restriction]
    ) -> dict[str, Rights]:
        """What each account id may see of the issue, as far as these restrictions depend on it."""
        jira = self._sites.site(tenant)
        kinds = {restriction.kind for restriction in restrictions}
        roles = [restriction for restriction in restrictions if restriction.kind == "role"]

        def ask(id: str) -> Rights:
            browse = self._may(jira, tenant, issue, id, _BROWSE)
            agent = self._may(jira, tenant, issue, id, _AGENT) if "internal" in kinds else None
            groups = self._groups(jira, tenant, id) if "group" in kinds else frozenset()
            inside = frozenset(
                name for role in roles if self._in_role(jira, tenant, issue, id, role) for name in _names(role)
            )
            return Rights(browse, agent, inside, groups)

        return self._each(wanted, ask)

    def name(self, tenant: str, id: str) -> str:
        """The account's display name; "" if Jira does not tell."""
        return self._kept.get((tenant, "name", id), lambda: _name(self._sites.site(tenant), id))

    def close(self) -> None:
        """Ask no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _each(self, ids: Iterable[str], ask: Callable[[str], T]) -> dict[str, T]:
        """The answer for each id. Many people watch some issues: asked one by one, the customer would wait for them."""
        wanted = list(ids)
        if len(wanted) < 2:
            return {id: ask(id) for id in wanted}
        # Each in a context of its own that knows what this thread works for: its log lines and its trace.
        contexts = [copy_context() for _ in wanted]
        answers = self._threads.map(lambda context, id: context.run(ask, id), contexts, wanted)
        return dict(zip(wanted, answers, strict=True))

    def _may(self, jira: Jira, tenant: str, issue: Issue, id: str, permission: str) -> bool | None:
        def ask() -> bool | None:
            try:
                answer = jira.check_permissions(id, (), (permission,), issues=(issue.id,))
            except Permanent as fault:
                if fault.status in _WILL_NOT_SAY:
                    return None
                raise
            granted = [one for one in answer.get("projectPermissions") or () if one.get("permission") == permission]
            return any(str(number) == issue.id for one in granted for number in one.get("issues") or ())

        return self._kept.get((tenant, permission, issue.id, id), ask)

    def _groups(self, jira: Jira, tenant: str, id: str) -> frozenset[str]:
        def ask() -> frozenset[str]:
            groups = _or_nothing(lambda: jira.groups_of(id))
            return frozenset(str(group[key]) for group in groups for key in ("name", "groupId") if group.get(key))

        return self._kept.get((tenant, "groups", id), ask)

    def _in_role(self, jira: Jira, tenant: str, issue: Issue, id: str, role: Restriction) -> bool:
        number = self._role_id(jira, tenant, issue, role)
        if number is None:
            return False
        key = (tenant, "role", issue.project, number)
        actors = self._kept.get(key, lambda: _or_nothing(lambda: jira.role_members(issue.project, number)))
        if any((actor.get("actorUser") or {}).get("accountId") == id for actor in actors):
            return True
        groups = [actor.get("actorGroup") or {} for actor in actors]
        names = {str(group[key]) for group in groups for key in ("name", "groupId") if group.get(key)}
        return bool(names) and bool(names & self._groups(jira, tenant, id))

    def _role_id(self, jira: Jira, tenant: str, issue: Issue, role: Restriction) -> str | None:
        """Jira names a role by its id or by its name; members are asked for by id."""
        if role.identifier.isascii() and role.identifier.isdigit():
            return role.identifier
        ids = self._kept.get((tenant, "roles", issue.project), lambda: jira.role_ids(issue.project))
        return ids.get(role.value) or ids.get(role.identifier)


class _Kept:
    """Answers by key, each for KEPT seconds. A fault is not remembered."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._answers: dict[Hashable, tuple[float, Any]] = {}

    def get(self, key: Hashable, ask: Callable[[], T]) -> T:
        now = self._clock()
        with self._guard:
            kept = self._answers.get(key)
        if kept is not None and now < kept[0]:
            answer: T = kept[1]
            return answer
        answer = ask()
        with self._guard:
            if len(self._answers) >= _MOST:
                self._answers = {key: one for key, one in self._answers.items() if now < one[0]}
            if len(self._answers) < _MOST:
                self._answers[key] = (now + KEPT, answer)
        return answer


def _names(role: Restriction) -> tuple[str, ...]:
    return tuple(name for name in (role.value, role.identifier) if name)


def _email(jira: Jira, id: str) -> str | None:
    try:
        return jira.user_email(id)
    except Permanent as fault:
        if fault.status in _WILL_NOT_SAY:
            return None
        raise


def _name(jira: Jira, id: str) -> str:
    try:
        return str(jira.user(id).get("displayName") or "")
    except Permanent as fault:
        if fault.status in _WILL_NOT_SAY:
            return ""
        raise


def _or_nothing(ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What Jira answers; [] when it will not say: then nobody is a member, as far as we know."""
    try:
        return ask()
    except Permanent as fault:
        if fault.status in _WILL_NOT_SAY:
            return []
        raise
