"""What a closing window needs to know, asked of Jira when it closes.

Calls: the issue, its comments by id if there are any to tell, its watchers unless nobody watches; then for each account
that might be told one for its rights and, where its profile hides the address, up to three for that (`addresses`; both
kept five minutes).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from common.errors import Permanent
from common.jira import Jira, JiraSites
from outbound import batch, decide, jira_read
from outbound.addresses import Addresses
from outbound.batch import Batch
from outbound.facts import Account, Address, Comment, Event, Issue, Item, Known
from outbound.lookups import Lookups

_CREATED = "comment_created"


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts of a window: what is to be told, who might be told, and what Jira said about them."""

    issue: Issue
    known: Known
    batch: Batch
    considered: tuple[decide.Considered, ...]
    newcomers: tuple[Address, ...]
    people: decide.People
    names: Mapping[str, str]


def gather(
    sites: JiraSites,
    lookups: Lookups,
    addresses: Addresses,
    tenant: str,
    issue_id: str,
    events: Sequence[Event],
    known: Known,
) -> Gathered:
    """Ask Jira for the facts. Raises Temporary, or Permanent when the issue can't be read."""
    jira = sites.site(tenant)
    issue = read_issue(jira, issue_id, events)
    if issue.mailed and issue.mailed.mailbox:
        known = replace(known, own=known.own | {issue.mailed.mailbox.lower()})
    told = batch.collect(events, issue, read_comments(jira, events))
    considered, newcomers = decide.consider(told.items, issue, known)
    rights, wanted = decide.lookups(considered, told.items, issue, known)
    accounts = _accounts(issue, told.items)
    restrictions = [item.comment.restriction for item in told.items if item.comment]
    reached = addresses.of(tenant, wanted, accounts)
    people = decide.People(
        rights=lookups.rights(tenant, issue, rights, restrictions),
        addresses={id: reach.address for id, reach in reached.items()},
        sources={id: reach.source for id, reach in reached.items()},
    )
    names = _names(told.items, accounts, lambda id: lookups.name(tenant, id)) if considered else {}
    return Gathered(issue, known, told, considered, newcomers, people, names)


def read_issue(jira: Jira, issue_id: str, events: Sequence[Event]) -> Issue:
    """The issue, fresh, with our property and its watchers."""
    created = any(event.kind == "issue_created" for event in events)
    fields = (*jira_read.FIELDS, "description") if created else jira_read.FIELDS
    raw = jira.issue(issue_id, fields, (jira_read.PROPERTY,))
    watchers: list[dict[str, object]] = []
    if jira_read.watched(raw):
        try:
            watchers = jira.watchers(issue_id)
        except Permanent as fault:
            if fault.status not in (403, 404):  # watching is switched off, or not for the app to see
                raise
    return jira_read.issue(raw, watchers)


def read_comments(jira: Jira, events: Sequence[Event]) -> dict[str, Comment]:
    """The comments that the events say were written, as they stand now; those deleted since are missing."""
    ids = [event.comment_id for event in events if event.kind == _CREATED and event.comment_id]
    comments = [jira_read.comment(raw) for raw in jira.comments_by_id(ids)] if ids else []
    return {comment.id: comment for comment in comments}


def find_issue(jira: Jira, comment_id: str) -> str | None:
    """The issue of a comment whose event did not name it; None if the comment is gone."""
    for raw in jira.comments_by_id([comment_id]):
        return jira_read.issue_of_comment(raw)
    return None


def _accounts(issue: Issue, items: Sequence[Item]) -> dict[str, Account]:
    authors = [item.comment.author for item in items if item.comment]
    people = [*authors, issue.creator, issue.reporter, issue.assignee, *issue.watchers]
    found: dict[str, Account] = {}
    for account in people:
        if account and not (account.id in found and found[account.id].address):
            found[account.id] = account
    return found


def _names(items: Sequence[Item], accounts: Mapping[str, Account], ask: Callable[[str], str]) -> dict[str, str]:
    """Names of those whose doing has no author's name with it."""
    nameless = {item.actor for item in items if item.actor and not item.author}
    return {id: accounts[id].name if id in accounts else ask(id) for id in nameless}
