"""SQL of look-up users: one a tenant, its token and name sealed."""

import json
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, select, update

from common.credentials import LookupUser
from common.crypto import Vault
from common.db import Database, insert_once, now
from common.outbox import Outbox
from connect.lookup_user import usable
from connect.tables import data_key, lookup_user, outbox, tenant

_AAD = "look-up user"


@dataclass(frozen=True, slots=True)
class Stored:
    """A tenant's look-up user. expires_at: when its token ends, None if nobody told; problem: of the last check."""

    tenant: str
    email: str
    token: str = field(repr=False)
    expires_at: float | None
    account_id: str | None
    name: str
    problem: str | None
    checked_at: float | None


class LookupStore:
    """Each method is one transaction; all raise Temporary while the database cannot be had."""

    def __init__(self, database: Database, master_key: bytes) -> None:
        self._database = database
        self._vault = Vault(master_key, data_key)
        self._outbox = Outbox(database, outbox)

    def get(self, id: str) -> Stored | None:
        """The tenant's look-up user; None if there is none."""
        with self._database.read() as tx:
            row = tx.execute(select(lookup_user).where(lookup_user.c.tenant == id)).one_or_none()
            if row is None:
                return None
            sealed = json.loads(self._vault.unseal(tx, id, bytes(row.token), _AAD))
        return Stored(
            id, row.email, sealed["token"], row.token_expires_at,
            row.account_id, sealed["name"], row.problem, row.checked_at,
        )  # fmt: skip

    def vended(self, id: str, now: float) -> LookupUser | None:
        """The tenant's look-up user as the workers get it; None without one, or once its token works no longer."""
        stored = self.get(id)
        if stored is None or not usable(stored.problem, stored.expires_at, now):
            return None
        return LookupUser(stored.email, stored.token)

    def put(self, id: str, email: str, token: str, expires_at: float | None, account_id: str, name: str) -> None:
        """Set the tenant's look-up user, whose token Jira has just accepted. Tells the others `tenant.changed`."""
        with self._database.write() as tx:
            sealed = self._vault.seal(tx, id, json.dumps({"token": token, "name": name}).encode(), _AAD)
            values = {
                "email": email,
                "token": sealed,
                "token_expires_at": expires_at,
                "account_id": account_id,
                "problem": None,
            }
            at = tx.execute(select(now())).scalar_one()
            if not insert_once(tx, lookup_user, {"tenant": id, **values, "checked_at": at}):
                tx.execute(update(lookup_user).where(lookup_user.c.tenant == id).values(**values, checked_at=at))
            self._tell(tx, id)

    def note(self, stored: Stored, problem: str | None) -> None:
        """Note what a check of this token found; nothing if there is another token by now."""
        with self._database.write() as tx:
            same = (lookup_user.c.tenant == stored.tenant) & (
                lookup_user.c.checked_at == stored.checked_at
                if stored.checked_at is not None
                else lookup_user.c.checked_at.is_(None)
            )
            noted = tx.execute(update(lookup_user).where(same).values(problem=problem, checked_at=now()))
            if noted.rowcount and (problem is None) != (stored.problem is None):
                self._tell(tx, stored.tenant)  # it is vended from now on, or no longer

    def drop(self, id: str) -> None:
        """Forget the tenant's look-up user, if there is one. Tells the others `tenant.changed`."""
        with self._database.write() as tx:
            if tx.execute(delete(lookup_user).where(lookup_user.c.tenant == id)).rowcount:
                self._tell(tx, id)

    def unchecked(self, age: float) -> list[str]:
        """Tenants whose look-up user was not checked for so many seconds, a hundred at most."""
        old = lookup_user.c.checked_at.is_(None) | (lookup_user.c.checked_at < now() - age)
        there = select(lookup_user.c.tenant).join(tenant, tenant.c.id == lookup_user.c.tenant)
        rows = there.where(old, tenant.c.state == "enabled").limit(100)
        with self._database.read() as tx:
            return list(tx.execute(rows).scalars())

    def _tell(self, tx: Connection, id: str) -> None:
        state = tx.execute(select(tenant.c.state).where(tenant.c.id == id)).scalar()
        if state is not None:
            self._outbox.put(tx, "tenant.changed", id, {"state": state})
