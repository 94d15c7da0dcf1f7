"""The look-up user: what it can do, judged one by one, and what to do where it cannot. Pure.

It is an account whose API token is used only to find people and to judge rights, where the app itself may not (the
profile hides an address, the app may not read a role). Which permission each operation wants: Atlassian's OpenAPI file
of the Jira Cloud platform REST API v3. How to make one: docs/look-up-user.md.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

WARNED = 14 * 86_400.0
"""Seconds ahead of its end from which a token's end is warned of."""

REFUSED = "Jira does not accept this account's address and API token."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one question: yes, no, or None where it could not be asked, and why in Jira's or our words."""

    ok: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was asked of Jira as the look-up user, about an account and in a project where they were named.

    name: the look-up user's own. person: the account's name, None if none was named. address: by which it was searched.
    """

    name: str = ""
    token: Answer = Answer(None)
    browse_users: Answer = Answer(None)
    browse_projects: Answer = Answer(None)
    project_role: Answer = Answer(None)
    application_access: Answer = Answer(None)
    assignable: Answer = Answer(None)
    found: Answer = Answer(None)
    project: str | None = None
    person: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgement. ok None: not to be said, for want of an account or a project, or because the token failed."""

    what: str
    ok: bool | None
    detail: str
    remedy: str = field(default="")


def findings(seen: Seen) -> tuple[Finding, ...]:
    """One finding for each right, in the order in which they should be mended."""
    project = f"the project {seen.project}" if seen.project else "any project"
    person = seen.person or "the account"
    own = seen.person is None
    return (
        _finding(
            "API token",
            seen.token,
            f"Jira knows this token as {seen.name or 'an account'}.",
            REFUSED,
            "Make a new API token as this account at id.atlassian.com, and paste it here with the account's address.",
        ),
        _finding(
            "Browse users and groups",
            seen.browse_users,
            "It may search for people and see their groups.",
            "It may not search for people: every search of its comes back empty.",
            "Give a group of this account the global permission Browse users and groups.",
        ),
        _finding(
            "Browse projects",
            seen.browse_projects,
            f"It can see {project}.",
            f"It cannot see {project}.",
            "Give a group or role of this account the permission Browse Projects in the project's permission scheme.",
        ),
        _finding(
            "Project administrator",
            seen.project_role,
            f"It can read who has which role in {project}.",
            f"It cannot read who has which role in {project}: comments restricted to a role then reach nobody by mail.",
            "Add this account to the project's role Administrators, or give it the permission Administer Projects.",
        ),
        _finding(
            "Application access",
            seen.application_access,
            f"{_start(person, own)} has access to a Jira application.",
            f"{_start(person, own)} has access to no Jira application.",
            "Give access to a product of this site under Atlassian Administration, Users.",
        ),
        _finding(
            "Assignable",
            seen.assignable,
            f"New issues of {project} can be assigned to {person}.",
            f"New issues of {project} cannot be assigned to {person}.",
            "Give a group or role of theirs the permission Assignable User in the project's permission scheme.",
        ),
        _finding(
            "Found by address",
            seen.found,
            f"A search for {seen.address} finds {person if not own else 'it'}.",
            f"A search for {seen.address} does not find {person if not own else 'it'}.",
            "Jira finds people only by addresses that their profile shows to the one who searches: where your site "
            "manages the accounts, an administrator of the organisation can see more.",
        ),
    )


def expiry(expires_at: float | None, now: float) -> str | None:
    """What to say of the token's end, once it is near or past; None while there is time, or nobody told when."""
    if expires_at is None or expires_at - now > WARNED:
        return None
    day = datetime.fromtimestamp(expires_at, UTC).date().isoformat()
    if expires_at <= now:
        return f"The API token ended on {day}: make a new one and paste it here."
    return f"The API token ends on {day}: make a new one and paste it here before then."


def usable(problem: str | None, expires_at: float | None, now: float) -> bool:
    """True while the token may still work: one that Jira refused, or that ended, is not sent again and again."""
    return problem is None and (expires_at is None or expires_at > now)


def _finding(what: str, answer: Answer, yes: str, no: str, remedy: str) -> Finding:
    if answer.ok is None:
        return Finding(what, None, answer.why)
    if answer.ok:
        return Finding(what, True, yes)
    return Finding(what, False, f"{no} {answer.why}".strip(), remedy)


def _start(person: str, own: bool) -> str:
    return "The look-up user" if own else person
