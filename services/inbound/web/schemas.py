"""Shapes of the admin API. Hosts, addresses and Jira's names are checked here, so that nothing else meets a malformed one."""

import re
from collections.abc import Iterable
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load, validate

from inbound.mailboxes.logins import complaint
from inbound.sources.opening import KINDS, PUSH

SECURITIES = ("tls", "starttls", "none")
AUTHS = ("password", "oauth", "client_credentials", "service_account", "none")
BACKLOGS = ("all", "since", "unread", "new", "none")
STRATEGIES = ("read", "delete", "move")
_NOWHERE = {"host": "push", "port": 443, "security": "tls", "folder": "INBOX", "backlog": "none", "secret": None}
STATES = ("received", "delivering", "handled", "ignored", "held", "failed")
_ID = validate.Regexp(r"[a-z2-7]{16}\Z", error="Give an id as this API names it.")


def _is_host(text: str) -> None:
    if not text or len(text) > 253 or not text.isascii() or any(one.isspace() or one in "/@:\\" for one in text):
        raise ValidationError("Give the name of a server, such as imap.example.com, without port or scheme.")


def _is_address(text: str) -> None:
    if not re.fullmatch(r"[^\s@<>,;:\"()\[\]\\+]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,253}", text):
        raise ValidationError("Give the one address that people write to, such as support@example.com.")


def _is_line(text: str) -> None:
    if not text.strip():
        raise ValidationError("Give it: it must not be empty.")
    if not text.isprintable():
        raise ValidationError("Keep to one line of printable letters.")


class _Lenient(Schema):
    class Meta:
        unknown = EXCLUDE


class Project(_Lenient):
    """A Jira project."""

    id = fields.String(
        required=True, validate=validate.Regexp(r"[0-9]{1,18}\Z", error="Give the project's id, a number.")
    )
    key = fields.String(
        required=True,
        validate=validate.Regexp(r"[A-Z][A-Z0-9_]{0,99}\Z", error="Give the project's key, such as SUP."),
    )
    name = fields.String(required=True, validate=validate.Length(max=200))


class IssueType(_Lenient):
    """A Jira issue type."""

    id = fields.String(required=True, validate=validate.Regexp(r"[0-9]{1,18}\Z", error="Give the type's id, a number."))
    name = fields.String(required=True, validate=validate.Length(max=200))


class Person(_Lenient):
    """Somebody with an account in Jira."""

    account_id = fields.String(required=True, validate=[validate.Length(min=1, max=128), _is_line])
    name = fields.String(required=True, validate=validate.Length(max=200))


_PROVIDER = "Give microsoft or google."


