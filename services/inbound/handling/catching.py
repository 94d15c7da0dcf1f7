"""Which of a mailbox's addresses a mail was sent to, by its headers. Pure.

The envelope is gone by the time that mail is fetched; what the servers on the way wrote down about it counts beside To and Cc.
"""

import re
from collections.abc import Iterable, Sequence

HEADERS = frozenset(
    ("to", "cc", "bcc", "resent-to", "resent-cc", "apparently-to", "delivered-to", "x-delivered-to", "x-original-to",
     "original-recipient", "x-forwarded-to", "x-forwarded-for", "envelope-to", "x-envelope-to", "x-rcpt-to")
)  # fmt: skip
"""Headers that name whom a mail is for, in lower case."""

UNNAMED = "It names none of the mailbox's addresses (as by Bcc), and such mail is to be ignored."

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]]{1,64}@[^\s@<>,;:\"()\[\]]{1,253}")


def named(headers: Iterable[tuple[str, str]], addresses: Sequence[str]) -> str | None:
    """The first of the mailbox's addresses that the headers (name in lower case, value) name, also with a +tag; else None."""
    found = {
        form
        for name, value in headers
        if name in HEADERS
        for address in _ADDRESS.findall(value.lower())
        for form in (address, _untagged(address))
    }
    return next((address for address in addresses if address.lower() in found), None)


def _untagged(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
