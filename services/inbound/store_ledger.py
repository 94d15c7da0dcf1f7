"""SQL about the ledger: what came in, who works on it, what became of it. Each function belongs to the caller's `tx`.

A mail is received, then delivering while a worker has claimed it, and ends as handled, ignored, held or failed. `attempts`
counts claims and is their fence: whoever lost the claim changes nothing any more.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Double, Row, Update, bindparam, func, insert, select, tuple_, update
from sqlalchemy.sql.dml import ReturningUpdate

from common.db import insert_all_once, now
from inbound.tables import mail, mail_raw, step

OPEN = ("received", "delivering")
READ_ELSEWHERE = "Read elsewhere: somebody had read it before the mailbox was connected."
ASKED_FOR = "Read elsewhere, and asked for since: it is fetched from the mailbox next."
GONE = "Read elsewhere; when it was asked for, it was not in the mailbox any more."
ASKED_AGAIN = (
    "Its content could not be had, and somebody wants it to be tried again: it is fetched from the mailbox next."
)
GONE_SINCE = "Its content could not be had; when it was to be fetched again, it was not in the mailbox any more."
QUARANTINED = "Mailbridge broke off {times} times while reading or delivering this mail, so it was set aside."


@dataclass(frozen=True, slots=True)
class Claimed:
    """The mail is ours for `claim_seconds` from now; `mail.attempts` is the fence."""

    mail: Row[Any]


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else has it for so many seconds more."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Final:
    """Nothing is left to do, or there is no such mail."""


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The condition under which it was to be taken does not hold."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """It was claimed too often without an outcome: failed just now."""


def known(tx: Connection, source_id: str, remote_ids: Iterable[str]) -> set[str]:
    """Those of the remote ids that the ledger has for this source."""
    wanted, found = list(remote_ids), set()
    for start in range(0, len(wanted), 500):
        query = select(mail.c.remote_id).where(
            mail.c.source_id == source_id, mail.c.remote_id.in_(wanted[start : start + 500])
        )
        found |= set(tx.execute(query).scalars())
    return found


def seen_before(tx: Connection, mailbox_id: str, fingerprints: Iterable[str]) -> dict[str, str]:
    """Fingerprint → id of the oldest mail of this mailbox that has it."""
    query = select(mail.c.fingerprint, func.min(mail.c.id)).where(
        mail.c.mailbox_id == mailbox_id, mail.c.fingerprint.in_(list(fingerprints))
    )
    return {fingerprint: id for fingerprint, id in tx.execute(query.group_by(mail.c.fingerprint)) if fingerprint}


def record(tx: Connection, entries: Sequence[Mapping[str, Any]], sealed: Mapping[str, bytes]) -> list[str]:
    """Add ledger rows and their sealed bodies (by mail id); returns the ids of those that were not there yet. All were
    received now, in this order."""
    clock = float(tx.execute(select(now())).scalar_one())
    rows = [{**entry, "received_at": clock + number * 1e-6} for number, entry in enumerate(entries)]
    new = [row["id"] for row in insert_all_once(tx, mail, rows)]
    bodies = [{"mail_id": id, "sealed": sealed[id]} for id in new if id in sealed]
    if bodies:
        tx.execute(insert(mail_raw), bodies)
    return new


def unmarked(tx: Connection, source_id: str, *, wait: bool) -> list[str]:
    """The remote ids of mails in the ledger that nothing was done with in the mailbox yet. wait: without those that are to be
    deleted or moved, for which it is the end that counts."""
    query = select(mail.c.remote_id).where(mail.c.source_id == source_id, mail.c.marked.is_(False))
    if wait:
        query = query.where(mail.c.disposal.is_(None))
    return sorted(tx.execute(query).scalars())


def disposable(tx: Connection, source_id: str) -> list[str]:
    """The remote ids of the mails that may be deleted or moved now: handled or ignored."""
    query = select(mail.c.remote_id).where(
        mail.c.source_id == source_id,
        mail.c.marked.is_(False),
        mail.c.disposal == "due",
        mail.c.state.in_(("handled", "ignored")),
    )
    return sorted(tx.execute(query).scalars())


def set_marked(tx: Connection, source_id: str, ids: Sequence[str], disposal: str | None = None) -> None:
    """Done with these in the mailbox: they are marked read (disposal None), or deleted or moved ("done")."""
    for start in range(0, len(ids), 500):
        some = mail.c.remote_id.in_(ids[start : start + 500])
        rows = update(mail).where(mail.c.source_id == source_id, some)
        tx.execute(rows.values(marked=True, disposal=disposal))


def read_elsewhere(tx: Connection, source_id: str) -> list[str]:
    """The remote ids of the mails that were left out because somebody had read them."""
    query = select(mail.c.remote_id).where(
        mail.c.source_id == source_id, mail.c.state == "ignored", mail.c.reason == READ_ELSEWHERE
    )
    return list(tx.execute(query).scalars())


def find_remote(tx: Connection, source_id: str, remote_ids: Iterable[str]) -> dict[str, Row[Any]]:
    """These rows of the ledger by remote id."""
    query = select(mail).where(mail.c.source_id == source_id, mail.c.remote_id.in_(list(remote_ids)))
    return {row.remote_id: row for row in tx.execute(query)}


def fill(tx: Connection, id: str, entry: Mapping[str, Any], sealed: bytes | None) -> None:
    """A mail that was recorded without its content has come in now: it is as if it had just been received."""
    kept = {"id", "tenant", "mailbox_id", "source_id", "remote_id", "attempts"}
    values = {name: value for name, value in entry.items() if name not in kept}
    tx.execute(update(mail).where(mail.c.id == id).values(**values, received_at=now()))
    tx.execute(mail_raw.delete().where(mail_raw.c.mail_id == id))  # its header, of the first time
    if sealed is not None:
        tx.execute(insert(mail_raw).values(mail_id=id, sealed=sealed))


def ask_for(tx: Connection, id: str) -> bool:
    """Somebody wants a mail that was read elsewhere after all; False if it is no such mail."""
    rows = update(mail).where(mail.c.id == id, mail.c.state == "ignored", mail.c.reason == READ_ELSEWHERE)
    return tx.execute(rows.values(reason=ASKED_FOR)).rowcount == 1


def ask_again(tx: Connection, id: str) -> bool:
    """Somebody wants the content of a mail that could not be had whole; False if it is no such mail (any more)."""
    rows = update(mail).where(mail.c.id == id, mail.c.state.in_(("held", "failed")))
    return tx.execute(rows.values(reason=ASKED_AGAIN)).rowcount == 1


def gone(tx: Connection, source_id: str, remote_ids: Iterable[str]) -> None:
    """What was asked for is not in the mailbox any more."""
    ids = list(remote_ids)
    for start in range(0, len(ids), 500):
        some = mail.c.remote_id.in_(ids[start : start + 500])
        for asked, reason in ((ASKED_FOR, GONE), (ASKED_AGAIN, GONE_SINCE)):
            rows = update(mail).where(mail.c.source_id == source_id, some, mail.c.reason == asked)
            tx.execute(rows.values(reason=reason))


def claim(
    tx: Connection, id: str, seconds: float, attempts: int, wanted: ColumnElement[bool] | None = None, **given: str
) -> Claimed | Busy | Final | Quarantined | Unwanted:
    """Take the mail for `seconds`, if the condition `wanted` holds (given: its parameters). After `attempts` claims in a row
    without an outcome it is quarantined as failed."""
    limits = {"this": id, "hold": seconds, "most": attempts}
    row = tx.execute(_take(wanted), {**limits, **given}).one_or_none()
    if row is not None:
        return Claimed(row)
    if wanted is not None and not tx.execute(select(wanted), given).scalar_one():
        return Unwanted()
    return _not_free(tx, id, attempts)


def _not_free(tx: Connection, id: str, attempts: int) -> Busy | Final | Quarantined:
    row = tx.execute(select(mail, now().label("clock")).where(mail.c.id == id).with_for_update()).one_or_none()
    if row is None or row.state not in OPEN:
        return Final()
    if row.claim_until is not None and row.claim_until > row.clock:
        return Busy(row.claim_until - row.clock)
    if row.unfinished < attempts:
        return Busy(0.0)  # it has become free in this moment
    reason = QUARANTINED.format(times=row.unfinished)
    explanation = [*row.record.get("explanation", []), reason]
    values = {"state": "failed", "reason": reason, "record": {**row.record, "explanation": explanation}}
    tx.execute(update(mail).where(mail.c.id == id).values(**values, claim_until=None, unfinished=0, handled_at=now()))
    return Quarantined()


def renew(tx: Connection, id: str, fence: int, seconds: float, **values: Any) -> bool:
    """Hold the claim for `seconds` from now, and set columns; False if it was lost."""
    return _set(tx, _renewed(*values), id, fence, values, hold=seconds)


def renew_all(tx: Connection, fences: Iterable[tuple[str, int]], seconds: float) -> set[tuple[str, int]]:
    """Hold these claims, as (mail id, fence), for `seconds` from now; returns those that were still held."""
    ours = tuple_(mail.c.id, mail.c.attempts).in_(list(fences))
    rows = update(mail).where(ours, mail.c.state == "delivering", mail.c.claim_until > now())
    renewed = rows.values(claim_until=now() + seconds).returning(mail.c.id, mail.c.attempts)
    return {(id, fence) for id, fence in tx.execute(renewed)}


def finish(tx: Connection, id: str, fence: int, state: str, **values: Any) -> bool:
    """The mail comes to an end; False if the claim was lost to somebody else."""
    values = {"state": state, **values}
    return _set(tx, _finished(*values), id, fence, values)


def postpone(tx: Connection, id: str, fence: int, reason: str, **values: Any) -> bool:
    """Give the claim back in good order, to be taken again later."""
    values = {"reason": reason, **values}
    return _set(tx, _put_back(*values), id, fence, values)


def let_go(tx: Connection, id: str, fence: int) -> None:
    """Give the claim back after a bug: this attempt counts towards quarantine."""
    tx.execute(_MINE.values(claim_until=None), {"this": id, "fence": fence})


def note(tx: Connection, id: str, **values: Any) -> None:
    """Set columns of a mail at work: what was read in it."""
    tx.execute(_noted(*values), {"this": id, **_named(values)})


def sealed_raw(tx: Connection, id: str) -> bytes | None:
    """The mail's sealed octets; None if they were never fetched or are erased."""
    found = tx.execute(select(mail_raw.c.sealed).where(mail_raw.c.mail_id == id)).scalar_one_or_none()
    return None if found is None else bytes(found)


