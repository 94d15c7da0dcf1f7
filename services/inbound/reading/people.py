"""The people of a header beside the library's reading: those of plain headers, where nothing is to be doubted, and, leniently,
those of headers that programs got wrong. Pure.
"""

import re

from inbound.reading.parsed import Address

MAX_ADDRESSES = 1_000
_ANGLE = re.compile(r"<\s*([^<>\s@]+(?:@[^<>\s]+)?)\s*>")
_BARE = re.compile(r"[^\s<>()\[\],;:\"'@]{1,64}@[^\s<>()\[\],;:\"']+")
# One person as most programs write one, in ASCII: no comment, no escape, no encoded word, no group, no route.
_PLAIN_WORDS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:[ .][A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_PLAIN_SPEC = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
_PLAIN = re.compile(
    rf'(?:(?:"([^"\\@<>=\x00-\x1f\x7f-\uffff]*)"|({_PLAIN_WORDS}))? ?<({_PLAIN_SPEC})>|({_PLAIN_SPEC}))(?:, ?|$)'
)
MAX_PLAIN = 4_000


def plain_addresses(value: str) -> tuple[Address, ...]:
    """The people of a header that has nothing but plain mailboxes; nobody if there is anything else in it.

    The library reads these alike, at ten times the cost (tests/inbound/reading/test_parse.py holds the two against each other).
    """
    value = value.strip()
    if len(value) > MAX_PLAIN or "=?" in value or not value.isascii():
        return ()
    found, position = [], 0
    while position < len(value):
        match = _PLAIN.match(value, position)
        if match is None:
            return ()
        quoted, words, angled, bare = match.groups()
        found.append(Address(clean_name(quoted or words or ""), angled or bare))
        position = match.end()
    return tuple(found) if not value.endswith(",") else ()


def lenient_addresses(value: str) -> tuple[Address, ...]:
    """Every address that can be made out in the text, each with the words before it as its name."""
    found: list[Address] = []
    position = 0
    for match in re.finditer(r"<\s*(\S[^<>]*?)\s*>|" + _BARE.pattern, value[:100_000]):
        address = match[1] if match[1] is not None else match[0]
        if "@" not in address:
            continue
        name = clean_name(value[position : match.start()].strip(" ,;<>"))
        position = match.end()
        found.append(Address("" if "@" in name and name == address else name, re.sub(r"\s+", "", address).strip(".")))
        if len(found) >= MAX_ADDRESSES:
            break
    return tuple(found)


def local_address(value: str) -> Address | None:
    """A mailbox of the writing machine itself ("Cron <root>"), which has no domain."""
    match = re.fullmatch(r"\s*([^<>@]*?)\s*<\s*([\w.+-]+)\s*>\s*", value[:1_000])
    return Address(clean_name(match[1]), match[2]) if match else None


def clean_name(name: str) -> str:
    """A display name without its quotes and their backslashes, its white space made single blanks."""
    name = re.sub(r"\s+", " ", name).strip()
    if len(name) >= 2 and name[0] == name[-1] and name[0] in "\"'":
        name = re.sub(r"\\(.)", r"\1", name[1:-1]).strip()
    return name
