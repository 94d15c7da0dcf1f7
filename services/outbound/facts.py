"""What outbound decides about: an event, the issue and its comments as Jira told them when the window closed, people. Pure.

Addresses are kept as written and compared in lower case; instants are seconds since 1970 UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Adf = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Address:
    """Someone without an account, as a mail named them; `name` may be ""."""

    name: str
    address: str

    @property
    def key(self) -> str:
        """What two spellings of one address have in common."""
        return self.address.strip().lower()


@dataclass(frozen=True, slots=True)
class Account:
    """A Jira account. `kind` is Jira's accountType; `address` None: not known (yet)."""

    id: str
    name: str
    kind: str = "atlassian"
    active: bool = True
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One field that changed, by Jira's field name, with the ids of its values: None for none, or for mere text."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """One jira.event: `actor` is an account id, `at` the time Jira gave it."""

    id: str
    kind: str
    at: float
    issue_id: str | None = None
    comment_id: str | None = None
    actor: str | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Mailed:
    """Our property `mailbridge`: the object was made by us from a mail of `sender`, who had copied `cc`.

    account: the id of the sender's own Jira account, where it was found by their address.
    """

    sender: Address | None
    cc: tuple[Address, ...] = ()
    root: str | None = None
    mailbox: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Restriction:
    """Who may read a comment in Jira. `value` and `identifier` name the role or the group."""

    kind: Literal["none", "internal", "role", "group", "unknown"] = "none"
    value: str = ""
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment read fresh; `mailed` is set when we made it from a mail."""

    id: str
    author: Account | None
    body: Adf
    restriction: Restriction = Restriction()
    mailed: Mailed | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """The issue read fresh; `mailed` is set when we made it from a mail.

    values: what Jira shows for its fields, by field name ("" for none).
    """

    id: str
    key: str
    summary: str
    values: Mapping[str, str] = field(default_factory=dict)
    project: str = ""
    reporter: Account | None = None
    assignee: Account | None = None
    creator: Account | None = None
    watchers: tuple[Account, ...] = ()
    description: Adf | None = None
    mailed: Mailed | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """What Jira says an account may see; None: Jira would not say.

    roles and groups: the names and ids, out of those asked about, to which the account belongs.
    """

    browse: bool | None = None
    agent: bool | None = None
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What outbound itself knows about the conversation of one issue.

    participants: people of earlier mails, beyond those of the issue's own property.
    own: addresses that are ours (mailboxes, senders), in lower case.
    poster: the account by which we write to Jira, or None.
    """

    participants: tuple[Address, ...] = ()
    own: frozenset[str] = frozenset()
    poster: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to tell: a created issue, a comment, or one person's changes to fields.

    actor: the account that did it; author: the name to show; events: ids of the events it stands for.
    """

    kind: Literal["issue_created", "comment_created", "issue_updated"]
    at: float
    actor: str | None
    author: str = ""
    comment: Comment | None = None
    changes: tuple[Change, ...] = ()
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person who might be told one item: an account, an address, and why. `no` says why not after all."""

    account: Account | None
    address: Address | None
    reason: str
    no: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person of a window: the items they were considered for and the items to tell them (indexes), and why.

    kind: notify is an account whose address nobody tells: Jira itself sends the mail. way: where the address comes from,
    or that Jira sends it, as a sentence. no: why they get no mail, or "".
    """

    kind: Literal["account", "address", "notify"]
    name: str
    address: str | None
    account_id: str | None
    considered: tuple[int, ...] = ()
    items: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()
    no: str = ""
    way: str = ""