class Connection(_Lenient):
    """How to reach a folder: what *Test connection* sends. `id` of a stored mailbox lets its stored password be used."""

    id = fields.String(load_default=None, allow_none=True, validate=_ID)
    kind = fields.String(load_default="imap", validate=validate.OneOf(KINDS))
    host = fields.String(required=True, validate=_is_host)
    port = fields.Integer(required=True, strict=True, validate=validate.Range(1, 65_535))
    security = fields.String(required=True, validate=validate.OneOf(SECURITIES))
    username = fields.String(required=True, validate=[validate.Length(max=320), _is_line])
    secret = fields.String(load_default=None, allow_none=True, load_only=True, validate=validate.Length(max=4000))
    folder = fields.String(load_default="INBOX", validate=[validate.Length(max=500), _is_line])
    validate_certificate = fields.Boolean(load_default=True)
    check_identity = fields.Boolean(
        load_default=True, metadata={"description": "the certificate has to be for the host"}
    )
    auth = fields.String(load_default="password", validate=validate.OneOf(AUTHS))
    provider = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(("microsoft", "google"), error=_PROVIDER)
    )
    preset = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(r"[a-z0-9.-]{0,40}\Z"))
    sign_in = fields.String(
        load_default=None,
        allow_none=True,
        load_only=True,
        validate=validate.Length(max=200),
        metadata={"description": "for auth oauth: the state of a sign-in that is done"},
    )
    timeout = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, 600),
        metadata={"description": "seconds for each answer of the server; null: 30"},
    )
    strategy = fields.String(
        load_default="read",
        validate=validate.OneOf(STRATEGIES),
        metadata={"description": "mark read; or delete, or move, once the ledger says handled"},
    )
    move_to = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=500))

    @post_load
    def _fitting(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if data["kind"] == "pop3":
            if data["strategy"] == "move":
                raise ValidationError(
                    "A POP3 mailbox has no folders: leave messages on the server, or delete them.", "strategy"
                )
            data = {**data, "folder": "INBOX"}
        if data["strategy"] != "move":
            data = {**data, "move_to": None}
        elif not (data["move_to"] or "").strip():
            raise ValidationError("Name the folder that handled mail goes to.", "move_to")
        elif data["move_to"] == data["folder"]:
            raise ValidationError("Name another folder than the one that is read.", "move_to")
        if wrong := complaint(data["kind"], data["auth"], data["provider"]):
            raise ValidationError(wrong[1], wrong[0])
        return {**data, "secret": data["secret"] or None, "sign_in": data["sign_in"] or None}


class MailboxBody(Connection):
    """A mailbox as the page sends it. Without `secret` the stored one stays.

    `backlog` is about the mail that is there: it counts when the mailbox is created, and when another folder, account or
    strategy is chosen.
    """

    kind = fields.String(load_default="imap", validate=validate.OneOf((*KINDS, PUSH)))
    name = fields.String(required=True, validate=[validate.Length(max=200), _is_line])
    address = fields.String(required=True, validate=[validate.Length(max=320), _is_address])
    authserv_id = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"[^\s;]{0,255}\Z", error="Give one word without blanks, such as mx.example.com."),
        metadata={
            "description": "the provider's name in Authentication-Results; none: its header names none (Microsoft 365)"
        },
    )
    sub_addresses = fields.Boolean(load_default=False)
    project = fields.Nested(Project, required=True)
    issue_type = fields.Nested(IssueType, required=True)
    default_reporter = fields.Nested(Person, load_default=None, allow_none=True)
    enabled = fields.Boolean(load_default=True)
    backlog = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(BACKLOGS),
        metadata={"description": "left out: unread where mail is marked read, else new"},
    )
    since = fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0),
        metadata={"description": "for the backlog `since`: seconds since 1970"},
    )
    secret_expires_at = fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 32_503_680_000),
        metadata={"description": "when an app registration's secret ends, seconds since 1970"},
    )
    addresses = fields.List(
        fields.String(validate=[validate.Length(max=320), _is_address]),
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=100),
        metadata={"description": "every address that people write to; the first is `address`"},
    )
    unnamed = fields.String(
        load_default="take",
        validate=validate.OneOf(("take", "ignore")),
        metadata={"description": "what becomes of mail that names none of the addresses, as by Bcc"},
    )
    max_bytes = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(10_000, 1_000_000_000)
    )

    @pre_load
    def _nowhere(self, data: Any, **_: Any) -> Any:
        """Mail that is pushed is fetched nowhere: nobody has to name a server."""
        if not isinstance(data, dict) or data.get("kind") != PUSH:
            return data
        return {**data, **_NOWHERE, "username": data.get("address") or "push"}

    @post_load
    def _settled(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if data["backlog"] == "since" and data["since"] is None:
            raise ValidationError("Give the instant, in seconds since 1970.", "since")
        given = {
            "backlog": "none" if data["backlog"] == "new" else data["backlog"],
            "backlog_since": data["since"] if data["backlog"] == "since" else None,
            "addresses": _first(data["address"], data["addresses"] or ()),
            "authserv_id": (data["authserv_id"] or "").lower() or None,
        }
        return {name: value for name, value in data.items() if name != "since"} | given


def _first(address: str, others: Iterable[str]) -> list[str]:
    """All of them without repetition, this one first."""
    found: dict[str, str] = {}
    for one in (address, *others):
        found.setdefault(one.lower(), one)
    return list(found.values())


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
    reconciled = fields.Nested(lambda: Reconciliation(), allow_none=True)
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
    folders = fields.List(fields.String())


class Reconciliation(Schema):
    """A comparison of the folder with the ledger."""

    seen = fields.Integer(metadata={"description": "messages in the folder"})
    accounted = fields.Integer(metadata={"description": "of those, in the ledger or there before and not chosen"})
    unaccounted = fields.Integer()
    at = fields.Float()
    missing = fields.List(fields.String(), metadata={"description": "their ids, at most 100"})


class MailQuery(_Lenient):
    """Which mails to list: of a mailbox, in a state, older than the mail `before`."""

    mailbox = fields.String(load_default=None, validate=_ID)
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    before = fields.String(load_default=None, validate=_ID)
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
