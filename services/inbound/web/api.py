"""The admin API of inbound; each call needs a page session of somebody who administers Jira, or a project: then the
mailboxes and mails of that project are all there is."""

from collections.abc import Sequence
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection, Row

from common.db import Database
from common.outbox import Outbox
from common.web import Problem, check_issue_session, check_project_session, current_session
from inbound import store_ledger, store_pages, store_sources, store_steps
from inbound.mailboxes.admin import Mailboxes
from inbound.scope import Scope, scope_of
from inbound.store_steps import Step
from inbound.web import schemas, schemas_answers, schemas_mails, schemas_preview

_MOST_OF_ISSUE = 100
_NOT_STUCK = "Only a mail that is held or failed can be tried again."


def mailbox_blueprint(mailboxes: Mailboxes) -> Blueprint:
    """The tenant's mailboxes."""
    pages = Blueprint("mailboxes", __name__, url_prefix="/api/inbound/mailboxes", description="Where mail comes from")
    pages.before_request(check_project_session)

    @pages.get("")
    @pages.response(200, schemas_answers.Mailbox(many=True))
    def every() -> list[dict[str, Any]]:
        """All mailboxes, oldest first."""
        return mailboxes.every(_scope())

    @pages.post("")
    @pages.arguments(schemas.MailboxBody)
    @pages.response(201, schemas_answers.Mailbox)
    def add(body: dict[str, Any]) -> dict[str, Any]:
        """Connect a mailbox."""
        return mailboxes.add(_scope(), body, current_session(project=True).account)

    @pages.post("/test")
    @pages.arguments(schemas.Connection)
    @pages.response(200, schemas_answers.TestResult)
    def test(body: dict[str, Any]) -> dict[str, Any]:
        """Try a connection without storing or changing anything."""
        return mailboxes.test(_scope(), body)

    @pages.post("/preview")
    @pages.arguments(schemas_preview.PreviewBody)
    @pages.response(200, schemas_preview.Preview)
    @pages.alt_response(422, description="The folder cannot be looked at, and why.")
    def preview(body: dict[str, Any]) -> dict[str, Any]:
        """What is in the folder, and what connecting it, or choosing it instead of another, would do."""
        return mailboxes.preview(_scope(), body)

    @pages.get("/<id>")
    @pages.response(200, schemas_answers.Mailbox)
    def get(id: str) -> dict[str, Any]:
        """One mailbox."""
        return mailboxes.get(_scope(), id)

    @pages.put("/<id>")
    @pages.arguments(schemas.MailboxBody)
    @pages.response(200, schemas_answers.Mailbox)
    def change(body: dict[str, Any], id: str) -> dict[str, Any]:
        """Change a mailbox."""
        return mailboxes.change(_scope(), id, body, current_session(project=True).account)

    @pages.post("/<id>/reconcile")
    @pages.response(200, schemas_answers.Reconciliation)
    @pages.alt_response(
        409, description="The mailbox is not read, or it takes longer: then the result will stand with it."
    )
    def reconcile(id: str) -> Any:
        """Compare the folder with the ledger: everything in it is accounted for, or named."""
        found = mailboxes.reconcile(_scope(), id)
        if found is None:
            raise Problem(409, detail="The comparison takes longer: its result will stand with the mailbox.")
        return found

    @pages.delete("/<id>")
    @pages.response(204)
    def remove(id: str) -> None:
        """Stop reading a mailbox; its mails stay in the ledger."""
        mailboxes.remove(_scope(), id)

    return pages


