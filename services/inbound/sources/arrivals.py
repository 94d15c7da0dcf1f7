"""When a message arrived, by its own header: for protocols that do not say. Pure."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

_FOLD = re.compile(rb"\r?\n[ \t]+")


def arrived_at(header: bytes) -> float | None:
    """Seconds since 1970, by the topmost Received field (the provider's own), else by Date; None if neither tells."""
    lines = _FOLD.sub(b" ", header).splitlines()
    for name in (b"received:", b"date:"):
        line = next((line for line in lines if line[: len(name)].lower() == name), None)
        if line is not None:
            when = _instant(line[len(name) :].rsplit(b";", 1)[-1].decode("ascii", "replace"))
            if when is not None:
                return when
    return None


def _instant(text: str) -> float | None:
    try:
        found = parsedate_to_datetime(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
