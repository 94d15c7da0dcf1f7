"""Who is told about an item, and why: one sentence a person. Pure.

An issue's people are its reporter, assignee and watchers (accounts) and, without an account, the people of the mails:
sender and copied people of the mail the issue was made from, and those whom participants brought in later by mail.
Nobody is told of their own doing, an app is never told, and our own mailboxes never are: that would be a loop.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from outbound.facts import Account, Address, Candidate, Issue, Item, Known, Mailed

FIELDS = ("status", "assignee", "resolution", "priority", "duedate", "summary")
"""Fields whose change is told to people with an account."""

CUSTOMER_FIELDS = ("status", "resolution")
"""Fields whose change is told to people without an account."""

MOST_OUTSIDE = 50
"""People without an account that one issue can have: a mail with a thousand in copy must not make us a spammer."""

OWN_DOING = "This is what they did themselves."

_REPORTER = "You reported this issue."
_ASSIGNEE = "This issue is assigned to you."
_WATCHER = "You watch this issue."
_SENDER = "You wrote the mail that this issue was made from."
_COPIED = "You were copied in the mail that this issue was made from."
_BROUGHT_IN = "You take part in this conversation by mail."


def tell(item: Item, issue: Issue, participants: Sequence[Address], known: Known) -> tuple[Candidate, ...]:
    """Everyone who might be told `item`, most personal reason first; a person may appear more than once.

    participants: the people without an account who took part before this item (see `participants`).
    """
    people = _accounts(issue)
    if item.kind != "issue_created" and (item.kind == "comment_created" or _for_customers(item)):
        people += [Candidate(None, address, _reason(address, issue)) for address in participants]
    return tuple(
        replace(candidate, no=OWN_DOING) if did_it(candidate, item, issue, known) else candidate
        for candidate in people
        if not (candidate.address and is_own(candidate.address.address, known.own))
    )


def participants(issue: Issue, known: Known) -> tuple[Address, ...]:
    """The people without an account who took part so far, each once, MOST_OUTSIDE at most."""
    return _once([*_people(issue.mailed), *known.participants], known.own)[:MOST_OUTSIDE]


def introduced(item: Item, before: Sequence[Address], known: Known) -> tuple[Address, ...]:
    """Who takes part from here on because a participant's mail, of which the comment was made, copied them.

    A mail from someone who takes no part brings in nobody: whoever is forwarded one of our mails could otherwise
    subscribe strangers to the issue.
    """
    mailed = item.comment.mailed if item.comment else None
    keys = {address.key for address in before}
    if mailed is None or mailed.sender is None or mailed.sender.key not in keys:
        return ()
    newcomers = [address for address in _once(mailed.cc, known.own) if address.key not in keys]
    return tuple(newcomers[: MOST_OUTSIDE - len(before)])


def did_it(candidate: Candidate, item: Item, issue: Issue, known: Known) -> bool:
    """True if the item is this person's own doing: by account, or as the sender of the mail that we made it from."""
    source = _source(item, issue)
    address = candidate.address.key if candidate.address else (candidate.account and candidate.account.address) or ""
    if source is not None and source.sender is not None and address.strip().lower() == source.sender.key:
        return True
    if candidate.account is None:
        return False
    if source is not None and source.account == candidate.account.id:
        return True
    return candidate.account.id == doer(item, issue, known)


def doer(item: Item, issue: Issue, known: Known) -> str | None:
    """The account that did it; None where we posted for the writer of a mail: that is not the doing of our account.

    By our property only: the account that we post by may be a person's, who does other things by hand.
    """
    posted_for_someone = _source(item, issue) is not None and item.actor == known.poster
    return None if posted_for_someone else item.actor


def is_own(address: str, own: frozenset[str]) -> bool:
    """True for our own addresses, also with a sub-address (`box+anything@domain`)."""
    local, _, domain = address.strip().lower().rpartition("@")
    return f"{local}@{domain}" in own or f"{local.partition('+')[0]}@{domain}" in own


def _accounts(issue: Issue) -> list[Candidate]:
    found: list[tuple[Account | None, str]] = [(issue.reporter, _REPORTER), (issue.assignee, _ASSIGNEE)]
    found += [(watcher, _WATCHER) for watcher in issue.watchers]
    return [Candidate(account, None, reason) for account, reason in found if account and account.kind != "app"]


def _source(item: Item, issue: Issue) -> Mailed | None:
    if item.kind == "issue_created":
        return issue.mailed
    return item.comment.mailed if item.comment else None


def _for_customers(item: Item) -> bool:
    return any(change.field in CUSTOMER_FIELDS for change in item.changes)


def _reason(address: Address, issue: Issue) -> str:
    if issue.mailed and issue.mailed.sender and issue.mailed.sender.key == address.key:
        return _SENDER
    if issue.mailed and any(copied.key == address.key for copied in issue.mailed.cc):
        return _COPIED
    return _BROUGHT_IN


def _people(mailed: Mailed | None) -> list[Address]:
    if mailed is None:
        return []
    return [*([mailed.sender] if mailed.sender else []), *mailed.cc]


def _once(people: Iterable[Address], own: frozenset[str]) -> tuple[Address, ...]:
    found: dict[str, Address] = {}
    for address in people:
        if address.key and not is_own(address.address, own):
            found.setdefault(address.key, address)
    return tuple(found.values())
