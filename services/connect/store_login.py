"""SQL of the page's own login: accounts, logins by the hash of the browser's secret, set-up links, guesses.

A secret is random and long, so its plain SHA-256 tells nobody anything.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from common.db import Database, insert_once, now
from common.ids import new_id
from connect import guessing
from connect.tables import login, login_account

LIFE = 12 * 3600.0
"""Seconds a login lasts at most."""
IDLE = 2 * 3600.0
"""Seconds a login lasts unused."""
SETUP_LIFE = 24 * 3600.0
"""Seconds a set-up link is good for."""
STATE_LIFE = 600.0
"""Seconds somebody has to come back from the OpenID provider."""

_NOTE_USE = 60.0
_OWNER = "admin"  # the one account with a password


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Whose login a secret stands for. provider: an OpenID provider vouched for them, under the address `name`."""

    account: str
    name: str
    provider: bool


class LoginStore:
    """Each method is one transaction; all raise Temporary while the database cannot be had."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- passwords

    def password(self) -> tuple[str, str] | None:
        """The account that has a password, and what is kept of it; None while nobody has one."""
        with self._database.read() as tx:
            row = tx.execute(select(login_account.c.id, login_account.c.password).where(_HAS_PASSWORD)).first()
            return None if row is None else (row.id, row.password)

    def offer_setup(self, secret: str) -> None:
        """A link by which a password can be set, once; links offered before are good no more."""
        with self._database.write() as tx:
            tx.execute(delete(login).where(login.c.kind == "setup"))
            _insert(tx, "setup", secret, SETUP_LIFE)

    def is_offered(self, secret: str) -> bool:
        """True if the link with this secret can be used."""
        with self._database.read() as tx:
            return tx.execute(select(login.c.hash).where(_is("setup", secret))).first() is not None

    def set_password(self, secret: str, tenant: str, hashed: str) -> str | None:
        """Use up the link, keep the password, end the account's logins; the account, or None if the link is no good."""
        with self._database.write() as tx:
            if not tx.execute(delete(login).where(_is("setup", secret))).rowcount:
                return None
            owner = login_account.c.name == _OWNER, login_account.c.subject.is_(None)
            id = tx.execute(select(login_account.c.id).where(*owner)).scalar()
            if id is None:
                id = new_id()
                values = {"id": id, "tenant": tenant, "name": _OWNER, "password": hashed, "created_at": _clock(tx)}
                tx.execute(login_account.insert().values(values))
            else:
                change = update(login_account).where(login_account.c.id == id)
                tx.execute(change.values(password=hashed, tenant=tenant))
                tx.execute(delete(login).where(login.c.kind == "session", login.c.account == id))
            return str(id)

    # --- logins

    def begin(self, secret: str, account: str, *, instead_of: str | None) -> None:
        """The account is logged in wherever `secret` is shown; the login that the browser had before ends."""
        with self._database.write() as tx:
            tx.execute(delete(login).where(login.c.expires_at <= now()))
            if instead_of is not None:
                tx.execute(delete(login).where(_is("session", instead_of)))
            _insert(tx, "session", secret, IDLE, account)

    def find(self, secret: str) -> LoggedIn | None:
        """Who is logged in by this secret; being asked for is use, which puts the idle end off."""
        columns = (login_account.c.id, login_account.c.name, login_account.c.subject)
        mine = login.join(login_account, login.c.account == login_account.c.id)
        with self._database.read() as tx:
            found = select(*columns, login.c.created_at, login.c.expires_at).select_from(mine)
            row = tx.execute(found.where(_is("session", secret))).first()
            at = _clock(tx)
        if row is None:
            return None
        ends = min(at + IDLE, row.created_at + LIFE)
        if ends > row.expires_at + _NOTE_USE:
            with self._database.write() as tx:
                tx.execute(update(login).where(_is("session", secret)).values(expires_at=ends))
        return LoggedIn(row.id, row.name, row.subject is not None)

    def end(self, secret: str) -> None:
        """Log out."""
        with self._database.write() as tx:
            tx.execute(delete(login).where(_is("session", secret)))

    # --- OpenID Connect

    def leave(self, secret: str) -> None:
        """Somebody goes to the OpenID provider and shall come back with this secret."""
        with self._database.write() as tx:
            tx.execute(delete(login).where(login.c.expires_at <= now()))
            _insert(tx, "state", secret, STATE_LIFE)

    def is_back(self, secret: str) -> bool:
        """True the first time somebody comes back with the secret, in time."""
        with self._database.write() as tx:
            return bool(tx.execute(delete(login).where(_is("state", secret))).rowcount)

    def account_of(self, subject: str, tenant: str, name: str) -> str:
        """The account of the provider's `subject`, made at the first login; `name` is noted anew each time."""
        with self._database.write() as tx:
            values = {"id": new_id(), "tenant": tenant, "name": name, "subject": subject, "created_at": _clock(tx)}
            insert_once(tx, login_account, values)
            mine = login_account.c.subject == subject
            tx.execute(update(login_account).where(mine).values(name=name, tenant=tenant))
            return str(tx.execute(select(login_account.c.id).where(mine)).scalar_one())

    # --- guesses

    def guess(self, keys: Mapping[str, str]) -> float:
        """Count a guess under each key (see `guessing.keys_of`) before it is judged.

        Returns 0, or for how many seconds no guess is heard; then nothing was counted.
        """
        with self._database.write() as tx:
            tx.execute(delete(login).where(login.c.expires_at <= now()))
            guesses = {key: _locked(tx, key) for key in sorted(keys)}  # in one order: nobody waits for each other
            at = _clock(tx)
            pause = max(guessing.wait(keys[key], body["count"], body["at"], at) for key, body in guesses.items())
            if pause:
                return pause
            for key, body in guesses.items():
                values = {"body": {"count": body["count"] + 1, "at": at}, "expires_at": at + guessing.MEMORY}
                tx.execute(update(login).where(login.c.hash == _hash("guess", key)).values(values))
            return 0.0

    def forgive(self, keys: Mapping[str, str]) -> None:
        """The guess was right: those before it count no more."""
        with self._database.write() as tx:
            tx.execute(
                delete(login).where(login.c.hash.in_([_hash("guess", key) for key in keys]), login.c.kind == "guess")
            )


