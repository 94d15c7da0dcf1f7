"""Mails that belong together by their Message-IDs: who has to wait for whom, and what the earlier ones say. Pure.

Two answers of one conversation that arrive together must not both become issues. So each mail claims its own Message-ID and
those that it refers to before it is decided about, and whoever claimed later waits for the earlier ones.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from inbound.reading.parsed import ParsedMail

PATIENCE = 600.0
"""Seconds that a mail waits for earlier ones of its conversation; then it is decided about alone."""

_PAUSE = 2.0
_LONGEST_PAUSE = 30.0
_MOST = 50
_OPEN = ("received", "delivering")


@dataclass(frozen=True, slots=True)
class Ids:
    """Hashes of a mail's ids: its own ("" without a Message-ID), and those it refers to, nearest first."""

    own: str
    referenced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Companion:
    """Another mail that claimed one of the same ids. shared: the hashes it shares with ours; owns: the one of them that is
    its own Message-ID, or ""."""

    mail_id: str
    claimed_at: float
    state: str
    outcome: str | None
    issue_id: str | None
    issue_key: str | None
    sender: str
    subject: str
    shared: frozenset[str]
    owns: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Decide later: after `seconds`, when the earlier mail may have come to an end."""

    seconds: float
    earlier: str


@dataclass(frozen=True, slots=True)
class Go:
    """Decide now. copy_of: the mail that this one repeats, if it was delivered; issues: the conversation's, best first;
    note: a sentence, or ""."""

    copy_of: Companion | None
    issues: tuple[str, ...]
    note: str = ""


def ids(mail: ParsedMail) -> Ids:
    """The hashes to claim; at most 50 referenced ones count, the nearest."""
    own = _hash(mail.message_id)
    nearest = (*mail.in_reply_to, *reversed(mail.references))
    hashes = dict.fromkeys(_hash(text) for text in nearest if text.strip())
    hashes.pop(own, None)
    return Ids(own, tuple(hashes)[:_MOST])


def consider(
    mine: Ids, mail_id: str, claimed_at: float, sender: str, subject: str, companions: Sequence[Companion], now: float
) -> Wait | Go:
    """Whether to decide now, and what the others of the conversation have come to. Times in seconds since 1970."""
    earlier = [
        one for one in companions if one.state in _OPEN and (one.claimed_at, one.mail_id) < (claimed_at, mail_id)
    ]
    waited = now - claimed_at
    if earlier and waited < PATIENCE:
        pause = min(max(_PAUSE, waited / 4), _LONGEST_PAUSE, PATIENCE - waited)
        return Wait(max(pause, 0.1), earlier[0].mail_id)
    delivered = [one for one in companions if one.state == "handled" and one.issue_id]
    copies = [one for one in delivered if mine.own and one.owns == mine.own and _same(one, sender, subject)]
    nearness = {hash_: number for number, hash_ in enumerate((mine.own, *mine.referenced))}
    best = sorted(delivered, key=lambda one: (nearness.get(one.owns, len(nearness)), -one.claimed_at))
    issues = tuple(dict.fromkeys(one.issue_id for one in best if one.issue_id))
    note = (
        "An earlier mail of the same conversation took too long, so this one did not wait any more." if earlier else ""
    )
    return Go(copies[0] if copies else None, issues, note)


def _same(one: Companion, sender: str, subject: str) -> bool:
    # A broken program may give all its mails one Message-ID: those are not copies of each other.
    return one.sender.lower() == sender.lower() and one.subject.strip() == subject.strip()


def _hash(message_id: str) -> str:
    text = message_id.strip().strip("<>").strip()
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest() if text else ""