def wrote_to(tx: Connection, tenant: str, issue_id: str, sender: str) -> bool:
    """Whether a mail of this sender became this issue or a comment on it."""
    query = select(mail.c.id).where(
        mail.c.tenant == tenant, mail.c.issue_id == issue_id, mail.c.state == "handled", mail.c.sender == sender
    )
    return tx.execute(query.limit(1)).first() is not None


def page(
    tx: Connection, tenant: str, *, mailbox_id: str | None, state: str | None, before: str | None, limit: int
) -> Sequence[Row[Any]]:
    """The tenant's mails, newest first, of a mailbox and in a state if given, older than the mail `before`."""
    query = select(mail).where(mail.c.tenant == tenant)
    if mailbox_id is not None:
        query = query.where(mail.c.mailbox_id == mailbox_id)
    if state is not None:
        query = query.where(mail.c.state == state)
    if before is not None:
        last = select(mail.c.received_at, mail.c.id).where(mail.c.id == before, mail.c.tenant == tenant)
        query = query.where(tuple_(mail.c.received_at, mail.c.id) < last.scalar_subquery())
    return tx.execute(query.order_by(mail.c.received_at.desc(), mail.c.id.desc()).limit(limit)).all()


def find(tx: Connection, tenant: str, id: str) -> Row[Any] | None:
    """The tenant's mail, with `has_raw`: whether its octets are kept."""
    has_raw = select(mail_raw.c.mail_id).where(mail_raw.c.mail_id == mail.c.id).exists().label("has_raw")
    return tx.execute(select(mail, has_raw).where(mail.c.id == id, mail.c.tenant == tenant)).one_or_none()


