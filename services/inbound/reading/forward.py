"""A mail that somebody forwarded: who first wrote it, and what. Pure.

The forwarded sender is what the forwarding person's program wrote into the text: a claim, never proof of who wrote it.
"""

import re
from dataclasses import dataclass

from inbound.reading import lines as line_kinds
from inbound.reading.htmltext import visible_text
from inbound.reading.parsed import Address, ParsedMail
from inbound.reading.people import clean_name, lenient_addresses
from inbound.reading.quotes import FIELD, field_kind_of


@dataclass(frozen=True, slots=True)
class Forwarded:
    """sender as claimed in the text (its address may be ""); before: what the forwarding person wrote above.

    claimed: the sender exactly as it stands there.
    """

    sender: Address | None
    subject: str
    text: str
    before: str = ""
    claimed: str = ""


def read_forward(mail: ParsedMail) -> Forwarded | None:
    """The forwarded mail inside this one, or None. Replies that quote are no forwards."""
    text = mail.text if mail.text.strip() or not mail.html else visible_text(mail.html)
    return forwarded_in(
        text,
        mail.subject,
        frozenset(_mailbox(person.address) for person in (mail.sender, *mail.to, *mail.cc) if person),
    )


def _mailbox(address: str) -> str:
    """The address without its +detail, in lower case."""
    local, at, domain = address.lower().rpartition("@")
    return local.partition("+")[0] + at + domain


def forwarded_in(text: str, subject: str = "", present: frozenset[str] = frozenset()) -> Forwarded | None:
    """The first forwarded mail of a plain body. `present`: who writes this mail and to whom, without +details."""
    lines = text[:500_000].split("\n")
    bare = [line_kinds.unquoted(line) for line in lines]
    for at, line in enumerate(bare):
        if line_kinds.forwarded_separator(line):
            start = next((i for i in range(at + 1, min(at + 6, len(bare))) if bare[i].strip()), len(bare))
            if start < len(bare) and (count := _header_length(bare, start)):
                return _read(lines, bare, at, start, count)
            return None
    forwards = (
        re.match(r"(?:fwd?|wg|tr|rv|enc|i|vs|vb|doorst|转发|轉寄)\s*:", subject.strip(), re.IGNORECASE) is not None
    )
    at = next((i for i in range(len(bare)) if line_kinds.header_block(bare, i)), -1)
    if at < 0:
        return None
    found = _read(lines, bare, at, at, _header_length(bare, at))
    above = [line for line in lines[:at] if line.strip() and not line_kinds.original_separator(line)]
    # A reply quotes somebody it is written to; the mail of somebody who takes no part in this one was passed on.
    absent = found.sender is not None and "@" in found.sender.address and _mailbox(found.sender.address) not in present
    return found if forwards or not above or (absent and found.subject) else None


def _header_length(lines: list[str], at: int) -> int:
    return line_kinds.header_block(lines, at) or (1 if line_kinds.field_kind(lines[at]) == "from" else 0)


def _read(lines: list[str], bare: list[str], at: int, start: int, count: int) -> Forwarded:
    fields: dict[str, str] = {}
    kind = ""
    for line in bare[start : start + count]:
        match = FIELD.match(line)
        if match:
            kind = field_kind_of(match[1])
            fields.setdefault(kind, match[2].strip().strip("*"))
        elif kind and line.strip():
            fields[kind] += " " + line.strip()
    return Forwarded(
        _claimed(fields.get("from", "")),
        fields.get("subject", "").strip(),
        "\n".join(bare[start + count :]).strip("\n"),
        "\n".join(lines[:at]).strip(),
        fields.get("from", ""),
    )


def _claimed(value: str) -> Address | None:
    found = lenient_addresses(value.replace("mailto:", ""))
    if found:
        return found[0]
    name = clean_name(value.strip("<> "))
    return Address(name, "") if name else None
