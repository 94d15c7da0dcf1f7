"""Whose turn it is: the tenants that have a due row in the outbox and room for it, one topic at a time."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import TypeVar

from sqlalchemy import Column, ColumnElement, Connection, ScalarSelect, Select, String, Table, bindparam, func, select

from common.db import now

TENANTS = 32  # tenants served in one claim, of each topic

T = TypeVar("T")


def tenants_due(
    tx: Connection, outbox: Table, topic: str, limit: Callable[[str], int], after: str
) -> list[tuple[str, int]]:
    """Up to TENANTS tenants to serve, each with its room (rows it may have out more), from the one behind `after` on.

    A tenant without room is passed over, however many of them there are.
    """
    rooms = ((tenant, limit(tenant) - out) for tenant, out in _round(tx, outbox, topic, after))
    return list(islice(((tenant, room) for tenant, room in rooms if room > 0), TENANTS))


def _round(tx: Connection, outbox: Table, topic: str, last: str) -> Iterator[tuple[str, int]]:
    """Every tenant with a due row once, with its number of rows that are out: first those behind `last`."""
    seen: set[str] = set()
    for place in dict.fromkeys((last, "")):
        page = list(tx.execute(_page(outbox), {"wanted": topic, "after": place}))
        while page:
            yield from ((tenant, out) for tenant, out in page if tenant not in seen)
            seen.update(tenant for tenant, _ in page)
            page = (
                list(tx.execute(_page(outbox), {"wanted": topic, "after": page[-1][0]})) if len(page) == TENANTS else []
            )


@cache  # building it costs more than running it
def _page(t: Table) -> Select[str, int]:
    """The next tenants behind `after` that have a due row of the topic `wanted`, each with its number of rows that are out.

    A recursive query that jumps from one tenant to the next along the index: its cost grows with the tenants that have
    waiting rows, not with the rows.
    """
    topic, after = bindparam("wanted", type_=String), bindparam("after", type_=String)
    tenants = select(after.label("tenant")).cte("tenants", recursive=True)
    name: ColumnElement[str] = tenants.c.tenant

    def first(column: Column[T], condition: ColumnElement[bool]) -> ScalarSelect[T]:
        # Not by min() or EXISTS: while PostgreSQL's statistics are stale it reads every waiting row for those.
        rows = select(column).where(t.c.topic == topic, t.c.sent_until.is_(None), condition)
        return rows.order_by(column).limit(1).correlate(tenants).scalar_subquery()

    tenants = tenants.union_all(select(first(t.c.tenant, t.c.tenant > name)).where(name.is_not(None)))
    name = tenants.c.tenant
    out = select(func.count()).select_from(t).where(t.c.topic == topic, t.c.tenant == name, t.c.sent_until.is_not(None))
    chosen: Select[str, int] = select(name, out.correlate(tenants).scalar_subquery())
    return chosen.where(name > after, first(t.c.available_at, t.c.tenant == name) <= now()).limit(TENANTS)
