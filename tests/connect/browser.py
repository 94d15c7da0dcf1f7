"""A browser that has Mailbridge's own page open: its cookies, and the headers that a browser and our page send."""

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connect.setup_link import FRAGMENT, new_link
from connect.store_login import LoginStore
from tests.connect.conftest import Connect
from tests.connect.jira_side import BASE_URL

PASSWORD = "four words make one"
COOKIE = "__Host-mailbridge_login"
OURS = {"X-Mailbridge-Page": "1", "Origin": BASE_URL}

Again = Callable[..., Connect]
"""Makes the service anew over the same database, with other settings (the fixture `again`)."""


class Browser:
    """`client` keeps cookies, as one browser does."""

    def __init__(self, connect: Connect) -> None:
        self.connect = connect
        self.client: FlaskClient = connect.app.test_client()

    def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> TestResponse:
        """What our page sends to /api/connect, unless other headers are given."""
        sent = OURS if headers is None else headers
        return self.client.post(f"/api/connect{path}", json=body, headers=sent, base_url=BASE_URL)

    def get(self, path: str) -> TestResponse:
        """A GET."""
        return self.client.get(path, base_url=BASE_URL)

    @property
    def cookie(self) -> str | None:
        """The secret of the login that it keeps."""
        kept = self.client.get_cookie(COOKIE, domain="mail.example.com")
        return kept.value if kept else None

    def keep(self, secret: str) -> None:
        """As if the cookie were there."""
        self.client.set_cookie(COOKIE, secret, domain="mail.example.com", secure=True)

    def set_up(self, password: str = PASSWORD) -> TestResponse:
        """Set the password by a new link."""
        return self.post("/login", {"setup": link_secret(self.connect), "password": password})

    def log_in(self, password: str = PASSWORD) -> TestResponse:
        """By password."""
        return self.post("/login", {"password": password})


def link_secret(connect: Connect) -> str:
    """The secret of a new set-up link."""
    return new_link(LoginStore(connect.database), BASE_URL).partition(FRAGMENT)[2]
