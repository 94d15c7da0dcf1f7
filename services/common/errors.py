"""The faults every service raises and every worker understands.

    Fault
    ├── Temporary    try again later: a connection refused, HTTP 429 or 5xx, a lock not had in time
    │   └── Unauthorised    Jira answered 401 to the newest secret there is: wait for a newer one
    └── Permanent    trying again cannot help: HTTP 400 or 404, a wrong password, an undecodable body
        └── PersonRefused    Jira does not let this person do it, or has no token of theirs: the app may still

Outcomes of a decision (ignore, hold, bounced) are values, not faults; anything that is not a Fault is a bug
and stays loud. A vendor's exceptions stop in the one module that imports the vendor's library.
"""


class Fault(Exception):
    """Something outside this process went wrong; `str(fault)` is a sentence an admin can read."""


class Temporary(Fault):
    """Trying again later may help.

    retry_after: seconds the other side asked us to wait, or None.
    maybe_done: True if a write was sent and its answer never came, so that it may have happened.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, maybe_done: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.maybe_done = maybe_done


class Unauthorised(Temporary):
    """Jira does not accept the newest secret that we have. Nothing was done; a newer secret, or a person, mends it."""


class Permanent(Fault):
    """Trying again cannot help until a person changes something.

    remedy: what that person can do, as a sentence, or "".
    status: the HTTP status that told us, or None.
    """

    def __init__(self, message: str, *, remedy: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.status = status


class PersonRefused(Permanent):
    """Jira did not do something in a person's own name, for want of a token or of rights. Nothing was done."""
