"""Deciding about one mail: gather what each decision needs, let the pure modules decide, write down why.

Screening, conversation, identity, route and plan come in this order, each as cheap as possible before the next: only the
route and the reporter ask Jira.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from common.credentials import Credentials
from common.db import Database
from common.jira import Jira
from inbound import store_conversation, store_ledger
from inbound.handling import catching, conversation, gather, plan, route
from inbound.handling.conversation import Wait
from inbound.handling.gather import Papers, Shelf
from inbound.handling.plan import Origin, Plan
from inbound.handling.route import Comment, Facts, Tokens
from inbound.handling.screen import screen
from inbound.handling.work import End, Postpone, Work
from inbound.reading.bounce import read_bounce
from inbound.reading.identity import Identity, judge

_KINDS = {
    "automatic": "Automatic mail",
    "bounce": "Bounce",
    "own": "Our own mail",
    "abuse": "A complaint",
}


def decide(
    database: Database, jira: Jira, credentials: Credentials, work: Work, papers: Papers
) -> Plan | End | Postpone:
    """What to do with the mail. Raises as Jira does; nothing has happened then."""
    tokens = route.read_tokens(papers.mail, credentials.thread_keys)
    ended = _screened(work, papers, tokens, credentials)
    if ended is not None:
        return ended
    if papers.mailbox.unnamed == "ignore" and papers.named is None and not tokens.every:
        return End("ignored", catching.UNNAMED)
    joined = _joined(database, work, papers)
    if not isinstance(joined, tuple):
        return joined
    # Whoever may push may write any header: of pushed mail only a provider's signed call counts.
    authserv_id = None if papers.mailbox.kind == "push" else papers.mailbox.authserv_id
    identity = judge(papers.mail, authserv_id, tokens.every, work.row.record.get("vouched"))
    work.facts["identity"] = asdict(identity)
    if identity.trust == "failed" and not work.row.record.get("released"):
        return End("held", f"{identity.why} If you trust it all the same, let it be handled by a retry.")
    work.say(identity.why)
    facts = Facts(
        addressed=_issues(tokens.addressed),
        referenced=_issues(tokens.referenced),
        conversation=joined,
        claimed=route.claimed_keys(papers.mail.subject),
        projects=papers.projects,
        sender=papers.sender,
    )
    work.facts["route"] = {**asdict(facts), "projects": sorted(facts.projects)}
    return _planned(database, jira, credentials, work, papers, identity, facts)


def _screened(work: Work, papers: Papers, tokens: Tokens, credentials: Credentials) -> End | None:
    screening = screen(papers.mail, papers.own, tuple(thread.delivery for thread in tokens.own))
    work.facts["screening"] = asdict(screening)
    if screening.kind == "person":
        return None
    reason = f"{_KINDS[screening.kind]}: {screening.evidence}"
    bounced = _bounced(work, papers, credentials) if screening.kind == "bounce" else None
    return End("ignored", reason, tell=("mail.bounced", bounced) if bounced else None)


def _bounced(work: Work, papers: Papers, credentials: Credentials) -> Mapping[str, Any] | None:
    bounce = read_bounce(papers.mail)
    if bounce is None:
        return None
    thread = route.returned_thread(papers.mail, bounce.original_message_id, credentials.thread_keys)
    work.say("It is about a mail that Mailbridge sent." if thread else "It is not about a mail that Mailbridge sent.")
    return {
        "mail": work.row.id,
        "delivery": thread.delivery if thread else None,
        "issue_id": thread.issue_id if thread else None,
        "recipients": [
            {"address": one.address, "permanent": one.permanent, "status": one.status} for one in bounce.recipients
        ],
    }


def _joined(database: Database, work: Work, papers: Papers) -> tuple[str, ...] | End | Postpone:
    """The issues of the mail's conversation; or it has to wait for an earlier mail, or repeats one."""
    mine = conversation.ids(papers.mail)
    with database.write() as tx:
        store_ledger.note(tx, work.row.id, **work.read)  # whoever shares the conversation compares sender and subject
        claimed_at, clock, companions = store_conversation.claim(tx, work.row.tenant, work.row.id, mine)
    sender, subject = papers.sender, papers.subject
    answer = conversation.consider(mine, work.row.id, claimed_at, sender, subject, companions, clock)
    if isinstance(answer, Wait):
        return Postpone(answer.seconds, "Waiting for an earlier mail of the same conversation.")
    work.say(answer.note)
    if answer.copy_of is not None:
        work.facts["copy_of"] = answer.copy_of.mail_id
        return End("ignored", f"A copy: the same mail came another way and went to {answer.copy_of.issue_key}.")
    return answer.issues


def _planned(
    database: Database,
    jira: Jira,
    credentials: Credentials,
    work: Work,
    papers: Papers,
    identity: Identity,
    facts: Facts,
) -> Plan:
    shelf = Shelf()
    decision = gather.find_issue(database, jira, work.row.tenant, facts, shelf)
    work.say(*decision.why)
    work.facts["why"] = decision.why[-1]
    origin = Origin(work.row.id, papers.mail, papers.own, papers.address, identity)
    if isinstance(decision, Comment):
        issue_id = decision.target.issue_id
        author = gather.find_author(jira, credentials, identity, papers.sender, shelf.people[issue_id])
        made = plan.comment(origin, decision, shelf.properties[issue_id], shelf.files[issue_id], author)
    else:
        made = plan.new_issue(origin, papers.rule, gather.find_reporter(jira, papers.rule, papers.sender))
    work.say(*made.explanation)
    return made


def _issues(threads: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(thread.issue_id for thread in threads))
