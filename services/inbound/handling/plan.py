"""The decision about a mail, written down: the steps in Jira and the sentences that explain them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inbound.handling import contents
from inbound.handling.route import Comment
from inbound.handling.rules import Rule, summary
from inbound.reading.identity import Identity
from inbound.reading.parsed import ParsedMail

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps as (kind, detail) in order; explanation: sentences for an admin."""

    steps: tuple[tuple[str, Json], ...]
    explanation: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """What both plans need to know of a mail: own: our mailboxes' addresses; mailbox: the address it came to."""

    mail_id: str
    mail: ParsedMail
    own: frozenset[str]
    mailbox: str
    identity: Identity


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who becomes the reporter: account_id None leaves it to Jira; own: it is the sender's own account."""

    account_id: str | None
    own: bool
    why: str


@dataclass(frozen=True, slots=True)
class Author:
    """The sender's own account as Jira knows it by their address, or None; posts: the comment is posted in their name."""

    account_id: str | None = None
    posts: bool = False


def new_issue(origin: Origin, rule: Rule, reporter: Reporter) -> Plan:
    """An issue with the whole mail, then its files."""
    silent = reporter.own and origin.identity.trust == "proven"
    first_line = contents.lead(origin.mail.sender, origin.identity)
    issue = {
        "project": {"id": rule.project_id, "key": rule.project_key},
        "issue_type": rule.issue_type_id,
        "summary": summary(origin.mail.subject),
        "reporter": reporter.account_id,
        "lead": first_line,
        # The issue's reporter says it already, as long as Jira takes that reporter.
        "silent": silent,
        "property": contents.issue_property(
            origin.mail_id, origin.mail, origin.own, origin.mailbox, reporter.account_id if reporter.own else None
        ),
    }
    document = contents.description(origin.mail, first_line)
    steps = (("issue", issue), *_files(origin.mail, (), contents.is_cut(document)))
    kind = f"an issue of the type {rule.issue_type_name} in {rule.project_key}"
    where = f"The mailbox's rule (version {rule.version}) makes it {kind}."
    return Plan(steps, (where, reporter.why, *_about_files(len(steps) - 1)))


def comment(
    origin: Origin,
    route: Comment,
    known: Mapping[str, Any] | None,
    there: tuple[tuple[str, int], ...],
    author: Author = Author(),
) -> Plan:
    """A comment with what is new in the mail, then its files.

    known: the issue's property, None if it has none. there: (name, size) of the issue's files. People whom the mail adds
    are put into the property first, so that whoever is told about the comment knows them.
    """
    target = route.target
    issue = {"issue": target.issue_id, "issue_key": target.issue_key}
    first_line = contents.lead(origin.mail.sender, origin.identity)
    steps: list[tuple[str, Json]] = []
    people = contents.merged_people(known, origin.mail, origin.own) if known else None
    if people is not None:
        steps.append(("property", {**issue, "value": people}))
    properties = contents.comment_property(origin.mail_id, origin.mail, origin.own, author.account_id)
    person = author.account_id if author.posts else None
    steps.append(("comment", {**issue, "lead": first_line, "property": properties, "person": person}))
    files = _files(origin.mail, there, contents.is_cut(contents.comment(origin.mail, first_line)))
    added = ("People whom it was also sent to now take part in the issue.",) if people is not None else ()
    return Plan((*steps, *files), (*added, *_about_files(len(files))))


def _files(mail: ParsedMail, there: tuple[tuple[str, int], ...], whole: bool) -> tuple[tuple[str, Json], ...]:
    chosen = contents.files(mail, there)
    steps: list[tuple[str, Json]] = [
        (
            "attachment",
            {
                "index": index,
                "filename": name,
                "size": mail.attachments[index].size,
                "content_type": mail.attachments[index].content_type,
            },
        )
        for index, name in chosen
    ]
    if whole:
        taken = {name.lower() for name, _ in there} | {name.lower() for _, name in chosen}
        name = contents.unique_name(contents.WHOLE_MAIL, taken)
        steps.append(("attachment", {"index": None, "filename": name, "size": None, "content_type": "message/rfc822"}))
    return tuple(steps)


def _about_files(count: int) -> tuple[str, ...]:
    return (f"It brings {count} {'file' if count == 1 else 'files'}.",) if count else ()
