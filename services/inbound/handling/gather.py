"""What a decision about a mail needs to know: from the database, from the mail, and from Jira as little as possible."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from common.credentials import Credentials
from common.crypto import Vault
from common.db import Database
from common.errors import Permanent
from common.jira import Jira
from inbound import store, store_ledger, store_sources
from inbound.fetching.entries import raw_aad
from inbound.handling import catching, route
from inbound.handling.contents import PROPERTY
from inbound.handling.plan import Author, Reporter
from inbound.handling.route import Comment, Facts, Look, NewIssue, Target
from inbound.handling.rules import Rule
from inbound.reading.identity import Identity
from inbound.reading.parse import parse
from inbound.reading.parsed import ParsedMail
from inbound.store_steps import Step
from inbound.store_steps import of_mail as steps_of_mail


@dataclass(frozen=True, slots=True)
class Sheets:
    """A claimed mail as it was fetched, with its surroundings. own: our mailboxes' addresses; projects: keys of the projects
    they feed; steps: what was planned at an earlier attempt."""

    mailbox: Row[Any]
    rule: Rule
    raw: bytes
    own: frozenset[str]
    projects: frozenset[str]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Papers(Sheets):
    """The same when the mail has been read; subject and sender are as the ledger keeps them."""

    mail: ParsedMail

    @property
    def sender(self) -> str:
        """The sender's address in lower case, or ""."""
        return self.mail.sender.address.lower()[:320] if self.mail.sender else ""

    @property
    def subject(self) -> str:
        return self.mail.subject[:1000]

    @property
    def named(self) -> str | None:
        """The mailbox's address that the mail names, None if it names none (as by Bcc)."""
        return catching.named(self.mail.headers, addresses_of(self.mailbox))

    @property
    def address(self) -> str:
        """The address that answers to this mail go to."""
        return self.named or str(self.mailbox.address)


def addresses_of(mailbox: Row[Any]) -> tuple[str, ...]:
    """Every address that people write to, the first one first."""
    return tuple(mailbox.addresses or (mailbox.address,))


def sheets(tx: Connection, vault: Vault, row: Row[Any]) -> Sheets:
    """Everything about a claimed mail that we have ourselves. Permanent when its octets are gone or cannot be unsealed."""
    mailboxes = store.mailboxes(tx, row.tenant)
    mailbox = next((one for one in mailboxes if one.id == row.mailbox_id), None)
    if mailbox is None:  # it was deleted since
        mailbox = store_sources.settings(tx, row.mailbox_id)
    return Sheets(
        mailbox=mailbox,
        rule=store.rule(tx, mailbox.id, mailbox.config_version),
        raw=_raw(tx, vault, row),
        own=frozenset(address.lower() for one in (*mailboxes, mailbox) for address in addresses_of(one)),
        projects=frozenset(one.project["key"] for one in mailboxes),
        steps=tuple(steps_of_mail(tx, row.id)) if row.attempts > 1 else (),
    )


def papers(found: Sheets) -> Papers:
    """The same, read."""
    return Papers(found.mailbox, found.rule, found.raw, found.own, found.projects, found.steps, mail=parse(found.raw))


@dataclass
class Shelf:
    """What was looked up in Jira for one mail. By the issue's id or key: its place in the decision, its property,
    its files, its reporter and assignee."""

    targets: dict[str, Target | None] = field(default_factory=dict)
    properties: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    files: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    people: dict[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)


def find_issue(database: Database, jira: Jira, tenant: str, facts: Facts, shelf: Shelf) -> Comment | NewIssue:
    """Where the mail goes; looks into Jira for what the decision asks, one call an issue. Raises as Jira does."""
    while True:
        answer = route.decide(facts, shelf.targets)
        if not isinstance(answer, Look):
            return answer
        _look(jira, answer.issue, shelf)
        target = shelf.targets[answer.issue]
        if target is not None and answer.issue in facts.claimed and facts.sender not in target.participants:
            with database.read() as tx:
                wrote = store_ledger.wrote_to(tx, tenant, target.issue_id, facts.sender)
            if wrote:
                participants = target.participants | {facts.sender}
                shelf.targets[answer.issue] = Target(target.issue_id, target.issue_key, participants)


