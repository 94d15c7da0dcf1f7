"""Asks connect for tokens by which Jira can be called in a person's own name, and remembers them in memory.

`POST /api/connect/person-token` {"tenant", "account_id"} → {"secret", "expires_at"}, or 404 where none can be had: the
app may not impersonate there, or not this person.
"""

import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from common.credentials import PERSON_PATH, sign_request
from common.errors import Temporary
from common.http import Http

_EARLY = 60.0
_LONGEST = 3600.0
_NONE = 600.0
"""Seconds for which *none* is remembered: an administrator who grants the scope waits no longer."""
_MOST = 10_000
_PAUSE = 15.0
_TIMEOUT = 15.0


class Persons:
    """Tokens by tenant and account; any number of threads may share it."""

    def __init__(self, http: Http, connect_url: str, role: str, key: bytes, clock: Callable[[], float]) -> None:
        self._http = http
        self._url = connect_url.rstrip("/") + PERSON_PATH
        self._role = role
        self._key = key
        self._clock = clock
        self._guard = threading.Lock()
        self._kept: dict[tuple[str, str], _Token] = {}

    def get(self, tenant: str, account_id: str) -> str | None:
        """The person's token, or None if none can be had. Raises Temporary while connect can't be asked."""
        now = self._clock()
        with self._guard:
            kept = self._kept.get((tenant, account_id))
        if kept is None or now >= kept.until:
            kept = self._ask(tenant, account_id, now)
            with self._guard:
                if len(self._kept) >= _MOST:
                    self._kept = {who: one for who, one in self._kept.items() if now < one.until}
                self._kept[tenant, account_id] = kept
        return kept.secret

    def forget(self, tenant: str, account_id: str) -> None:
        """Ask anew next time."""
        with self._guard:
            self._kept.pop((tenant, account_id), None)

    def _ask(self, tenant: str, account_id: str, now: float) -> "_Token":
        body = json.dumps({"tenant": tenant, "account_id": account_id}).encode()
        headers = sign_request(self._key, self._role, "POST", PERSON_PATH, body, now, secrets.token_hex(16))
        answer = self._http.send(
            "POST", self._url, {**headers, "Content-Type": "application/json"}, body, timeout=_TIMEOUT
        )
        if answer.status == 404:
            return _Token(None, now + _NONE)
        if answer.status != 200:
            raise Temporary(f"Connect answered {answer.status} when asked for a person's token.", retry_after=_PAUSE)
        try:
            told = json.loads(answer.body)
            secret, until = told["secret"], float(told["expires_at"])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise Temporary(f"Connect answered something that is not a token: {error!r}") from error
        if not isinstance(secret, str) or not secret:
            raise Temporary("Connect answered something that is not a token.")
        return _Token(secret, min(until - _EARLY, now + _LONGEST))


@dataclass(frozen=True, slots=True)
class _Token:
    secret: str | None = field(repr=False)
    until: float
