"""Whom we do not write to although they are to be told: refused addresses, and what is no address. Pure.

Enhanced status codes: RFC 3463; their register at IANA, "SMTP Enhanced Status Codes".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_NOBODY = re.compile(r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply)(\+.*)?", re.IGNORECASE)
# The address does not exist (any more), or cannot: the other 5.x.x are about policy, size or the server.
_NO_SUCH_ADDRESS = re.compile(r"5\.1\.(0|1|2|3|6|10)|5\.2\.1")


@dataclass(frozen=True, slots=True)
class Bounced:
    """What a bounce means for its delivery: the text to record, and whether the address is not written to any more."""

    error: str
    lasting: bool


def why_not(address: str, suppressed: Mapping[str, str], mark: str) -> str:
    """Why we do not write to `address`; "" if we may. `suppressed`: reasons by the address's mark."""
    if reason := suppressed.get(mark):
        return f"Mail to this address is not sent any more: {reason}"
    return unmailable(address)


def unmailable(address: str) -> str:
    """Why this can't be written to at all, or "": its form, or that it is a machine's."""
    if not _ADDRESS.fullmatch(address) or ".." in address:
        return "This is not an address that mail can be sent to."
    if _NOBODY.fullmatch(address.partition("@")[0]):
        return "Nobody reads mail at this address."
    return ""


def no_such_address(code: int, status: str) -> bool:
    """True if a server's answer to RCPT (reply code, enhanced status or "") says that the address does not exist."""
    if status:
        return bool(_NO_SUCH_ADDRESS.fullmatch(status))
    return code in (551, 553)


def after_bounce(recipients: Sequence[Mapping[str, object]]) -> Bounced:
    """What a `mail.bounced` with these recipients ({"permanent", "status"} each) means for the delivery it names.

    One of our mails has one recipient; several in a report are where it was forwarded to, and one lasting failure
    among them is taken for all.
    """
    permanent = next((entry for entry in recipients if entry.get("permanent") is True), None)
    told = permanent or next(iter(recipients), {})
    status = str(told.get("status") or "")[:40]
    words = "The mail came back" if permanent or not recipients else "The mail could not be delivered in time"
    return Bounced(f"{words}: {status}." if status else f"{words}.", permanent is not None)
