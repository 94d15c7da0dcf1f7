"""What one line, or a few together, of a plain mail are: quoted, an attribution, a quoted mail's header, a rule. Pure; linear."""

import re
from collections.abc import Sequence

from inbound.quotes import FIELD, FIELD_KIND, ON, SEPARATOR_FORWARDED, SEPARATOR_ORIGINAL, SENT_FROM, WROTE

LONGEST = 600  # characters of a line or of joined lines that can be an introduction; keeps every pattern's work bounded
_QUOTED = re.compile(r"^[ \t\u00a0]{0,4}(?:>|&gt;|[|│](?=[ \t]|$)|[A-Z][A-Za-z]{1,12}>(?=[ \t>]|$))")
_DEPTH = re.compile(r"^[ \t\u00a0]*(?:>[ \t\u00a0]?)+")
_RULE = re.compile(r"^[ \t]*(?:[-_=*~#+–—\u2500]{2,}|[—–\u1427])[ \t]*$")
_ADDRESS = re.compile(r"[\w.+'-]+@[\w-]+\.[\w.-]+|<[^<>\s]+>|\[mailto:")
_STAMP = re.compile(
    r"\d{1,2}[:.h]\d{2}|\d{1,4}[-/.年][ ]?\d{1,2}[-/.月]|\b(?:19|20)\d\d\b|\d{1,2}\.? \w{3,9}\.? |[0-9٠-٩]{1,2}[ ]?(?:月|시|日)|\d{4}\s?년", re.IGNORECASE
)


def quoted(line: str) -> bool:
    """A line that its program marked as quoted."""
    return _QUOTED.match(line) is not None


def unquoted(line: str) -> str:
    """The line without its quote marks."""
    return _DEPTH.sub("", line, count=1)


def rule(line: str) -> bool:
    """Nothing but dashes, underscores and the like."""
    return _RULE.match(line) is not None


def mobile_signature(line: str) -> bool:
    """What a phone or program adds by itself."""
    return len(line) < 200 and SENT_FROM.match(line) is not None


def original_separator(line: str) -> bool:
    """"-----Original Message-----" in any language we know."""
    return len(line) < 200 and SEPARATOR_ORIGINAL.match(line) is not None


def forwarded_separator(line: str) -> bool:
    """"---------- Forwarded message ----------" in any language we know."""
    return len(line) < 200 and SEPARATOR_FORWARDED.match(line) is not None


def attribution(lines: Sequence[str], at: int) -> int:
    """How many lines at `at` are an "On …, … wrote:", 0 if they are none."""
    first = lines[at].strip()
    if not first or len(first) > LONGEST:
        return 0
    joined = ""
    for count in range(1, 6):
        if at + count > len(lines):
            break
        line = lines[at + count - 1].strip()
        if count > 1 and (not line or quoted(line) and not quoted(first)):
            break
        joined = f"{joined} {line}".strip() if count > 1 else line
        if len(joined) > LONGEST:
            break
        if _introduces(joined, lines, at + count):
            return count
        if count == 1 and not (ON.match(first) or _STAMP.search(first) or _ADDRESS.search(first) or WROTE.search(first)):
            break
    return 0


def _introduces(text: str, lines: Sequence[str], following: int) -> bool:
    text = text.strip("*_ \t\u200e\u200f\u202a\u202b\u202c")
    ends = text.endswith((":", "：", ":*", ":_")) or text.rstrip(" -\u200e\u202c>").endswith(":")
    verb = WROTE.search(text)
    stamp, address = bool(_STAMP.search(text)), bool(_ADDRESS.search(text))
    if verb and ends and (stamp or address) and (ON.match(text) or len(text) - verb.end() < 120):
        return not _is_prose(text)
    if verb and not ends and stamp and len(text) - verb.end() <= 2 and ON.match(text):
        return True
    if verb and ends and len(text) - verb.end() <= 4 and len(text) < 120:
        return _next_is_quoted(lines, following)
    if stamp and address and ends and (re.match(r"\W{0,3}\d{4}[-/.年]", text) or ON.match(text)):
        return True
    if stamp and address and re.match(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}.{0,40}[<(\[][^<>\s]+@[^<>\s]+[>)\]]:?$", text):
        return True
    return False


def _is_prose(text: str) -> bool:
    # "I sent at 9:30 what he wrote: …" has a verb and a stamp too, but no date at its beginning and no address.
    return not ON.match(text) and not _ADDRESS.search(text)


def _next_is_quoted(lines: Sequence[str], at: int) -> bool:
    for line in lines[at : at + 3]:
        if line.strip():
            return quoted(line)
    return False


def header_block(lines: Sequence[str], at: int) -> int:
    """How many lines at `at` are the header of a quoted mail (From:, Sent:, To:, Subject:), 0 if they are none."""
    kind = field_kind(lines[at])
    if kind not in ("from", "sent", "to", "subject"):
        return 0
    kinds, count, blanks, end = {kind: 1}, 1, 0, at + 1
    while end < len(lines) and count < 12 and end - at < 30:
        line = lines[end]
        if not line.strip():
            blanks += 1
            if blanks > 1:
                break
        elif found := field_kind(line):
            kinds[found] = kinds.get(found, 0) + 1
            count, blanks = count + 1, 0
        elif blanks or not _continues(line):
            break
        end += 1
    while end > at and not lines[end - 1].strip():
        end -= 1
    real = kinds.keys() & {"from", "sent", "to", "subject"}
    if "from" in real and len(real) >= 2 and (len(real) >= 3 or "sent" in real or "subject" in real):
        return end - at
    return end - at if len(real) >= 3 else 0


def _continues(line: str) -> bool:
    return bool(_ADDRESS.search(line)) or line[:1] in " \t" or line.rstrip().endswith((";", ","))


def field_kind(line: str) -> str:
    """"from", "sent", "to", "subject", "other", or "" if the line is no header field."""
    if len(line) > LONGEST or (":" not in line and "：" not in line):
        return ""
    match = FIELD.match(line)
    return FIELD_KIND[match[1].lower()] if match else ""
