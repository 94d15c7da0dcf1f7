"""SQL about who reads which mailbox, and from which message on. Each function belongs to the caller's transaction `tx`.

A fetcher is alive while its heartbeat is fresh, unless its name says that it is gone. It keeps at most its share of the
mailboxes, ⌈mailboxes / live fetchers⌉, takes those that nobody alive owns, and gives a surplus back. Each taking raises the
mailbox's epoch: a batch is committed only under the epoch that its fetcher took, so that two never record one message.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from common.db import insert_once, now, wake
from common.ids import new_id
from inbound import store_ledger
from inbound.sources import Account
from inbound.tables import fetcher, left_alone, mailbox, source

ALIVE = 10.0
"""Seconds after its last heartbeat that a fetcher counts as alive; it beats every two."""

_FORGOTTEN = 600.0
_DIGITS = 18  # what a column holds; UIDs have ten
_READ = (
    mailbox.c.enabled.is_(True),
    mailbox.c.deleted_at.is_(None),
    mailbox.c.kind != "push",
)  # pushed: nobody fetches


@dataclass(frozen=True, slots=True)
class Owned:
    """A mailbox of ours, under the epoch that we took it with; changed_at tells whether its settings are still the same."""

    mailbox_id: str
    epoch: int
    changed_at: float


@dataclass(frozen=True, slots=True)
class Share:
    """What a fetcher has and should have: `surplus` mailboxes to give back, `orphans` (id, dead owner or None) to take."""

    owned: tuple[Owned, ...]
    surplus: tuple[str, ...]
    orphans: tuple[tuple[str, str | None], ...]


def beat(tx: Connection, me: str) -> None:
    """I am alive; fetchers that have long not said so are forgotten."""
    if not insert_once(tx, fetcher, {"id": me, "heartbeat_at": 0.0}):
        tx.execute(delete(fetcher).where(fetcher.c.heartbeat_at < now() - _FORGOTTEN, fetcher.c.id != me))
    tx.execute(update(fetcher).where(fetcher.c.id == me).values(heartbeat_at=now()))


def share(tx: Connection, me: str, gone: Callable[[str], bool] = lambda _: False) -> Share:
    """Who should read what, seen from one fetcher. gone: whether one runs no more for certain, however fresh its heartbeat."""
    beating = tx.execute(select(fetcher.c.id).where(fetcher.c.heartbeat_at > now() - ALIVE)).scalars()
    alive = {id for id in beating if not gone(id)} | {me}
    columns = (mailbox.c.id, mailbox.c.owner, mailbox.c.owner_epoch, mailbox.c.changed_at)
    rows = tx.execute(select(*columns).where(*_READ).order_by(mailbox.c.id)).all()
    most = -(-len(rows) // len(alive))
    owned = tuple(Owned(row.id, row.owner_epoch, row.changed_at) for row in rows if row.owner == me)
    orphans = tuple((row.id, row.owner) for row in rows if row.owner not in alive)
    return Share(
        owned[:most], tuple(one.mailbox_id for one in owned[most:]), orphans[: max(0, most - len(owned[:most]))]
    )


def give_back(tx: Connection, me: str, mailbox_ids: Iterable[str]) -> None:
    """These mailboxes are nobody's now."""
    rows = update(mailbox).where(mailbox.c.owner == me, mailbox.c.id.in_(list(mailbox_ids)))
    tx.execute(rows.values(owner=None))


def take(tx: Connection, me: str, mailbox_id: str, dead_owner: str | None) -> bool:
    """Take a mailbox that nobody or a dead fetcher owns; False if somebody was faster."""
    same = mailbox.c.owner.is_(None) if dead_owner is None else mailbox.c.owner == dead_owner
    rows = update(mailbox).where(mailbox.c.id == mailbox_id, same)
    return tx.execute(rows.values(owner=me, owner_epoch=mailbox.c.owner_epoch + 1)).rowcount == 1


def leave(tx: Connection, me: str) -> None:
    """A fetcher that stops in good order: its mailboxes are free at once."""
    tx.execute(update(mailbox).where(mailbox.c.owner == me).values(owner=None))
    tx.execute(delete(fetcher).where(fetcher.c.id == me))


def hold(tx: Connection, me: str, owned: Owned) -> bool:
    """The fence: whether the mailbox is still ours under this epoch. Keeps others from taking it until `tx` ends."""
    rows = update(mailbox).where(
        mailbox.c.id == owned.mailbox_id, mailbox.c.owner == me, mailbox.c.owner_epoch == owned.epoch
    )
    return tx.execute(rows.values(checked_at=now())).rowcount == 1


