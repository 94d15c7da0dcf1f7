"""SQL of polling: whose turn it is, how far the search for events has come, which events are known already."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, case, delete, func, literal, select, update

from common.db import Database, insert_all_once, now
from connect.tables import event, polled, site_token, tenant

_SLACK = 60.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A tenant's turn, claimed until `lease` (seconds since 1970, as all here).

    since: when it began; until: up to when everything is known; heard: a webhook or Forge tells its events, so that the
    search only repairs; now: the database's clock.
    """

    tenant: str
    since: float
    until: float
    heard: bool
    lease: float
    now: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How polling goes: when a search last came to its end, why the last one did not."""

    polled_at: float | None
    due_at: float
    problem: str | None


class PolledStore:
    """Each method is one transaction; all raise Temporary while the database cannot be had."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enrol(self, repair: float) -> None:
        """Begin with tenants that are enabled now, from when they were (a minute ago at most); end with those that no longer are.

        repair: seconds until the first search of those whose events are told.
        """
        enabled = select(tenant.c.id).where(tenant.c.state == "enabled")
        # What happens between the attaching and this look is not to be missed.
        begun = case((tenant.c.changed_at > now() - _SLACK, tenant.c.changed_at), else_=now())
        new = select(tenant.c.id, tenant.c.scheme, begun, now()).where(
            tenant.c.state == "enabled", tenant.c.id.not_in(select(polled.c.tenant))
        )
        gone = polled.c.tenant.not_in(enabled)
        with self._database.read() as tx:
            found = tx.execute(new.limit(1)).first() or tx.execute(select(polled.c.tenant).where(gone).limit(1)).first()
        if found is None:
            return
        with self._database.write() as tx:
            rows = [
                {"tenant": id, "since": since, "until": since, "due_at": at + (0.0 if scheme == "token" else repair)}
                for id, scheme, since, at in tx.execute(new)
            ]
            insert_all_once(tx, polled, rows)
            tx.execute(delete(polled).where(gone))

    def claim(self, lease: float) -> Turn | None:
        """The turn of the tenant that has waited longest beyond its time, ours alone for `lease` seconds; None: nobody's."""
        due = polled.c.due_at <= now()
        with self._database.read() as tx:
            if tx.execute(select(polled.c.tenant).where(due).limit(1)).first() is None:
                return None
        first = select(polled, now().label("clock")).where(due).order_by(polled.c.due_at).limit(1)
        with self._database.write() as tx:
            row = tx.execute(first.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            until = row.clock + lease
            tx.execute(update(polled).where(polled.c.tenant == row.tenant).values(due_at=until))
            return Turn(row.tenant, row.since, row.until, _heard(tx, row.tenant), until, row.clock)

    def finish(self, turn: Turn, *, until: float, due_in: float, complete: bool, problem: str | None) -> None:
        """Note how far the turn came and when the next one is; nothing if the lease went to somebody else meanwhile."""
        values: dict[str, object] = {"until": until, "due_at": now() + literal(due_in), "problem": problem}
        if complete:
            values["polled_at"] = now()
        mine: ColumnElement[bool] = (polled.c.tenant == turn.tenant) & (polled.c.due_at == turn.lease)
        with self._database.write() as tx:
            tx.execute(update(polled).where(mine).values(**values))

    def progress(self, id: str) -> Progress | None:
        """How polling goes for the tenant; None before it began."""
        columns = select(polled.c.polled_at, polled.c.due_at, polled.c.problem)
        with self._database.read() as tx:
            row = tx.execute(columns.where(polled.c.tenant == id)).one_or_none()
        return None if row is None else Progress(row.polled_at, row.due_at, row.problem)

    def newest(self, id: str) -> float | None:
        """When an event of the tenant last came, whichever way."""
        with self._database.read() as tx:
            at: float | None = tx.execute(select(func.max(event.c.received_at)).where(event.c.tenant == id)).scalar()
        return at

    def told(self, id: str, since: float, issues: Iterable[str]) -> dict[str, list[tuple[float, str | None]]]:
        """By issue, the instants of its events that came since then, each with its comment's `updated` or None."""
        wanted = set(issues)
        columns = [event.c.body[name].as_string() for name in ("issue_id", "at", "comment_updated")]
        rows = select(*columns).where(event.c.tenant == id, event.c.received_at >= since - _SLACK)
        known: dict[str, list[tuple[float, str | None]]] = {}
        with self._database.read() as tx:
            for issue, at, updated in tx.execute(rows):
                if issue in wanted:
                    known.setdefault(issue, []).append((float(at), updated))
        return known


def _heard(tx: Connection, id: str) -> bool:
    """True unless the tenant is one by API token whose webhook nobody has heard."""
    scheme = tx.execute(select(tenant.c.scheme).where(tenant.c.id == id)).scalar_one_or_none()
    if scheme != "token":
        return True
    heard_at = select(site_token.c.hook_heard_at).where(site_token.c.tenant == id)
    return tx.execute(heard_at).scalar_one_or_none() is not None
