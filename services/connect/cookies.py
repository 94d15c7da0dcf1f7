"""The two cookies of the page's own login: one says who is logged in, one who is on the way to the OpenID provider."""

from typing import Any

from flask import Request
from werkzeug.wrappers import Response

from connect.store_login import LIFE, STATE_LIFE


class Cookies:
    """`mailbridge_login` and `mailbridge_oidc`: no script reads them, and over https no other host can set them."""

    def __init__(self, base_url: str) -> None:
        secure = base_url.startswith("https://")
        # With this prefix browsers take the cookie from this very host only, over https only (RFC 6265bis).
        prefix = "__Host-" if secure else ""
        self._login, self._state = f"{prefix}mailbridge_login", f"{prefix}mailbridge_oidc"
        # Nothing but our own page ever needs the login. The other has to come along when the provider sends people back.
        self._strict: dict[str, Any] = {"path": "/", "httponly": True, "secure": secure, "samesite": "Strict"}
        self._lax: dict[str, Any] = {**self._strict, "samesite": "Lax"}

    def login(self, request: Request) -> str | None:
        """The secret of the login that the browser has."""
        return request.cookies.get(self._login) or None

    def state(self, request: Request) -> str | None:
        """The secret with which the browser went to the provider."""
        return request.cookies.get(self._state) or None

    def keep_login(self, answer: Response, secret: str) -> None:
        """Log the browser in; whatever it was on the way to has ended."""
        answer.set_cookie(self._login, secret, max_age=int(LIFE), **self._strict)
        answer.delete_cookie(self._state, **self._lax)

    def drop_login(self, answer: Response) -> None:
        """Log the browser out."""
        answer.delete_cookie(self._login, **self._strict)

    def keep_state(self, answer: Response, secret: str) -> None:
        """The browser goes to the provider."""
        answer.set_cookie(self._state, secret, max_age=int(STATE_LIFE), **self._lax)