def mail_blueprint(database: Database, outbox: Outbox) -> Blueprint:
    """The ledger: what came in, what became of it, and why."""
    pages = Blueprint(
        "mails", __name__, url_prefix="/api/inbound/mails", description="What came in, and why it became what"
    )
    pages.before_request(check_project_session)

    @pages.get("")
    @pages.arguments(schemas_mails.MailQuery, location="query")
    @pages.response(200, schemas_mails.MailPage)
    def mails(query: dict[str, Any]) -> dict[str, Any]:
        """The newest mails first."""
        limit = query["limit"]
        wanted = {"mailbox_id": query["mailbox"], "state": query["state"], "before": query["before"]}
        with database.read() as tx:
            rows = store_pages.page(tx, _scope(), **wanted, limit=limit + 1)
        return {"mails": rows[:limit], "next": rows[limit - 1].id if len(rows) > limit else None}

    @pages.get("/<id>")
    @pages.response(200, schemas_mails.MailDetail)
    def mail(id: str) -> dict[str, Any]:
        """One mail with the sentences that explain it and its steps in Jira."""
        with database.read() as tx:
            row = _found(store_pages.find(tx, _scope(), id))
            return _detail(row, store_steps.of_mail(tx, id))

    @pages.post("/<id>/retry")
    @pages.response(200, schemas_mails.Mail)
    @pages.alt_response(409, description="It is neither held nor failed, or its content cannot be had any more.")
    def retry(id: str) -> Row[Any]:
        """Work on a held or failed mail anew; one that was not had whole is fetched again first."""
        scope = _scope()
        with database.write() as tx:
            row = _found(store_pages.find(tx, scope, id))
            if "problem" in row.record and store_sources.is_read(tx, row.mailbox_id):
                if not store_ledger.ask_again(tx, id):
                    raise Problem(409, detail=_NOT_STUCK)
                _fetch(tx, row)
            elif not row.has_raw or "problem" in row.record:
                raise Problem(
                    409, detail="The content of this mail was never fetched: ask the sender for it another way."
                )
            elif not store_ledger.retry(tx, row):
                raise Problem(409, detail=_NOT_STUCK)
            else:
                outbox.put(tx, "mail.received", scope.tenant, {"mail": id, "size": row.size})
            return _found(store_pages.find(tx, scope, id))

    @pages.post("/<id>/process-anyway")
    @pages.response(200, schemas_mails.Mail)
    @pages.alt_response(
        409, description="It was not left out for having been read, or its folder is not read any more."
    )
    def process_anyway(id: str) -> Row[Any]:
        """Take a mail that was left out because somebody had read it: the fetcher brings its content next."""
        scope = _scope()
        with database.write() as tx:
            row = _found(store_pages.find(tx, scope, id))
            if not store_sources.is_read(tx, row.mailbox_id):
                raise Problem(409, detail="Its mailbox is not read any more: connect the mailbox again first.")
            if not store_ledger.ask_for(tx, id):
                raise Problem(
                    409, detail="Only a mail that was left out because somebody had read it can be taken after all."
                )
            _fetch(tx, row)
            return _found(store_pages.find(tx, scope, id))

    return pages


def issue_blueprint(database: Database) -> Blueprint:
    """What mail belongs to one issue, for whoever may browse it: they see the issue, so they may see who wrote to it."""
    pages = Blueprint("issues", __name__, url_prefix="/api/inbound/issues", description="The mail of one issue")
    pages.before_request(check_issue_session)

    @pages.get("/<issue>/mails")
    @pages.response(200, schemas_mails.Mail(many=True))
    def mails(issue: str) -> Sequence[Row[Any]]:
        """The newest first, 100 at most; how each was decided stays with the administrators."""
        session = current_session(issue=True)
        if not session.admin and session.issue != issue:
            raise Problem(404, detail="There is no such issue here.")
        with database.read() as tx:
            return store_pages.of_issue(tx, session.tenant, issue, _MOST_OF_ISSUE)

    return pages


def _scope() -> Scope:
    return scope_of(current_session(project=True))


def _fetch(tx: Connection, row: Row[Any]) -> None:
    """Let the fetcher bring the content of this mail next."""
    store_sources.add_backlog(tx, row.source_id, [row.remote_id])
    store_sources.ask(tx, row.mailbox_id)


def _found(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise Problem(404, detail="There is no such mail.")
    return row


def _detail(row: Row[Any], steps: list[Step]) -> dict[str, Any]:
    shown = [
        {"kind": one.kind, "state": one.state, "at": one.done_at or one.intended_at, "detail": _facts(one)}
        for one in steps
    ]
    explanation = list(row.record.get("explanation", []))
    if row.state == "received" and row.reason:
        explanation.append(row.reason)
    return {**row._mapping, "explanation": explanation, "steps": shown}


def _facts(step: Step) -> dict[str, Any]:
    """What of a step's detail says something to a person."""
    names = ("issue_key", "summary", "comment", "filename", "size", "note")
    return {name: step.detail[name] for name in names if step.detail.get(name) is not None}
