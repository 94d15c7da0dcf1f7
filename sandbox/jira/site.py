"""The site's data and the questions asked of it: who is who, who may what, which issue is meant.

One lock guards everything; whoever reads or writes holds it (`with site.lock`).
"""

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Iterator

from sandbox.jira import seed
from sandbox.jira.errors import JiraError, no_issue
from sandbox.jira.index import Index
from sandbox.jira.model import (
    ApiToken,
    Comment,
    Event,
    Group,
    Installation,
    Issue,
    IssueType,
    Project,
    Role,
    Status,
    User,
)
from sandbox.jira.rights import GLOBAL_PERMISSIONS, Rulings


class Site:
    """Everything Jira knows. `emit` is called, under the lock, with each thing that happened; `post` with the sender, the
    recipients and the raw bytes of each mail of Jira's own."""

    def __init__(
        self,
        base_url: str,
        emit: Callable[[Event], None],
        clock: Callable[[], float] = time.time,
        post: Callable[[str, list[str], bytes], object] = lambda *_: None,
    ) -> None:
        self.lock = threading.RLock()
        self.base_url = base_url
        self.emit = emit
        self.post = post
        self.clock = clock
        self.api_tokens: list[ApiToken] = []
        self.administering: set[str] = set()  # accounts of Forge apps whose scopes make them administrators
        self.reset()

    def reset(self) -> None:
        """Back to the seeded site; installations and API tokens stay, and so do the counters: an id never comes again."""
        if not hasattr(self, "installations"):
            self.installations: dict[str, Installation] = {}
            self.issue_ids, self.comment_ids = itertools.count(10100), itertools.count(10200)
            self.attachment_ids, self.changelog_ids = itertools.count(10300), itertools.count(10400)
            self.numbers: dict[str, int] = {}
        self.users: dict[str, User] = {user.account_id: user for user in seed.users()}
        self.groups: list[Group] = seed.groups()
        self.roles: dict[int, Role] = {role.id: role for role in seed.roles()}
        self.issue_types: dict[str, IssueType] = {kind.id: kind for kind in seed.issue_types()}
        self.statuses: dict[str, Status] = {status.id: status for status in seed.statuses()}
        self.projects: list[Project] = seed.projects()
        self.issues: dict[str, Issue] = {}
        self.ids_by_key: dict[str, str] = {}
        self.index = Index()
        self.rulings = Rulings()
        self.email_api_apps: frozenset[str] | None = None  # None: every app is approved
        for installation in self.installations.values():
            self.add_app_account(installation)

    def add_app_account(self, installation: Installation) -> None:
        """The app's own account, which is in the apps' role of every project."""
        name = str(installation.descriptor.get("name") or installation.app_key)
        self.users[installation.account_id] = User(installation.account_id, name, "", email_shown=False, kind="app")
        for project in self.projects:
            project.role_users.setdefault(seed.APPS, set()).add(installation.account_id)

    # looking up

    def issue(self, id_or_key: str) -> Issue:
        """By id or key, whatever its case; raises 404."""
        found = self.issues.get(id_or_key) or self.issues.get(self.ids_by_key.get(id_or_key.upper(), ""))
        if found is None:
            raise no_issue()
        return found

    def visible_issue(self, id_or_key: str, account: str) -> Issue:
        """The same, if the account may browse its project; else 404."""
        issue = self.issue(id_or_key)
        if not self.may(account, "BROWSE_PROJECTS", self.project(issue.project)):
            raise no_issue()
        return issue

    def project(self, id_or_key: str) -> Project:
        """By id or key; raises 404."""
        for project in self.projects:
            if id_or_key in (project.id, project.key) or id_or_key.upper() == project.key:
                return project
        raise JiraError(404, f"No project could be found with key '{id_or_key}'.")

    def user(self, account_id: str) -> User:
        """By account id; raises 404."""
        try:
            return self.users[account_id]
        except KeyError:
            raise JiraError(404, "Specified user does not exist or you do not have required permissions") from None

    def comments(self) -> Iterator[tuple[Issue, Comment]]:
        """Every comment with its issue."""
        return ((issue, comment) for issue in self.issues.values() for comment in issue.comments)

    def comment(self, comment_id: str) -> tuple[Issue, Comment]:
        """By id; raises 404."""
        for issue, comment in self.comments():
            if comment.id == comment_id:
                return issue, comment
        raise JiraError(404, f"Can not find a comment for the id: {comment_id}.")

    def group(self, name_or_id: str) -> Group | None:
        """By name or id."""
        return next((group for group in self.groups if name_or_id in (group.id, group.name)), None)

    def next_key(self, project: Project) -> str:
        """The next issue key of a project; keys are never given twice."""
        self.numbers[project.key] = self.numbers.get(project.key, 0) + 1
        return f"{project.key}-{self.numbers[project.key]}"

    # people's API tokens

    def new_token(self, account: str, expires_in: float | None) -> ApiToken:
        """An API token that acts as this person. `expires_in`: seconds, None for never."""
        until = None if expires_in is None else self.clock() + expires_in
        token = ApiToken(account, secrets.token_urlsafe(32), until)
        self.api_tokens.append(token)
        return token

    def revoke_tokens(self, account: str) -> int:
        """Makes all tokens of a person worthless; how many there were."""
        kept = [token for token in self.api_tokens if token.account != account]
        gone, self.api_tokens = len(self.api_tokens) - len(kept), kept
        return gone

    def account_of_token(self, email: str, secret: str) -> str | None:
        """Whose e-mail address (in any case) and living token these are; None for nobody's."""
        now = self.clock()
        for token in self.api_tokens:
            user = self.users.get(token.account)
            if user and user.active and secrets.compare_digest(token.secret.encode(), secret.encode()):
                alive = token.expires_at is None or token.expires_at > now
                return user.account_id if alive and user.email.lower() == email.lower() else None
        return None

    # rights

    def groups_of(self, account: str) -> list[Group]:
        """The groups an account is in."""
        return [group for group in self.groups if account in group.members]

    def roles_of(self, account: str, project: Project) -> list[Role]:
        """The roles an account has in a project, directly or by a group."""
        names = {group.name for group in self.groups_of(account)}
        return [
            role
            for role in self.roles.values()
            if account in project.role_users.get(role.id, ()) or names & project.role_groups.get(role.id, set())
        ]

    def may(self, account: str, permission: str, project: Project) -> bool:
        """Whether an active account has a project permission."""
        user = self.users.get(account)
        by_role = any(permission in role.permissions for role in self.roles_of(account, project))
        return bool(user and user.active) and self.rulings.decide(account, permission, project.key, by_role)

    def global_rights(self, account: str) -> frozenset[str]:
        """The global permissions of an account."""
        user = self.users.get(account)
        if user is None or not user.active or user.kind == "customer":
            return frozenset()
        admin = any(group.name == "jira-administrators" for group in self.groups_of(account))
        scopes = next((i.scopes for i in self.installations.values() if i.account_id == account), frozenset[str]())
        having = {"USER_PICKER", "CREATE_SHARED_OBJECTS"}
        if admin or "ADMIN" in scopes or account in self.administering:
            having |= {"ADMINISTER", "BULK_CHANGE"}
        return frozenset(one for one in GLOBAL_PERMISSIONS if self.rulings.decide(account, one, None, one in having))

    def sees_comment(self, account: str, issue: Issue, comment: Comment) -> bool:
        """Whether an account may read a comment: restricted ones by role or group, internal ones not by customers."""
        user = self.users.get(account)
        project = self.project(issue.project)
        if user is None or not self.may(account, "BROWSE_PROJECTS", project):
            return False
        if comment.internal and user.kind == "customer":
            return False
        if comment.visibility is None or user.kind == "app":
            return True
        value = comment.visibility.get("value")
        identifier = comment.visibility.get("identifier")
        if comment.visibility.get("type") == "group":
            return any(group.name == value or group.id == identifier for group in self.groups_of(account))
        return any(role.name == value or role.name == identifier for role in self.roles_of(account, project))
