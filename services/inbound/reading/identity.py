"""Who may be trusted to speak: whether a mail's sender is proven, unproven or failed. Pure.

    proven     an aligned DMARC pass, or a reply to a mail that we sent to this very address and no DMARC fail
    failed     the mailbox's provider says dmarc=fail in so many words
    unproven   everything else

Authentication-Results (RFC 8601) are the mailbox provider's word only: anybody may write such a header, so that of those
with the provider's authserv-id the topmost counts and all others are ignored.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.thread_tokens import Thread
from inbound.reading.parsed import ParsedMail
from inbound.reading.people import lenient_addresses

NO_AUTHSERV_ID = "none"
"""The setting for providers whose header names no authserv-id (Microsoft 365): the topmost header must have none."""

_LONGEST = 20_000
_METHOD = re.compile(r"\s*([a-z0-9-]+)\s*(?:/\s*\d+\s*)?=\s*([a-z0-9.-]+)", re.IGNORECASE)
_PROPERTY = re.compile(r"([a-z0-9-]+\.[a-z0-9-]+)\s*=\s*(\"[^\"]*\"|[^\s;]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Identity:
    """trust: "proven", "unproven" or "failed"; why: a sentence for an admin."""

    trust: str
    why: str


@dataclass(frozen=True, slots=True)
class Result:
    """One method's result of an Authentication-Results header, in lower case."""

    method: str
    result: str
    properties: Mapping[str, str]


def judge(
    mail: ParsedMail, authserv_id: str | None, threads: Iterable[Thread], vouched: Mapping[str, str] | None = None
) -> Identity:
    """How far the mail's From may be believed.

    authserv_id: the mailbox provider's name in Authentication-Results, NO_AUTHSERV_ID, or None when the provider writes
    nothing that can be trusted. threads: what the valid tokens of the mail say. vouched: of mail that was pushed, what the
    provider's signed call says itself ({"by", "dmarc": pass, fail or none}): then no header counts.
    """
    sender = mail.sender
    if sender is None or "@" not in sender.address:
        return Identity("unproven", "The mail names no sender.")
    if len(mail.header_all("from")) > 1 or len({a.address.lower() for a in lenient_addresses(mail.header("from"))}) > 1:
        return Identity("unproven", "The mail names more than one sender.")
    domain = sender.address.rpartition("@")[2].lower().rstrip(".")
    if vouched:
        verdict = vouched.get("dmarc", "none")
    else:
        verdict = _dmarc(provider_results(mail.header_all("authentication-results"), authserv_id), domain)
    if verdict == "fail":
        return Identity("failed", f"The mailbox's provider says that this mail is not from {domain} (dmarc=fail).")
    if verdict == "pass":
        return Identity("proven", f"The mailbox's provider says that this mail is from {domain} (dmarc=pass).")
    if any(thread.was_sent_to(sender.address) for thread in threads):
        return Identity("proven", "It answers a mail that was sent to this very address.")
    if authserv_id is None and not vouched:
        return Identity("unproven", "The mailbox has no provider that is trusted to authenticate senders.")
    return Identity("unproven", "The mailbox's provider did not confirm the sender.")


def provider_results(headers: Iterable[str], authserv_id: str | None) -> tuple[Result, ...]:
    """The results in the provider's own header; () if it wrote none. headers: topmost first."""
    if authserv_id is None:
        return ()
    for number, header in enumerate(headers):
        name, results = read_results(header)
        if authserv_id == NO_AUTHSERV_ID:
            # The provider's header is the topmost of all; below one with a name, anybody's may stand.
            return results if number == 0 and name == "" else ()
        if name == authserv_id.lower():
            return results
    return ()


def read_results(header: str) -> tuple[str, tuple[Result, ...]]:
    """The authserv-id in lower case ("" if none is given) and the results of one Authentication-Results value."""
    parts = _split(_without_comments(header[:_LONGEST]))
    words = parts[0].split() if parts else []
    name = "" if not words or "=" in words[0] else words[0].lower().strip('"')
    results = []
    for part in parts[1:] if name else parts:
        match = _METHOD.match(part)
        if match:
            properties = {
                key.lower(): value.strip('"').lower() for key, value in _PROPERTY.findall(part[match.end() :])
            }
            results.append(Result(match[1].lower(), match[2].lower(), properties))
    return name, tuple(results)


def _dmarc(results: Iterable[Result], domain: str) -> str:
    found = [result for result in results if result.method == "dmarc"]
    if any(result.result == "fail" for result in found):
        return "fail"
    if (
        len(found) == 1
        and found[0].result == "pass"
        and found[0].properties.get("header.from", "").rstrip(".") == domain
    ):
        return "pass"
    return "none"


def _without_comments(text: str) -> str:
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in text:
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == '"' and depth == 0:
            quoted = not quoted
        elif letter == "(" and not quoted:
            depth += 1
        elif letter == ")" and not quoted and depth:
            depth -= 1
            kept.append(" ")
            continue
        if depth == 0:
            kept.append(letter)
    return "".join(kept)


def _split(text: str) -> list[str]:
    parts, start, quoted = [], 0, False
    for position, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == ";" and not quoted:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]
