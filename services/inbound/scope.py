"""How much of a tenant's mail somebody may see and change: all of it, or what belongs to one project. Pure."""

from dataclasses import dataclass

from common.sessions import Session


@dataclass(frozen=True, slots=True)
class Scope:
    """project: the id of the one project, None for everything of the tenant."""

    tenant: str
    project: str | None

    def covers(self, project: str) -> bool:
        """True if what belongs to this project (its id) is within."""
        return self.project is None or self.project == project


def scope_of(session: Session) -> Scope:
    """Who administers Jira sees everything; who administers a project, that project."""
    if session.admin:
        return Scope(session.tenant, None)
    if not session.project:
        raise ValueError("the session is nobody's who administers anything")
    return Scope(session.tenant, session.project)
