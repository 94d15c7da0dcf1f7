"""What has to be asked about accounts: rights and names. Answers are kept for five minutes, in memory only."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from common.errors import Permanent
from common.jira import Jira, JiraSites
from outbound.asking import Asking
from outbound.facts import Issue, Restriction, Rights

_BROWSE, _AGENT = "BROWSE_PROJECTS", "SERVICEDESK_AGENT"
_WILL_NOT_SAY = (400, 403, 404)


class Lookups:
    """Asks Jira, or remembers; any number of threads may share it."""

    def __init__(self, sites: JiraSites, asking: Asking) -> None:
        self._sites = sites
        self._asking = asking

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

        return self._asking.each(wanted, ask)

    def name(self, tenant: str, id: str) -> str:
        """The account's display name; "" if Jira does not tell."""
        return self._asking.once((tenant, "name", id), lambda: _name(self._sites.site(tenant), id))

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

        return self._asking.once((tenant, permission, issue.id, id), ask)

    def _groups(self, jira: Jira, tenant: str, id: str) -> frozenset[str]:
        def ask() -> frozenset[str]:
            groups = _or_nothing(lambda: jira.groups_of(id))
            return frozenset(str(group[key]) for group in groups for key in ("name", "groupId") if group.get(key))

        return self._asking.once((tenant, "groups", id), ask)

    def _in_role(self, jira: Jira, tenant: str, issue: Issue, id: str, role: Restriction) -> bool:
        number = self._role_id(jira, tenant, issue, role)
        if number is None:
            return False
        key = (tenant, "role", issue.project, number)
        actors = self._asking.once(key, lambda: _or_nothing(lambda: jira.role_members(issue.project, number)))
        if any((actor.get("actorUser") or {}).get("accountId") == id for actor in actors):
            return True
        groups = [actor.get("actorGroup") or {} for actor in actors]
        names = {str(group[key]) for group in groups for key in ("name", "groupId") if group.get(key)}
        return bool(names) and bool(names & self._groups(jira, tenant, id))

    def _role_id(self, jira: Jira, tenant: str, issue: Issue, role: Restriction) -> str | None:
        """Jira names a role by its id or by its name; members are asked for by id."""
        if role.identifier.isascii() and role.identifier.isdigit():
            return role.identifier
        ids = self._asking.once((tenant, "roles", issue.project), lambda: jira.role_ids(issue.project))
        return ids.get(role.value) or ids.get(role.identifier)


def _names(role: Restriction) -> tuple[str, ...]:
    return tuple(name for name in (role.value, role.identifier) if name)


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
