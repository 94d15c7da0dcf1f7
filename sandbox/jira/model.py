"""What the stand-in Jira keeps: plain dataclasses, without behaviour. Instants are seconds since 1970 UTC."""

from dataclasses import dataclass, field
from typing import Any

Adf = dict[str, Any]


@dataclass
class User:
    """An account. `email_shown`: the profile shows the address to everyone; else only the e-mail API tells it."""

    account_id: str
    name: str
    email: str
    email_shown: bool = True
    active: bool = True
    kind: str = "atlassian"  # atlassian | app | customer
    time_zone: str = "Europe/Berlin"


@dataclass
class Group:
    """A group of accounts."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Role:
    """A project role, the same in all projects; `permissions` is what its actors may do there."""

    id: int
    name: str
    permissions: frozenset[str]


@dataclass(frozen=True)
class IssueType:
    """An issue type."""

    id: str
    name: str
    subtask: bool = False


@dataclass(frozen=True)
class Status:
    """A status with its category (new, indeterminate, done)."""

    id: str
    name: str
    category: str


@dataclass
class Project:
    """A project. `role_users` and `role_groups` map a role id to account ids and group names."""

    id: str
    key: str
    name: str
    type: str  # software | service_desk | business
    lead: str
    issue_types: tuple[str, ...]
    role_users: dict[int, set[str]] = field(default_factory=dict)
    role_groups: dict[int, set[str]] = field(default_factory=dict)
    last_number: int = 0


@dataclass
class Comment:
    """A comment. `visibility` is {"type","value","identifier"} or None; internal is the property sd.public.comment."""

    id: str
    author: str
    update_author: str
    body: Adf
    created: float
    updated: float
    visibility: dict[str, str] | None = None
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def internal(self) -> bool:
        """Not shown to customers of a service project."""
        public = self.properties.get("sd.public.comment")
        return isinstance(public, dict) and public.get("internal") is True


@dataclass
class Attachment:
    """A file of an issue."""

    id: str
    filename: str
    content_type: str
    content: bytes
    author: str
    created: float


@dataclass(frozen=True)
class Change:
    """One entry of an issue's history: what one act changed."""

    id: str
    author: str
    at: float
    items: list[dict[str, Any]]


@dataclass
class Issue:
    """An issue. Texts are ADF; people are account ids; `custom` maps customfield_… to its value. `changes`: oldest first."""

    id: str
    key: str
    project: str
    issue_type: str
    summary: str
    creator: str
    created: float
    updated: float
    status: str
    priority: str = "3"
    description: Adf | None = None
    environment: Adf | None = None
    reporter: str | None = None
    assignee: str | None = None
    parent: str | None = None
    due_date: str | None = None
    labels: list[str] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    watchers: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class ApiToken:
    """A person's API token. `expires_at`: None for never."""

    account: str
    secret: str
    expires_at: float | None


@dataclass
class Installation:
    """One installed Connect app: who it is, its secret, its account, and what its descriptor asked for."""

    app_key: str
    client_key: str
    shared_secret: str
    account_id: str
    base_url: str
    scopes: frozenset[str]
    descriptor: dict[str, Any]
    enabled: bool = False


@dataclass(frozen=True)
class Event:
    """Something happened: the webhook's name and its body as it was at that moment.

    `trace`: the header X-Atlassian-Webhook-Trace of the REST call that caused it, if there was one. `actor`: the account that
    did it, where the body does not tell.
    """

    name: str
    body: dict[str, Any]
    issue_key: str
    project_key: str
    trace: str | None = None
    actor: str | None = None
