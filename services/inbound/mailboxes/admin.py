"""What the admin API does with mailboxes: store them, and try them out.

A project's administrator sees and changes those of that project; the others are not there for them.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, Row

from common.crypto import Vault
from common.db import Database
from common.errors import Fault, Permanent
from common.problems import Problem
from inbound import store, store_notices, store_pages
from inbound.config import Config
from inbound.mailboxes.logins import Logins
from inbound.mailboxes.looking import looked
from inbound.mailboxes.reconciling import reconcile
from inbound.scope import Scope
from inbound.sources import Account, NotNow, Source, Unusable, presets
from inbound.sources.grant_secrets import AUTHS
from inbound.sources.imap_disposal import no_folder
from inbound.sources.opening import PUSH, account_of, secret_aad, source_for

_SHOWN = (
    "id", "name", "kind", "host", "port", "security", "username", "folder", "address", "validate_certificate",
    "check_identity", "authserv_id", "sub_addresses", "project", "issue_type", "default_reporter", "enabled", "state",
    "last_error", "checked_at", "backlog", "auth", "timeout", "strategy", "move_to", "unnamed", "max_bytes", "reconciled",
    "answer_oversized", "provider", "preset", "secret_expires_at", "grant_state",
)  # fmt: skip
_TITLES = {
    "host": "The server cannot be reached",
    "port": "This is no mail server of that kind",
    "security": "The encryption does not fit",
    "secret": "The login was refused",
    "validate_certificate": "The certificate is not valid",
    "folder": "The folder cannot be opened",
    "move_to": "There is no such folder",
    "strategy": "That cannot be done there",
    "kind": "The server is of no use",
}
_PATIENCE = 8.0
_NOT_NOW = "Try again in a few minutes. If it stays so, the server's own words above say whom to ask."
_UNREACHABLE = "Check host, port and encryption, and whether the server can be reached from where Mailbridge runs."


class Mailboxes:
    """The mailboxes within a scope behind the API. Every method raises Problem for what the caller can mend."""

    def __init__(self, config: Config, database: Database, vault: Vault, logins: Logins) -> None:
        self._config = config
        self._logins = logins
        self._database = database
        self._vault = vault

    def every(self, scope: Scope) -> list[dict[str, Any]]:
        """All of them, oldest first."""
        with self._database.read() as tx:
            rows = store_pages.mailboxes(tx, scope)
            counts = store.counts(tx, [row.id for row in rows])
        return [_shown(row, counts[row.id]) for row in rows]

    def get(self, scope: Scope, id: str) -> dict[str, Any]:
        """One of them; Problem(404) for what is outside the scope."""
        with self._database.read() as tx:
            row = _existing(tx, scope, id)
            return _shown(row, store.counts(tx, [id])[id])

    def add(self, scope: Scope, body: Mapping[str, Any], by: str) -> dict[str, Any]:
        """Store a new one; the fetcher reads it within a second or two. by: the account id of whoever connects it."""
        fields = _parted(body)
        self._check(scope, fields)
        fields["backlog"] = fields["backlog"] or _usual_backlog(fields)
        with self._database.write() as tx:
            _alone(tx, scope, fields, None)
            secret = self._given(fields, self._logins.secret(tx, scope.tenant, body))
            fields["grant_state"] = "good" if fields["auth"] in AUTHS else None
            id = store.add_mailbox(tx, scope.tenant, {**fields, "connected_by": store_notices.account(by)}, b"")
            if secret is not None:
                store.set_secret(tx, id, self._vault.seal(tx, scope.tenant, secret.encode(), secret_aad(id)))
        return self.get(scope, id)

    def change(self, scope: Scope, id: str, body: Mapping[str, Any], by: str) -> dict[str, Any]:
        """Store changed settings. What is said about the backlog counts where another place or strategy is chosen. by: who
        changes them; who gives something new to log in with has connected it from now on."""
        fields = _parted(body)
        self._check(scope, fields)
        with self._database.write() as tx:
            row = _existing(tx, scope, id)
            _alone(tx, scope, fields, id)
            secret = self._logins.secret(tx, scope.tenant, body)
            if fields["kind"] != row.kind:
                fields["push_hash"] = None  # what opened it was for another kind of mailbox
            if secret is None and fields["kind"] != PUSH and (not row.secret or not _same_account(row, fields)):
                secret = self._given(fields, None, _AGAIN)
            sealed = None if secret is None else self._vault.seal(tx, scope.tenant, secret.encode(), secret_aad(id))
            if secret is not None:
                fields["grant_state"] = "good" if fields["auth"] in AUTHS else None
                fields["connected_by"] = store_notices.account(by)
            store.change_mailbox(tx, row, {**fields, **_backlog(row, fields)}, sealed)
        return self.get(scope, id)

    def remove(self, scope: Scope, id: str) -> None:
        """It is not read any more; what it brought stays in the ledger."""
        with self._database.write() as tx:
            store.remove_mailbox(tx, _existing(tx, scope, id).id)

    def test(self, scope: Scope, body: Mapping[str, Any]) -> dict[str, Any]:
        """Connect, look around, change nothing; trouble is an answer here, not an error."""
        source, _ = self._source(scope, body)
        try:
            finding = source.check()
            if body["strategy"] == "move" and body["move_to"] not in finding.folders:
                raise no_folder(body["move_to"], finding.folders)
        except Fault as fault:
            return {"ok": False, "findings": [], "problem": _trouble(fault), "folders": _folders(fault)}
        finally:
            source.close()
        return {"ok": True, "findings": list(finding.sentences), "problem": None, "folders": list(finding.folders)}

    def preview(self, scope: Scope, body: Mapping[str, Any]) -> dict[str, Any]:
        """What is in the folder, and what connecting it would do, with how many arrived `since`; nothing is changed or stored."""
        stored = self._stored(scope, body)
        source, account = self._source(scope, body)
        try:
            return looked(self._database, self._vault, source, account, stored, dict(body))
        except Fault as fault:
            told = _trouble(fault)
            sentence = f"{told['detail']} {told['remedy'] or ''}".strip()
            raise Problem(
                503 if isinstance(fault, NotNow) else 422,
                title=told["title"],
                detail=sentence,
                errors={told["field"]: [sentence]} if told["field"] else {},
            ) from fault
        finally:
            source.close()

    def reconcile(self, scope: Scope, id: str) -> dict[str, Any] | None:
        """What a comparison of the folder with the ledger finds; None if that takes longer than a person waits."""
        with self._database.read() as tx:
            row = _existing(tx, scope, id)
        if row.kind == PUSH:
            raise Problem(409, detail="Nothing is fetched for this mailbox, so there is no folder to compare with.")
        if not row.enabled:
            raise Problem(409, detail="The mailbox is switched off: switch it on to have it compared.")
        return reconcile(self._database, id, _PATIENCE)

    def _stored(self, scope: Scope, body: Mapping[str, Any]) -> Row[Any] | None:
        """The mailbox that is being changed; None for one that is not there yet."""
        if body["id"] is None:
            return None
        with self._database.read() as tx:
            return _existing(tx, scope, body["id"])

    def _source(self, scope: Scope, body: Mapping[str, Any]) -> tuple[Source, Account]:
        """A source for a person who waits: as patient as the mailbox, but no longer than they can wait."""
        _not_atlassians(body)
        if self._logins.given(body):
            secret, bearer = body["secret"] or "", self._logins.trying(scope.tenant, body)
        else:
            secret = self._stored_secret(scope, body)
            bearer = self._logins.stored(SimpleNamespace(**body), secret)
        account = account_of(SimpleNamespace(**body), secret, bearer)
        most = self._config.imap_timeout
        account = replace(account, timeout=min(account.timeout or most, most))
        return source_for(body["kind"], account, self._config), account

    def _given(self, fields: Mapping[str, Any], secret: str | None, missing: str = "") -> str | None:
        """The secret to store; "" where the mailbox has none and that is allowed."""
        if secret is not None or fields["kind"] == PUSH:
            return secret
        if fields["auth"] == "oauth":
            raise Problem(422, errors={"sign_in": ["Sign in first, at the provider of the mailbox."]})
        if fields["auth"] != "none":
            raise Problem(422, errors={"secret": [missing or "Give the password of the mailbox."]})
        if not self._config.allow_no_password:
            raise Problem(422, errors={"auth": [_WITHOUT]})
        return ""

    def _stored_secret(self, scope: Scope, body: Mapping[str, Any]) -> str:
        if body["id"] is None or body["auth"] == "none":
            return self._given(body, None) or ""
        with self._database.read() as tx:
            row = _existing(tx, scope, body["id"])
            # A stored password goes nowhere but where it was stored for.
            if not row.secret or not _same_account(row, body):
                self._given(body, None, _AGAIN)
            return self._vault.unseal(tx, scope.tenant, row.secret, secret_aad(row.id)).decode()

    def _check(self, scope: Scope, fields: Mapping[str, Any]) -> None:
        if not scope.covers(fields["project"]["id"]):
            raise Problem(403, errors={"project": ["Choose your own project: you do not administer this one."]})
        if fields["security"] == "none" and not self._config.settings.allow_plain:
            raise Problem(422, errors={"security": ["Choose TLS or STARTTLS: plain connections are not allowed here."]})
        _not_atlassians(fields)


_WITHOUT = "Mailboxes without a password are not allowed here: the operator can set MAILBRIDGE_ALLOW_NO_PASSWORD."
_AGAIN = "Give the password again: it was stored for another server, user or encryption."


def _usual_backlog(fields: Mapping[str, Any]) -> str:
    return "unread" if fields["strategy"] == "read" and fields["kind"] != "pop3" else "none"


def _backlog(row: Row[Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of the mail that is there when a mailbox's settings are changed."""
    moved = any(getattr(row, name) != fields[name] for name in ("kind", *store.PLACE_FIELDS))
    chosen = fields["backlog"]
    if not moved and fields["strategy"] == row.strategy:
        return {"backlog": row.backlog, "backlog_since": row.backlog_since}
    values = {"backlog": chosen or (_usual_backlog(fields) if moved else row.backlog)}
    values["backlog_again"] = chosen is not None and chosen != "none"
    return values | ({"reconciled": None} if moved else {})


