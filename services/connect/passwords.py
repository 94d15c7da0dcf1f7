"""Passwords of the page's own login: which may be set, how they are kept (scrypt), whether one is right."""

import unicodedata
from collections.abc import Iterable

from werkzeug.security import check_password_hash, generate_password_hash

SHORTEST = 12
_LONGEST = 500
_FEWEST_LETTERS = 5
# Of nobody's password: where there is none to compare with, the work is the same.
_NOBODY = "scrypt:32768:8:1$" + "0" * 16 + "$" + "0" * 128


def complaints(password: str, known: Iterable[str]) -> list[str]:
    """Why this may not be a password, as sentences; none when it may. `known`: what a stranger tries first. Pure.

    Length counts more than odd characters (NIST SP 800-63B), so nothing is asked of those.
    """
    text = _same(password)
    found = []
    if len(text) < SHORTEST:
        found.append(f"This has {len(text)} characters: choose at least {SHORTEST}, for instance four words.")
    if len(text) > _LONGEST:
        found.append(f"This is longer than {_LONGEST} characters: choose a shorter one.")
    if len(text) >= SHORTEST and len(set(text)) < _FEWEST_LETTERS:
        found.append("This repeats the same few characters: choose something harder to guess.")
    if any(text.casefold().strip("/ ") == _same(one).casefold().strip("/ ") for one in known):
        found.append("This is an address or a name that everybody knows here: choose something else.")
    return found


def hashed(password: str) -> str:
    """What is kept of a password: scrypt with a salt of its own."""
    return generate_password_hash(_same(password), "scrypt:32768:8:1")


def is_right(kept: str | None, password: str) -> bool:
    """True if this is the password of which `kept` was made. Takes as long without one, when nobody's is right."""
    return check_password_hash(kept or _NOBODY, _same(password[: _LONGEST + 1])) and kept is not None


def _same(text: str) -> str:
    """One form for the many in which keyboards send the same letters."""
    return unicodedata.normalize("NFKC", text)
