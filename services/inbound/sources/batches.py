"""How many messages are fetched at a time, and how large one may be. Pure."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

MESSAGES = 50
OCTETS = 8 * 1024 * 1024


def batches(sizes: Sequence[tuple[T, int]]) -> Iterator[list[tuple[T, int]]]:
    """The (message, octets) in the same order, at most 50 or about 8 MB together; a larger one alone."""
    batch: list[tuple[T, int]] = []
    octets = 0
    for one, size in sizes:
        if batch and (len(batch) >= MESSAGES or octets + size > OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append((one, size))
        octets += size
    if batch:
        yield batch


def too_large(size: int, most: int) -> str:
    """The problem of a message with this many octets where at most `most` are taken."""
    return f"It has {_in_words(size)}, and at most {_in_words(most)} are taken."


def _in_words(octets: int) -> str:
    megabytes = octets / 1024 / 1024
    return f"{megabytes:.1f} MB" if megabytes >= 1 else f"{octets / 1024:.0f} kB"
