"""What the admin API answers about mailboxes."""

from marshmallow import Schema, fields

from common import schemas
from inbound.web.schemas import IssueType, Person, Project


class Reconciliation(Schema):
    """A comparison of the folder with the ledger."""

    seen = fields.Integer(metadata={"description": "messages in the folder"})
    accounted = fields.Integer(metadata={"description": "of those, in the ledger or there before and not chosen"})
    unaccounted = fields.Integer()
    at = fields.Float()
    missing = fields.List(fields.String(), metadata={"description": "their ids, at most 100"})


class Mailbox(Schema):
    """A mailbox as it is stored; its password never leaves."""

    id = fields.String()
    name = fields.String()
    kind = fields.String()
    host = fields.String()
    port = fields.Integer()
    security = fields.String()
    username = fields.String()
    has_secret = fields.Boolean()
    provider = fields.String(allow_none=True)
    preset = fields.String(allow_none=True)
    secret_expires_at = fields.Float(allow_none=True)
    grant_state = fields.String(
        allow_none=True, metadata={"description": "good; expiring: its secret ends soon; reconnect: sign in again"}
    )
    folder = fields.String()
    address = fields.String()
    validate_certificate = fields.Boolean()
    check_identity = fields.Boolean()
    auth = fields.String()
    timeout = fields.Integer(allow_none=True)
    strategy = fields.String()
    move_to = fields.String(allow_none=True)
    addresses = fields.List(fields.String())
    unnamed = fields.String()
    max_bytes = fields.Integer(allow_none=True)
    answer_oversized = fields.Boolean()
    reconciled = fields.Nested(Reconciliation, allow_none=True)
    authserv_id = fields.String(allow_none=True)
    sub_addresses = fields.Boolean()
    project = fields.Nested(Project)
    issue_type = fields.Nested(IssueType)
    default_reporter = fields.Nested(Person, allow_none=True)
    enabled = fields.Boolean()
    state = fields.String(metadata={"description": "new, connected, trouble or disabled"})
    last_error = fields.String(allow_none=True)
    checked_at = fields.Float(allow_none=True, metadata={"description": "when it was last read, seconds since 1970"})
    backlog = fields.String()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())


class TestResult(schemas.TestResult):
    """What a test found, and the folders there are."""

    folders = fields.List(fields.String())
