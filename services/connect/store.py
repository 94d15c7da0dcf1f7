"""Tenants with Connect's sealed secrets, events taken in once, nonces. More of connect's SQL: the other `store_*.py`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from common.crypto import Vault
from common.db import Database, insert_once, now
from common.ids import new_id
from common.outbox import Outbox
from connect.events import JiraEvent
from connect.tables import data_key, event, forge, lookup_user, nonce, outbox, polled, site_token, tenant

_AAD = "shared secret"
_SWEEP = 1000


@dataclass(frozen=True, slots=True)
class Installation:
    """What Jira says in `installed`; installation_id: Forge's, where the app is Connect on Forge."""

    client_key: str
    base_url: str
    app_key: str
    display_url: str | None
    secret: str = field(repr=False)
    installation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """One site. scheme: how its Jira is called, connect, forge or token. state: installed, enabled, disabled, silent
    (Forge is not heard any more) or removed; client_key, app_key and secret are Connect's, None without it."""

    id: str
    scheme: str
    client_key: str | None
    base_url: str
    app_key: str | None
    state: str
    display_url: str | None
    account_id: str | None
    secret: str | None = field(repr=False)


class Store:
    """Each method is one transaction; all raise Temporary while the database cannot be had."""

    def __init__(self, database: Database, master_key: bytes) -> None:
        self.database = self._database = database
        self._vault = Vault(master_key, data_key)
        self._outbox = Outbox(database, outbox)

    def tenant(self, id: str) -> Tenant | None:
        """The tenant with this id, also when it was removed."""
        return self._find(tenant.c.id == id)

    def by_client_key(self, client_key: str) -> Tenant | None:
        """The tenant that Jira knows by this key, also when it was removed."""
        return self._find(tenant.c.client_key == client_key)

    def connect_tenants_at(self, site_url: str) -> list[Tenant]:
        """The tenants of this site that Connect serves; a handful at most."""
        here = func.lower(tenant.c.base_url) == site_url.rstrip("/").lower()
        served = (tenant.c.scheme == "connect") & (tenant.c.state != "removed") & tenant.c.shared_secret.is_not(None)
        with self._database.read() as tx:
            ids = (
                tx.execute(select(tenant.c.id).where(here, served).order_by(tenant.c.created_at).limit(5))
                .scalars()
                .all()
            )
        return [found for id in ids if (found := self.tenant(id)) is not None]

    def install(self, installation: Installation, state: str, *, into: str | None = None) -> str:
        """Insert or update the tenant with this client key and seal its secret; returns the tenant's id.

        into: the tenant that gets a client key which nobody has yet (Connect on Forge, where Forge told of it first).
        Tells the others `tenant.changed`, for the base URL or the secret may be new. A site that is called by Forge
        stays so.
        """
        values: dict[str, Any] = {
            "base_url": installation.base_url,
            "app_key": installation.app_key,
            "display_url": installation.display_url,
            "state": state,
        }
        with self._database.write() as tx:
            values["changed_at"] = at = _clock(tx)
            if into is not None:
                tx.execute(update(tenant).where(tenant.c.id == into).values(client_key=installation.client_key))
            insert_once(tx, tenant, {"id": new_id(), "client_key": installation.client_key, "created_at": at, **values})
            mine = tenant.c.client_key == installation.client_key
            row = tx.execute(select(tenant.c.id, tenant.c.state).where(mine).with_for_update()).one()
            id: str = row.id
            if row.state in ("removed", "silent"):
                values["scheme"] = "connect"
            sealed = self._vault.seal(tx, id, installation.secret.encode(), _AAD)
            tx.execute(update(tenant).where(mine).values(**values, shared_secret=sealed))
            self._outbox.put(tx, "tenant.changed", id, {"state": state})
        return id

    def set_state(self, id: str, state: str) -> None:
        """Set the state of a tenant that is not removed, and tell the others `tenant.changed`."""
        with self._database.write() as tx:
            there = (tenant.c.id == id) & (tenant.c.state != "removed")
            if tx.execute(update(tenant).where(there).values(state=state, changed_at=now())).rowcount:
                self._outbox.put(tx, "tenant.changed", id, {"state": state})

    def remove(self, id: str) -> None:
        """Forget the tenant's secret, data key and events, and tell the others `tenant.removed`; once."""
        with self._database.write() as tx:
            there = (tenant.c.id == id) & (tenant.c.state != "removed")
            gone = {"state": "removed", "shared_secret": None, "account_id": None, "changed_at": now()}
            if not tx.execute(update(tenant).where(there).values(**gone)).rowcount:
                return
            self._vault.destroy(tx, id)
            # What was sealed with that key is dead; the rows that say which site it was stay, for it may come back.
            tx.execute(update(forge).where(forge.c.tenant == id).values(system_token=None, scopes=None))
            tx.execute(update(site_token).where(site_token.c.tenant == id).values(token=None))
            for table in (event, lookup_user, polled):
                tx.execute(delete(table).where(table.c.tenant == id))
            self._outbox.put(tx, "tenant.removed", id, {})

    def leave_connect(self, id: str) -> None:
        """Forget the Connect secret of a tenant that is attached otherwise too."""
        with self._database.write() as tx:
            tx.execute(update(tenant).where(tenant.c.id == id).values(shared_secret=None, changed_at=now()))

    def without_account(self) -> list[str]:
        """Ids of enabled tenants whose app account is not known yet."""
        missing = (tenant.c.state == "enabled") & tenant.c.account_id.is_(None)
        with self._database.read() as tx:
            return list(tx.execute(select(tenant.c.id).where(missing).limit(_SWEEP)).scalars())

    def set_account(self, id: str, account_id: str) -> None:
        """Note the account that the app acts as in this Jira."""
        with self._database.write() as tx:
            there = (tenant.c.id == id) & (tenant.c.state != "removed")
            tx.execute(update(tenant).where(there).values(account_id=account_id))

    def base_urls(self, beyond: Iterable[str], most: int) -> list[str]:
        """At most `most` addresses of sites that show the page in a frame (Connect), outside these domains."""
        outside = [tenant.c.base_url.not_like(f"https://%.{domain}") for domain in beyond]
        there = (tenant.c.state != "removed") & tenant.c.client_key.is_not(None)
        rows = select(tenant.c.base_url).where(there, *outside).distinct().order_by(tenant.c.base_url).limit(most)
        with self._database.read() as tx:
            return list(tx.execute(rows).scalars())

    def keep_event(self, id: str, what: JiraEvent) -> bool:
        """Store the event and its message `jira.event`; False if the tenant's event was here before."""
        body = what.to_json()
        row = {"id": new_id(), "tenant": id, "fingerprint": what.fingerprint, "kind": what.kind, "body": body}
        with self._database.write() as tx:
            if not insert_once(tx, event, {**row, "received_at": _clock(tx)}):
                return False
            self._outbox.put(tx, "jira.event", id, body)
        return True

    def use_nonce(self, value: str) -> bool:
        """True the first time."""
        with self._database.write() as tx:
            return insert_once(tx, nonce, {"value": value, "seen_at": _clock(tx)})

    def sweep(self, *, events: float, nonces: float) -> int:
        """Delete what is older than so many seconds, a thousand rows of each at most; returns how many rows went."""
        with self._database.read() as tx:
            old_events = _older(tx, event.c.id, event.c.received_at, events)
            old_nonces = _older(tx, nonce.c.value, nonce.c.seen_at, nonces)
        if old_events or old_nonces:
            with self._database.write() as tx:
                tx.execute(delete(event).where(event.c.id.in_(old_events)))
                tx.execute(delete(nonce).where(nonce.c.value.in_(old_nonces)))
        return len(old_events) + len(old_nonces)

    def _find(self, which: ColumnElement[bool]) -> Tenant | None:
        with self._database.read() as tx:
            row = tx.execute(select(tenant).where(which)).mappings().one_or_none()
            if row is None:
                return None
            sealed = row["shared_secret"]
            secret = None if sealed is None else self._vault.unseal(tx, row["id"], bytes(sealed), _AAD).decode()
        names = ("id", "scheme", "client_key", "base_url", "app_key", "state", "display_url", "account_id")
        return Tenant(**{name: row[name] for name in names}, secret=secret)


def _clock(tx: Connection) -> float:
    return float(tx.execute(select(now())).scalar_one())


def _older(tx: Connection, key: ColumnElement[str], at: ColumnElement[float], age: float) -> Sequence[str]:
    return tx.execute(select(key).where(at < now() - age).limit(_SWEEP)).scalars().all()