def find_reporter(jira: Jira, rule: Rule, sender: str) -> Reporter:
    """The sender's own account if their address is visible and exactly one has it, else the mailbox's default, else none."""
    found, why = [], "No Jira user shows the sender's address"
    try:
        found = [one for one in jira.users_by_address(sender) if _is_person(one)] if sender else []
    except Permanent as fault:
        if fault.status not in (400, 403):
            raise
        why = "Jira does not let Mailbridge look for users (global permission Browse users and groups)"
    if len(found) == 1:
        name = found[0].get("displayName") or "the sender"
        return Reporter(str(found[0]["accountId"]), True, f"The reporter is {name}, whose address it came from.")
    if rule.reporter_id:
        name = rule.reporter_name or rule.reporter_id
        return Reporter(rule.reporter_id, False, f"{why}, so the reporter is the mailbox's default, {name}.")
    return Reporter(None, False, f"{why}, and the mailbox has no default reporter.")


def find_author(
    jira: Jira, credentials: Credentials, identity: Identity, sender: str, people: Iterable[Mapping[str, Any]]
) -> Author:
    """The account whose own address the sender's is, by Jira's word only: anyone who may edit an issue may write its
    property. people: the issue's own, who cost no call. Others are looked for where a proven sender can post as themselves.
    """
    shown = [(one, one.get("emailAddress")) for one in people if _is_person(one)]
    mine = [one for one, text in shown if isinstance(text, str) and text and text.lower() == sender]
    posts = credentials.person_tokens and identity.trust == "proven" and bool(sender)
    if posts and not mine:
        try:
            mine = [one for one in jira.users_by_address(sender) if _is_person(one)]
        except Permanent as fault:
            if fault.status not in (400, 403):
                raise
    accounts = {str(one["accountId"]): one for one in mine}
    if len(accounts) != 1:
        return Author()
    [(id, account)] = accounts.items()
    return Author(id, posts and account.get("accountType", "atlassian") == "atlassian")


def _raw(tx: Connection, vault: Vault, row: Row[Any]) -> bytes:
    sealed = store_ledger.sealed_raw(tx, row.id)
    if sealed is None:
        raise Permanent("The mail's content is not kept any more.", remedy="Send the mail again.")
    return vault.unseal(tx, row.tenant, sealed, raw_aad(row.id))


def _look(jira: Jira, issue: str, shelf: Shelf) -> None:
    try:
        found = jira.issue(issue, ["reporter", "assignee", "attachment"], [PROPERTY])
    except Permanent as fault:
        if fault.status != 404:
            raise
        shelf.targets[issue] = None
        return
    fields = found.get("fields") or {}
    known = (found.get("properties") or {}).get(PROPERTY)
    known = known if isinstance(known, Mapping) else None
    target = Target(str(found["id"]), str(found["key"]), _participants(fields, known or {}))
    shelf.targets[issue] = target
    shelf.properties[target.issue_id] = known
    shelf.people[target.issue_id] = tuple(one for name in ("reporter", "assignee") if (one := fields.get(name)))
    files = fields.get("attachment") or []
    shelf.files[target.issue_id] = tuple((str(one.get("filename")), int(one.get("size") or 0)) for one in files)


def _participants(fields: Mapping[str, Any], known: Mapping[str, Any]) -> frozenset[str]:
    people = [(fields.get(name) or {}).get("emailAddress") for name in ("reporter", "assignee")]
    people += [one.get("address") for one in (known.get("from"), *(known.get("cc") or ())) if isinstance(one, Mapping)]
    return frozenset(address.lower() for address in people if isinstance(address, str) and address)


def _is_person(user: Mapping[str, Any]) -> bool:
    return bool(user.get("active", True) and user.get("accountType", "atlassian") != "app")
