"""The signed token that ties a mail to its issue: `{issue}.{delivery}.{who}.{mac}`, lower-case base32. Pure.

    issue      the issue id as a number, up to 9 characters
    delivery   the id of the delivery, 16 characters
    who        7 characters of HMAC(key, "who" + the recipient's address in lower case)
    mac        the key's version (1 character) and 12 characters of HMAC(key, "thread" + all the rest)

At most 48 octets, so that `box+token` fits into the 64 of a local part (RFC 5321, 4.5.3.1.1). A valid token proves
that we wrote to somebody about this issue; only together with `who` does it say anything about a sender.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from common.ids import decode, encode

_ISSUE_LENGTH = 9
_WHO_LENGTH = 7
_MAC_LENGTH = 12
_VERSIONS = 32
# Mail servers keep or change the case; `+`, `<`, blanks and other signs around a token are not part of it.
_TOKEN = re.compile(
    r"(?<![a-zA-Z0-9.])[a-zA-Z2-7]{1,9}\.[a-zA-Z2-7]{16}\.[a-zA-Z2-7]{7}\.[a-zA-Z2-7]{13}(?![a-zA-Z0-9])"
)


@dataclass(frozen=True, slots=True)
class ThreadKey:
    """A tenant's signing key; of the versions (1, 2, …) only the last five bits travel in a token."""

    version: int
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Thread:
    """What a valid token says: Jira's issue id, our delivery id, the recipient's mark, and the key that signed it."""

    issue_id: str
    delivery: str
    who: str
    key: ThreadKey

    def was_sent_to(self, address: str) -> bool:
        """True if the mail that carried the token was addressed to `address`."""
        return hmac.compare_digest(self.who, who(self.key, address))


def make(key: ThreadKey, issue_id: str, delivery: str, recipient: str) -> str:
    """The token for one delivery to one recipient; ValueError when an id has another form than Jira's or ours."""
    if not (issue_id.isascii() and issue_id.isdigit()) or int(issue_id) >= 32**_ISSUE_LENGTH:
        raise ValueError(f"not the id of a Jira issue: {issue_id!r}")
    if not re.fullmatch("[a-z2-7]{16}", delivery):
        raise ValueError(f"not the id of a delivery: {delivery!r}")
    rest = f"{encode(int(issue_id))}.{delivery}.{who(key, recipient)}"
    return f"{rest}.{_mac(key, rest)}"


def find(text: str) -> tuple[str, ...]:
    """Everything in a header or an address that looks like a token, in lower case, in order, once each."""
    return tuple(dict.fromkeys(match.group().lower() for match in _TOKEN.finditer(text)))


def check(keys: Iterable[ThreadKey], token: str) -> Thread | None:
    """The thread that a token (in any case) names, or None when none of the tenant's keys signed it."""
    if not _TOKEN.fullmatch(token):
        return None
    rest, mac = token.lower().rsplit(".", 1)
    issue, delivery, mark = rest.split(".")
    for key in keys:
        if hmac.compare_digest(mac, _mac(key, rest)):
            return Thread(str(decode(issue)), delivery, mark, key)
    return None


def who(key: ThreadKey, address: str) -> str:
    """The recipient's mark: says nothing to strangers, and the same for every spelling in upper or lower case."""
    return _letters(key.key, "who" + address.strip().lower(), _WHO_LENGTH)


def _mac(key: ThreadKey, rest: str) -> str:
    return encode(key.version % _VERSIONS) + _letters(key.key, "thread" + rest, _MAC_LENGTH)


def _letters(key: bytes, text: str, length: int) -> str:
    digest = hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return encode(int.from_bytes(digest) >> (256 - 5 * length), length)
