"""SQL of sites attached by an account's API token: the token, the webhook added by hand, what the last check found.

The tenant of a self-hosted page is the one *own* tenant. It is there before its site is: scheme token, state `new`, an
empty base URL. A detached site is a removed tenant, and the next own tenant starts afresh: another site's issues have
the same numbers, so nothing of the old one may reach them.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from common.crypto import Vault
from common.db import Database, insert_once, now
from common.errors import Permanent
from common.ids import encode
from common.outbox import Outbox
from connect.tables import data_key, login_account, outbox, site_token, tenant

_ACCOUNT_AAD = "api token"
_HOOK_AAD = "hook secret"
_OFTEN = 10.0


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a site is called as: e-mail address, API token, and when that ends (seconds since 1970, None: not known)."""

    email: str
    token: str = field(repr=False)
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Hook:
    """The webhook that an administrator of Jira adds: the end of its address, its secret, when it was last heard."""

    tenant: str
    name: str
    secret: str = field(repr=False)
    heard_at: float | None


@dataclass(frozen=True, slots=True)
class Site:
    """A site that is attached. checked: what the last check found (`attach.Finding.to_json`), None before the first."""

    tenant: str
    base_url: str
    account: Account
    hook: Hook
    checked: Mapping[str, Any] | None
    checked_at: float | None


