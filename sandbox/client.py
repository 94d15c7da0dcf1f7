"""A small client for what plays with the sandbox from outside by its control API; ClientError says what was asked and what
came back. Mailbridge's own API is asked through `doors`.
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
        return checked(
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

    def watch(self, issue: str, account: str) -> None:
        """A person watches an issue."""
        self._json("POST", f"/control/issues/{issue}/watchers", {"accountId": account})

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

    def uninstall(self) -> Json:
        """Uninstalls every Connect app."""
        return self._json("POST", "/control/uninstall", {})

    def install_forge(self, manifest: str) -> Json:
        """Installs the Forge app of a manifest's text."""
        return self._json("POST", "/control/forge/install", {"manifest": manifest})

    def uninstall_forge(self, *, silently: bool = False) -> Json:
        """Uninstalls the only Forge app; silently: without asking it to tidy up."""
        return self._json("POST", "/control/forge/uninstall", {"silently": silently})

    def age_forge_tokens(self, seconds: float) -> None:
        """Every bearer that Forge gave becomes this much older."""
        self._json("POST", "/control/forge/age", {"seconds": seconds})

    def quiet_forge(self, on: bool) -> None:
        """Whether Forge's events and ticks fail to arrive."""
        self._json("POST", "/control/forge/quiet", {"on": on})

    def tick_forge(self) -> Json:
        """Forge's scheduled trigger, now."""
        return self._json("POST", "/control/forge/tick", {})

    def invoke(self, module: str, account: str, payload: Json) -> Json:
        """What @forge/bridge's invokeRemote resolves to on a page of the only Forge app that `account` looks at."""
        body = {"module": module, "account": account, "command": "invoke", "payload": payload}
        return self._json("POST", "/forge/bridge", body)["result"]

    def new_token(self, account: str, **more: Any) -> Json:
        """An API token of a person: email, token; more: expires_in."""
        return self._json("POST", f"/control/people/{account}/tokens", more)

    def revoke_tokens(self, account: str) -> None:
        """All API tokens of a person are worth nothing any more."""
        self._json("DELETE", f"/control/people/{account}/tokens")

    def add_webhook(self, **fields: Any) -> Json:
        """An administrator's webhook: url, secret, events, jql."""
        return self._json("POST", "/control/webhooks", fields)

    def remove_webhook(self, webhook: str) -> None:
        """Deletes an administrator's webhook."""
        self._json("DELETE", f"/control/webhooks/{webhook}")

    def rename(self, base_url: str) -> None:
        """The site has another address from now on."""
        self._json("POST", "/control/rename", {"base_url": base_url})

    def rule(self, account: str, permission: str, granted: bool, project: str | None = None) -> None:
        """An administrator gives a right or takes it."""
        body = {"accountId": account, "permission": permission, "granted": granted, "project": project}
        self._json("POST", "/control/rights", body)

    def limit(self, **bounds: Any) -> Json:
        """Rate limits: points, burst, per_issue, window."""
        return self._json("POST", "/control/limits", bounds)

    def context_token(self, app_key: str, account: str) -> str:
        """What AP.context.getToken gives to the app's page when `account` looks at it."""
        token: str = self._json("POST", "/host/token", {"app_key": app_key, "account": account})["token"]
        return token

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        return checked(self._http.request(method, self.url + path, json=body, timeout=_TIMEOUT))


def checked(answer: requests.Response) -> Any:
    if not answer.ok:
        asked = f"{answer.request.method} {answer.request.url}"
        raise ClientError(f"{asked} answered {answer.status_code}: {answer.text[:1000]}")
    return answer.json() if answer.content else None
