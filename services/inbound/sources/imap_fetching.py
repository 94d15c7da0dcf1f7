"""Messages out of the IMAP folder that is selected: sizes first, then bodies or headers by BODY.PEEK, which changes no flag."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any

from inbound.sources import Message, Unreadable, imap_faults
from inbound.sources.batches import batches, too_large

_HEADER_BYTES = 65_536


class Fetching:
    """here: the IMAPClient, or a fault where there is none; explained: makes faults of what the library raises within it."""

    def __init__(self, here: Callable[[], Any], explained: Callable[[str], AbstractContextManager[None]]) -> None:
        self._here = here
        self._explained = explained

    def messages(self, ids: Sequence[str], max_bytes: int) -> Iterator[Sequence[Message]]:
        """See `inbound.sources.Source`."""
        for start in range(0, len(ids), 500):
            sizes = self._sizes([int(id) for id in ids[start : start + 500]])
            for batch in batches(sizes):
                yield self._batch(batch, max_bytes)

    def headers(self, ids: Sequence[str]) -> Sequence[Message]:
        """See `inbound.sources.Source`."""
        if not ids:
            return []
        with self._explained("fetch the headers of messages"):
            wanted = ["RFC822.SIZE", f"BODY.PEEK[HEADER]<0.{_HEADER_BYTES}>"]
            answer = self._here().fetch([int(id) for id in ids], wanted)
        found = []
        for number in sorted(answer):
            item = answer[number]
            name = next((name for name in item if name.startswith(b"BODY[HEADER]")), None)
            if name is None:  # news of another message, by its place: "* 2 FETCH (FLAGS …)"
                continue
            size, problem = int(item.get(b"RFC822.SIZE", 0)), "Only its header was fetched."
            if item[name] is None:
                found += self._not_had(number, size, problem)
            else:
                found.append(Message(str(number), size, bytes(item[name]), problem))
        return found

    def _sizes(self, numbers: Sequence[int]) -> list[tuple[int, int]]:
        with self._explained("ask for the sizes of messages"):
            answer = self._here().fetch(list(numbers), ["RFC822.SIZE", "FLAGS"])
        return [
            (number, int(answer[number].get(b"RFC822.SIZE", 0)))
            for number in numbers
            if b"RFC822.SIZE" in answer.get(number, {})
        ]

    def _batch(self, batch: Sequence[tuple[int, int]], max_bytes: int) -> list[Message]:
        small = [(number, size) for number, size in batch if size <= max_bytes]
        large = [(number, size) for number, size in batch if size > max_bytes]
        fetched = self._bodies(small)
        for number, size in large:
            problem = too_large(size, max_bytes)
            fetched += [
                replace(one, size=size, problem=problem, limit=max_bytes) for one in self.headers([str(number)])
            ]
        return sorted(fetched, key=lambda message: int(message.id))

    def _bodies(self, wanted: Sequence[tuple[int, int]]) -> list[Message]:
        if not wanted:
            return []
        try:
            with self._explained(imap_faults.FETCH):
                answer = self._here().fetch([number for number, _ in wanted], ["INTERNALDATE", "BODY.PEEK[]"])
        except Unreadable as error:
            if len(wanted) > 1:  # find the one that the server or the library stumbles over
                return [message for one in wanted for message in self._bodies([one])]
            number, size = wanted[0]
            return self._not_had(number, size, f"The server could not hand this message over: {error}")
        found = []
        for number, size in wanted:
            item = answer.get(number, {})
            if item.get(b"BODY[]") is not None:
                arrived = _instant(item.get(b"INTERNALDATE"))
                found.append(Message(str(number), size, bytes(item[b"BODY[]"]), arrived_at=arrived))
            elif b"BODY[]" in item:
                found += self._not_had(number, size, "The server handed over nothing of this message.")
        return found

    def _not_had(self, number: int, size: int, problem: str) -> list[Message]:
        """What the server announced and then handed nothing of (NIL, or a refusal): somebody has just deleted or moved it, and
        then there is no such message; or it has this problem."""
        with self._explained("look for a message"):
            self._here().noop()
            there = number in self._here().search(f"UID {number}")
        return [Message(str(number), size, b"", problem)] if there else []


def _instant(when: object) -> float | None:
    return when.timestamp() if isinstance(when, datetime) else None
