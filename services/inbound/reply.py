"""What the author newly wrote: quotes, their introductions and signatures cut off, a forwarded mail kept. Pure; linear in the mail.

Losing the author's words is worse than leaking a quote: whatever is uncertain stays, and what was cut is handed back as `elided`.
"""

import re
from dataclasses import dataclass

from inbound import lines as line_kinds
from inbound.html import tree
from inbound.htmlquotes import without_quotes
from inbound.htmltext import text_of
from inbound.html import write
from inbound.parsed import ParsedMail
from inbound.quotes import REPLY_ABOVE

MAX_CHARACTERS = 2_000_000
_SIGNATURE = re.compile(r"^(?:-- ?|--\u00a0|— |__ ?)$")
_SIGNATURE_LINES = 12


@dataclass(frozen=True, slots=True)
class Reply:
    """text: the new text; html: the new part of the HTML body, or None if the mail has none; elided: what was cut, in order."""

    text: str
    html: str | None
    elided: str


def read_reply(mail: ParsedMail) -> Reply:
    """The author's own words. A mail without quotes is its own reply."""
    html, cut = None, ""
    text = mail.text
    if mail.html:
        body = tree(mail.html)
        removed = without_quotes(body)
        html = write(body)
        if not text.strip():
            text, cut = text_of(body), removed
    kept, elided = split_text(text)
    return Reply(kept, html, "\n".join(filter(None, (elided, cut))))


def split_text(text: str) -> tuple[str, str]:
    """(the new text, the rest) of a plain body."""
    lines = [line.rstrip() for line in text[:MAX_CHARACTERS].replace("\u2028", "\n").split("\n")]
    keep = _keep(lines)
    kept = "\n".join(line for line, wanted in zip(lines, keep, strict=True) if wanted)
    elided = "\n".join(line for line, wanted in zip(lines, keep, strict=True) if not wanted)
    return re.sub(r"\n{3,}", "\n\n", kept).strip("\n").strip(), elided.strip("\n") + text[MAX_CHARACTERS:]


def _keep(lines: list[str]) -> list[bool]:
    """For each line whether it is the author's."""
    keep = [True] * len(lines)
    end = _own_marker(lines)
    for at in range(end, len(lines)):
        keep[at] = False
    at = 0
    while at < end:
        line = lines[at]
        if not line.strip():
            at += 1
        elif line_kinds.forwarded_separator(line):
            break
        elif line_kinds.quoted(line):
            keep[at] = False
            at += 1
        elif count := line_kinds.attribution(lines, at):
            at = _cut(lines, keep, at, count, end)
        elif line_kinds.original_separator(line):
            at = _cut(lines, keep, at, 1, end)
        elif count := line_kinds.header_block(lines, at):
            at = _cut(lines, keep, at, count, end, whole=True)
        else:
            at += 1
    _drop_signatures(lines, keep)
    _drop_trailing_rules(lines, keep)
    return keep


def _own_marker(lines: list[str]) -> int:
    for at, line in enumerate(lines):
        if "line" in line.lower() or "zeile" in line.lower() or len(line) < 200:
            if len(line) < 400 and REPLY_ABOVE.search(line):
                return at
    return len(lines)


def _cut(lines: list[str], keep: list[bool], at: int, count: int, end: int, *, whole: bool = False) -> int:
    """Take the introduction away, and everything behind it unless the quoted lines are marked as such. Where to go on."""
    following = next((i for i in range(at + count, end) if lines[i].strip()), end)
    before = any(lines[i].strip() for i in range(at) if keep[i])
    if following < end and line_kinds.quoted(lines[following]) and not whole:
        stop = at + count
    elif before:
        stop = end
    elif whole:
        return end  # nothing but a mail with its header: that is the content
    else:
        stop = at + count
    for i in range(at, stop):
        keep[i] = False
    return stop


def _drop_signatures(lines: list[str], keep: list[bool]) -> None:
    at = 0
    while at < len(lines):
        if keep[at] and lines[at].strip():
            stop = _block_end(keep, at)
            written = [i for i in range(at + 1, stop) if lines[i].strip()]
            raw = lines[at]
            if (_SIGNATURE.match(raw) and len(written) <= _SIGNATURE_LINES) or (line_kinds.mobile_signature(raw) and len(written) <= 2):
                for i in range(at, stop):
                    keep[i] = False
                at = stop
                continue
        at += 1


def _block_end(keep: list[bool], at: int) -> int:
    while at < len(keep) and keep[at]:
        at += 1
    return at


def _drop_trailing_rules(lines: list[str], keep: list[bool]) -> None:
    for at in range(len(lines) - 1, -1, -1):
        if not keep[at] or not lines[at].strip():
            continue
        if not line_kinds.rule(lines[at]):
            return
        keep[at] = False
