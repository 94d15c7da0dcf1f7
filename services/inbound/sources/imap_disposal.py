"""What becomes of a message in an IMAP folder once it is accounted for. Only these messages are ever touched: a plain EXPUNGE
would take what others have marked as deleted along (RFC 4315 is why UID EXPUNGE exists)."""

import imaplib
from collections.abc import Callable, Sequence
from typing import Any

from inbound.sources import Disposal, Unusable
from inbound.sources.imap_copies import copied

WHAT = {"mark": "mark messages read", "delete": "delete messages", "move": "move messages"}
"""By a disposal's kind, what we were about to do when something went wrong."""

NO_EXPUNGE = (
    "The server has no UIDPLUS: messages that are to be deleted are only marked as deleted, and go when somebody empties the "
    "folder in their mail program."
)


def dispose(
    client: Any,
    numbers: Sequence[int],
    disposal: Disposal,
    folders: Callable[[Any], tuple[str, ...]],
    home: Callable[[], None],
) -> None:
    """Do it with these UIDs, over an IMAPClient with the folder selected. folders: asks it which there are; home: selects
    ours again after another was looked into.

    Raises as the library does, and Unusable where there is no folder to move to.
    """
    if disposal.kind == "mark":
        client.add_flags(numbers, [rb"\Seen"], silent=True)
    elif disposal.kind == "delete":
        _delete(client, numbers)
    else:
        try:
            _move(client, numbers, disposal.folder, home)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            found = folders(client)
            if disposal.folder not in found:
                raise no_folder(disposal.folder, found) from error
            raise


def no_folder(folder: str, folders: tuple[str, ...]) -> Unusable:
    """There is nowhere to move messages to. folders: those that there are."""
    return Unusable(
        f"The account has no folder {folder!r} to move mail to.",
        remedy=f"Create it, or choose one of these: {', '.join(folders[:20])}.",
        field="move_to",
        folders=folders,
    )


def _move(client: Any, numbers: Sequence[int], folder: str, home: Callable[[], None]) -> None:
    if client.has_capability("MOVE"):
        client.move(numbers, folder)
        return
    # An earlier session may have copied them, and not have heard that it did.
    before = copied(client, numbers, folder, home)
    if left := [number for number in numbers if number not in before]:
        client.copy(left, folder)
    _delete(client, numbers)


def _delete(client: Any, numbers: Sequence[int]) -> None:
    client.add_flags(numbers, [rb"\Deleted"], silent=True)
    if client.has_capability("UIDPLUS"):
        client.uid_expunge(numbers)
