"""Which messages lie in another IMAP folder already: after a COPY whose answer was lost they must not be copied again.

A copy has the same size and the same header block, octet for octet; UIDs tell nothing, for the answer that had them is lost.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

_HEADER = "BODY.PEEK[HEADER]<0.65536>"
_AT_ONCE = 500

Print = tuple[int, bytes]


def copied(client: Any, numbers: Sequence[int], folder: str, home: Callable[[], None]) -> frozenset[int]:
    """Those of these UIDs of the selected folder of which `folder` has a copy: so many of equal ones as it has copies.

    client: an IMAPClient; home: selects our folder again, and raises if that cannot be. Raises as the library does.
    """
    ours = _prints(client, numbers)
    if not ours:
        return frozenset()
    client.select_folder(folder, readonly=True)
    try:
        there = Counter[Print]()
        for size in sorted({size for size, _ in ours.values() if size}):
            same = client.search(["LARGER", size - 1, "SMALLER", size + 1])
            there.update(_prints(client, same).values())
    finally:
        home()
    found = set()
    for number, one in sorted(ours.items()):
        if there[one] > 0:
            there[one] -= 1
            found.add(number)
    return frozenset(found)


def _prints(client: Any, numbers: Sequence[int]) -> dict[int, Print]:
    """Size and header of those that are there, by UID."""
    found: dict[int, Print] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        answer = client.fetch(numbers[start : start + _AT_ONCE], ["RFC822.SIZE", _HEADER])
        for number, item in answer.items():
            header = next((value for name, value in item.items() if name.startswith(b"BODY[HEADER]")), None)
            if header and b"RFC822.SIZE" in item:
                found[number] = (int(item[b"RFC822.SIZE"]), bytes(header))
    return found
