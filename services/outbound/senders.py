"""The outgoing server of a tenant: shown, set, tested."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from common.db import Database
from common.errors import Fault, Permanent
from common.problems import Problem
from outbound import audience, store
from outbound.sealing import Sealing
from outbound.transports.pool import SmtpPool
from outbound.transports.smtp import SmtpServer

_PLACE = ("host", "port", "security", "username", "validate_certificate")


@dataclass(frozen=True, slots=True)
class Senders:
    """What the admin API does with outgoing servers."""

    database: Database
    sealing: Sealing
    pool: SmtpPool
    allow_plain: bool

    def get(self, tenant: str) -> dict[str, Any] | None:
        """As the API shows it, or None."""
        with self.database.read() as tx:
            row = store.sender_of(tx, tenant)
            if row is None:
                return None
            told = self._told_of(tx, row)
        return {**row._mapping, "has_secret": row.secret is not None, "told": told}

    def put(self, tenant: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set it; raises Problem(422) when a password is missing or the connection would be readable by all."""
        with self.database.write() as tx:
            row = store.sender_of(tx, tenant)
            password = self._password(tx, row, body)
            values = {name: body[name] for name in body if name not in ("secret", "told")}
            secret = self.sealing.password(tx, tenant, password) if password else None
            store.put_sender(tx, tenant, {**values, "secret": secret, "state": "new", "last_error": None})
            if body.get("told") is not None:
                store.set_told(tx, tenant, self.sealing.told(tx, tenant, _told(tx, tenant, body["told"])))
        shown = self.get(tenant)
        assert shown is not None
        return shown

    def test(self, tenant: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Connect, log in, name the sender, send nothing. Whatever fails is in the answer, not an error."""
        with self.database.read() as tx:
            password = self._password(tx, store.sender_of(tx, tenant), body)
        server = SmtpServer(
            body["host"], body["port"], body["security"], body["username"], password, body["validate_certificate"]
        )
        found: list[str] = []
        try:
            self.pool.check(server, body["from_address"], found.append)
        except Fault as fault:
            return {"ok": False, "findings": found, "problem": _problem(fault)}
        return {"ok": True, "findings": found, "problem": None}

    def _told_of(self, tx: Connection, row: Row[Any]) -> list[str]:
        try:
            return self.sealing.read_told(tx, row.tenant, row.told)
        except Permanent:
            return []  # what nobody can unseal names nobody

    def _password(self, tx: Connection, row: Row[Any] | None, body: Mapping[str, Any]) -> str:
        """The password to use: given, or stored. A stored one goes to no server but the one it was given for."""
        if body["security"] == "none" and not self.allow_plain:
            remedy = "Choose TLS or STARTTLS: without encryption anyone on the way could read the mail."
            raise Problem(422, errors={"security": [remedy]})
        if not body["username"]:
            return ""
        if body["secret"]:
            return str(body["secret"])
        if row is None or row.secret is None:
            raise Problem(422, errors={"secret": ["Give the password of this user."]})
        if any(getattr(row, name) != body[name] for name in _PLACE):
            raise Problem(422, errors={"secret": ["Give the password again: the server or the user has changed."]})
        return self.sealing.read_password(tx, row.tenant, row.secret)


def _told(tx: Connection, tenant: str, addresses: list[str]) -> list[str]:
    """Each once; Problem(422) for one of ours: that mail would come back."""
    own = store.own_addresses(tx, tenant)
    ours = [one for one in addresses if audience.is_own(one, own)]
    if ours:
        raise Problem(
            422, errors={"told": [f"{ours[0]} is one of your mailboxes: name an address that a person reads."]}
        )
    return list({one.lower(): one for one in addresses}.values())


def _problem(fault: Fault) -> dict[str, Any]:
    permanent = isinstance(fault, Permanent)
    return {
        "title": "The outgoing server can't be used" if permanent else "The outgoing server can't be reached",
        "detail": str(fault),
        "remedy": fault.remedy if isinstance(fault, Permanent) else "Check host and port, or try again in a moment.",
        "field": None,
    }
