"""The admin API of outbound; each call needs a page session of somebody who administers Jira.

Who looks at an issue learns of its letters that they went out, when, and to what kind of person: not to whom and not why.
Recipients are other people's addresses, and a reason or an event may tell of a comment that the viewer cannot see.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import jsonify
from flask_smorest import Blueprint
from sqlalchemy import Connection, Row

from common.db import Database
from common.errors import Permanent
from common.openapi import OR_NULL
from common.schemas import TestResult
from common.web import Problem, check_issue_session, check_session, current_session
from outbound import admin_notice, schemas, sender_notice, store_admin_letters, store_deliveries
from outbound.sealing import Sealing
from outbound.senders import Senders


def sender_blueprint(senders: Senders) -> Blueprint:
    """The tenant's outgoing server."""
    pages = Blueprint("sender", __name__, url_prefix="/api/outbound/sender", description="The outgoing server")
    pages.before_request(check_session)

    @pages.get("")
    @pages.response(200, schemas.Sender)
    @pages.doc(**OR_NULL)
    def get() -> Any:
        """The outgoing server, or null while none is set up."""
        return senders.get(current_session().tenant) or jsonify(None)

    @pages.put("")
    @pages.arguments(schemas.SenderBody)
    @pages.response(200, schemas.Sender)
    def put(body: dict[str, Any]) -> dict[str, Any]:
        """Set the outgoing server."""
        return senders.put(current_session().tenant, body)

    @pages.post("/test")
    @pages.arguments(schemas.SenderBody)
    @pages.response(200, TestResult)
    def test(body: dict[str, Any]) -> dict[str, Any]:
        """Try an outgoing server without storing it or sending anything."""
        return senders.test(current_session().tenant, body)

    return pages


def deliveries_blueprint(database: Database, sealing: Sealing) -> Blueprint:
    """What was sent to whom, and what was not and why."""
    pages = Blueprint("deliveries", __name__, url_prefix="/api/outbound/deliveries", description="Mails and their fate")
    pages.before_request(check_session)

    @pages.get("")
    @pages.arguments(schemas.DeliveryQuery, location="query")
    @pages.response(200, schemas.DeliveryPage)
    def deliveries(query: dict[str, Any]) -> dict[str, Any]:
        """The newest deliveries first."""
        tenant, limit = current_session().tenant, query["limit"]
        with database.read() as tx:
            rows = store_deliveries.page(tx, tenant, issue=query["issue"], before=query["before"], limit=limit + 1)
            shown = _shown(tx, sealing, rows[:limit])
        return {"deliveries": shown, "next": shown[-1]["id"] if len(rows) > limit else None}

    return pages


def admin_letters_blueprint(database: Database, sealing: Sealing) -> Blueprint:
    """What administrators were told about mailboxes, and senders about their mail."""
    pages = Blueprint(
        "admin_letters", __name__, url_prefix="/api/outbound/admin-letters", description="What administrators were told"
    )
    pages.before_request(check_session)

    @pages.get("")
    @pages.arguments(schemas.AdminLetterQuery, location="query")
    @pages.response(200, schemas.AdminLetterPage)
    def letters(query: dict[str, Any]) -> dict[str, Any]:
        """The newest first."""
        tenant, limit = current_session().tenant, query["limit"]
        with database.read() as tx:
            rows = store_admin_letters.page(tx, tenant, query["before"], limit + 1)
            shown = [_shown_letter(tx, sealing, row) for row in rows[:limit]]
        return {"letters": shown, "next": shown[-1]["id"] if len(rows) > limit else None}

    return pages


def issue_blueprint(database: Database, sealing: Sealing) -> Blueprint:
    """The letters about one issue."""
    pages = Blueprint("issues", __name__, url_prefix="/api/outbound/issues", description="The letters about one issue")
    pages.before_request(check_issue_session)

    @pages.get("/<issue>/deliveries")
    @pages.response(200, schemas.Delivery(many=True))
    def deliveries(issue: str) -> list[dict[str, Any]]:
        """The newest first, 100 at most; in full for administrators only."""
        session = current_session(issue=True)
        if not session.admin and session.issue != issue:
            raise Problem(404, detail="There is no such issue here.")
        with database.read() as tx:
            rows = store_deliveries.page(tx, session.tenant, issue=issue, limit=_MOST_OF_ISSUE)
            return _shown(tx, sealing, rows) if session.admin else [_veiled(row) for row in rows]

    return pages


_MOST_OF_ISSUE = 100
_VEILED = {
    "account": "somebody with an account",
    "notify": "somebody with an account",
    "address": "somebody without an account",
}


def _veiled(row: Row[Any]) -> dict[str, Any]:
    seen = {name: getattr(row, name) for name in ("id", "created_at", "issue_key", "kind", "state", "sent_at")}
    return {**seen, "recipient": _VEILED.get(row.kind, "somebody"), "event": "", "reason": "", "error": None}


def _shown_letter(tx: Connection, sealing: Sealing, row: Row[Any]) -> dict[str, Any]:
    try:
        content = sealing.read_notice(tx, row.tenant, row.id, row.content)
    except Permanent:  # the tenant's key was destroyed
        about = {"mailbox": "(erased)", "mailbox_id": "", "subject": ""}
    else:
        about = _refused(content) if row.kind == sender_notice.OVERSIZED else _told(content)
    return {**row._mapping, **about, "recipient": "" if row.recipient is None else _recipient(tx, sealing, row)}


def _told(content: Mapping[str, Any]) -> dict[str, str]:
    notice = admin_notice.read(content)
    return {"mailbox": notice.name, "mailbox_id": notice.mailbox, "subject": admin_notice.subject(notice)}


def _refused(content: Mapping[str, Any]) -> dict[str, str]:
    notice = sender_notice.stored(content)
    return {"mailbox": notice.mailbox, "mailbox_id": "", "subject": sender_notice.subject(notice)}


def _shown(tx: Connection, sealing: Sealing, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    return [{**row._mapping, "recipient": _recipient(tx, sealing, row)} for row in rows]


def _recipient(tx: Connection, sealing: Sealing, row: Row[Any]) -> str:
    try:
        who = sealing.read_recipient(tx, row.tenant, row.id, row.recipient)
    except Permanent:
        return "(erased)"
    return who["address"] or who["name"] or who["account"] or ""
