"""Atlassian's public keys of Forge's invocation tokens: one JSON Web Key Set, fetched and remembered for an hour.

Whoever cannot be judged because the keys cannot be had gets Temporary, never a refusal: Forge takes a 401 for "this
token is bad" and anything else for a reason to come again.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from common import log
from common.errors import Fault, Temporary
from common.http import Http
from connect.tokens import BadToken, verify_forge

_LIFE = 3600.0
_PAUSE = 30.0
_TIMEOUT = 3.0  # Forge itself waits five seconds for an answer to an event
_WAIT = 3.5
_log = log.get(__name__)


class ForgeKeys:
    """The key set at `url`; asked anew when it is an hour old or a token names an unknown key, each half minute at most.

    While Atlassian cannot be asked the keys already held stay in use. Safe to share between threads.
    """

    def __init__(self, http: Http, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._url = url
        self._clock = clock
        self._keys: Mapping[str, Any] = {}
        self._asked_at = self._had_at = float("-inf")
        self._lock = threading.Lock()

    def verify(self, token: str, *, app_id: str, now: float) -> Mapping[str, Any]:
        """The claims of a token that was made for this app; raises BadToken, or Temporary while its key cannot be had."""
        if self._clock() >= self._had_at + _LIFE:
            self._refresh(wait=0.0 if self._keys else _WAIT)
        try:
            return verify_forge(token, self._keys, app_id=app_id, now=now)
        except BadToken as error:
            if error.reason != "kid":
                raise
        if not self._refresh(wait=_WAIT):
            raise Temporary("Atlassian's keys of Forge cannot be had.", retry_after=_PAUSE)
        return verify_forge(token, self._keys, app_id=app_id, now=now)

    def _refresh(self, wait: float) -> bool:
        """True if the keys are those of the last half minute; waits so long for another thread that asks."""
        # Whoever comes with a made-up key must not make all threads wait for a server that hangs.
        if not self._lock.acquire(timeout=wait):
            return False
        try:
            now = self._clock()
            if now - self._asked_at >= _PAUSE:
                self._asked_at = now
                self._keys = self._fetch()
                self._had_at = now
            return self._had_at == self._asked_at
        except (Fault, ValueError) as error:
            _log.warning("forge_keys_not_refreshed", reason=str(error))
            return False
        finally:
            self._lock.release()

    def _fetch(self) -> Mapping[str, Any]:
        answer = self._http.send("GET", self._url, timeout=_TIMEOUT)
        if answer.status != 200:
            raise Temporary(f"The server of Forge's keys answered {answer.status}.")
        try:
            document = json.loads(answer.body)
        except RecursionError as error:
            raise ValueError("the answer is nested too deeply") from error
        if not isinstance(document, dict) or not isinstance(document.get("keys"), list) or not document["keys"]:
            raise ValueError("the answer is no key set")
        return document
