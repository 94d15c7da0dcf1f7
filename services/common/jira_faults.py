"""What an answer of Jira other than success means: which fault, and for a write whether it may have happened.

Pure. An answered 4xx or 429 means a write was not done (401: until credentials are mended); so does a 503 that names a
rate limit. Any other 5xx may come from something in front of Jira that gave up waiting, so the write may have happened
all the same.
Source: Atlassian, "Rate limiting" and the error responses of the REST API v3 (`errorMessages`, `errors`).
"""

import json
from collections.abc import Mapping

from common import jira_limits
from common.errors import Fault, Permanent, Temporary, Unauthorised

_SENTENCE = 500
_UNAUTHORISED = 60.0

_APPROVE = "Approve the update of Mailbridge in Jira's Manage apps."
_REMEDIES = {
    403: "Give Mailbridge's app user this permission in the project's permission scheme, then try again.",
    404: "Look whether it still exists and whether Mailbridge's app user may see it.",
    413: "Send something smaller, or raise the limit in Jira.",
}


def fault(what: str, status: int, headers: Mapping[str, str], body: bytes, now: float, *, write: bool) -> Fault:
    """The fault for an answer with status ≥ 300. `what` is the call in words ("read the issue"); header names in
    any case; now in seconds since 1970."""
    low = {name.lower(): value for name, value in headers.items()}
    said = complaint(body)
    sentence = f"Jira answered {status} when asked to {what}" + (f": {said}" if said else ".")
    wait = jira_limits.wait(low, now)
    if status == 401 and lacks_scope(body):
        return Permanent(sentence, remedy=_APPROVE, status=403)
    if status == 401:
        # Credentials come back (a rotated secret, a newer token, a mended account): a mail must not fail for them.
        return Unauthorised(sentence, retry_after=max(wait or 0.0, _UNAUTHORISED))
    if status == 429:
        return Temporary(sentence, retry_after=wait)
    if status == 503 and any(name in low for name in jira_limits.LIMITED):
        return Temporary(sentence, retry_after=wait)
    if status >= 500 or status == 408:
        return Temporary(sentence, retry_after=wait, maybe_done=write)
    if status == 425 or status < 400:
        # Too early; or redirected: the site was renamed, and Jira will call `installed` with its new address.
        return Temporary(sentence, retry_after=wait)
    return Permanent(sentence, remedy=_REMEDIES.get(status, ""), status=status)


def lacks_scope(body: bytes) -> bool:
    """Whether a 401 is about this call only: the gateway in front of Jira knows the token, which has not the scope."""
    return "scope does not match" in complaint(body).lower()


def complaint(body: bytes) -> str:
    """What Jira says in `errorMessages` and `errors` (field: sentence) as one line, or ""."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(fields, dict):
        return ""
    messages, errors = fields.get("errorMessages"), fields.get("errors")
    parts = [str(message) for message in messages] if isinstance(messages, list) else []
    if isinstance(errors, dict):
        parts += [f"{name}: {text}" for name, text in errors.items()]
    if not parts and isinstance(fields.get("message"), str):
        parts = [fields["message"]]
    return " ".join(" ".join(parts).split())[:_SENTENCE]
