"""The end of a mail that was too large: it is held with its header, and its sender is told if that is wanted and right."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from common.thread_tokens import ThreadKey
from inbound.handling import oversized, route
from inbound.handling.gather import Papers
from inbound.handling.oversized import Circumstances
from inbound.handling.screen import screen
from inbound.handling.work import End, Work
from inbound.reading.identity import judge

TOPIC = "mail.notice"
_MOST_REFERENCES = 20


def held(work: Work, papers: Papers, keys: Iterable[ThreadKey], now: float) -> End:
    """The end, with the message to outbound where the sender is answered. keys: with which our own mail is signed."""
    row, mail, mailbox = work.row, papers.mail, papers.mailbox
    reason = str(row.record["problem"])
    around = Circumstances(
        wanted=bool(mailbox.answer_oversized),
        via=row.record.get("via", ""),
        answered=bool(row.record.get("answered")),
        ignorable=mailbox.unnamed == "ignore" and papers.named is None,
        connected_at=mailbox.created_at,
        now=now,
    )
    if why := oversized.too_early(around):
        work.say(reason, why)
        return End("held", reason)
    tokens = route.read_tokens(mail, keys)
    screening = screen(mail, papers.own, tuple(thread.delivery for thread in tokens.own))
    authserv_id = None if mailbox.kind == "push" else mailbox.authserv_id
    identity = judge(mail, authserv_id, tokens.every, row.record.get("vouched"))
    work.facts |= {"screening": asdict(screening), "identity": asdict(identity)}
    if why := oversized.why_not(mail, screening, identity, papers.own, around):
        work.say(reason, why)
        return End("held", reason)
    work.say(reason, oversized.ANSWERED)
    work.answered = "oversized"
    return End("held", reason, tell=(TOPIC, _notice(work, papers)))


def _notice(work: Work, papers: Papers) -> dict[str, Any]:
    mail = papers.mail
    return {
        "kind": "oversized",
        "mail": work.row.id,
        "to": papers.sender,
        "subject": papers.subject,
        "message_id": mail.message_id[:1000],
        "references": [text[:1000] for text in mail.references[-_MOST_REFERENCES:]],
        "size": work.row.size,
        "limit": work.row.record["limit"],
        "mailbox": papers.address,
    }