def _existing(tx: Connection, scope: Scope, id: str) -> Row[Any]:
    row = store_pages.find_mailbox(tx, scope, id)
    if row is None:
        raise Problem(404, detail="There is no such mailbox (any more).")
    return row


def _alone(tx: Connection, scope: Scope, fields: Mapping[str, Any], id: str | None) -> None:
    other = store.same_place(tx, scope.tenant, fields, id)
    if other is not None:
        name = f"The mailbox {other.name}" if scope.covers(str(other.project["id"])) else "Another project's mailbox"
        sentence = f"{name} reads this folder already: every mail would become two issues."
        raise Problem(422, errors={"folder": [sentence]})


def _not_atlassians(fields: Mapping[str, Any]) -> None:
    for name in ("host", "address", "username"):
        if sentence := presets.refused(str(fields.get(name) or "")):
            raise Problem(422, errors={name: [sentence]})


def _same_account(row: Row[Any], fields: Mapping[str, Any]) -> bool:
    same = all(getattr(row, name) == fields[name] for name in ("host", "port", "username", "kind", "auth"))
    # Nor does it begin to travel unprotected without being typed again.
    weaker = fields["security"] == "none" != row.security or any(
        getattr(row, name) and not fields[name] for name in ("validate_certificate", "check_identity")
    )
    # What was granted at one provider is of no use at another.
    elsewhere = row.auth in AUTHS and row.provider != fields["provider"]
    return same and not weaker and not elsewhere


def _parted(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("id", "secret", "sign_in")}


def _shown(row: Row[Any], counts: Mapping[str, int]) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in _SHOWN}
    more = {"addresses": row.addresses or [row.address], "has_secret": bool(row.secret), "counts": dict(counts)}
    return shown | more


def _trouble(fault: Fault) -> dict[str, Any]:
    if isinstance(fault, NotNow):
        return {"title": "The server does not answer that now", "detail": str(fault), "remedy": _NOT_NOW, "field": None}
    field = fault.field if isinstance(fault, Unusable) else "host"
    remedy = fault.remedy if isinstance(fault, Permanent) else _UNREACHABLE
    return {
        "title": _TITLES.get(field, "It cannot be connected"),
        "detail": str(fault),
        "remedy": remedy,
        "field": field,
    }


def _folders(fault: Fault) -> list[str]:
    return list(fault.folders) if isinstance(fault, Unusable) else []
