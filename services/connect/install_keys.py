"""Atlassian's public keys of signed installations, fetched by key id and remembered for an hour."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from common.errors import Temporary
from common.http import Http
from connect.tokens import BadToken, InstallKey, read_install_key

_LIFE = 3600.0
_MISS_LIFE = 60.0
_MOST = 256
_TIMEOUT = 10.0


class InstallKeys:
    """Keys at `{url}/{kid}`, in PEM; safe to share between threads."""

    def __init__(self, http: Http, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._url = url
        self._clock = clock
        self._guard = threading.Lock()
        self._known: OrderedDict[str, tuple[InstallKey | None, float]] = OrderedDict()

    def get(self, kid: str) -> InstallKey:
        """The key; `kid` is one that `tokens.install_kid` let through.

        Raises BadToken("kid") if Atlassian has no such key, Temporary while it cannot be asked.
        """
        with self._guard:
            key, until = self._known.get(kid, (None, float("-inf")))
        if self._clock() >= until:
            key = self._fetch(kid)
            self._remember(kid, key)
        if key is None:
            raise BadToken("kid")
        return key

    def _fetch(self, kid: str) -> InstallKey | None:
        answer = self._http.send("GET", f"{self._url}/{kid}", timeout=_TIMEOUT)
        if answer.status in (400, 403, 404):
            return None
        if answer.status != 200:
            raise Temporary(f"The server of the install keys answered {answer.status}.")
        try:
            return read_install_key(answer.body)
        except ValueError as error:
            raise Temporary(f"The server of the install keys answered something else: {error}.") from error

    def _remember(self, kid: str, key: InstallKey | None) -> None:
        with self._guard:
            self._known[kid] = key, self._clock() + (_MISS_LIFE if key is None else _LIFE)
            self._known.move_to_end(kid)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