def retry(tx: Connection, row: Row[Any]) -> bool:
    """Let a held or failed mail be worked on anew; one held for its sender goes on as unproven. False if it moved on."""
    rows = update(mail).where(mail.c.id == row.id, mail.c.state.in_(("held", "failed")))
    record = {**row.record, "retried_at": time.time()}
    if row.state == "held":
        record["released"] = True
    values = {"state": "received", "unfinished": 0, "reason": None, "outcome": None, "handled_at": None}
    if tx.execute(rows.values(**values, claim_until=None, record=record)).rowcount != 1:
        return False
    # What was never begun is planned anew: the rule, the people or Jira may have changed since.
    begun = select(step.c.id).where(step.c.mail_id == row.id, step.c.state.in_(("intended", "done"))).limit(1)
    if tx.execute(begun).first() is None:
        tx.execute(step.delete().where(step.c.mail_id == row.id))
    return True


def states(tx: Connection) -> dict[str, tuple[int, float]]:
    """For each state how many mails are in it, of all tenants, and how many seconds ago the oldest of them came."""
    age = now() - func.min(mail.c.received_at)
    rows = tx.execute(select(mail.c.state, func.count(), age).group_by(mail.c.state))
    return {row[0]: (row[1], max(0.0, float(row[2]))) for row in rows}