def set_state(tx: Connection, me: str, owned: Owned, state: str, error: str | None) -> bool:
    """What an admin sees of the mailbox; False if it is no longer ours or its settings were changed meanwhile."""
    rows = update(mailbox).where(
        mailbox.c.id == owned.mailbox_id, mailbox.c.owner == me, mailbox.c.owner_epoch == owned.epoch
    )
    same = mailbox.c.changed_at == owned.changed_at
    ours = rows.where(same, mailbox.c.enabled).values(state=state, last_error=error, checked_at=now())
    return tx.execute(ours).rowcount == 1


def settings(tx: Connection, mailbox_id: str) -> Row[Any]:
    """All columns of a mailbox."""
    return tx.execute(select(mailbox).where(mailbox.c.id == mailbox_id)).one()


def states(tx: Connection) -> dict[str, int]:
    """How many mailboxes are in each state."""
    rows = tx.execute(
        select(mailbox.c.state, func.count()).where(mailbox.c.deleted_at.is_(None)).group_by(mailbox.c.state)
    )
    return {row[0]: row[1] for row in rows}


def place_of(mailbox_id: str, kind: str, account: Account) -> str:
    """What stays the same of a source while its numbers are given anew: server, account and folder."""
    return _hash(mailbox_id, kind, account.host.lower(), str(account.port), account.username, account.folder)


def find_source(tx: Connection, place: str, validity: str) -> Row[Any] | None:
    """The source with these ids."""
    return tx.execute(select(source).where(source.c.identity == _hash(place, validity))).one_or_none()


def first_connected(tx: Connection, place: str) -> float | None:
    """When this folder was first connected, under whatever numbers; None if it never was."""
    found: float | None = tx.execute(select(func.min(source.c.created_at)).where(source.c.place == place)).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class Mark:
    """What a session of the source `source_id` may go on from, sealed for `mark_aad`."""

    source_id: str
    sealed: bytes


def mark_aad(source_id: str) -> str:
    """What a source's sealed mark is bound to."""
    return f"mark {source_id}"


def find_mark(tx: Connection, row: Row[Any], place: str, most: float) -> tuple[Mark, float] | None:
    """The mark of the place that the mailbox `row` reads, and how many seconds ago everything there was compared. None where
    everything has to be looked at first: there is no mark, the last comparison is older than `most` seconds or left something
    out, or somebody wants something of what is there."""
    found = row.reconciled
    if not found or found["unaccounted"] or row.backlog_again or row.asked_at is not None:
        return None
    mark = last_mark(tx, place)
    age = float(tx.execute(select(now())).scalar_one()) - found["at"]
    if mark is None or find_backlog(tx, mark.source_id) or age > most:
        return None
    return mark, max(0.0, age)


def last_mark(tx: Connection, place: str) -> Mark | None:
    """The last mark that was kept of a place."""
    query = select(source.c.id, source.c.mark).where(source.c.place == place, source.c.mark.is_not(None))
    found = tx.execute(query.order_by(source.c.created_at.desc()).limit(1)).one_or_none()
    return None if found is None else Mark(found.id, bytes(found.mark))


def set_mark(tx: Connection, source_id: str, sealed: bytes) -> None:
    """From now on a session may begin here: everything before it is in the ledger."""
    tx.execute(update(source).where(source.c.id == source_id).values(mark=sealed))


def add_source(
    tx: Connection, mailbox_id: str, place: str, validity: str, baseline: int, backlog: Iterable[str]
) -> Row[Any]:
    """Remember a source. Of an ordered one, what is numbered up to `baseline` was there before, and of that only `backlog` is
    to be taken."""
    values = {"id": new_id(), "mailbox_id": mailbox_id, "identity": _hash(place, validity), "place": place}
    numbers = {"baseline": baseline, "high": baseline, "backlog": list(backlog)}
    tx.execute(insert(source).values(**values, **numbers, created_at=now()))
    return tx.execute(select(source).where(source.c.id == values["id"])).one()


def leave_alone(tx: Connection, source_id: str, ids: Iterable[str]) -> None:
    """These messages of an unordered source were there before and are not ours."""
    rows = [{"source_id": source_id, "remote_id": id} for id in dict.fromkeys(ids)]
    for start in range(0, len(rows), 500):
        tx.execute(insert(left_alone), rows[start : start + 500])


