"""SQL of Forge installations: whose they are, where their Jira is, and the newest system token that a call brought."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from common.crypto import Vault
from common.db import Database, insert_once, now
from common.errors import Temporary
from common.ids import new_id
from common.outbox import Outbox
from connect.hearing import Known, News, what_is_new
from connect.invocation import Invocation
from connect.tables import data_key, forge, outbox, tenant

_AAD = "system token"
_MOST = 1000


@dataclass(frozen=True, slots=True)
class ForgeSite:
    """A tenant's Forge installation. refused: Jira did not accept the token; scopes: those granted, None: nobody told."""

    installation_id: str
    tenant: str
    cloud_id: str
    api_base_url: str
    environment: str | None
    app_version: str | None
    token_at: float | None
    refused: bool
    scopes: tuple[str, ...] | None
    heard_at: float
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Heard:
    """Whose call it was. gone: it is a left-over of a removed installation, and counts no more."""

    tenant: str
    gone: bool = False


class ForgeStore:
    """Each method is one transaction; all raise Temporary while the database cannot be had."""

    def __init__(self, database: Database, master_key: bytes) -> None:
        self._database = database
        self._vault = Vault(master_key, data_key)
        self._outbox = Outbox(database, outbox)

    def of(self, tenant_id: str) -> ForgeSite | None:
        """The installation of a tenant, None without one."""
        with self._database.read() as tx:
            row = _row(tx, forge.c.tenant == tenant_id, lock=False)
            if row is None:
                return None
            token = self._token(tx, row)
            granted = _scopes(tx, row)
        values = {name: row[name] for name in _NAMES}
        return ForgeSite(**values, refused=row["refused_at"] is not None, scopes=granted, token=token)

    def known(self, call: Invocation) -> bool:
        """Whether the call's installation, or an earlier one of its site and environment, has a tenant."""
        with self._database.read() as tx:
            return _find(tx, call) is not None

    def hear(self, call: Invocation, token: str | None, *, into: str | None = None) -> Heard:
        """Note a call and the system token that it brought, if it is newer; a new site becomes a tenant.

        into: the tenant that a new site was proved to be. What is new to the others is told as `tenant.changed`.
        """
        with self._database.read() as tx:
            row = _find(tx, call)
            if row is not None:
                news = what_is_new(self._known(tx, row), call, token, _clock(tx))
                if news is None or news.nothing:
                    return Heard(row["tenant"], gone=news is None)
        with self._database.write() as tx:
            if _find(tx, call) is None:
                self._enter(tx, call, into)
            row = _locked(tx, _find(tx, call))
            news = what_is_new(self._known(tx, row), call, token, _clock(tx))
            if news is not None:
                self._write(tx, row["installation_id"], row["tenant"], news)
        return Heard(row["tenant"], gone=news is None)

    def announce(self, installation_id: str, tenant_id: str) -> str | None:
        """Note that a Connect tenant is this installation too (Connect on Forge).

        Returns the tenant that the installation made before it was known whose it is; it has to be removed.
        """
        with self._database.write() as tx:
            mine = forge.c.installation_id == installation_id
            _lock(tx, tenant_id)
            row = _row(tx, mine)
            if row is not None and row["tenant"] == tenant_id:
                return None
            tx.execute(delete(forge).where(forge.c.tenant == tenant_id))
            if row is None:
                values = {"cloud_id": "", "api_base_url": "", "heard_at": _clock(tx)}
                insert_once(tx, forge, {"installation_id": installation_id, "tenant": tenant_id, **values})
                return None
            token = self._token(tx, row)
            sealed = None if token is None else self._vault.seal(tx, tenant_id, token.encode(), _AAD)
            tx.execute(update(forge).where(mine).values(tenant=tenant_id, system_token=sealed))
            if token is not None:  # else it is called by Connect until a call by Forge brings one
                values = {"scheme": "forge", "state": "enabled", "account_id": None, "changed_at": _clock(tx)}
                tx.execute(update(tenant).where(tenant.c.id == tenant_id).values(**values))
                self._outbox.put(tx, "tenant.changed", tenant_id, {"state": "enabled"})
        return str(row["tenant"])

    def tenant_of(self, installation_id: str) -> str | None:
        """The id of the tenant of an installation."""
        with self._database.read() as tx:
            found: str | None = tx.execute(
                select(forge.c.tenant).where(forge.c.installation_id == installation_id)
            ).scalar_one_or_none()
        return found

    def refuse(self, tenant_id: str, digest: str) -> None:
        """Note that Jira did not accept the token with this SHA-256 (hex), if it is still the one that stands here."""
        site = self.of(tenant_id)
        if site is None or site.token is None or site.refused:
            return
        if hashlib.sha256(site.token.encode()).hexdigest() == digest:
            with self._database.write() as tx:
                this = (forge.c.tenant == tenant_id) & (forge.c.token_at == site.token_at)
                tx.execute(update(forge).where(this).values(refused_at=now()))

    def set_scopes(self, tenant_id: str, names: Iterable[str]) -> None:
        """Note the scopes that an administrator granted to the app's version that was last heard of."""
        with self._database.write() as tx:
            mine = forge.c.tenant == tenant_id
            version = tx.execute(select(forge.c.app_version).where(mine)).scalar_one_or_none()
            told = {"major": _major(version), "names": sorted(set(names))}
            tx.execute(update(forge).where(mine).values(scopes=told))

    def silent(self, quiet: float) -> list[tuple[str, float]]:
        """Tenants called by Forge that were not heard for `quiet` seconds, with how long that is; the longest first."""
        silence = now() - forge.c.heard_at
        there = (tenant.c.scheme == "forge") & tenant.c.state.in_(("enabled", "silent")) & (silence > quiet)
        rows = select(forge.c.tenant, silence).join(tenant, tenant.c.id == forge.c.tenant).where(there)
        with self._database.read() as tx:
            return [(id, float(age)) for id, age in tx.execute(rows.order_by(forge.c.heard_at).limit(_MOST))]

    def leave(self, tenant_id: str) -> None:
        """Forget the installation of a tenant that Connect still serves, which is called by Connect again."""
        with self._database.write() as tx:
            values = {"scheme": "connect", "state": "enabled", "account_id": None, "changed_at": now()}
            tx.execute(update(tenant).where(tenant.c.id == tenant_id).values(**values))
            tx.execute(delete(forge).where(forge.c.tenant == tenant_id))
            self._outbox.put(tx, "tenant.changed", tenant_id, {"state": "enabled"})

    def _enter(self, tx: Connection, call: Invocation, into: str | None) -> None:
        id, at = into or new_id(), _clock(tx)
        tx.execute(delete(forge).where(forge.c.tenant == id))  # announced under another installation
        row = {"installation_id": call.installation_id, "tenant": id, "cloud_id": call.cloud_id, "heard_at": at}
        if not insert_once(tx, forge, {**row, "api_base_url": call.api_base_url, "environment": call.environment}):
            return  # another process was faster
        if into is None:
            site = {"base_url": call.site_url or "", "display_url": call.site_url, "state": "installed"}
            tx.execute(tenant.insert().values(id=id, scheme="forge", created_at=at, changed_at=at, **site))

    def _write(self, tx: Connection, installation_id: str, tenant_id: str, news: News) -> None:
        if news.tenant:
            values = {**news.tenant, "changed_at": _clock(tx)}
            tx.execute(update(tenant).where(tenant.c.id == tenant_id).values(**values))
            self._outbox.put(tx, "tenant.changed", tenant_id, {"state": news.tenant.get("state", "enabled")})
        values = {**news.site, "heard_at": _clock(tx)}
        if news.token is not None:
            # Sealed after the tenant's row was written, for a removed tenant has no key: sealing makes a fresh one.
            values["system_token"] = self._vault.seal(tx, tenant_id, news.token.encode(), _AAD)
        tx.execute(update(forge).where(forge.c.installation_id == installation_id).values(**values))

    def _known(self, tx: Connection, row: Mapping[str, Any]) -> Known:
        about = select(tenant.c.scheme, tenant.c.state, tenant.c.base_url, tenant.c.changed_at)
        whose = tx.execute(about.where(tenant.c.id == row["tenant"])).mappings().one()
        values = {name: row[name] for name in _NAMES if name != "tenant"}
        return Known(**values, **whose, refused_at=row["refused_at"], token=self._token(tx, row))

    def _token(self, tx: Connection, row: Mapping[str, Any]) -> str | None:
        sealed = row["system_token"]
        return None if sealed is None else self._vault.unseal(tx, row["tenant"], bytes(sealed), _AAD).decode()


