"""Shapes that the APIs of more than one service answer."""

from marshmallow import Schema, fields


class Trouble(Schema):
    """Why a test failed, and what to do."""

    title = fields.String()
    detail = fields.String()
    remedy = fields.String()
    field = fields.String(allow_none=True)


class TestResult(Schema):
    """What a test found, sentence by sentence."""

    ok = fields.Boolean()
    findings = fields.List(fields.String())
    problem = fields.Nested(Trouble, allow_none=True)
