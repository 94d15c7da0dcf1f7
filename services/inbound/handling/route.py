"""Which issue a mail belongs to. Pure: it asks for what it needs to know about an issue, and is then called again.

In this order: a reply address with a valid token, In-Reply-To and References with a valid token, the conversation that
the mail belongs to, and the issue key in the subject, which alone is a claim: it counts for participants of that issue only.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.thread_tokens import Thread, ThreadKey, check, find
from inbound.reading.parsed import ParsedMail

_ADDRESSED = ("to", "cc", "delivered-to", "x-delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_KEY = re.compile(r"(?<![A-Za-z0-9_-])([A-Z][A-Z0-9_]+-[1-9][0-9]{0,9})(?![A-Za-z0-9_-])")
_MOST_KEYS = 3
_MOST_TOKENS = 50


@dataclass(frozen=True, slots=True)
class Tokens:
    """The valid tokens of a mail: in addresses that it went to, in In-Reply-To and References (nearest first), and in
    its own Message-ID, which makes it one of ours."""

    addressed: tuple[Thread, ...] = ()
    referenced: tuple[Thread, ...] = ()
    own: tuple[Thread, ...] = ()

    @property
    def every(self) -> tuple[Thread, ...]:
        return self.addressed + self.referenced


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known before any issue is looked at.

    addressed, referenced, conversation: issue ids, best first. claimed: issue keys named in the subject.
    projects: keys of the projects that this tenant's mailboxes feed. sender: lower-case address.
    """

    addressed: tuple[str, ...]
    referenced: tuple[str, ...]
    conversation: tuple[str, ...]
    claimed: tuple[str, ...]
    projects: frozenset[str]
    sender: str


@dataclass(frozen=True, slots=True)
class Target:
    """An issue as Jira shows it to us. participants: lower-case addresses of people who take part in it."""

    issue_id: str
    issue_key: str
    participants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Look:
    """Look this issue up (id or key) and ask again."""

    issue: str


@dataclass(frozen=True, slots=True)
class Comment:
    """The mail becomes a comment on this issue. why: sentences."""

    target: Target
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewIssue:
    """The mail becomes an issue of its own. why: sentences."""

    why: tuple[str, ...]


def read_tokens(mail: ParsedMail, keys: Iterable[ThreadKey]) -> Tokens:
    """The tokens in a mail that one of the tenant's keys signed."""
    signed = tuple(keys)
    addresses = [header for name in _ADDRESSED for header in mail.header_all(name)]
    addresses += [person.address for person in (*mail.to, *mail.cc)]
    references = [*mail.in_reply_to, *reversed(mail.references)]
    return Tokens(_valid(addresses, signed), _valid(references, signed), _valid([mail.message_id], signed))


def returned_thread(mail: ParsedMail, original_message_id: str, keys: Iterable[ThreadKey]) -> Thread | None:
    """Which of our mails a bounce gives back: the first valid token in the id, the headers or the references it names."""
    texts = [original_message_id, mail.report.returned, *mail.in_reply_to, *reversed(mail.references)]
    return next(iter(_valid(texts, tuple(keys))), None)


def claimed_keys(subject: str) -> tuple[str, ...]:
    """What looks like an issue key in a subject, leftmost first, at most three."""
    return tuple(dict.fromkeys(_KEY.findall(subject[:1000])))[:_MOST_KEYS]


def decide(facts: Facts, seen: Mapping[str, Target | None]) -> Look | Comment | NewIssue:
    """Where the mail goes. seen: what was found for each `Look` so far; None for an issue that is not there (any more)."""
    why: list[str] = []
    for how, issues in (
        ("It was sent to the reply address of {key}.", facts.addressed),
        ("It answers a mail that was sent about {key}.", facts.referenced),
        ("It belongs to the conversation that became {key}.", facts.conversation),
    ):
        for issue in issues:
            if issue not in seen:
                return Look(issue)
            target = seen[issue]
            if target is not None:
                return Comment(target, (*why, how.format(key=target.issue_key)))
            why.append("The issue that it answers is gone, or Mailbridge may not see it.")
    for key in facts.claimed:
        if key.rpartition("-")[0] not in facts.projects:
            why.append(f"Its subject names {key}, which is in no project that a mailbox of yours feeds.")
            continue
        if key not in seen:
            return Look(key)
        target = seen[key]
        if target is None:
            why.append(f"Its subject names {key}, which does not exist, or Mailbridge may not see it.")
        elif facts.sender and facts.sender in target.participants:
            return Comment(target, (*why, f"Its subject names {key}, and the sender takes part in that issue."))
        else:
            why.append(
                f"Its subject names {key}, but the sender takes no part in that issue, so the key proves nothing."
            )
    if not why:
        why.append("It answers nothing that we know of.")
    return NewIssue(tuple(dict.fromkeys(why)))


def _valid(texts: Iterable[str], keys: tuple[ThreadKey, ...]) -> tuple[Thread, ...]:
    tokens = dict.fromkeys(token for text in texts for token in find(text))
    threads = (check(keys, token) for token in list(tokens)[:_MOST_TOKENS])
    return tuple(thread for thread in threads if thread is not None)
