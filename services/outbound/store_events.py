"""SQL over events and their windows. Functions take the caller's transaction.

An event joins its issue's open window or opens one; a worker that begins to gather a window takes it out of `open`, so
that no event can join any more, and `finish` succeeds once however often a window is worked on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, exists, select, tuple_, update

from common.db import insert_once, now
from common.ids import new_id
from outbound import jira_event
from outbound.facts import Event
from outbound.tables import delivery, event, window


@dataclass(frozen=True, slots=True)
class Window:
    """A window taken for gathering: `place` is the issue's id, or `comment-` and an id; events by time of receipt."""

    id: str
    tenant: str
    place: str
    opened_at: float
    events: tuple[Event, ...]


def add_event(tx: Connection, id: str, tenant: str, fingerprint: str, kind: str, body: Mapping[str, Any]) -> bool:
    """Store an event outside any window; False if it, or one with its fingerprint, is there already."""
    row = {
        "id": id,
        "tenant": tenant,
        "fingerprint": fingerprint,
        "kind": kind,
        "issue_id": str(body.get("issue_id") or ""),
        "body": dict(body),
        "received_at": now(),
    }
    return insert_once(tx, event, row)


def join(tx: Connection, tenant: str, place: str, events: Sequence[str], seconds: float) -> str | None:
    """Put these events into the open window of `place`. Returns the id of a window opened for them, to be woken in
    `seconds`; None if one was open already."""
    found = opened = None
    while not (found or opened):
        found = _open_window(tx, tenant, place)
        if not found:
            # Another process may open one at this moment: then its row stands, and the next look finds it.
            row = {"id": new_id(), "tenant": tenant, "issue_id": place, "state": "open"}
            if insert_once(tx, window, {**row, "opened_at": now(), "closes_at": now() + seconds}):
                opened = row["id"]
    tx.execute(update(event).where(event.c.id.in_(events)).values(window_id=found or opened))
    return opened


def _open_window(tx: Connection, tenant: str, place: str) -> str | None:
    """The open window's id, its row locked, so that it cannot be taken for gathering before our event stands in it."""
    query = select(window.c.id).where(window.c.tenant == tenant, window.c.issue_id == place, window.c.state == "open")
    return tx.execute(query.with_for_update()).scalar()


def take(tx: Connection, id: str) -> Window | None:
    """Take the window for gathering; None if it is done. Taking it again is fine: a worker may have died over it."""
    taken = update(window).where(window.c.id == id, window.c.state.in_(("open", "gathering")))
    if not tx.execute(taken.values(state="gathering")).rowcount:
        return None
    row = tx.execute(select(window).where(window.c.id == id)).one()
    rows = tx.execute(select(event).where(event.c.window_id == id).order_by(event.c.received_at, event.c.id))
    events = tuple(jira_event.read(one.id, one.body, one.received_at) for one in rows)
    return Window(id, row.tenant, row.issue_id, row.opened_at, events)


def is_next(tx: Connection, id: str) -> bool:
    """True if no older window of the same issue is unfinished: by the database's clock, for ids come from many clocks."""
    mine = window.alias()
    older = exists().where(
        mine.c.id == id,
        window.c.tenant == mine.c.tenant,
        window.c.issue_id == mine.c.issue_id,
        window.c.state.in_(("open", "gathering")),
        tuple_(window.c.opened_at, window.c.id) < tuple_(mine.c.opened_at, mine.c.id),
    )
    return not tx.execute(select(older)).scalar()


def finish(tx: Connection, id: str, note: str | None = None, content: bytes | None = None) -> bool:
    """End the window, once: False if somebody else has ended it. `content` as sealed for its letters."""
    ended = update(window).where(window.c.id == id, window.c.state == "gathering")
    return tx.execute(ended.values(state="done", note=note, content=content)).rowcount == 1


def annotate(tx: Connection, notes: Mapping[str, str]) -> None:
    """Record why nobody was told of these events (note by id)."""
    for id, note in notes.items():
        tx.execute(update(event).where(event.c.id == id).values(note=note))


def drop_content(tx: Connection, id: str) -> None:
    """Forget what the letters of a window are made of, once none of them is still to be sent."""
    unsent = exists().where(delivery.c.window_id == id, delivery.c.state.in_(("pending", "sending")))
    tx.execute(update(window).where(window.c.id == id, ~unsent).values(content=None))


def close_all(tx: Connection, tenant: str, note: str) -> None:
    """End every window of a tenant untold."""
    unfinished = update(window).where(window.c.tenant == tenant, window.c.state != "done")
    tx.execute(unfinished.values(state="done", note=note, content=None))


def forget_older(tx: Connection, age: float, most: int) -> int:
    """Delete up to `most` windows opened more than `age` seconds ago, with their events and deliveries."""
    old = select(window.c.id).where(window.c.opened_at < now() - age, window.c.state == "done").limit(most)
    ids = tx.execute(old).scalars().all()
    if ids:
        tx.execute(delete(delivery).where(delivery.c.window_id.in_(ids)))
        tx.execute(delete(event).where(event.c.window_id.in_(ids)))
        tx.execute(delete(window).where(window.c.id.in_(ids)))
    lone = select(event.c.id).where(event.c.received_at < now() - age, event.c.window_id.is_(None)).limit(most)
    tx.execute(delete(event).where(event.c.id.in_(tx.execute(lone).scalars().all())))
    return len(ids)


def clock(tx: Connection) -> float:
    """Seconds since 1970 by the database's clock."""
    return float(tx.execute(select(now())).scalar_one())