_NAMES = (
    "installation_id",
    "tenant",
    "cloud_id",
    "api_base_url",
    "environment",
    "app_version",
    "token_at",
    "heard_at",
)


def _find(tx: Connection, call: Invocation) -> dict[str, Any] | None:
    """The row of the call's installation, else that of an earlier installation in the same site and environment."""
    this = forge.c.installation_id == call.installation_id
    site = (forge.c.cloud_id == call.cloud_id) & (forge.c.environment == call.environment)
    for which in (this, site):
        rows = select(forge).where(which).order_by(forge.c.heard_at.desc()).limit(1)
        found = tx.execute(rows).mappings().one_or_none()
        if found is not None:
            return dict(found)
    return None


def _locked(tx: Connection, row: Mapping[str, Any] | None) -> dict[str, Any]:
    """The row as it is once nobody else writes its tenant; Temporary if it has just gone."""
    if row is not None:
        _lock(tx, row["tenant"])
        row = _row(tx, forge.c.tenant == row["tenant"])
    if row is None:
        raise Temporary("The installation is just being changed.", retry_after=1.0)
    return dict(row)


def _lock(tx: Connection, tenant_id: str) -> None:
    """Tenants are locked before their installations, by everybody: else two would wait for each other."""
    tx.execute(select(tenant.c.id).where(tenant.c.id == tenant_id).with_for_update())


def _row(tx: Connection, which: ColumnElement[bool], *, lock: bool = True) -> dict[str, Any] | None:
    rows = select(forge).where(which)
    found = tx.execute(rows.with_for_update() if lock else rows).mappings().one_or_none()
    return None if found is None else dict(found)


def _scopes(tx: Connection, row: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What was granted to this version: a new scope makes a new major version, which an administrator has to approve.

    Forge tells it at upgrades only; another site with the same major version has been granted the same.
    """
    major = _major(row["app_version"])
    same = (forge.c.environment == row["environment"]) & forge.c.scopes.is_not(None)
    others = tx.execute(select(forge.c.scopes).where(same).order_by(forge.c.heard_at.desc()).limit(_MOST)).scalars()
    for told in (row["scopes"], *others):
        if told and major is not None and told["major"] == major:
            return tuple(told["names"])
    return None


def _major(version: str | None) -> str | None:
    return version.partition(".")[0] if version else None


def _clock(tx: Connection) -> float:
    return float(tx.execute(select(now())).scalar_one())
