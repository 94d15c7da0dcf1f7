"""How long mail is kept, and erasing a person: for who administers Jira. docs/privacy.md"""

from collections.abc import Sequence
from typing import Any

from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from sqlalchemy import Row

from common.db import Database
from common.web import check_session, current_session
from inbound import store_erasing, store_keeping
from inbound.privacy.erasing import COUNTS, Erasing
from inbound.store_keeping import Keeping

WITHOUT_CONTENT = (
    "View: the page shows what became of a handled mail, but not the mail.",
    "Reprocess: a handled mail cannot be worked on again.",
    "Rehearse: changed rules cannot be tried on handled mail.",
)
"""What stops working for handled mails where no content is kept. Until a mail is handled, its content is there."""

_MOST_RECEIPTS = 200


def _is_address(text: str) -> None:
    local, at, domain = text.strip().rpartition("@")
    if not (local and at and domain) or any(letter.isspace() or not letter.isprintable() for letter in text.strip()):
        raise ValidationError("Give one e-mail address, such as ann@example.com.")


class KeepingBody(Schema):
    """What a tenant chooses."""

    class Meta:
        unknown = EXCLUDE

    days = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(1, 3650),
        metadata={"description": "for which a mail's content, sender and subject are kept"},
    )
    content = fields.Boolean(
        required=True, metadata={"description": "false: content is kept only until the mail is handled"}
    )


class KeepingShown(KeepingBody):
    """The same, with what it means."""

    default_days = fields.Integer()
    stops = fields.List(fields.String(), metadata={"description": "what does not work without content"})


class ErasureBody(Schema):
    """Whom to erase."""

    class Meta:
        unknown = EXCLUDE

    address = fields.String(required=True, validate=[validate.Length(max=320), _is_address])


class Counts(Schema):
    """What was erased so far."""

    mails = fields.Integer(metadata={"description": "the person's own mails"})
    contents = fields.Integer(metadata={"description": "contents of others' mails that named the address"})
    rows = fields.Integer(metadata={"description": "others' mails in whose explanation it stood"})


class Receipt(Schema):
    """An erasure. The address itself is not kept: its keyed hash tells whether two receipts are about one."""

    id = fields.String()
    address_hash = fields.String()
    asked_by = fields.String()
    asked_at = fields.Float()
    done_at = fields.Float(allow_none=True)
    counts = fields.Nested(Counts)


def keeping_blueprint(database: Database, default_days: int) -> Blueprint:
    """`/api/inbound/keeping`."""
    pages = Blueprint("keeping", __name__, url_prefix="/api/inbound/keeping", description="How long mail is kept")
    pages.before_request(check_session)

    @pages.get("")
    @pages.response(200, KeepingShown)
    def get() -> dict[str, Any]:
        """What is kept, and for how long."""
        with database.read() as tx:
            return _shown(store_keeping.keeping_of(tx, current_session().tenant, default_days), default_days)

    @pages.put("")
    @pages.arguments(KeepingBody)
    @pages.response(200, KeepingShown)
    def put(body: dict[str, Any]) -> dict[str, Any]:
        """Choose it. What is older than that is forgotten within the hour."""
        chosen = Keeping(body["days"], body["content"])
        with database.write() as tx:
            store_keeping.put_keeping(tx, current_session().tenant, chosen)
        return _shown(chosen, default_days)

    return pages


def erasure_blueprint(database: Database, erasing: Erasing) -> Blueprint:
    """`/api/inbound/erasures`."""
    pages = Blueprint("erasures", __name__, url_prefix="/api/inbound/erasures", description="Erasing a person")
    pages.before_request(check_session)

    @pages.get("")
    @pages.response(200, Receipt(many=True))
    def every() -> list[dict[str, Any]]:
        """The receipts, newest first, 200 at most."""
        with database.read() as tx:
            rows: Sequence[Row[Any]] = store_erasing.receipts(tx, current_session().tenant, _MOST_RECEIPTS)
        return [_receipt(row) for row in rows]

    @pages.post("")
    @pages.arguments(ErasureBody)
    @pages.response(202, Receipt)
    def erase(body: dict[str, Any]) -> dict[str, Any]:
        """Erase a person's mails and address. It goes on after the answer; the receipt tells when it is done."""
        session = current_session()
        return _receipt(erasing.ask(session.tenant, session.account, body["address"]))

    return pages


def _shown(keeping: Keeping, default_days: int) -> dict[str, Any]:
    return {
        "days": keeping.days,
        "content": keeping.content,
        "default_days": default_days,
        "stops": WITHOUT_CONTENT,
    }


def _receipt(row: Row[Any]) -> dict[str, Any]:
    return {**row._mapping, "counts": {name: (row.counts or {}).get(name, 0) for name in COUNTS}}
