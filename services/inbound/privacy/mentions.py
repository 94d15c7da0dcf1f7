"""Where a mail, or what the ledger says of one, names a person's address; and taking it out. Pure."""

import re
from typing import Any

from inbound.reading.parse import parse

ERASED = "(erased)"


def pattern(address: str) -> re.Pattern[str]:
    """Finds this address and no longer one that ends or begins like it, in whatever case."""
    return re.compile(rf"(?<![\w.+%-]){re.escape(address)}(?![\w-]|\.\w)", re.IGNORECASE)


def in_mail(raw: bytes, address: str) -> bool:
    """Whether a mail names it: in a header, in its text or in its HTML, whatever their encoding. Attached files are not read."""
    wanted = pattern(address)
    if wanted.search(raw.decode("latin-1")):
        return True
    mail = parse(raw)
    texts = (mail.text, mail.html, *(value for _, value in mail.headers))
    return any(wanted.search(text) for text in texts)


def is_from(raw: bytes, address: str) -> bool:
    """Whether they are the sender by its header."""
    sender = parse(raw).sender
    return sender is not None and sender.address.lower() == address


def scrubbed(value: Any, wanted: re.Pattern[str]) -> Any:
    """The same JSON value without the address; the very same object where it is not in there."""
    if isinstance(value, str):
        return wanted.sub(ERASED, value) if wanted.search(value) else value
    if isinstance(value, list):
        items = [scrubbed(item, wanted) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if isinstance(value, dict):
        pairs = {scrubbed(name, wanted): scrubbed(item, wanted) for name, item in value.items()}
        same = pairs.keys() == value.keys() and all(pairs[name] is item for name, item in value.items())
        return value if same else pairs
    return value
