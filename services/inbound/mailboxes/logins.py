"""How a mailbox is to log in, as the page says it: with which secret, or by whose sign-in, and what fits what."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from common.problems import Problem
from inbound.mailboxes.signing_in import SignIns
from inbound.sources import Bearer, Unusable
from inbound.sources.grant_secrets import AUTHS, read
from inbound.sources.grants import Grants

_PROVIDERS = {"client_credentials": "microsoft", "service_account": "google"}


def complaint(kind: str, auth: str, provider: str | None) -> tuple[str, str] | None:
    """(field, sentence) where kind, way to log in and provider do not go together. Pure."""
    if kind == "graph" and auth not in ("oauth", "client_credentials"):
        return "auth", "Microsoft Graph takes no password: sign in, or give an app registration."
    if auth == "oauth" and provider is None:
        return "provider", "Say where to sign in: microsoft or google."
    if auth in _PROVIDERS and provider != _PROVIDERS[auth]:
        return "provider", f"This way to log in is {_PROVIDERS[auth].title()}'s: give {_PROVIDERS[auth]}."
    if kind == "graph" and provider != "microsoft":
        return "provider", "Microsoft Graph is Microsoft's: give microsoft."
    return None


class Logins:
    """Tokens and secrets for mailboxes that are being tried or saved. Raises Problem."""

    def __init__(self, sign_ins: SignIns, grants: Grants) -> None:
        self._sign_ins = sign_ins
        self._grants = grants

    def given(self, body: Mapping[str, Any]) -> bool:
        """Whether the page has given anything new to log in with."""
        return body["sign_in" if body["auth"] == "oauth" else "secret"] is not None

    def secret(self, tx: Connection, tenant: str, body: Mapping[str, Any]) -> str | None:
        """What of it is to be sealed, None where nothing new is given; a sign-in is used up."""
        if not self.given(body):
            return None
        if body["auth"] == "oauth":
            return self._sign_ins.claim(tx, tenant, body["provider"], body["sign_in"])
        if body["auth"] in AUTHS:
            _must_be_one(body["auth"], body["secret"])
        return str(body["secret"])

    def trying(self, tenant: str, body: Mapping[str, Any]) -> Bearer | None:
        """Tokens to try what is given; None where it is a password."""
        if body["auth"] == "oauth":
            return self._sign_ins.bearer(tenant, body["provider"], body["sign_in"])
        if body["auth"] in AUTHS:
            _must_be_one(body["auth"], body["secret"])
            of = (body["auth"], body["kind"], body["username"], body["secret"], body["timeout"])
            return self._grants.of_typed(*of)
        return None

    def stored(self, row: Any, secret: str) -> Bearer | None:
        """Tokens of a stored mailbox with this unsealed secret; None where it is a password."""
        return self._grants.of_mailbox(row, secret)


def _must_be_one(auth: str, secret: str) -> None:
    try:
        read(auth, secret)
    except Unusable as fault:
        raise Problem(422, errors={"secret": [f"{fault} {fault.remedy}"]}) from fault
