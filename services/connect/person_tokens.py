"""Tokens by which Jira is called in a person's own name: `POST /api/connect/person-token`, for the worker that comments.

Forge gives them out for its system token, to apps whose scopes allow impersonation (Atlassian, "Calling Atlassian app
APIs from a remote", offline user impersonation). They live in memory only. Connect's ACT_AS_USER is not used
(docs/decisions/0007-no-impersonation-by-connect.md).
"""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, jsonify, request

from common import log
from common.credentials import PERSON_PATH, digest
from common.errors import Temporary
from common.http import Http
from common.problems import Problem
from connect.config import Config
from connect.signed import json_of
from connect.store import Store
from connect.store_forge import ForgeSite, ForgeStore
from connect.vending import role_of

_ROLE = "inbound-worker"
_ACCOUNT = re.compile(r"[A-Za-z0-9:_-]{1,128}")
_QUERY = (
    "mutation person($input: OfflineUserAuthTokenInput!) { offlineUserAuthToken(input: $input) "
    "{ success errors { message } authToken { token ttl } } }"
)
_EARLY = 120.0
_MOST = 10_000
_TIMEOUT = 10.0
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class PersonToken:
    """A bearer token, good until an instant in seconds since 1970."""

    expires_at: float
    secret: str = field(repr=False)


def blueprint(config: Config, store: Store, tokens: "PersonTokens") -> Blueprint:
    """Signed with the inbound worker's key, as requests for credentials are."""
    pages = Blueprint("person_tokens", __name__)

    @pages.post(PERSON_PATH)
    def person_token() -> Response:
        if role_of(request, config.role_keys, store) != _ROLE:
            raise Problem(403, detail="Only the worker that comments acts in the name of people.")
        body = json_of(request)
        asked = body if isinstance(body, dict) else {}
        id, account = asked.get("tenant"), asked.get("account_id")
        if not isinstance(id, str) or not id:
            raise Problem(422, errors={"tenant": ["Name the tenant."]})
        if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
            raise Problem(422, errors={"account_id": ["Name the person by their account id."]})
        tenant = store.tenant(id)
        token = tokens.get(id, account) if tenant and tenant.scheme == "forge" and tenant.state == "enabled" else None
        if token is None:
            raise Problem(404, detail="Mailbridge may not act in this person's name.")
        return jsonify({"secret": token.secret, "expires_at": token.expires_at})

    return pages


class PersonTokens:
    """Asks Atlassian's GraphQL gateway at `url`; safe to share between threads."""

    def __init__(self, http: Http, url: str, forge: ForgeStore, *, clock: Callable[[], float] = time.time) -> None:
        self._http = http
        self._url = url
        self._forge = forge
        self._clock = clock
        self._guard = threading.Lock()
        self._kept: dict[tuple[str, str], PersonToken] = {}

    def get(self, tenant: str, account: str) -> PersonToken | None:
        """The person's token, None if Atlassian gives none; raises Temporary while it cannot be asked."""
        site = self._forge.of(tenant)
        if site is None:
            return None
        if site.token is None or site.refused:
            raise Temporary("Forge has not brought a token yet by which Atlassian can be asked.")
        now = self._clock()
        # By installation: what a removed one was given is not for the next.
        key = site.installation_id, account
        with self._guard:
            kept = self._kept.get(key)
        if kept is not None and now < kept.expires_at - _EARLY:
            return kept
        token = self._ask(site, site.token, account, now)
        with self._guard:
            self._kept = {who: one for who, one in self._kept.items() if now < one.expires_at - _EARLY}
            if token is not None and len(self._kept) < _MOST:
                self._kept[key] = token
        return token

    def _ask(self, site: ForgeSite, system_token: str, account: str, now: float) -> PersonToken | None:
        wanted = {"contextIds": [f"ari:cloud:jira::site/{site.cloud_id}"], "userId": account}
        body = json.dumps({"query": _QUERY, "variables": {"input": wanted}}).encode()
        headers = {
            "Authorization": f"Bearer {system_token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        answer = self._http.send("POST", self._url, headers, body, timeout=_TIMEOUT)
        if answer.status == 401:
            self._forge.refuse(site.tenant, digest(system_token))
            raise Temporary("Atlassian does not accept the newest token of Forge any more.", retry_after=60.0)
        if answer.status == 429 or answer.status >= 500:
            raise Temporary(f"Atlassian answered {answer.status} when asked for a person's token.")
        token = read_token(answer.body, now) if answer.status == 200 else None
        if token is None:
            _log.info("person_token_refused", tenant=site.tenant, status=answer.status)
        return token


def read_token(body: bytes, now: float) -> PersonToken | None:
    """The token in the gateway's answer, None if it holds none: no scope allows it, or it is not for this person. Pure."""
    try:
        given: Any = json.loads(body)["data"]["offlineUserAuthToken"]
        token, ttl = given["authToken"]["token"], given["authToken"]["ttl"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if given.get("success") is not True or not isinstance(token, str) or not token:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl < 1e6:
        return None
    return PersonToken(now + ttl, token)
