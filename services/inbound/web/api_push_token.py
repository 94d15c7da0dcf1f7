"""`POST /api/inbound/mailboxes/{id}/push-token`: what opens a mailbox that mail is pushed to. It is shown once."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema, fields, validate

from common.db import Database
from common.web import Problem, check_project_session, current_session
from inbound import store_pages
from inbound.push import signatures
from inbound.push.push_commands import commands, url_of
from inbound.push.pushing import PIPE, Pushing
from inbound.scope import scope_of

_WAYS = (PIPE, "ses", "mailgun", "sendgrid", "postmark")


class PushWay(Schema):
    """By which way mail comes."""

    class Meta:
        unknown = EXCLUDE

    via = fields.String(load_default=PIPE, validate=validate.OneOf(_WAYS))
    key = fields.String(
        load_default="",
        load_only=True,
        validate=validate.Length(max=2000),
        metadata={
            "description": "ses: the topic's ARN; mailgun: the webhook signing key; sendgrid: the security policy's public key"
        },
    )


class PushToken(Schema):
    """The token, and what to do with it."""

    token = fields.String()
    url = fields.String()
    commands = fields.List(fields.String())


def blueprint(pushing: Pushing, database: Database, base_url: str) -> Blueprint:
    """New tokens."""
    pages = Blueprint("push-token", __name__, url_prefix="/api/inbound/mailboxes", description="Mail that is pushed")
    pages.before_request(check_project_session)

    @pages.post("/<id>/push-token")
    @pages.arguments(PushWay)
    @pages.response(200, PushToken)
    @pages.alt_response(409, description="Mail is fetched from this mailbox, not pushed to it.")
    def new_token(way: dict[str, Any], id: str) -> dict[str, Any]:
        """A new token; the one before opens nothing any more."""
        scope = scope_of(current_session(project=True))
        via, key = way["via"], way["key"].strip()
        with database.read() as tx:
            row = store_pages.find_mailbox(tx, scope, id)
        if row is None:
            raise Problem(404, detail="There is no such mailbox (any more).")
        if row.kind != "push":
            raise Problem(409, detail="Mail is fetched from this mailbox: only one of the kind push takes pushed mail.")
        if sentence := _wrong_key(via, key):
            raise Problem(422, errors={"key": [sentence]})
        token = pushing.new_token(row, via, key)
        url = url_of(base_url, via, row.id, token)
        return {"token": token, "url": url, "commands": commands(via, url)}

    return pages


def _wrong_key(via: str, key: str) -> str | None:
    if via == "ses" and not (key.startswith("arn:aws") and ":sns:" in key):
        return "Give the ARN of the SNS topic, such as arn:aws:sns:eu-west-1:123456789012:mail: only that one may bring mail."
    if via == "mailgun" and not key:
        return "Give the HTTP webhook signing key, which Mailgun shows under API security."
    if via == "sendgrid" and key and not signatures.is_public_key(key):
        return "Give the public key as SendGrid shows it with the security policy, or leave it empty."
    return None
