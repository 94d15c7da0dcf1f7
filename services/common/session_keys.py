"""connect's public session keys, held by every service that verifies page sessions."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from common import log, sessions
from common.errors import Fault, Temporary
from common.http import Http
from common.sessions import PublicKey, Session, UnknownKey

Fetch = Callable[[], Any]
"""Returns connect's key document, `{"keys": […]}`; may raise a Fault."""

_PAUSE = 5.0
_WAIT = 1.0
_logger = log.get(__name__)


class SessionKeys:
    """The keys that `fetch` last returned; asked again when a token names an unknown one, every five seconds at most.

    While connect is down the keys already held stay in use.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._keys: Mapping[str, PublicKey] = {}
        self._asked_at = float("-inf")
        self._lock = threading.Lock()

    def verify(self, token: str, now: float) -> Session:
        """The session at `now` (seconds since 1970); BadSession, or Temporary while no key was ever had."""
        try:
            return sessions.verify(self._keys, token, now)
        except UnknownKey:
            self._refresh(now)
            if not self._keys:
                raise Temporary("The session keys cannot be had from connect.", retry_after=_PAUSE) from None
            return sessions.verify(self._keys, token, now)

    def _refresh(self, now: float) -> None:
        # Whoever comes with a made-up key must not make all threads wait for a connect that hangs.
        if not self._lock.acquire(timeout=_WAIT):
            return
        try:
            if not 0 <= now - self._asked_at < _PAUSE:
                self._asked_at = now
                self._keys = sessions.read_jwks(self._fetch())
        except (Fault, ValueError) as error:
            _logger.warning("session_keys_not_refreshed", reason=str(error))
        finally:
            self._lock.release()


def fetch_from_connect(http: Http, connect_url: str) -> Fetch:
    """Fetches `GET {connect_url}/api/connect/keys`."""

    def fetch() -> Any:
        answer = http.send("GET", f"{connect_url}/api/connect/keys", timeout=5.0)
        if answer.status != 200:
            raise Temporary(f"connect answered {answer.status} when asked for its session keys.")
        return json.loads(answer.body)

    return fetch
