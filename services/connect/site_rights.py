"""What the account of an API token may in its Jira, and what stops working without each right. Pure.

Source: Atlassian's OpenAPI file of the REST API v3: GET /mypermissions, and the permissions each operation names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

GLOBAL = ("USER_PICKER", "ADMINISTER")
PROJECT = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "ADD_COMMENTS",
    "CREATE_ATTACHMENTS",
    "EDIT_ISSUES",
    "MODIFY_REPORTER",
    "VIEW_VOTERS_AND_WATCHERS",
)
PERMISSIONS = (*PROJECT, *GLOBAL)

WARNING = 14 * 86_400.0
"""Seconds before the end of a token from which on it is warned of."""

ANYWHERE = "global"


@dataclass(frozen=True, slots=True)
class Right:
    """One right: `ok` None where Jira did not say. where: "global", or "project KEY". why: what stops without it."""

    right: str
    why: str
    ok: bool | None
    where: str
    remedy: str

    def to_json(self) -> dict[str, Any]:
        """As the API has it: {"right", "for", "ok", "where", "remedy"}."""
        fields = asdict(self)
        return {"right": self.right, "for": fields.pop("why"), **fields}


def rights(anywhere: Mapping[str, bool], projects: Mapping[str, Mapping[str, bool]]) -> list[Right]:
    """The rights in the order of their weight.

    anywhere: by permission, whether the account has it globally, or a project's in any project; projects: by project
    key, the same there. A project's right is told once where all these projects agree, else once for each of them.
    """
    return [
        right
        for name in PERMISSIONS
        for right in (_global(name, anywhere) if name in GLOBAL else _of_projects(name, anywhere, projects))
    ]


def ending(expires_at: float | None, now: float) -> str | None:
    """What to say about a token that ended or will within two weeks; None about any other."""
    if expires_at is None or expires_at - now > WARNING:
        return None
    day = datetime.fromtimestamp(expires_at, UTC).strftime("%Y-%m-%d")
    if expires_at <= now:
        return f"The API token ended on {day}: make a new one and enter it here."
    days = max(1, round((expires_at - now) / 86_400))
    return f"The API token ends on {day}, in {days} day{'s' * (days > 1)}: make a new one and enter it here before."


def _global(name: str, anywhere: Mapping[str, bool]) -> Sequence[Right]:
    return [_right(name, anywhere.get(name), ANYWHERE)]


def _of_projects(
    name: str, anywhere: Mapping[str, bool], projects: Mapping[str, Mapping[str, bool]]
) -> Sequence[Right]:
    said = {key: held.get(name) for key, held in projects.items()}
    if anywhere.get(name) is not True or not said or len(set(said.values())) == 1:
        agreed = next(iter(said.values())) if said and anywhere.get(name) else anywhere.get(name)
        return [_right(name, agreed, ANYWHERE)]
    return [_right(name, ok, f"project {key}") for key, ok in said.items()]


def _right(name: str, ok: bool | None, where: str) -> Right:
    why, remedy = _ABOUT[name]
    if where != ANYWHERE:
        remedy = remedy.replace("the project's", f"project {where.removeprefix('project ')}'s")
    return Right(name, why, ok, where, "" if ok else remedy)


_SCHEME = "Give the account the permission “{}” in the project's permission scheme (Project settings, Permissions)."
_ABOUT = {
    "BROWSE_PROJECTS": (
        "Nothing works in a project that the account cannot see.",
        "Give the account access to Jira (admin.atlassian.com, Users), then the permission “Browse projects” in the "
        "project's permission scheme (Project settings, Permissions).",
    ),
    "CREATE_ISSUES": ("Mails become no issues.", _SCHEME.format("Create issues")),
    "ADD_COMMENTS": ("Answers become no comments.", _SCHEME.format("Add comments")),
    "CREATE_ATTACHMENTS": (
        "What is attached to a mail does not reach the issue.",
        _SCHEME.format("Create attachments"),
    ),
    "EDIT_ISSUES": (
        "An issue that somebody made in Jira is not marked with the people of a mail, who then hear nothing more of it.",
        _SCHEME.format("Edit issues"),
    ),
    "MODIFY_REPORTER": (
        "The sender does not become the reporter: every issue is reported by the account itself.",
        _SCHEME.format("Modify reporter"),
    ),
    "VIEW_VOTERS_AND_WATCHERS": ("Watchers get no mail.", _SCHEME.format("View voters and watchers")),
    "USER_PICKER": (
        "Senders are not recognised as people of Jira, and nobody is found in the fields of this page.",
        "Give a group of the account the global permission “Browse users and groups” (Jira settings, System, Global "
        "permissions), or name a look-up user.",
    ),
    "ADMINISTER": (
        "Jira does not say what other people may see nor who has a project role, so restricted comments are told to "
        "nobody; and the webhook has to be added by somebody else.",
        "Give a group of the account the global permission “Administer Jira” (Jira settings, System, Global "
        "permissions), or name a look-up user who has it.",
    ),
}
