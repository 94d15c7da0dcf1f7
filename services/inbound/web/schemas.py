"""What the admin API is sent about mailboxes: hosts, addresses and Jira's names are checked here, so that nothing else meets a
malformed one. What it answers: `schemas_answers`, `schemas_mails`."""

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
ID = validate.Regexp(r"[a-z2-7]{16}\Z", error="Give an id as this API names it.")


def _is_host(text: str) -> None:
    if not text or len(text) > 253 or not text.isascii() or any(one.isspace() or one in "/@:\\" for one in text):
        raise ValidationError("Give the name of a server, such as imap.example.com, without port or scheme.")


def _is_address(text: str) -> None:
    if re.fullmatch(r"[^@+\s]+\+[^@\s]*@[^@\s]+", text):
        raise ValidationError(
            "Leave out the part from the + on: mail to such addresses is caught where the mailbox takes them."
        )
    if not re.fullmatch(r"[^\s@<>,;:\"()\[\]\\+]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,253}", text):
        raise ValidationError("Give the one address that people write to, such as support@example.com.")


def _is_line(text: str) -> None:
    if not text.strip():
        raise ValidationError("Give it: it must not be empty.")
    if not text.isprintable():
        raise ValidationError("Keep to one line of printable letters.")


class Lenient(Schema):
    """A body or a query that may hold more than we know."""

    class Meta:
        unknown = EXCLUDE


class Project(Lenient):
    """A Jira project."""

    id = fields.String(
        required=True, validate=validate.Regexp(r"[0-9]{1,18}\Z", error="Give the project's id, a number.")
    )
    key = fields.String(
        required=True,
        validate=validate.Regexp(r"[A-Z][A-Z0-9_]{0,99}\Z", error="Give the project's key, such as SUP."),
    )
    name = fields.String(required=True, validate=validate.Length(max=200))


class IssueType(Lenient):
    """A Jira issue type."""

    id = fields.String(required=True, validate=validate.Regexp(r"[0-9]{1,18}\Z", error="Give the type's id, a number."))
    name = fields.String(required=True, validate=validate.Length(max=200))


class Person(Lenient):
    """Somebody with an account in Jira."""

    account_id = fields.String(required=True, validate=[validate.Length(min=1, max=128), _is_line])
    name = fields.String(required=True, validate=validate.Length(max=200))


_PROVIDER = "Give microsoft or google."


class Connection(Lenient):
    """How to reach a folder: what *Test connection* sends. `id` of a stored mailbox lets its stored password be used."""

    id = fields.String(load_default=None, allow_none=True, validate=ID)
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
    answer_oversized = fields.Boolean(
        load_default=False, metadata={"description": "whether the sender of a larger mail is told so by mail"}
    )

    @pre_load
    def _nowhere(self, data: Any, **_: Any) -> Any:
        """Mail that is pushed is fetched nowhere: nobody has to name a server. The address is the user name unless said."""
        if not isinstance(data, dict):
            return data
        if "address" not in data and "@" in str(data.get("username")):
            data = {**data, "address": data["username"]}
        if data.get("kind") != PUSH:
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
