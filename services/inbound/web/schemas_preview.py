"""Shapes of the preview: what is asked about a folder before anything is done with it, and what is told."""

from marshmallow import Schema, fields, validate

from inbound.web.schemas import Connection


class PreviewBody(Connection):
    """What a preview is asked about. With `since`, it also says how many messages that day is about."""

    since = fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 32_503_680_000),
        metadata={"description": "seconds since 1970"},
    )


class Counted(Schema):
    """How many messages, with a sentence."""

    count = fields.Integer(allow_none=True, metadata={"description": "null: the server does not tell"})
    exact = fields.Boolean(metadata={"description": "false: about so many"})
    would = fields.String()


class Preview(Schema):
    """What connecting, or choosing another folder or strategy, would do."""

    total = fields.Integer()
    unread = fields.Integer(allow_none=True, metadata={"description": "null: the protocol does not tell"})
    oldest_at = fields.Float(allow_none=True)
    would = fields.List(fields.String())
    choices = fields.List(fields.String(), metadata={"description": "what `backlog` may be"})
    since = fields.Nested(Counted, allow_none=True, metadata={"description": "null unless it was asked for"})
    meanwhile = fields.Nested(
        Counted,
        allow_none=True,
        metadata={"description": "a folder read before: what came since, which is taken whatever is chosen; else null"},
    )
