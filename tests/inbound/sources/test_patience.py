"""The timeout of a mailbox, or the operator's where it has none, governs every connection: to servers that accept and say nothing."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from common.db import Database
from common.errors import Temporary
from inbound.config import Config
from inbound.sources import Account
from inbound.sources.grants import OneToken
from inbound.sources.opening import grants_for, source_for
from tests.inbound.rig import add_mailbox, config
from tests.inbound.signing import USER, add_signed_in

LONG = 600
"""Seconds that nobody waits here: the other of the two settings."""


@pytest.fixture
def port() -> Iterator[int]:
    """Where connections are made, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def settings(port: int, operators: int) -> Config:
    here = f"http://127.0.0.1:{port}"
    urls = {"GRAPH_URL": here, "MICROSOFT_LOGIN_URL": here, "GOOGLE_TOKEN_URL": here}
    clients = {"MICROSOFT_CLIENT_ID": "id", "GOOGLE_CLIENT_ID": "id", "GOOGLE_CLIENT_SECRET": "secret"}
    return config(IMAP_TIMEOUT=str(operators), **urls, **clients)


def given_up_in_time(what: Callable[[], Any]) -> None:
    """A second was waited, and not ten minutes."""
    began = time.monotonic()
    with pytest.raises(Temporary):
        what()
    assert 0.9 < time.monotonic() - began < 100


OWN = pytest.mark.parametrize(("own", "operators"), [(1, LONG), (None, 1)], ids=["its own", "the operator's"])


def test_an_operator_who_says_nothing_waits_half_a_minute() -> None:
    assert config().imap_timeout == 30.0


@OWN
@pytest.mark.parametrize(
    ("kind", "security"),
    [("imap", "none"), ("imap", "tls"), ("imap", "starttls"), ("pop3", "none"), ("pop3", "tls"), ("graph", "tls")],
)
def test_a_mail_server_that_says_nothing_is_given_up(
    port: int, kind: str, security: str, own: int | None, operators: int
) -> None:
    bearer = OneToken("token", USER) if kind == "graph" else None
    account = Account("127.0.0.1", port, security, USER, "secret", "INBOX", bearer=bearer, timeout=own)
    for act in ("open", "check"):
        with closing(source_for(kind, account, settings(port, operators))) as source:
            given_up_in_time(getattr(source, act))


@OWN
@pytest.mark.parametrize("provider", ["microsoft", "google"])
@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_sign_in_service_that_says_nothing_is_given_up(
    database: Database, port: int, provider: str, kind: str, own: int | None, operators: int
) -> None:
    found = settings(port, operators)
    id = add_signed_in(database, found, "refresh", kind=kind, provider=provider, timeout=own)
    grants = grants_for(found, database)
    given_up_in_time(lambda: grants.token(id))


@OWN
@pytest.mark.parametrize("auth", ["client_credentials", "service_account"])
@pytest.mark.parametrize("typed", [False, True], ids=["stored", "typed"])
def test_a_token_for_an_app_or_a_service_account_is_not_waited_for_longer(
    database: Database, port: int, auth: str, typed: bool, own: int | None, operators: int
) -> None:
    found, secret = settings(port, operators), SECRETS[auth]()
    grants = grants_for(found, database)
    if typed:
        given_up_in_time(grants.of_typed(auth, "imap", USER, secret, own).token)
    else:
        id = add_mailbox(database, found, None, auth=auth, provider="google", secret=secret, timeout=own)
        given_up_in_time(lambda: grants.token(id))


def test_a_person_waits_no_longer_than_a_page_does(database: Database, port: int) -> None:
    found = settings(port, LONG)
    id = add_signed_in(database, found, "refresh", timeout=LONG)
    given_up_in_time(lambda: grants_for(found, database, most=1.0).token(id))


def app_secret() -> str:
    return json.dumps({"tenant": "contoso.example", "client_id": "app", "client_secret": "secret"})


def key_file() -> str:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return json.dumps({"client_email": "robot@project.test", "private_key": pem})


SECRETS = {"client_credentials": app_secret, "service_account": key_file}
