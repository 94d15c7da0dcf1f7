"""Identifiers: 16 lower-case base32 characters, ordered by time (45 bits of milliseconds, 35 random bits)."""

import secrets
import time

# Base32's letters and digits in the order in which they sort, so that ids sort by time wherever text is compared.
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_LENGTH = 16


def new_id() -> str:
    """80 bits as 16 characters of base32, in lower case, that sort by time: 45 bits of milliseconds, 35 random."""
    return encode((time.time_ns() // 1_000_000 << 35) | secrets.randbits(35), _LENGTH)


def encode(number: int, length: int = 0) -> str:
    """`number` ≥ 0 in base32, most significant first, padded with zeros to `length` characters."""
    letters = ""
    while number:
        number, digit = divmod(number, 32)
        letters = _ALPHABET[digit] + letters
    return letters.rjust(max(length, 1), _ALPHABET[0])


def decode(text: str) -> int:
    """The number that `encode` wrote; raises ValueError for other characters."""
    number = 0
    for letter in text:
        number = number * 32 + _ALPHABET.index(letter)
    return number