# Statements that every mail needs are built once: building one takes several times as long as running it. Their parameters:
# `this` mail, the `fence`, seconds to `hold` it, and the new values by column.


def _set(tx: Connection, statement: Update, id: str, fence: int, values: Mapping[str, Any], **more: Any) -> bool:
    return tx.execute(statement, {"this": id, "fence": fence, **_named(values), **more}).rowcount == 1


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in values.items()}


def _new(names: Iterable[str]) -> dict[str, ColumnElement[Any]]:
    return {name: bindparam(f"new_{name}", type_=mail.c[name].type) for name in names}


_HELD = now() + bindparam("hold", type_=Double)
_THIS = update(mail).where(mail.c.id == bindparam("this"))
_MINE = _THIS.where(mail.c.attempts == bindparam("fence"), mail.c.state == "delivering")


@cache
def _take(wanted: ColumnElement[bool] | None) -> ReturningUpdate[Any]:
    free = mail.c.claim_until.is_(None) | (mail.c.claim_until <= now())
    rows = _THIS.where(mail.c.state.in_(OPEN), free, mail.c.unfinished < bindparam("most"))
    counted = {"attempts": mail.c.attempts + 1, "unfinished": mail.c.unfinished + 1}
    rows = rows if wanted is None else rows.where(wanted)
    return rows.values(state="delivering", **counted, claim_until=_HELD).returning(mail)


@cache
def _renewed(*names: str) -> Update:
    return _MINE.where(mail.c.claim_until > now()).values(claim_until=_HELD, **_new(names))


@cache
def _finished(*names: str) -> Update:
    return _MINE.values(claim_until=None, unfinished=0, handled_at=now(), **_new(names))


@cache
def _put_back(*names: str) -> Update:
    return _MINE.values(state="received", claim_until=None, unfinished=0, **_new(names))


@cache
def _noted(*names: str) -> Update:
    return _THIS.values(**_new(names))
