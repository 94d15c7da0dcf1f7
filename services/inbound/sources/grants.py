"""A fresh access token for a mailbox, whichever way it was granted.

The newest refresh token is stored in the transaction that ends its renewal. One process at a time may use a mailbox's refresh
token (the row in `renewal`); no transaction is open while the provider is asked. A process that dies in between has stored
nothing: the old token is used again by the next, which Microsoft and Google take. A provider that takes each only once would
answer invalid_grant: then, as whenever it says so, the mailbox turns to *reconnect needed* and the provider is not asked again.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from common import log
from common.crypto import Vault
from common.db import Database
from common.errors import Temporary
from common.ids import new_id
from common.outbox import Outbox
from inbound import store_grants, store_notices, telling
from inbound.sources import Unusable
from inbound.sources.grant_secrets import AUTHS, App, ServiceAccount, SignedIn, read
from inbound.sources.oauth import GrantRefused, Providers, Tokens
from inbound.sources.oauth_settings import Client
from inbound.tables import outbox

EARLY = 180.0
"""Seconds before its end that a token counts as old."""

_HOLD = 60.0  # seconds that a renewal may take, where its waits are not longer than that
_TURN = 0.1
_AGAIN = 60.0  # seconds after a refusal for which another one cannot be blamed on the token's age
_REMEMBERED = 10_000
RECONNECT = "Reconnect needed: the sign-in for this mailbox is not good any more"
SIGN_IN_AGAIN = "Sign in again: mail that came meanwhile is read then."

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    token: str
    until: float  # by the clock of Grants
    grant: bytes  # the sealed secret it was had with


class Grants:
    """Access tokens for the mailboxes of one database; safe to share between threads.

    aad: what a mailbox's sealed secret is bound to, by its id. timeout: seconds for each answer of a provider where the mailbox
    has none of its own; most: seconds that are not exceeded, whatever it has.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        providers: Providers,
        aad: Callable[[str], str],
        *,
        timeout: float,
        most: float = float("inf"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._vault = vault
        self._providers = providers
        self._aad = aad
        self._timeout = timeout
        self._most = most
        self._clock = clock
        self._post = Outbox(database, outbox)
        self._known: dict[str, _Known] = {}
        self._refused: dict[str, float] = {}  # when mail servers did not take a mailbox's token
        self._guard = threading.Lock()

    def of_mailbox(self, row: Any, secret: str) -> "MailboxBearer | None":
        """Tokens for a stored mailbox with this row and unsealed secret; None where it logs in with the secret itself."""
        if row.auth not in AUTHS:
            return None
        found = read(row.auth, secret)
        return MailboxBearer(self, row.id, found.account if isinstance(found, SignedIn) else None)

    def of_typed(self, auth: str, kind: str, username: str, secret: str, timeout: float | None = None) -> "TypedBearer":
        """Tokens for an app or a service account that an admin has just typed, with the mailbox's own timeout."""
        return TypedBearer(self, auth, kind, username, secret, timeout)

    def token(self, mailbox_id: str) -> str:
        """A token that is good for some minutes at least.

        Raises Unusable (field "secret") when a person has to act, Temporary while the provider cannot be asked.
        """
        with self._database.read() as tx:
            row = store_grants.granted(tx, mailbox_id)
            if row is None:
                raise Temporary("The mailbox is gone.")
            known = self._known.get(mailbox_id)
            if known is not None and known.grant == row.secret and self._clock() < known.until:
                return known.token
            if row.grant_state == "reconnect":
                raise _reconnect("it was refused before.")
            secret = read(row.auth, self._vault.unseal(tx, row.tenant, row.secret, self._aad(row.id)).decode())
        if isinstance(secret, SignedIn):
            return self._renewed(mailbox_id, self._patience(row.timeout))
        tokens = self.direct(row.kind, row.username, secret, row.timeout)
        return self._remember(mailbox_id, tokens, row.secret)

    def forget(self, mailbox_id: str, token: str) -> bool:
        """The mail server did not take this one; True if a newer may be taken: not when the one before was refused as well."""
        with self._guard:
            known = self._known.get(mailbox_id)
            if known is not None and known.token == token:
                del self._known[mailbox_id]
            now, before = self._clock(), self._refused.get(mailbox_id, float("-inf"))
            self._refused[mailbox_id] = now
            return now - before > _AGAIN

    def direct(self, kind: str, username: str, secret: App | ServiceAccount, timeout: float | None = None) -> Tokens:
        """A token for what needs no storing: an app's secret or a service account's key. timeout: the mailbox's own. Raises as
        `token`."""
        patience = self._patience(timeout)
        try:
            if isinstance(secret, App):
                client = Client(secret.client_id, secret.client_secret)
                return self._providers.as_app(kind, secret.directory, client, timeout=patience)
            return self._providers.as_service_account(secret.email, secret.key, username, timeout=patience)
        except GrantRefused as refused:
            who, remedy = _OWN_APP if isinstance(secret, App) else _OWN_ACCOUNT
            raise Unusable(
                f"No token for {who}: {refused}", remedy=refused.remedy or remedy, field="secret"
            ) from refused

    def _patience(self, own: float | None) -> float:
        return min(own or self._timeout, self._most)

    # --- refresh tokens

    def _renewed(self, mailbox_id: str, patience: float) -> str:
        # To be connected, to be answered, and to have it all: as long as two waits, and some.
        hold = max(_HOLD, 2 * patience + 30.0)
        holder, end = new_id(), time.monotonic() + hold
        while not self._begin(mailbox_id, holder, hold):
            if time.monotonic() > end:
                raise Temporary("Another process is renewing this mailbox's sign-in.", retry_after=5.0)
            time.sleep(_TURN)
        try:
            return self._renew(mailbox_id, holder, patience)
        except BaseException:
            self._end(mailbox_id, holder)
            raise

    def _begin(self, mailbox_id: str, holder: str, hold: float) -> bool:
        with self._database.write() as tx:
            return store_grants.begin_renewal(tx, mailbox_id, holder, hold)

    def _end(self, mailbox_id: str, holder: str) -> None:
        try:
            with self._database.write() as tx:
                store_grants.end_renewal(tx, mailbox_id, holder)
        except Temporary:
            _log.warning("renewal_not_ended", mailbox=mailbox_id)  # it passes by itself

    def _renew(self, mailbox_id: str, holder: str, patience: float) -> str:
        """With the right to it: what is stored by now is the newest, and nobody else uses it."""
        with self._database.read() as tx:
            row = store_grants.granted(tx, mailbox_id)
            if row is None or row.auth != "oauth":
                raise Temporary("The mailbox's sign-in was changed meanwhile.")
            secret = read(row.auth, self._vault.unseal(tx, row.tenant, row.secret, self._aad(row.id)).decode())
        assert isinstance(secret, SignedIn)
        known = self._known.get(mailbox_id)
        if known is not None and known.grant == row.secret and self._clock() < known.until:
            self._end(mailbox_id, holder)  # another thread of ours was faster
            return known.token
        try:
            tokens = self._providers.refresh(row.provider, row.kind, secret.refresh, timeout=patience)
        except GrantRefused as refused:
            if refused.gone:
                self._gone(mailbox_id, row.secret, refused)
                raise _reconnect(str(refused)) from refused
            raise Unusable(f"No token for this mailbox: {refused}", remedy=_OPERATOR, field="secret") from refused
        newest = SignedIn(tokens.refresh or secret.refresh, secret.account)
        with self._database.write() as tx:
            sealed: bytes = row.secret
            if newest != secret:
                sealed = self._vault.seal(tx, row.tenant, newest.text().encode(), self._aad(mailbox_id))
            if not store_grants.store_renewed(tx, mailbox_id, row.secret, sealed):
                _log.warning("renewed_grant_not_stored", mailbox=mailbox_id)  # a newer sign-in is there
            store_grants.end_renewal(tx, mailbox_id, holder)
        _log.info("grant_renewed", mailbox=mailbox_id, rotated=newest != secret)
        return self._remember(mailbox_id, tokens, sealed)

    def _gone(self, mailbox_id: str, used: bytes, refused: GrantRefused) -> None:
        with self._database.write() as tx:
            new = store_grants.set_gone(tx, mailbox_id, used)
            if new:
                row = store_notices.mailbox_of(tx, mailbox_id)
                telling.tell(tx, self._post, row, "reconnect", str(refused), _WHERE)
        if new:
            _log.error("mailbox_reconnect_needed", mailbox=mailbox_id, reason=str(refused))

    def _remember(self, mailbox_id: str, tokens: Tokens, grant: bytes) -> str:
        with self._guard:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            until = self._clock() + max(tokens.expires_in - EARLY, tokens.expires_in / 2)
            self._known[mailbox_id] = _Known(tokens.access, until, bytes(grant))
        return tokens.access


class MailboxBearer:
    """See `inbound.sources.Bearer`: the tokens of one stored mailbox."""

    def __init__(self, grants: Grants, mailbox_id: str, person: str | None) -> None:
        self._grants = grants
        self._mailbox_id = mailbox_id
        self.person = person

    def token(self) -> str:
        return self._grants.token(self._mailbox_id)

    def refused(self, token: str) -> bool:
        return self._grants.forget(self._mailbox_id, token)


class TypedBearer:
    """See `inbound.sources.Bearer`: one token, had when it is asked for."""

    person = None

    def __init__(self, grants: Grants, auth: str, kind: str, username: str, secret: str, timeout: float | None) -> None:
        self._grants = grants
        self._of = (auth, kind, username, secret)
        self._timeout = timeout
        self._had: str | None = None

    def token(self) -> str:
        auth, kind, username, secret = self._of
        found = read(auth, secret)
        assert not isinstance(found, SignedIn)
        self._had = self._had or self._grants.direct(kind, username, found, self._timeout).access
        return self._had

    def refused(self, token: str) -> bool:
        return False


class OneToken:
    """See `inbound.sources.Bearer`: a token had beforehand, for a test of a connection."""

    def __init__(self, token: str, person: str | None) -> None:
        self._token = token
        self.person = person

    def token(self) -> str:
        return self._token

    def refused(self, token: str) -> bool:
        return False


_OWN_APP = (
    "the app registration",
    "Check the directory id, the client id and the client secret: the secret may have expired, or an administrator has not "
    "consented.",
)
_OWN_ACCOUNT = (
    "the service account",
    "Check that this key is still one of the account's, and that the admin console of Google Workspace gives its client id "
    "domain-wide delegation for https://mail.google.com/.",
)
_WHERE = "Sign in again, at this mailbox under “Mailboxes” on Mailbridge's page."
_OPERATOR = "Ask the operator to check the client id and secret with which people sign in."


def _reconnect(why: str) -> Unusable:
    return Unusable(
        f"{RECONNECT} ({why.rstrip('.')}).",
        remedy=SIGN_IN_AGAIN,
        field="secret",
    )
