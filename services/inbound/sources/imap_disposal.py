"""What becomes of a message in an IMAP folder once it is accounted for. Only these messages are ever touched: a plain EXPUNGE
would take what others have marked as deleted along (RFC 4315 is why UID EXPUNGE exists)."""

from collections.abc import Sequence
from typing import Any

from inbound.sources import Disposal

WHAT = {"mark": "mark messages read", "delete": "delete messages", "move": "move messages"}
"""By a disposal's kind, what we were about to do when something went wrong."""

NO_EXPUNGE = (
    "The server has no UIDPLUS: handled messages are only marked as deleted, and go when somebody empties the folder in "
    "their mail program."
)


def dispose(client: Any, numbers: Sequence[int], disposal: Disposal) -> None:
    """Do it with these UIDs, over an IMAPClient with the folder selected. Raises as the library does."""
    if disposal.kind == "mark":
        client.add_flags(numbers, [rb"\Seen"], silent=True)
        return
    if disposal.kind == "move":
        if client.has_capability("MOVE"):
            client.move(numbers, disposal.folder)
            return
        client.copy(numbers, disposal.folder)
    client.add_flags(numbers, [rb"\Deleted"], silent=True)
    if client.has_capability("UIDPLUS"):
        client.uid_expunge(numbers)
