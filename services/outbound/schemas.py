"""Shapes of the admin API. Addresses and hosts are checked here, so that nothing else meets a malformed one."""

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate

from outbound import suppress

SECURITIES = ("tls", "starttls", "none")


def _is_host(text: str) -> None:
    if not text or len(text) > 253 or not text.isascii() or any(one.isspace() or one in "/@:\\" for one in text):
        raise ValidationError("Give the name of a server, such as smtp.example.com, without port or scheme.")


def _is_address(text: str) -> None:
    if suppress.unmailable(text).startswith("This is not"):
        raise ValidationError("Give one mail address, such as support@example.com.")


def _is_line(text: str) -> None:
    if not text.isprintable():
        raise ValidationError("Keep to one line of printable letters.")


class SenderBody(Schema):
    """The outgoing server as the page sends it; without `secret` the one stored stays."""

    class Meta:
        unknown = EXCLUDE

    host = fields.String(required=True, validate=_is_host)
    port = fields.Integer(required=True, strict=True, validate=validate.Range(1, 65_535))
    security = fields.String(required=True, validate=validate.OneOf(SECURITIES))
    username = fields.String(load_default="", allow_none=True, validate=[validate.Length(max=320), _is_line])
    secret = fields.String(load_default=None, allow_none=True, load_only=True, validate=validate.Length(max=4000))
    from_name = fields.String(load_default="", allow_none=True, validate=[validate.Length(max=200), _is_line])
    from_address = fields.String(required=True, validate=[validate.Length(max=320), _is_address])
    window_seconds = fields.Float(load_default=5.0, validate=validate.Range(0, 600))
    validate_certificate = fields.Boolean(load_default=True)
    told = fields.List(
        fields.String(validate=[validate.Length(max=320), _is_address]),
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=10, error="Name ten addresses at most."),
        metadata={"description": "who is told when a mailbox needs an administrator; left out: as before"},
    )

    @post_load
    def _none_is_empty(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "username": (data["username"] or "").strip(), "from_name": data["from_name"] or ""}


class Sender(Schema):
    """The outgoing server as it is stored; its password never leaves."""

    host = fields.String()
    port = fields.Integer()
    security = fields.String()
    username = fields.String()
    has_secret = fields.Boolean()
    from_name = fields.String()
    from_address = fields.String()
    window_seconds = fields.Float()
    validate_certificate = fields.Boolean()
    state = fields.String(metadata={"description": "new, connected or trouble"})
    last_error = fields.String(allow_none=True)
    told = fields.List(
        fields.String(),
        metadata={"description": "who is told when a mailbox needs an administrator; empty: who set it up"},
    )


class DeliveryQuery(Schema):
    """Which deliveries to list: of an issue (key or id), older than the id `before`."""

    class Meta:
        unknown = EXCLUDE

    issue = fields.String(load_default=None, validate=validate.Length(max=100))
    before = fields.String(load_default=None, validate=validate.Regexp(r"[a-z2-7]{16}\Z"))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class Delivery(Schema):
    """One mail to one person, or why they got none."""

    id = fields.String()
    created_at = fields.Float()
    issue_key = fields.String()
    recipient = fields.String()
    kind = fields.String(metadata={"description": "account, address, or notify: Jira itself sends it to an account"})
    event = fields.String()
    state = fields.String(metadata={"description": "pending, sending, sent, skipped, failed or bounced"})
    reason = fields.String()
    sent_at = fields.Float(allow_none=True)
    error = fields.String(allow_none=True)


class DeliveryPage(Schema):
    """Newest first; `next` is the `before` of the following page, or null."""

    deliveries = fields.List(fields.Nested(Delivery))
    next = fields.String(allow_none=True)


class AdminLetterQuery(Schema):
    """Which letters to admins to list: older than the id `before`."""

    class Meta:
        unknown = EXCLUDE

    before = fields.String(load_default=None, validate=validate.Regexp(r"[a-z2-7]{16}\Z"))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class AdminLetter(Schema):
    """One letter to somebody who has to do something about a mailbox or a mail, or why nobody got one."""

    id = fields.String()
    created_at = fields.Float()
    kind = fields.String(metadata={"description": "reconnect, expiring or trouble; oversized: to the sender of a mail"})
    mailbox = fields.String(metadata={"description": "the mailbox's name; its address where a sender was told"})
    mailbox_id = fields.String(metadata={"description": "empty where a sender was told"})
    subject = fields.String()
    recipient = fields.String(metadata={"description": "empty: nobody, or not known yet"})
    state = fields.String(metadata={"description": "pending, sending, sent, skipped or failed"})
    reason = fields.String()
    sent_at = fields.Float(allow_none=True)
    error = fields.String(allow_none=True)


class AdminLetterPage(Schema):
    """Newest first; `next` is the `before` of the following page, or null."""

    letters = fields.List(fields.Nested(AdminLetter))
    next = fields.String(allow_none=True)