def left_alone_of(tx: Connection, source_id: str) -> frozenset[str]:
    """What was left alone there."""
    return frozenset(tx.execute(select(left_alone.c.remote_id).where(left_alone.c.source_id == source_id)).scalars())


def waiting(tx: Connection, numbered: Row[Any], ids: Iterable[str], *, ordered: bool) -> tuple[str, ...]:
    """Those of these messages that the ledger has yet to get, in the order given. numbered: the row of their source."""
    there = list(ids)
    asked = frozenset(find_backlog(tx, numbered.id))
    known = store_ledger.known(tx, numbered.id, there)
    if ordered:
        return tuple(id for id in there if id in asked or (id not in known and int(id) > numbered.baseline))
    alone = left_alone_among(tx, numbered.id, there)
    return tuple(id for id in there if id in asked or (id not in known and id not in alone))


def left_alone_among(tx: Connection, source_id: str, ids: Iterable[str]) -> frozenset[str]:
    """Those of these messages that were left alone there."""
    wanted, found = list(ids), set[str]()
    for start in range(0, len(wanted), 500):
        some = left_alone.c.remote_id.in_(wanted[start : start + 500])
        query = select(left_alone.c.remote_id).where(left_alone.c.source_id == source_id, some)
        found |= set(tx.execute(query).scalars())
    return frozenset(found)


def add_backlog(tx: Connection, source_id: str, ids: Iterable[str]) -> None:
    """These are to be taken, though they were there before."""
    wanted = list(dict.fromkeys(ids))
    backlog = list(dict.fromkeys([*find_backlog(tx, source_id), *wanted]))
    tx.execute(update(source).where(source.c.id == source_id).values(backlog=backlog))
    for start in range(0, len(wanted), 500):
        some = left_alone.c.remote_id.in_(wanted[start : start + 500])
        tx.execute(delete(left_alone).where(left_alone.c.source_id == source_id, some))


def chosen(tx: Connection, mailbox_id: str) -> None:
    """What an admin chose about the backlog is applied."""
    tx.execute(update(mailbox).where(mailbox.c.id == mailbox_id).values(backlog_again=False))


def ask(tx: Connection, mailbox_id: str) -> float:
    """Let the fetcher compare the folder with the ledger at once; returns when this was asked, by the database's clock."""
    rows = update(mailbox).where(mailbox.c.id == mailbox_id).values(asked_at=now()).returning(mailbox.c.asked_at)
    at = float(tx.execute(rows).scalar_one())
    wake(tx)
    return at


def is_read(tx: Connection, mailbox_id: str) -> bool:
    """Whether somebody fetches its mail."""
    return tx.execute(select(mailbox.c.id).where(mailbox.c.id == mailbox_id, *_READ)).first() is not None


def asked(tx: Connection, me: str) -> frozenset[str]:
    """Our mailboxes that somebody wants to be compared."""
    rows = select(mailbox.c.id).where(mailbox.c.owner == me, mailbox.c.asked_at.is_not(None))
    return frozenset(tx.execute(rows).scalars())


def asked_at(tx: Connection, mailbox_id: str) -> float | None:
    """When a comparison was last asked for, and not answered yet."""
    found: float | None = tx.execute(select(mailbox.c.asked_at).where(mailbox.c.id == mailbox_id)).scalar_one()
    return found


def set_reconciled(tx: Connection, mailbox_id: str, found: Mapping[str, Any], asked: float | None) -> None:
    """What a comparison found; it answers whoever asked at `asked` or before."""
    at = float(tx.execute(select(now())).scalar_one())
    this = update(mailbox).where(mailbox.c.id == mailbox_id)
    tx.execute(this.values(reconciled={**found, "at": at}))
    if asked is not None:
        tx.execute(this.where(mailbox.c.asked_at <= asked).values(asked_at=None))


def find_backlog(tx: Connection, source_id: str) -> list[str]:
    """The ids that are still to be taken though they were there before."""
    return [str(id) for id in tx.execute(select(source.c.backlog).where(source.c.id == source_id)).scalar_one()]


def advance(tx: Connection, source_id: str, taken: Iterable[str]) -> None:
    """These were taken: they leave the backlog, and in an ordered source `high` is not below them."""
    done = set(taken)
    waiting = find_backlog(tx, source_id)
    this = update(source).where(source.c.id == source_id)
    if done.intersection(waiting):
        tx.execute(this.values(backlog=[id for id in waiting if id not in done]))
    high = max((int(id) for id in done if id.isascii() and id.isdigit() and len(id) <= _DIGITS), default=0)
    tx.execute(this.where(source.c.high < high).values(high=high))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
