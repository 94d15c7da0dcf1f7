"""Mails of the ledger, as the API is asked for them and answers."""

from marshmallow import Schema, fields, validate

from inbound.web.schemas import ID, Lenient

STATES = ("received", "delivering", "handled", "ignored", "held", "failed")


class MailQuery(Lenient):
    """Which mails to list: of a mailbox, in a state, older than the mail `before`."""

    mailbox = fields.String(load_default=None, validate=ID)
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    before = fields.String(load_default=None, validate=ID)
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class Mail(Schema):
    """A mail of the ledger."""

    id = fields.String()
    mailbox_id = fields.String()
    received_at = fields.Float()
    sender = fields.String(data_key="from", allow_none=True)
    subject = fields.String(allow_none=True)
    state = fields.String()
    outcome = fields.String(allow_none=True, metadata={"description": "issue, comment or none"})
    reason = fields.String(allow_none=True)
    issue_key = fields.String(allow_none=True)
    comment_id = fields.String(allow_none=True)
    attempts = fields.Integer()


class Step(Schema):
    """One effect in Jira: planned, intended, done or refused."""

    kind = fields.String()
    state = fields.String()
    at = fields.Float(allow_none=True)
    detail = fields.Dict(keys=fields.String())


class MailDetail(Mail):
    """A mail with its explanation."""

    explanation = fields.List(fields.String())
    steps = fields.List(fields.Nested(Step))
    size = fields.Integer()


class MailPage(Schema):
    """One page of the ledger; `next` goes into `before` of the next one."""

    mails = fields.List(fields.Nested(Mail))
    next = fields.String(allow_none=True)
