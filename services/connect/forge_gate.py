"""Who calls by Forge: each invocation token verified, its installation noted, its system token kept.

A system token stands in a header that the invocation token does not sign. It is taken only from calls that no page makes:
a person can make their page's calls say anything, and see the invocation token of those that it makes itself.
"""

import re
import time

from flask import Request

from common import log
from common.problems import Problem
from connect.config import Config
from connect.forge_keys import ForgeKeys
from connect.forge_moves import Moves
from connect.invocation import BadInvocation, Invocation, read_invocation
from connect.store import Store
from connect.store_forge import ForgeStore, Heard
from connect.tokens import BadToken
from connect.visitors import Visitor

_SYSTEM_TOKEN = "X-Forge-Oauth-System"  # noqa: S105 - a header's name
_OPAQUE = re.compile(r"[\x21-\x7e]{1,16384}")
_log = log.get(__name__)


class ForgeGate:
    """Verifies calls of one Forge app; safe to share between threads.

    All raise BadToken, Problem(400) for a genuine token that makes no sense, and Temporary while Atlassian's keys, or the
    proof that a new site is an old tenant, cannot be had.
    """

    def __init__(
        self, config: Config, app_id: str, keys: ForgeKeys, store: Store, forge: ForgeStore, moves: Moves
    ) -> None:
        self._allow_plain = config.settings.allow_plain
        self._app_id = app_id
        self._keys = keys
        self._store = store
        self._forge = forge
        self._moves = moves

    def call(self, request: Request) -> tuple[Invocation, str | None]:
        """An event, a tick or a lifecycle call, with its system token; raises Problem(403) for a page's call."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise BadToken("malformed")
        invocation = self._verified(token.strip())
        if invocation.from_page:
            raise Problem(403, detail="This address is for Forge itself, not for pages.")
        system_token = request.headers.get(_SYSTEM_TOKEN)
        if system_token is not None and not _OPAQUE.fullmatch(system_token):
            _log.warning("forge_system_token_unreadable", installation=invocation.installation_id)
            system_token = None
        return invocation, system_token

    def heard(self, request: Request) -> Heard:
        """The tenant whose installation made the call, which is noted, and its system token kept if it is newer."""
        invocation, system_token = self.call(request)
        return self._hear(invocation, system_token)

    def visitor(self, token: str) -> Visitor:
        """Who looks at the page, by the invocation token of a call that the page made; each token is good once.

        Raises Problem(403) for a call that no person made.
        """
        invocation = self._verified(token)
        if invocation.account is None:
            raise Problem(403, detail="Only a person who looks at a page of Jira gets a page session.")
        if invocation.jti is None or not self._store.use_nonce(f"forge {invocation.jti}"):
            raise BadToken("jti")
        heard = self._hear(invocation, None)
        if heard.gone:
            raise BadToken("iss")
        return Visitor(heard.tenant, invocation.account, invocation.project, invocation.issue)

    def _verified(self, token: str) -> Invocation:
        claims = self._keys.verify(token, app_id=self._app_id, now=time.time())
        try:
            return read_invocation(claims, allow_plain=self._allow_plain)
        except BadInvocation as error:
            raise Problem(400, detail=str(error)) from None

    def _hear(self, invocation: Invocation, system_token: str | None) -> Heard:
        into = None
        if not self._forge.known(invocation):
            invocation = self._moves.with_site(invocation, system_token)
            into = self._moves.tenant_of(invocation)
            _log.info(
                "forge_installed",
                installation=invocation.installation_id,
                site=invocation.site_url,
                moved=into is not None,
            )
        return self._forge.hear(invocation, system_token, into=into)
