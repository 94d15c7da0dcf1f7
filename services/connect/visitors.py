"""Who asks for a page session, whichever host vouches for them, and what their session may then do. Pure.

A host (Connect, Forge, our own login) says who somebody is and what page they look at; Jira says what they may do there.
"""

from dataclasses import dataclass

from common.sessions import LIFETIME, Session


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person whom a host vouches for. tenant: its id; account: theirs in Jira.

    project, issue: ids of what the page that they look at is about, as far as the host said.
    """

    tenant: str
    account: str
    project: str | None = None
    issue: str | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """What Jira says: administers Jira, administers the project of the visit, may browse the issue of the visit."""

    admin: bool
    project: bool = False
    issue: bool = False


def session_for(visitor: Visitor, rights: Rights, now: float) -> Session:
    """The session that begins at `now`; it names a project or an issue only where the person has the right to it.

    An issue's page shows that issue only, although the host names its project too.
    """
    issue = visitor.issue if rights.issue else None
    project = visitor.project if rights.project and visitor.issue is None else None
    return Session(visitor.tenant, visitor.account, rights.admin, now + LIFETIME, project, issue)
