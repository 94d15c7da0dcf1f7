"""A person signs in at Microsoft or Google in a popup, for a mailbox that exists or one that is about to be saved.

The popup first opens our own address. The browser that began the sign-in has its cookie already where the page is ours; inside
Jira it cannot have it (the page is in a frame, or speaks through Atlassian), and the popup asks once whether the person meant it.
The provider's answer counts in that browser only, once, and for fifteen minutes. Nobody is ever sent to an address that came
with a request.
"""

import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from common import log
from common.crypto import Vault
from common.db import Database
from common.errors import Fault, Temporary
from common.problems import Problem
from inbound import store_grants, store_pages, store_sign_in
from inbound.scope import Scope
from inbound.sources.grant_secrets import SignedIn, read
from inbound.sources.grants import OneToken
from inbound.sources.oauth import GrantRefused, Providers, one_line
from inbound.sources.oauth_settings import OauthSettings
from inbound.sources.opening import secret_aad
from inbound.store_sign_in import hashed

CALLBACK = "/api/inbound/sign-in/callback"
NAMES = {"microsoft": "Microsoft", "google": "Google"}

_log = log.get(__name__)


class Elsewhere(Exception):
    """Not begun in this browser, or too long ago, or over."""


class MustAsk(Exception):
    """This browser has no cookie of the sign-in: the person has to say that they began it."""


@dataclass(frozen=True, slots=True)
class Begun:
    """url: what the popup opens; state: by which the page asks how it went; browser: the cookie's value."""

    url: str
    state: str
    browser: str


