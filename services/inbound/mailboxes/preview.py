"""What connecting a mailbox, or choosing another folder, account or strategy, would do with the mail that is there. Pure."""

from datetime import UTC, datetime

from inbound.sources import Overview


def choices(kind: str) -> list[str]:
    """What may be chosen as the backlog. POP3 does not know what is unread."""
    return ["all", "since", "new"] if kind == "pop3" else ["all", "since", "new", "unread"]


def would(found: Overview, kind: str, strategy: str, move_to: str | None) -> list[str]:
    """Sentences for an admin."""
    if not found.total:
        return ["The folder is empty: nothing is there to choose about.", _after(strategy, move_to)]
    what = f"{found.total:,} {'message' if found.total == 1 else 'messages'}"
    if found.oldest_at is not None:
        when = datetime.fromtimestamp(found.oldest_at, UTC)
        what += f", {'it is' if found.total == 1 else 'the oldest'} of {when.day} {when:%B %Y}"
    sentences = [
        f"{what}.",
        f"All: each of them becomes an issue or a comment, as its rule says; that is {found.total:,} mails to handle.",
        "Since a day: only those that arrived then or later.",
        "Only new mail: what is there now stays as it is.",
    ]
    if found.unread is not None:
        sentences.append(f"Unread: the {found.unread:,} that nobody has read yet.")
    elif kind == "pop3":
        sentences.append("POP3 does not tell which of them were read.")
    return [*sentences, _after(strategy, move_to)]


def _after(strategy: str, move_to: str | None) -> str:
    if strategy == "delete":
        return "A mail is deleted from the mailbox once it is handled; one that is held or failed stays."
    if strategy == "move":
        return f"A mail goes to the folder {move_to} once it is handled; one that is held or failed stays."
    return "Mail stays in the mailbox; where the protocol can, it is marked as read."
