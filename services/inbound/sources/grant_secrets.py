"""What is sealed as the secret of a mailbox that logs in with tokens, and what an admin may type there. Pure.

oauth: {"refresh", "account"}, written by the sign-in. client_credentials: {"tenant", "client_id", "client_secret"} of the
customer's app registration. service_account: Google's key file, of which client_email and private_key count; its token_uri does
not: where tokens are had is the operator's word.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from inbound.sources import Unusable

AUTHS = ("oauth", "client_credentials", "service_account")
"""The ways to log in that need a token."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a person granted. account: who signed in, None where the provider did not say."""

    refresh: str = field(repr=False)
    account: str | None

    def text(self) -> str:
        return json.dumps({"refresh": self.refresh, "account": self.account})


@dataclass(frozen=True, slots=True)
class App:
    """The customer's own app registration at Microsoft."""

    directory: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account of Google with domain-wide delegation."""

    email: str
    key: str = field(repr=False)


def read(auth: str, text: str) -> SignedIn | App | ServiceAccount:
    """The secret of a mailbox with this `auth`; raises Unusable naming what is missing."""
    fields = _object(text)
    if auth == "oauth":
        account = fields.get("account")
        return SignedIn(_word(fields, "refresh", _SIGN_IN), account if isinstance(account, str) else None)
    if auth == "client_credentials":
        directory = _word(fields, "tenant", _APP)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}", directory):
            raise _unusable("The directory (tenant) id is not one.", _APP)
        return App(directory, _word(fields, "client_id", _APP), _word(fields, "client_secret", _APP))
    email, key = _word(fields, "client_email", _KEY_FILE), fields.get("private_key")
    if not isinstance(key, str) or "PRIVATE KEY" not in key:
        raise _unusable("The key file has no private_key.", _KEY_FILE)
    return ServiceAccount(email, key)


_SIGN_IN = "Sign in again."
_APP = "Give the app registration's directory (tenant) id, client id and client secret."
_KEY_FILE = "Paste the whole key file (JSON) of the service account."


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _word(fields: dict[str, Any], name: str, remedy: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > 10_000:
        raise _unusable(f"There is no {name} in it.", remedy)
    return value.strip()


def _unusable(message: str, remedy: str) -> Unusable:
    return Unusable(message, remedy=remedy, field="secret")