class SignIns:
    """The sign-ins of one installation. Raises Problem for what the caller of the API can mend."""

    def __init__(
        self, database: Database, vault: Vault, providers: Providers, settings: OauthSettings, base_url: str
    ) -> None:
        self._database = database
        self._vault = vault
        self._providers = providers
        self._settings = settings
        self._base_url = base_url

    def begin(self, scope: Scope, provider: str, kind: str, mailbox_id: str | None, by: str) -> Begun:
        """For a mailbox of this kind; of a stored one the kind and the account are known. by: whose page it is."""
        if provider not in self._settings.providers:
            raise Problem(422, errors={"provider": [f"Signing in at {NAMES[provider]} is not set up here."]})
        state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        notes = {
            "verifier": secrets.token_urlsafe(48),
            "browser": hashed(browser),
            "kind": kind,
            "hint": None,
            "by": by,
        }
        with self._database.write() as tx:
            if mailbox_id is not None:
                row = store_pages.find_mailbox(tx, scope, mailbox_id)
                if row is None:
                    raise Problem(404, detail="There is no such mailbox (any more).")
                notes |= {"kind": row.kind, "hint": self._account_of(tx, row)}
            sealed = self._seal(tx, scope.tenant, state, notes)
            store_sign_in.begin(tx, state, scope.tenant, mailbox_id, provider, sealed)
        return Begun(f"{self._base_url}/api/inbound/sign-in/{state}/leave", state, browser)

    def leave(self, state: str, browser: str | None) -> str:
        """The provider's address for this browser. Raises Elsewhere, and MustAsk where it has no cookie yet."""
        with self._database.read() as tx:
            row, notes = self._open(tx, state)
        if not _same_browser(notes, browser):
            raise Elsewhere if notes.get("asked") else MustAsk
        return self._address(row, state, notes)

    def leave_asked(self, state: str) -> tuple[str, str]:
        """The person said that they began it: (the provider's address, the cookie's value). Once."""
        browser = secrets.token_urlsafe(32)
        with self._database.write() as tx:
            row, notes = self._open(tx, state)
            if notes.get("asked"):
                raise Elsewhere
            notes |= {"asked": True, "browser": hashed(browser)}
            if not store_sign_in.keep(tx, row, self._seal(tx, row.tenant, state, notes)):
                raise Elsewhere
        return self._address(row, state, notes), browser

    def come_back(self, query: Mapping[str, str], browser: str | None) -> tuple[str | None, str | None]:
        """From the provider with this query: (who signed in, what went wrong as a sentence)."""
        state = query.get("state", "")
        with self._database.write() as tx:
            row, notes = self._open(tx, state)
            if not _same_browser(notes, browser) or not store_sign_in.take_code(tx, row):
                raise Elsewhere
        account, problem, granted = self._granted(row, notes, query)
        with self._database.write() as tx:
            if granted is None:
                store_sign_in.end(tx, row.state_hash, account=account, problem=problem)
            else:
                problem = self._use(tx, row, state, granted, notes.get("by"))
        _log.info("signed_in" if problem is None else "sign_in_failed", provider=row.provider, reason=problem)
        return account, problem

    def status(self, tenant: str, state: str) -> dict[str, Any]:
        """How it went, for the page that began it."""
        with self._database.read() as tx:
            row = store_sign_in.find(tx, state)
        if row is None or row.tenant != tenant:
            raise Problem(404, detail="There is no such sign-in: it was too long ago, or is used up.")
        return {"done": row.done_at is not None, "account": row.account, "problem": row.problem}

    def claim(self, tx: Connection, tenant: str, provider: str, state: str) -> str:
        """What a mailbox that is being saved keeps as its secret; the sign-in is used up."""
        row, granted = self._waiting(tx, tenant, provider, state)
        if not store_sign_in.remove(tx, row.state_hash):
            raise Problem(422, errors={"sign_in": [_ANEW]})
        return str(granted["secret"])

    def bearer(self, tenant: str, provider: str, state: str) -> OneToken:
        """A token with which a mailbox can be tried before it is saved."""
        with self._database.read() as tx:
            row, granted = self._waiting(tx, tenant, provider, state)
        if granted["until"] < time.time():
            raise Problem(422, errors={"sign_in": [_ANEW]})
        return OneToken(granted["access"], row.account)

    # --- the provider's answer

    def _granted(
        self, row: Row[Any], notes: Mapping[str, Any], query: Mapping[str, str]
    ) -> tuple[str | None, str | None, dict[str, Any] | None]:
        """(account, problem, what was granted)."""
        name = NAMES[row.provider]
        if "error" in query or not query.get("code"):
            return None, _refusal(name, query), None
        try:
            tokens = self._providers.exchange(row.provider, query["code"], self._base_url + CALLBACK, notes["verifier"])
        except GrantRefused as refused:
            return None, f"{name} did not accept the sign-in: {refused}", None
        except Fault as fault:
            again = "Sign in again in a moment." if isinstance(fault, Temporary) else ""
            return None, f"{name} could not be asked: {fault} {again}".strip(), None
        if tokens.refresh is None:
            return tokens.account, f"{name} granted no lasting access (no refresh token): sign in again.", None
        expected = notes.get("hint")
        if expected and tokens.account and tokens.account != expected.lower():
            return (
                tokens.account,
                f"You signed in as {tokens.account}, but this mailbox is {expected}'s: sign in as {expected}.",
                None,
            )
        secret = SignedIn(tokens.refresh, tokens.account).text()
        until = time.time() + tokens.expires_in
        return (
            tokens.account,
            None,
            {"secret": secret, "access": tokens.access, "until": until, "account": tokens.account},
        )

    def _use(self, tx: Connection, row: Row[Any], state: str, granted: dict[str, Any], by: str | None) -> str | None:
        """A stored mailbox of this sign-in goes on at once; anything else waits to be saved."""
        mailbox = None if row.mailbox_id is None else store_grants.granted(tx, row.mailbox_id)
        if row.mailbox_id is not None and mailbox is None:
            problem = "The mailbox was deleted meanwhile."
            store_sign_in.end(tx, row.state_hash, account=granted["account"], problem=problem)
            return problem
        sealed = b""
        if mailbox is not None and (mailbox.auth, mailbox.provider) == ("oauth", row.provider):
            secret = self._vault.seal(tx, row.tenant, granted["secret"].encode(), secret_aad(mailbox.id))
            store_grants.reconnect(tx, mailbox.id, secret, by)
        else:
            sealed = self._seal(tx, row.tenant, state, granted)
        store_sign_in.end(tx, row.state_hash, account=granted["account"], problem=None, sealed=sealed)
        return None

    # --- rows

    def _open(self, tx: Connection, state: str) -> tuple[Row[Any], dict[str, Any]]:
        row = store_sign_in.find(tx, state)
        if row is None or row.done_at is not None:
            raise Elsewhere
        return row, self._unseal(tx, row, state)

    def _waiting(self, tx: Connection, tenant: str, provider: str, state: str) -> tuple[Row[Any], dict[str, Any]]:
        row = store_sign_in.find(tx, state)
        if row is None or row.tenant != tenant or row.provider != provider or not row.sealed or row.done_at is None:
            raise Problem(422, errors={"sign_in": [_ANEW]})
        return row, self._unseal(tx, row, state)

    def _address(self, row: Row[Any], state: str, notes: Mapping[str, Any]) -> str:
        back = self._base_url + CALLBACK
        return self._providers.address(row.provider, notes["kind"], back, state, notes["verifier"], notes["hint"])

    def _account_of(self, tx: Connection, row: Row[Any]) -> str:
        """Whose sign-in a stored mailbox has: the same person is to sign in again."""
        if row.auth == "oauth" and row.secret:
            secret = read("oauth", self._vault.unseal(tx, row.tenant, row.secret, secret_aad(row.id)).decode())
            if isinstance(secret, SignedIn) and secret.account:
                return secret.account
        return str(row.username)

    def _seal(self, tx: Connection, tenant: str, state: str, notes: Mapping[str, Any]) -> bytes:
        return self._vault.seal(tx, tenant, json.dumps(notes).encode(), f"sign-in {hashed(state)}")

    def _unseal(self, tx: Connection, row: Row[Any], state: str) -> dict[str, Any]:
        found = json.loads(self._vault.unseal(tx, row.tenant, row.sealed, f"sign-in {hashed(state)}"))
        assert isinstance(found, dict)
        return found


_ANEW = "Sign in again: this sign-in is used up, or was too long ago."


def _same_browser(notes: Mapping[str, Any], browser: str | None) -> bool:
    return hmac.compare_digest(hashed(browser or ""), str(notes.get("browser")))


def _refusal(name: str, query: Mapping[str, str]) -> str:
    """The provider's error in words; its own text is for developers, and is kept short."""
    code = query.get("error", "")
    if code == "access_denied":
        return f"The consent was refused at {name}: without it Mailbridge cannot read the mailbox."
    words = one_line(query.get("error_description"), 200)
    told = f"{one_line(code, 60) or 'no code'}" + (f": {words.rstrip('.')}" if words else "")
    if code in ("consent_required", "interaction_required"):
        return f"{name} wants an administrator's consent first ({told})."
    return f"{name} did not sign you in ({told})."
