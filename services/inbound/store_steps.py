"""SQL about the steps of a delivery, and the highest issue number known of a project. Belongs to the caller's `tx`.

planned → intended → done        an effect in Jira, recorded before and after it
planned → intended → planned     it certainly did not happen: another try is fine
planned → intended → refused     Jira will never take it, and the mail is complete without it
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from common.db import insert_once, now
from common.ids import new_id
from inbound.tables import project_high, step


@dataclass(frozen=True, slots=True)
class Step:
    """One effect in Jira. kind: "issue", "property", "comment" or "attachment"; detail: what it is about, and its result."""

    id: str
    number: int
    kind: str
    state: str
    detail: Mapping[str, Any]
    intended_at: float | None = None
    done_at: float | None = None


def plan(
    tx: Connection, mail_id: str, steps: Sequence[tuple[str, Mapping[str, Any]]], *, begin: bool = False
) -> list[Step]:
    """Record what is to be done for a mail, as (kind, detail) in order. begin: the first effect may happen from now on."""
    made = [Step(new_id(), number, kind, "planned", dict(detail)) for number, (kind, detail) in enumerate(steps, 1)]
    if begin:
        made[0] = replace(made[0], state="intended")
    rows = [
        {
            "id": one.id,
            "mail_id": mail_id,
            "number": one.number,
            "kind": one.kind,
            "state": one.state,
            "detail": one.detail,
        }
        for one in made
    ]
    if begin:
        tx.execute(insert(step).values(intended_at=now()), rows[:1])
    if rows[begin:]:
        tx.execute(insert(step), rows[begin:])
    return made


def of_mail(tx: Connection, mail_id: str) -> list[Step]:
    """The mail's steps in order; [] while nothing is planned."""
    columns = (step.c.id, step.c.number, step.c.kind, step.c.state, step.c.detail, step.c.intended_at, step.c.done_at)
    return [Step(*row) for row in tx.execute(select(*columns).where(step.c.mail_id == mail_id).order_by(step.c.number))]


def intend(tx: Connection, id: str, detail: Mapping[str, Any]) -> None:
    """The effect may happen from now on."""
    tx.execute(update(step).where(step.c.id == id).values(state="intended", detail=dict(detail), intended_at=now()))


def done(tx: Connection, id: str, detail: Mapping[str, Any]) -> None:
    """It has happened; `detail` now holds the ids that Jira gave."""
    tx.execute(update(step).where(step.c.id == id).values(state="done", detail=dict(detail), done_at=now()))


def undo(tx: Connection, id: str, detail: Mapping[str, Any]) -> None:
    """It certainly did not happen."""
    rows = update(step).where(step.c.id == id, step.c.state == "intended")
    tx.execute(rows.values(state="planned", detail=dict(detail), intended_at=None))


def refuse(tx: Connection, id: str, detail: Mapping[str, Any]) -> None:
    """It will not happen; `detail` says why."""
    tx.execute(update(step).where(step.c.id == id).values(state="refused", detail=dict(detail), done_at=now()))


def high(tx: Connection, tenant: str, project_id: str) -> int | None:
    """The highest issue number known of the project; None if none ever was."""
    query = select(project_high.c.number).where(
        project_high.c.tenant == tenant, project_high.c.project_id == project_id
    )
    return tx.execute(query).scalar_one_or_none()


def raise_high(tx: Connection, tenant: str, project_id: str, number: int) -> None:
    """The project has an issue with this number."""
    this = (project_high.c.tenant == tenant, project_high.c.project_id == project_id)
    raised = update(project_high).where(*this, project_high.c.number < number).values(number=number)
    if tx.execute(raised).rowcount:
        return
    if not insert_once(tx, project_high, {"tenant": tenant, "project_id": project_id, "number": number}):
        tx.execute(raised)  # another may have begun to count in this moment, lower
