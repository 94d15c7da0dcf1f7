"""Jira, step by step, each effect exactly once: intended is recorded before a write, done after it (with the next intent or
with the mail's end, whatever comes first).

An answered 4xx, a 429 or a connection that was never made means that nothing happened. All else is unknown: such a step is
looked up (`lookup`) when `jira_settle` has passed, and only then done again. What remains is a process that freezes between
its look at the clock and the sending of the request, for longer than its claim.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from common import log
from common.claims import CLAIM, Claim
from common.db import Database
from common.errors import Permanent, PersonRefused, Temporary
from common.jira import Jira
from inbound import store_ledger, store_steps
from inbound.handling import effects, lookup
from inbound.handling.lookup import Missing, Unclear
from inbound.reading.parsed import ParsedMail
from inbound.store_steps import Step

# Seconds of the claim that may pass between recording an intent and sending the request.
_DELAY = 20.0

_log = log.get(__name__)


class ClaimLost(Exception):
    """Somebody else works on this mail by now: change nothing."""


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed mail with what its steps need. fence: the claim's `attempts`; settle in seconds."""

    mail_id: str
    tenant: str
    fence: int
    mail: ParsedMail
    raw: bytes
    claim: Claim[Any]
    settle: float


@dataclass(frozen=True, slots=True)
class Delivered:
    """All steps are done or refused. cc: whom else the mail went to; notes: sentences about what Jira did not take;
    unrecorded: steps that are done and to be recorded so (`record`) together with the mail's end."""

    kind: str
    issue_id: str
    issue_key: str
    comment_id: str | None
    cc: list[dict[str, str]]
    notes: tuple[str, ...]
    unrecorded: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Later:
    """Go on in so many seconds."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """A person has to look: it cannot be told whether a write happened."""

    why: str


class Delivery:
    """Carries out one mail's steps. No database connection is held during a call to Jira."""

    def __init__(self, database: Database, jira: Jira, job: Job) -> None:
        self._database = database
        self._jira = jira
        self._job = job
        self._issue: dict[str, str] = {}
        self._begun: str | None = None  # the step that was intended just now, by us
        self._unrecorded: list[Step] = []

    def plan(self, steps: Sequence[tuple[str, Mapping[str, Any]]], **values: Any) -> list[Step]:
        """Record the steps, as (kind, detail) in order, and columns of the ledger, before anything of it happens: a later
        attempt carries on, it does not decide anew. The first step is intended at once. Raises ClaimLost."""
        kind, detail = steps[0]
        with self._claimed(values) as tx:
            if kind == "issue":
                high = store_steps.high(tx, self._job.tenant, detail["project"]["id"])
                if high is None:
                    return store_steps.plan(tx, self._job.mail_id, steps)
                detail = {**detail, "high": high}
            planned = store_steps.plan(tx, self._job.mail_id, [(kind, detail), *steps[1:]], begin=True)
        self._begin(planned[0])
        return planned

    def run(self, steps: list[Step]) -> Delivered | Later | Held:
        """Raises Temporary or Permanent when Jira does, with the step recorded as not done; ClaimLost."""
        ended: list[Step] = []
        try:
            for step in steps:
                outcome = self._advance(step)
                if not isinstance(outcome, Step):
                    self._record()
                    return outcome
                self._remember(outcome)
                ended.append(outcome)
        except BaseException:
            self._record()
            raise
        made = next(step for step in ended if step.kind in ("issue", "comment"))
        return Delivered(
            kind=made.kind,
            issue_id=made.detail["issue"],
            issue_key=made.detail["issue_key"],
            comment_id=made.detail.get("comment"),
            cc=made.detail["property"]["cc"],
            notes=tuple(str(step.detail["note"]) for step in ended if "note" in step.detail),
            unrecorded=tuple(self._unrecorded),
        )

    def _record(self) -> None:
        """Record what is done although the mail does not come to its end now."""
        if self._unrecorded:
            with self._database.write() as tx:
                record(tx, self._job.tenant, self._unrecorded)
            self._unrecorded.clear()

    def _advance(self, step: Step) -> Step | Later | Held:
        if step.id == self._begun:
            return self._effect(step)
        if step.state == "intended":
            looked = self._look_up(step)
            if isinstance(looked, Later | Held):
                return looked
            step = looked
        if step.state in ("done", "refused"):
            return step
        return self._do(self._prepared(step))

    # --- a step whose answer never came

    def _look_up(self, step: Step) -> Step | Later | Held:
        if step.kind == "property":
            return replace(step, state="planned")  # setting the same value twice is setting it once
        assert step.intended_at is not None
        left = step.intended_at + self._job.settle - self._database.now()
        if left > 0:
            return Later(left, "It is not known yet whether Jira did what it was asked to: looking again later.")
        found = effects.look_up(self._jira, step, self._about(), step.intended_at)
        _log.info("unknown_step_looked_up", kind=step.kind, result=type(found).__name__)
        if isinstance(found, Unclear):
            return Held(f"It cannot be told whether Jira did what it was asked to. {found.why}")
        with self._database.write() as tx:
            if isinstance(found, Missing):
                if found.high is not None:
                    store_steps.raise_high(tx, self._job.tenant, step.detail["project"]["id"], found.high)
                store_steps.undo(tx, step.id, step.detail)
                return replace(step, state="planned")
            done = _ended(step, found.detail)
            record(tx, self._job.tenant, [done])
            return done

    # --- a step that is to be done

    def _prepared(self, step: Step) -> Step:
        """An issue's step knows the highest number in the project before it is intended: the look-up starts there."""
        if step.kind != "issue":
            return step
        project = step.detail["project"]
        with self._database.read() as tx:
            high = store_steps.high(tx, self._job.tenant, project["id"])
        if high is None:
            # Once for each project. However far the index lags, it names only numbers that exist already.
            newest = self._jira.search(f"project = {int(project['id'])} ORDER BY key DESC", ["project"], 1)
            high = max((lookup.number_of(str(one["key"])) for one in newest), default=0)
            with self._database.write() as tx:
                store_steps.raise_high(tx, self._job.tenant, project["id"], high)
        return replace(step, detail={**step.detail, "high": high})

    def _do(self, step: Step) -> Step:
        with self._claimed({}) as tx:
            record(tx, self._job.tenant, self._unrecorded)
            store_steps.intend(tx, step.id, step.detail)
        self._unrecorded.clear()
        self._begin(step)
        return self._effect(step)

    @contextmanager
    def _claimed(self, values: Mapping[str, Any]) -> Iterator[Connection]:
        """A transaction in which the claim is renewed. Raises ClaimLost."""
        started = time.monotonic()
        with self._database.write() as tx:
            if not store_ledger.renew(tx, self._job.mail_id, self._job.fence, CLAIM, **values):
                raise ClaimLost
            yield tx
        self._job.claim.renewed(started)

    def _begin(self, step: Step) -> None:
        """The step is intended; raises Temporary if so much of the claim is over that it had better not be done."""
        self._begun = step.id
        if not self._job.claim.fresh(_DELAY):
            self._undo(step)
            raise Temporary("The database was too slow to begin a call to Jira safely.")

    def _effect(self, step: Step) -> Step:
        try:
            result = effects.carry_out(self._jira, step, self._about())
        except Temporary as fault:
            if not fault.maybe_done:
                self._undo(step)
                raise
            wait = max(self._job.settle, fault.retry_after or 0.0)
            raise Temporary(str(fault), retry_after=wait, maybe_done=True) from fault
        except Permanent as fault:
            return self._refused(step, fault)
        done = _ended(step, result)
        self._unrecorded.append(done)
        return done

    def _refused(self, step: Step, fault: Permanent) -> Step:
        """Jira took a look and said no. A mail is complete without a file, and an issue without its reporter."""
        sentence = f"{fault} {fault.remedy}".strip()
        if step.kind == "issue" and fault.status == 400 and step.detail["reporter"] and "reporter" in str(fault):
            note = f"The reporter could not be set: {fault}"
            without = replace(step, detail={**step.detail, "reporter": None, "note": note})
            self._undo(without)
            return self._do(without)
        if isinstance(fault, PersonRefused):
            note = f"It could not be posted in the sender's own name, so Mailbridge posted it for them: {fault}"
            without = replace(step, detail={**step.detail, "person": None, "note": note})
            self._undo(without)
            return self._do(without)
        if step.kind in ("attachment", "property") and fault.status is not None:
            what = f"The file {step.detail['filename']}" if step.kind == "attachment" else "The list of people"
            detail = {**step.detail, "note": f"{what} was not taken: {sentence}"}
            with self._database.write() as tx:
                store_steps.refuse(tx, step.id, detail)
            return replace(step, state="refused", detail=detail)
        self._undo(step)
        raise fault

    def _undo(self, step: Step) -> None:
        with self._database.write() as tx:
            store_steps.undo(tx, step.id, step.detail)

    def _about(self) -> effects.About:
        return effects.About(self._job.mail_id, self._job.mail, self._job.raw, self._issue.get("issue"))

    def _remember(self, step: Step) -> None:
        if step.kind in ("issue", "comment"):
            self._issue = {"issue": step.detail["issue"], "issue_key": step.detail["issue_key"]}


def record(tx: Connection, tenant: str, steps: Sequence[Step]) -> None:
    """Record that these steps are done."""
    for step in steps:
        store_steps.done(tx, step.id, step.detail)
        if step.kind == "issue":
            number = lookup.number_of(step.detail["issue_key"])
            store_steps.raise_high(tx, tenant, step.detail["project"]["id"], number)


def _ended(step: Step, result: Mapping[str, Any]) -> Step:
    return replace(step, state="done", detail={**step.detail, **result})
