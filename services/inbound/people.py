"""The people of a header, when the library's strict reading finds nobody: lenient, for headers that programs got wrong. Pure."""

import re

from inbound.parsed import Address

MAX_ADDRESSES = 1_000
_ANGLE = re.compile(r"<\s*([^<>\s@]+(?:@[^<>\s]+)?)\s*>")
_BARE = re.compile(r"[^\s<>()\[\],;:\"'@]{1,64}@[^\s<>()\[\],;:\"']+")


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
