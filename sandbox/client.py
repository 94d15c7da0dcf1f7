"""Small clients for what plays with the sandbox from outside: its control API, and Mailbridge's admin API.

Both raise ClientError, which says what was asked and what came back.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import requests

T = TypeVar("T")
Json = Any  # what a JSON body holds
_TIMEOUT = 30.0
_PAUSE = 0.1


class ClientError(Exception):
    """An answer that is not a success, or none at all."""


class Late(Exception):
    """What was waited for did not come true in time; `seen` is what was there instead."""

    def __init__(self, what: str, seconds: float, seen: Any) -> None:
        super().__init__(f"{what} did not come true within {seconds:g} s; seen was {seen!r}")
        self.seen = seen


def wait_for(what: str, probe: Callable[[], T], seconds: float, seen: Callable[[], Any] | None = None) -> T:
    """The first truthy value of `probe`, asked ten times a second; raises Late with what `seen` tells."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise Late(what, seconds, seen() if seen else value)
        time.sleep(_PAUSE)


class SandboxClient:
    """The control API of the sandbox at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = requests.Session()

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()

    def mail(self, **fields: Any) -> Json:
        """Sends a letter made of the control API's fields; `from_` stands for from."""
        letter = {("from" if name == "from_" else name): value for name, value in fields.items()}
        return self._json("POST", "/control/mail", letter)

    def raw_mail(self, raw: bytes) -> Json:
        """Sends a raw message to whom it names."""
        headers = {"Content-Type": "message/rfc822"}
        return _answer(
            self._http.request("POST", f"{self.url}/control/mail", data=raw, headers=headers, timeout=_TIMEOUT)
        )

    def bounce(self, letter: int) -> Json:
        """The mail server of a letter's reader returns it as undeliverable."""
        return self._json("POST", "/control/bounce", {"letter": letter})

    def issues(self) -> Json:
        """Every issue with comments, attachments, properties."""
        return self._json("GET", "/control/issues")

    def issue(self, key: str) -> Json:
        """One issue."""
        return self._json("GET", f"/control/issues/{key}")

    def change(self, key: str, account: str, **fields: Any) -> Json:
        """Changes fields of an issue as a person."""
        return self._json("PUT", f"/control/issues/{key}", {"accountId": account, **fields})

    def comment(self, issue: str, account: str, text: str, **more: Any) -> Json:
        """Comments as a person; more: internal, visibility."""
        return self._json("POST", "/control/comments", {"issue": issue, "accountId": account, "text": text, **more})

    def add_mailbox(self, address: str, password: str) -> Json:
        """Another monitored mailbox, read by IMAP with its address as the user."""
        return self._json("POST", "/control/mailboxes", {"address": address, "password": password})

    def inbox(self, address: str) -> Json:
        """What somebody received, oldest first."""
        return self._json("GET", f"/control/inboxes/{address}")

    def calls(self, since: int = 0) -> Json:
        """The REST calls after number `since`."""
        return self._json("GET", f"/control/calls?since={since}")

    def violations(self) -> Json:
        """What the app asked that Jira would not understand."""
        return self._json("GET", "/control/violations")

    def ports(self) -> Json:
        """url, imap_port, smtp_port."""
        return self._json("GET", "/control/ports")

    def users(self) -> Json:
        """Name → account."""
        return {user["name"]: user for user in self._json("GET", "/control/users")}

    def fault(self, kind: str, **more: Any) -> Json:
        """Switches a fault on; more: rate, seconds, match, count, reason."""
        return self._json("POST", "/control/faults", {"kind": kind, **more})

    def clear_faults(self) -> None:
        """Switches all faults off."""
        self._json("DELETE", "/control/faults")

    def index_lag(self, lag: float | str) -> None:
        """Seconds, or "infinite"."""
        self._json("POST", "/control/index", {"lag": lag})

    def install(self, base_url: str) -> Json:
        """Installs the app at `base_url`."""
        return self._json("POST", "/control/install", {"base_url": base_url})

    def context_token(self, app_key: str, account: str) -> str:
        """What AP.context.getToken gives to the app's page when `account` looks at it."""
        token: str = self._json("POST", "/host/token", {"app_key": app_key, "account": account})["token"]
        return token

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        return _answer(self._http.request(method, self.url + path, json=body, timeout=_TIMEOUT))


class AppClient:
    """Mailbridge's admin API at `url`, in a page session; the session is renewed by `login` before it ends."""

    def __init__(self, url: str, context_token: Callable[[], str]) -> None:
        self.url = url.rstrip("/")
        self._context_token = context_token
        self._http = requests.Session()
        self._expires = 0.0

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()

    def login(self) -> Json:
        """Exchanges a context token for a page session, which the later calls carry."""
        headers = {"Authorization": f"JWT {self._context_token()}"}
        session: dict[str, Any] = _answer(
            requests.post(f"{self.url}/api/connect/session", headers=headers, timeout=_TIMEOUT)
        )
        self._http.headers["Authorization"] = f"Bearer {session['session']}"
        self._expires = float(session["expires_at"])
        return session

    def get(self, path: str, **query: Any) -> Any:
        """GET /api/…"""
        return self._send("GET", path, params=query)

    def post(self, path: str, body: Any = None) -> Any:
        """POST /api/…"""
        return self._send("POST", path, json=body)

    def put(self, path: str, body: Any) -> Any:
        """PUT /api/…"""
        return self._send("PUT", path, json=body)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        if time.time() > self._expires - 30:
            self.login()
        return _answer(self._http.request(method, self.url + path, timeout=_TIMEOUT, **options))


def _answer(answer: requests.Response) -> Any:
    if not answer.ok:
        asked = f"{answer.request.method} {answer.request.url}"
        raise ClientError(f"{asked} answered {answer.status_code}: {answer.text[:1000]}")
    return answer.json() if answer.content else None
