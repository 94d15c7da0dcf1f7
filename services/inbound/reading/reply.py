"""What the author newly wrote: quotes, their introductions and signatures cut off, a forwarded mail kept. Pure; linear.

Losing the author's words is worse than leaking a quote: whatever is uncertain stays, and what was cut is handed back as `elided`.
"""

import re
from dataclasses import dataclass

from inbound.reading import lines as line_kinds
from inbound.reading.html import Element, tree, write
from inbound.reading.htmlquotes import keep_beginning, letters_of, without_quotes
from inbound.reading.htmltext import text_of
from inbound.reading.parsed import ParsedMail
from inbound.reading.quotes import REPLY_ABOVE

MAX_CHARACTERS = 2_000_000
MAX_LINES = 20_000  # that are searched for introductions; more lines than any person wrote or quoted
_SIGNATURE = re.compile(r"^(?:-- ?|--\u00a0|— |__ ?)$")
_SIGNATURE_LINES = 12
_MOST_QUOTED_LINES = 200
_LIST_FOOTER = re.compile(r"mailing list|listinfo|unsubscribe", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """text: the new text; html: the new part of the HTML body, or None if the mail has none; elided: what was cut, in order."""

    text: str
    html: str | None
    elided: str


def shown_reply(mail: ParsedMail) -> Reply:
    """What a comment shows: the author's own words, or the whole mail with nothing elided where it has no words but quoted ones.

    Somebody who sends a quote on without a word means it to be read; a comment that says nothing hides it.
    """
    reply = read_reply(mail)
    if reply.text.strip():
        return reply
    body = tree(mail.html) if mail.html else None
    whole = mail.text.strip() or (text_of(body, mark_quotes=True) if body is not None else "")
    return Reply(whole, write(body) if body is not None else None, "")


def read_reply(mail: ParsedMail) -> Reply:
    """The author's own words. A mail without quotes is its own reply; `text` is "" if all of it is an introduced quote."""
    html, text, cut = None, mail.text, ""
    if mail.html:
        body = tree(mail.html)
        cut = without_quotes(body)
        shown = text_of(body, mark_quotes=True)
        _cut_alike(body)
        html = write(body)
        if text.strip():
            cut = ""  # the text part says it all once more
        else:
            text = shown
    kept, elided = split_text(text)
    return Reply(kept, html, "\n".join(filter(None, (elided, cut))))


def _cut_alike(body: Element) -> None:
    """Cut the HTML where its text is cut: an introduction, a quoted header or a signature that no structure marks.

    Only when all behind that place goes: answers between the lines stay as they are.
    """
    text = text_of(body, mark_quotes=True, numbered=False)
    kept, elided = split_text(text)
    letters = letters_of(kept)
    if elided.strip() and letters and letters_of(text).startswith(letters):
        keep_beginning(body, len(letters))


def split_text(text: str) -> tuple[str, str]:
    """(the new text, the rest) of a plain body."""
    lines: list[str] = []
    for line in re.sub(r"\n{5,}", "\n\n\n\n", text[:MAX_CHARACTERS].replace("\u2028", "\n")).split("\n"):
        line = line.rstrip()
        halves = line_kinds.split_shared(line)
        lines += halves if halves is not None else (line,)
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
    at, introduced, before = 0, False, False
    while at < min(end, MAX_LINES):
        line = lines[at]
        if not line.strip():
            at += 1
        elif line_kinds.forwarded_separator(line):
            break
        elif count := line_kinds.attribution(lines, at):
            introduced = True
            at = at + count if line_kinds.quoted(line) else _cut(lines, keep, at, count, end, before=before)
            if line_kinds.quoted(line):
                for i in range(at - count, at):
                    keep[i] = False
        elif line_kinds.quoted(line):
            keep[at] = False
            at += 1
            if at + 1 < end and _wrapped(line, lines[at], lines[at + 1]):
                keep[at] = False
                at += 1
        elif line_kinds.original_separator(line):
            at = _cut(lines, keep, at, 1, end, before=before)
        elif count := line_kinds.header_block(lines, at):
            _drop_quoted_name(lines, keep, at, count)
            at = _cut(lines, keep, at, count, end, before=before, whole=True)
        else:
            at, before = at + 1, True
    _drop_signatures(lines, keep)
    _keep_what_is_answered(lines, keep, introduced, end)
    _drop_trailing_rules(lines, keep)
    return keep


def _wrapped(line: str, following: str, after: str) -> bool:
    """A quoted line that some program broke in two without marking its second half."""
    return len(line) >= 60 and following[:1].islower() and not line_kinds.quoted(following) and line_kinds.quoted(after)


def _keep_what_is_answered(lines: list[str], keep: list[bool], introduced: bool, end: int) -> None:
    """Give back the quoted lines that the author answers one by one, and a quote that is all there is."""
    runs: list[tuple[int, int]] = []  # quoted runs, each directly followed by the author's text
    start, last_text = -1, -1
    for at in range(end):
        if not lines[at].strip():
            continue
        if not keep[at] and line_kinds.quoted(lines[at]):
            start = at if start < 0 else start
        elif keep[at]:
            if start >= 0:
                runs.append((start, at))
            start, last_text = -1, at
    if last_text < 0 and not introduced and end == len(lines):
        runs = [(0, end)]  # nothing but a quote, by nobody: the quote is what was sent
    elif not (len(runs) >= 2 or (runs and not introduced)) or not _short_quotes(runs):
        return
    for first, after in runs:
        for at in range(first, after):
            keep[at] = keep[at] or line_kinds.quoted(lines[at])


def _short_quotes(runs: list[tuple[int, int]]) -> bool:
    return sum(after - first for first, after in runs) <= _MOST_QUOTED_LINES


def _own_marker(lines: list[str]) -> int:
    for at, line in enumerate(lines):
        if len(line) < 400 and REPLY_ABOVE.search(line):
            return at
    return len(lines)


def _cut(
    lines: list[str], keep: list[bool], at: int, count: int, end: int, *, before: bool, whole: bool = False
) -> int:
    """Take the introduction away, and everything behind it unless the quoted lines are marked as such. Where to go on."""
    following = next((i for i in range(at + count, end) if lines[i].strip()), end)
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


def _drop_quoted_name(lines: list[str], keep: list[bool], at: int, count: int) -> None:
    """Above a quoted header some programs set the name of whom they quote, on a line of its own: it is no word of the author's.

    Only below other text: a name that stands alone may be all that was written.
    """
    above = [i for i in range(max(0, at - 40), at) if lines[i].strip() and keep[i] and not line_kinds.rule(lines[i])]
    if len(above) >= 2 and line_kinds.names_sender(lines[above[-1]], lines[at : at + count]):
        keep[above[-1]] = False


def _drop_signatures(lines: list[str], keep: list[bool]) -> None:
    """In each run of the author's lines, from the signature's mark to the run's end."""
    at = 0
    while at < len(lines):
        stop = at
        while stop < len(lines) and keep[stop]:
            stop += 1
        written = 0  # lines with text below the one looked at
        start = stop
        for i in range(stop - 1, at - 1, -1):
            line = lines[i]
            if not line.strip():
                continue
            if (
                (_SIGNATURE.match(line) and written <= _SIGNATURE_LINES)
                or _list_footer(lines, i, stop)
                or (written <= 2 and line_kinds.mobile_signature(line))
            ):
                start, written = i, 0
                continue
            written += 1
            if written > _SIGNATURE_LINES:
                break
        for i in range(start, stop):
            keep[i] = False
        at = stop + 1


def _list_footer(lines: list[str], at: int, stop: int) -> bool:
    """A long rule and below it what a mailing list adds."""
    return (
        lines[at].startswith(("_" * 20, "-" * 20, "=" * 20))
        and line_kinds.rule(lines[at])
        and any(_LIST_FOOTER.search(line[:200]) for line in lines[at + 1 : min(stop, at + 5)])
    )


def _drop_trailing_rules(lines: list[str], keep: list[bool]) -> None:
    for at in range(len(lines) - 1, -1, -1):
        if not keep[at] or not lines[at].strip():
            continue
        if not line_kinds.rule(lines[at]):
            return
        keep[at] = False
