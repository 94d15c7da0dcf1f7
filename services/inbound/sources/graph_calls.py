"""Calls to Microsoft Graph for one mailbox: with a fresh token, immutable ids, and words for what goes wrong."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from common.errors import Temporary
from common.http import Answer, Http
from inbound.sources import Account, Unusable
from inbound.sources.graph_faults import Expired, Gone, Refused, explain

_PAGE = 100
_PAGES = 10_000
# Without the first, a message's id changes when somebody moves it, and with it what the ledger knows it by.
_PREFER = f'IdType="ImmutableId", odata.maxpagesize={_PAGE}'


class GraphCalls:
    """Asks Graph about the mailbox `account.username`. url: Graph with its version.

    Raises Unusable and Temporary, of which Refused is one; Gone for 404, Expired for 410.
    """

    def __init__(self, account: Account, http: Http, url: str, timeout: float) -> None:
        self._account = account
        self._http = http
        self._url = url
        self._timeout = timeout

    def address(self, path: str) -> str:
        """Where a path below the mailbox is asked for."""
        return self._at(path)

    def get(self, path: str, what: str) -> dict[str, Any]:
        """The JSON object at a path below the mailbox, or at a link that Graph gave."""
        return _object(self._send("GET", self._at(path), None, what).body)

    def octets(self, path: str, what: str) -> bytes:
        """What lies at a path below the mailbox."""
        return self._send("GET", self._at(path), None, what).body

    def pages(self, path: str, what: str) -> Iterator[dict[str, Any]]:
        """Each page of a list, the last one with the link with which to ask for changes, if there is any."""
        seen: set[str] = set()
        while path and path not in seen and len(seen) < _PAGES:
            seen.add(path)
            page = self.get(path, what)
            yield page
            following = page.get("@odata.nextLink")
            path = following if isinstance(following, str) else ""
        if path:
            raise Temporary("Microsoft Graph leads in a circle from page to page.")

    def change(self, method: str, path: str, body: Mapping[str, Any] | None, what: str) -> None:
        """Change a message. Gone when it is not there."""
        self._send(method, self._at(path), body, what)

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()

    def _at(self, path: str) -> str:
        if not path.startswith(("http://", "https://")):
            return f"{self._url}/{self._mailbox()}{path}"
        ours, theirs = urlsplit(self._url), urlsplit(path)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):  # the token is for Graph's eyes only
            raise Refused(f"Microsoft Graph leads to another host: {theirs.netloc}.")
        return path

    def _mailbox(self) -> str:
        bearer, user = self._account.bearer, self._account.username
        own = bearer is not None and bearer.person is not None and bearer.person.lower() == user.lower()
        return "me" if own else f"users/{quote(user, safe='@')}"

    def _send(self, method: str, url: str, body: Mapping[str, Any] | None, what: str) -> Answer:
        bearer, user = self._account.bearer, self._account.username
        if bearer is None:
            raise Unusable("Microsoft Graph takes no password.", remedy="Sign in at Microsoft.", field="secret")
        token = bearer.token()
        answer = self._once(method, url, body, token)
        if answer.status == 401 and bearer.refused(token):
            answer = self._once(method, url, body, bearer.token())
        if answer.status == 404:
            raise Gone
        if answer.status == 410:
            raise Expired
        if not 200 <= answer.status < 300:
            raise explain(answer.status, answer.headers, answer.body, user, what)
        return answer

    def _once(self, method: str, url: str, body: Mapping[str, Any] | None, token: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Prefer": _PREFER}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        return self._http.send(method, url, headers, data, timeout=self._timeout)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Temporary("Microsoft Graph answered something that is no JSON object.")
    return found