_HAS_PASSWORD = login_account.c.password.is_not(None)


def _hash(kind: str, secret: str) -> str:
    return hashlib.sha256(f"{kind} {secret}".encode("utf-8", "replace")).hexdigest()


def _is(kind: str, secret: str) -> ColumnElement[bool]:
    return (login.c.hash == _hash(kind, secret)) & (login.c.kind == kind) & (login.c.expires_at > now())


def _insert(tx: Connection, kind: str, secret: str, life: float, account: str | None = None) -> None:
    at = _clock(tx)
    row = {"hash": _hash(kind, secret), "kind": kind, "account": account, "created_at": at, "expires_at": at + life}
    tx.execute(login.insert().values(row))


def _locked(tx: Connection, key: str) -> Mapping[str, Any]:
    """How many guesses were made under a key and when the last was, held until the transaction ends."""
    at, none = _clock(tx), {"count": 0, "at": 0.0}
    row = {"hash": _hash("guess", key), "kind": "guess", "body": none}
    insert_once(tx, login, {**row, "created_at": at, "expires_at": at + guessing.MEMORY})
    mine = select(login.c.body).where(login.c.hash == _hash("guess", key)).with_for_update()
    body: Mapping[str, Any] | None = tx.execute(mine).scalar()
    return none if body is None else body  # a right guess at the same moment took it away


def _clock(tx: Connection) -> float:
    return float(tx.execute(select(now())).scalar_one())
