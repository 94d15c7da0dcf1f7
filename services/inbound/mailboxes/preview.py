"""What connecting a mailbox, or choosing another folder, account or strategy, would do with the mail that is there. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from inbound.sources import Count, Overview


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """The folder was read before. count: what came since and is taken whatever is chosen, None where nobody can tell. renumbered:
    its server has named the messages anew, so what was handled then is among them and will be recognised."""

    count: Count | None
    renumbered: bool = False

    @property
    def takes(self) -> bool:
        return self.count is None or self.count.number > 0


def choices(kind: str) -> list[str]:
    """What may be chosen as the backlog. POP3 does not know what is unread."""
    return ["all", "since", "new"] if kind == "pop3" else ["all", "since", "new", "unread"]


def would(
    found: Overview, kind: str, strategy: str, move_to: str | None, meanwhile: Meanwhile | None = None
) -> list[str]:
    """Sentences for an admin."""
    if not found.total:
        return ["The folder is empty: nothing is there to choose about.", _after(kind, strategy, move_to)]
    what = _messages(Count(found.total))
    if found.oldest_at is not None:
        what += f", {'it is' if found.total == 1 else 'the oldest'} of {_day(found.oldest_at)}"
    sentences = [
        f"{what}.",
        f"All: each of them becomes an issue or a comment, as its rule says; that is {found.total:,} mails to handle.",
        "Since a day: only those that arrived then or later.",
        "Only new mail: what is there now stays as it is.",
    ]
    if meanwhile is not None and meanwhile.takes:
        sentences[-1] = "Only new mail: what was there when Mailbridge first read this folder stays as it is."
        sentences.insert(1, came_meanwhile(meanwhile))
    if found.unread is not None:
        sentences.append(f"Unread: the {found.unread:,} that nobody has read yet.")
    elif kind == "pop3":
        sentences.append("There is no choice of the unread: POP3 does not tell which messages somebody has read.")
    return [*sentences, _after(kind, strategy, move_to)]


def counted(since: float, count: Count) -> dict[str, Any]:
    """What the choice of that day takes, as the API shows it."""
    number, day = count.number, _day(since)
    if not number:
        sentence = f"{'About none' if not count.exact else 'None'} of them arrived on {day} or later."
    else:
        sentence = f"{_messages(count)} arrived on {day} or later."
    return _shown(count, sentence)


def told(meanwhile: Meanwhile) -> dict[str, Any]:
    """What came meanwhile, as the API shows it."""
    return _shown(meanwhile.count, came_meanwhile(meanwhile))


def came_meanwhile(meanwhile: Meanwhile) -> str:
    """A sentence for an admin."""
    if meanwhile.renumbered:
        what = "What" if meanwhile.count is None else f"{_messages(meanwhile.count)} that"
        return (
            f"This folder was read before, and its server has numbered its messages anew. {what} arrived since the first time "
            "will be looked at again, whatever is chosen; what was handled then is recognised."
        )
    if meanwhile.count is None:
        return "This folder was read before: what came since then is taken, whatever is chosen."
    if not meanwhile.count.number:
        return "This folder was read before; nothing has come since then."
    verb = "is" if meanwhile.count.number == 1 else "are"
    return f"This folder was read before: {_messages(meanwhile.count)} came since then and {verb} taken, whatever is chosen."


def _shown(count: Count | None, sentence: str) -> dict[str, Any]:
    number, exact = (None, False) if count is None else (count.number, count.exact)
    return {"count": number, "exact": exact, "would": sentence}


def _messages(count: Count) -> str:
    about = "" if count.exact else "about "
    return f"{about}{count.number:,} {'message' if count.number == 1 else 'messages'}"


def _day(instant: float) -> str:
    when = datetime.fromtimestamp(instant, UTC)
    return f"{when.day} {when:%B %Y}"


def _after(kind: str, strategy: str, move_to: str | None) -> str:
    if strategy == "delete":
        return "A mail is deleted from the mailbox once it is handled; one that is held or failed stays."
    if strategy == "move":
        return f"A mail goes to the folder {move_to} once it is handled; one that is held or failed stays."
    return "Mail stays in the mailbox" + ("." if kind == "pop3" else "; what is handled is marked as read.")
