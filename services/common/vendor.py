"""Asks connect for the credentials of a tenant, and remembers them.

Answers live in memory only, an hour at most, so that connect may be down for a while without stopping anybody.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from common.credentials import PATH, Credentials, digest, sign_request
from common.errors import Permanent, Temporary
from common.http import Answer, Http
from common.persons import Persons

_LONGEST = 3600.0
_EARLY = 300.0
_PAUSE = 15.0
_REFUSED = 60.0
_BREATH = 2.0
_TIMEOUT = 10.0


class Vendor:
    """Asks connect for credentials and remembers them; any number of threads may share one.

    Credentials are renewed five minutes before they end. If connect cannot be reached then, the old ones serve
    until they end; from there on `get` raises Temporary.
    """

    def __init__(
        self, http: Http, connect_url: str, role: str, key: bytes, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._http = http
        self._url = connect_url.rstrip("/") + PATH
        self._role = role
        self._key = key
        self._clock = clock
        self._guard = threading.Lock()
        self._shelves: dict[str, _Shelf] = {}
        self._persons = Persons(http, connect_url, role, key, clock)

    def get(self, tenant: str) -> Credentials:
        """The tenant's credentials, good now.

        Raises Temporary while connect cannot be asked, does not know our role key, has the app disabled or waits for
        a newer token of Forge, and Permanent(status=404) for a tenant that is unknown or has removed the app.
        """
        shelf = self._shelf(tenant)
        held = shelf.held
        if held is not None and self._clock() < held.renew_at:
            return held.credentials
        with shelf.asking:  # one thread asks, the others wait for its answer
            return self._renew(shelf, tenant)

    def forget(self, tenant: str, used: Credentials | None = None) -> None:
        """Ask anew next time: the tenant has changed, or Jira refused `used` (newer ones than `used` are kept).

        Which secret was refused is told to connect, so that it does not vend a dead token of Forge again.
        """
        shelf = self._shelf(tenant)
        with self._guard:
            if used is None or (shelf.held is not None and shelf.held.credentials is used):
                shelf.held = None
                shelf.refused = shelf.refused if used is None else digest(used.secret)
                shelf.changes += 1

    def person(self, tenant: str, account_id: str) -> Credentials | None:
        """What the tenant's Jira is called with in a person's own name; None where that can't be had.

        Raises as `get` does.
        """
        credentials = self.get(tenant)
        if not credentials.person_tokens:
            return None
        token = self._persons.get(tenant, account_id)
        return None if token is None else credentials.as_person(account_id, token)

    def forget_person(self, tenant: str, account_id: str) -> None:
        """Jira refused the person's token: ask for another next time."""
        self._persons.forget(tenant, account_id)

    def _renew(self, shelf: "_Shelf", tenant: str) -> Credentials:
        now = self._clock()
        held, changes = shelf.held, shelf.changes
        if held is not None and now < held.renew_at:
            return held.credentials
        if shelf.failed is not None and now < shelf.failed[1]:
            raise Temporary(shelf.failed[0], retry_after=_PAUSE)
        try:
            credentials = self._ask(tenant, shelf.refused, now)
        except Temporary as problem:
            if held is None or now >= held.until:
                # Those who waited meanwhile learn the same: one after the other they would wait for minutes.
                shelf.failed = str(problem), self._clock() + _BREATH
                raise
            self._keep(shelf, changes, _Held(held.credentials, min(now + _PAUSE, held.until), held.until))
            return held.credentials
        until = min(credentials.expires_at, now + _LONGEST)
        self._keep(shelf, changes, _Held(credentials, until - min(_EARLY, (until - now) / 2), until))
        return credentials

    def _keep(self, shelf: "_Shelf", changes: int, held: "_Held") -> None:
        with self._guard:
            if shelf.changes == changes:  # else somebody forgot them while we asked: good for this call only
                shelf.held = held

    def _ask(self, tenant: str, refused: str | None, now: float) -> Credentials:
        body = json.dumps({"tenant": tenant} if refused is None else {"tenant": tenant, "refused": refused}).encode()
        headers = sign_request(self._key, self._role, "POST", PATH, body, now, secrets.token_hex(16))
        answer = self._http.send(
            "POST", self._url, {**headers, "Content-Type": "application/json"}, body, timeout=_TIMEOUT
        )
        if answer.status == 200:
            try:
                return Credentials.from_json(json.loads(answer.body))
            except ValueError as error:
                raise Temporary(f"Connect answered something that is not credentials: {error}") from error
        if answer.status == 401:
            # The operator's mistake must not make a tenant's mail fail for good: it waits until that is mended.
            raise Temporary(
                "Connect refused this process's signature: give MAILBRIDGE_ROLE_KEY the value that connect has for "
                "this role, and keep the clocks together.",
                retry_after=_REFUSED,
            )
        if answer.status == 404:
            raise Permanent(f"Connect knows no installed site {tenant}.", status=404)
        if answer.status == 409:
            raise Temporary(_detail(answer), retry_after=_EARLY if refused is None else _REFUSED)
        raise Temporary(f"Connect answered {answer.status} when asked for credentials.", retry_after=_PAUSE)

    def _shelf(self, tenant: str) -> "_Shelf":
        with self._guard:
            return self._shelves.setdefault(tenant, _Shelf())


def _detail(answer: Answer) -> str:
    """Why connect has no credentials now, in its own words."""
    try:
        detail = json.loads(answer.body)["detail"]
    except (ValueError, TypeError, KeyError, RecursionError):
        detail = None
    return detail if isinstance(detail, str) and detail else "Mailbridge is disabled in this Jira."


@dataclass(frozen=True, slots=True)
class _Held:
    credentials: Credentials
    renew_at: float
    until: float


@dataclass(slots=True)
class _Shelf:
    asking: threading.Lock = field(default_factory=threading.Lock)
    held: _Held | None = None
    failed: tuple[str, float] | None = None
    refused: str | None = None
    changes: int = 0