class SiteStore:
    """Each method is one transaction; all raise Temporary while the database cannot be had."""

    def __init__(self, database: Database, master_key: bytes) -> None:
        self._database = database
        self._vault = Vault(master_key, data_key)
        self._outbox = Outbox(database, outbox)

    def own_tenant(self) -> str:
        """The id of the own tenant, which is made when there is none; accounts of its predecessor log in to it."""
        with self._database.read() as tx:
            found = _own(tx)
        if found is not None:
            return found
        with self._database.write() as tx:
            # The id says how many there were: of two processes that come at once, both mean the same one.
            count = tx.execute(select(func.count()).where(tenant.c.id.like(f"{_PREFIX}%"))).scalar_one()
            row = {"id": _PREFIX + encode(count, 13), "scheme": "token", "base_url": "", "state": "new"}
            insert_once(tx, tenant, {**row, "created_at": _clock(tx), "changed_at": _clock(tx)})
            id = _own(tx)
            if id is None:  # the other process's tenant was removed since
                id = str(row["id"])
            gone = select(tenant.c.id).where(tenant.c.id.like(f"{_PREFIX}%"), tenant.c.state == "removed")
            tx.execute(update(login_account).where(login_account.c.tenant.in_(gone)).values(tenant=id))
        return id

    def site(self, id: str) -> Site | None:
        """The site of a tenant of scheme token; None before it is attached and once it was removed."""
        there = (tenant.c.id == id) & (tenant.c.scheme == "token") & (tenant.c.state != "removed")
        rows = select(site_token, tenant.c.base_url).join(tenant, tenant.c.id == site_token.c.tenant).where(there)
        with self._database.read() as tx:
            row = tx.execute(rows).mappings().one_or_none()
            if row is None or row["token"] is None:
                return None
            token = self._vault.unseal(tx, id, bytes(row["token"]), _ACCOUNT_AAD).decode()
            secret = self._vault.unseal(tx, id, bytes(row["hook_secret"]), _HOOK_AAD).decode()
        return Site(
            tenant=id,
            base_url=row["base_url"],
            account=Account(row["email"], token, row["token_expires_at"]),
            hook=Hook(id, row["hook"], secret, row["hook_heard_at"]),
            checked=row["rights"],
            checked_at=row["checked_at"],
        )

    def attach(self, id: str, base_url: str, account: Account, checked: Mapping[str, Any] | None) -> None:
        """Attach a site to the tenant, or replace its account; the webhook stays. Tells the others `tenant.changed`.

        checked: what the check found, None when it has not been made. Permanent(status=404) if the tenant was removed.
        """
        with self._database.write() as tx:
            at = _clock(tx)
            about = {"scheme": "token", "base_url": base_url, "display_url": base_url, "state": "enabled"}
            person = {"account_id": _account_id(checked)} if checked is not None else {}
            there = (tenant.c.id == id) & (tenant.c.state != "removed")
            if not tx.execute(update(tenant).where(there).values(**about, **person, changed_at=at)).rowcount:
                raise Permanent("This site was detached meanwhile.", remedy="Load the page anew.", status=404)
            sealed = self._vault.seal(tx, id, account.token.encode(), _ACCOUNT_AAD)
            hook_secret = self._vault.seal(tx, id, secrets.token_urlsafe(32).encode(), _HOOK_AAD)
            values = {
                "email": account.email,
                "token": sealed,
                "token_expires_at": account.expires_at,
                "rights": None if checked is None else dict(checked),
                "checked_at": None if checked is None else at,
            }
            hook = {"hook": secrets.token_hex(16), "hook_secret": hook_secret}
            if not insert_once(tx, site_token, {"tenant": id, **values, **hook}):
                tx.execute(update(site_token).where(site_token.c.tenant == id).values(**values))
            self._outbox.put(tx, "tenant.changed", id, {"state": "enabled"})

    def note(self, id: str, checked: Mapping[str, Any]) -> None:
        """Note what a check found. The account that we call as stays known when the check could not tell it."""
        with self._database.write() as tx:
            values = {"rights": dict(checked), "checked_at": now()}
            tx.execute(update(site_token).where(site_token.c.tenant == id).values(**values))
            if (account := _account_id(checked)) is not None:
                tx.execute(update(tenant).where(tenant.c.id == id).values(account_id=account))

    def unchecked(self, *, troubled: float, well: float) -> list[str]:
        """Ids of attached tenants whose last check found a problem `troubled` seconds ago, or none `well` seconds ago."""
        there = (tenant.c.state == "enabled") & (tenant.c.scheme == "token") & site_token.c.token.is_not(None)
        rows = select(tenant.c.id, site_token.c.rights, site_token.c.checked_at, now())
        with self._database.read() as tx:
            found = tx.execute(rows.join(site_token, site_token.c.tenant == tenant.c.id).where(there)).all()
        return [
            id
            for id, checked, at, clock in found
            if at is None or clock - at >= (troubled if (checked or {}).get("problem") else well)
        ]

    def doubt(self, id: str) -> None:
        """Jira refused the tenant's token: it is to be checked at the next occasion."""
        self._set(id, checked_at=None)

    def hook(self, name: str) -> Hook | None:
        """The webhook of that name, of a tenant that is enabled."""
        rows = select(site_token.c.tenant, site_token.c.hook_secret, site_token.c.hook_heard_at)
        there = (site_token.c.hook == name) & (tenant.c.state == "enabled")
        with self._database.read() as tx:
            row = tx.execute(rows.join(tenant, tenant.c.id == site_token.c.tenant).where(there)).one_or_none()
            if row is None:
                return None
            secret = self._vault.unseal(tx, row.tenant, bytes(row.hook_secret), _HOOK_AAD).decode()
        return Hook(row.tenant, name, secret, row.hook_heard_at)

    def heard(self, hook: Hook) -> None:
        """Note that the webhook was heard now; every ten seconds is enough."""
        with self._database.read() as tx:
            at = _clock(tx)
        if hook.heard_at is None or at - hook.heard_at >= _OFTEN:
            self._set(hook.tenant, hook_heard_at=at)

    def unheard(self, id: str) -> None:
        """Note that the webhook does not tell everything: it counts again when it is heard again."""
        self._set(id, hook_heard_at=None)

    def renew_hook(self, id: str) -> None:
        """Give the webhook a new secret; the old one counts no more, and the webhook as unheard until Jira has it."""
        with self._database.write() as tx:
            sealed = self._vault.seal(tx, id, secrets.token_urlsafe(32).encode(), _HOOK_AAD)
            values = {"hook_secret": sealed, "hook_heard_at": None}
            tx.execute(update(site_token).where(site_token.c.tenant == id).values(**values))

    def drop(self, id: str) -> None:
        """Forget the site of a tenant that was removed."""
        with self._database.write() as tx:
            tx.execute(delete(site_token).where(site_token.c.tenant == id))

    def _set(self, id: str, **values: Any) -> None:
        with self._database.write() as tx:
            tx.execute(update(site_token).where(site_token.c.tenant == id).values(**values))


_PREFIX = "own"


def _own(tx: Connection) -> str | None:
    there = (tenant.c.id.like(f"{_PREFIX}%")) & (tenant.c.state != "removed")
    found: str | None = tx.execute(select(tenant.c.id).where(there).order_by(tenant.c.id.desc()).limit(1)).scalar()
    return found


def _account_id(checked: Mapping[str, Any] | None) -> str | None:
    id = ((checked or {}).get("account") or {}).get("account_id")
    return id if isinstance(id, str) else None


def _clock(tx: Connection) -> float:
    return float(tx.execute(select(now())).scalar_one())
