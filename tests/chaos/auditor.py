"""Compares what was sent with what the mailbox, Jira and people's inboxes hold. Pure; shares no code with the services.

A mail carries one mark (`mail-<seed>-<n>`), an agent's comment another (`word-<seed>-<n>`), in text that nothing else repeats.
"""

import email
import email.policy
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MARK = re.compile(r"\b(?:mail|word)-\d+-\d+\b")
FINAL = frozenset({"handled", "ignored", "held", "failed"})


@dataclass(frozen=True)
class Letter:
    """A letter that somebody received: whom, its Message-ID, the marks in its text."""

    reader: str
    message_id: str
    marks: frozenset[str]


@dataclass(frozen=True)
class Seen:
    """Everything that can be seen from outside. mailbox: subjects; ledger: subject → states; in_jira: how often each mark."""

    mailbox: Counter[str]
    ledger: Mapping[str, Sequence[str]]
    in_jira: Counter[str]
    unmarked_issues: int
    letters: Sequence[Letter]


@dataclass
class Findings:
    """What is wrong, and `repeats`: letters that came again with the same Message-ID."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)
    invented: int = 0
    repeats: int = 0

    @property
    def clean(self) -> bool:
        """Nothing lost, doubled, unaccounted, or made up."""
        return not (self.lost or self.doubled or self.unaccounted or self.invented)


def audit(mails: Mapping[str, str], words: Mapping[str, Sequence[str]], seen: Seen, *, issues_before: int) -> Findings:
    """mails: mark → subject of what was sent to the mailbox. words: mark → who must have read it.

    issues_before: issues without a mark that were there from the start.
    """
    found = Findings(invented=seen.unmarked_issues - issues_before)
    for mark, subject in mails.items():
        times = seen.in_jira[mark]
        if times == 0 or seen.mailbox[subject] != 1:
            found.lost.append(mark)
        elif times > 1:
            found.doubled.append(f"{mark} is {times} times in Jira")
        states = seen.ledger.get(subject, ())
        if len(states) != 1 or states[0] not in FINAL:
            found.unaccounted.append(f"{mark}: {', '.join(states) or 'not in the ledger'}")
    by_word: dict[tuple[str, str], set[str]] = defaultdict(set)
    copies: Counter[tuple[str, str]] = Counter()
    for letter in seen.letters:
        copies[letter.reader, letter.message_id] += 1
        for mark in letter.marks:
            by_word[mark, letter.reader].add(letter.message_id)
    for mark, readers in words.items():
        if seen.in_jira[mark] != 1:
            found.doubled.append(f"{mark}, an agent's own comment, is {seen.in_jira[mark]} times in Jira")
        for reader in readers:
            ids = by_word[mark, reader]
            if not ids:
                found.lost.append(f"{mark} to {reader}")
            elif len(ids) > 1:
                found.doubled.append(f"{mark} to {reader} in {len(ids)} letters")
    found.repeats = sum(times - 1 for times in copies.values())
    return found


def read_letter(reader: str, raw: bytes) -> Letter:
    """A letter from its octets."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    part = message.get_body(("plain", "html"))
    text = part.get_content() if part is not None else ""
    return Letter(reader, str(message["Message-ID"] or ""), frozenset(MARK.findall(str(text))))


def marks_in_jira(issues: Iterable[Mapping[str, Any]]) -> tuple[Counter[str], int]:
    """How often each mark stands in a description or comment, and how many issues have none in their description."""
    counted: Counter[str] = Counter()
    unmarked = 0
    for issue in issues:
        own = set(MARK.findall(issue["text"]))
        unmarked += not own
        counted.update(own)
        for comment in issue["comments"]:
            counted.update(set(MARK.findall(comment["text"])))
    return counted, unmarked
