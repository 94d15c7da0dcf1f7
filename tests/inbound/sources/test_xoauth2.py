"""Logging in with an access token: the vector, the server's words, and a real Dovecot that checks the token by itself."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import jwt
import pytest
from imapclient import IMAPClient

from common.db import Database
from common.errors import Temporary
from common.ids import new_id
from inbound.fetcher import Fetcher
from inbound.sources import Account, Unusable, xoauth2
from inbound.sources.grants import OneToken
from inbound.sources.imap import ImapSource
from inbound.sources.pop3 import Pop3Source
from sandbox.oauth.provider import ISSUER, KEY
from sandbox.servers import dovecot as dovecot_server
from sandbox.servers.dovecot import Dovecot
from tests.inbound import rig
from tests.inbound.mailserver import LOOPBACK, letter
from tests.inbound.signing import Cloud, add_signed_in, cloud, reconnect, settings

VECTOR = Path(__file__).parents[4] / "shared" / "contracts" / "samples" / "http" / "xoauth2.json"


def test_the_initial_response_is_as_google_documents_it() -> None:
    if not VECTOR.exists():
        pytest.skip("the samples beside the repository are not there")
    sample = json.loads(VECTOR.read_text())
    made = xoauth2.initial_response(sample["user"], sample["accessToken"])
    assert base64.b64encode(made).decode() == sample["initialResponse"]


@pytest.mark.parametrize("encoded", [True, False])
def test_a_servers_challenge_becomes_words(encoded: bool) -> None:
    told = json.dumps({"status": "400", "schemes": "Bearer", "scope": "https://mail.google.com/"}).encode()
    challenge = base64.b64encode(told) if encoded else told
    assert xoauth2.said(challenge) == "status 400, scope https://mail.google.com/"


@pytest.mark.parametrize("challenge", [b"", b"nonsense", b"W10=", b"{", b"\xff\xff", b"bnVsbA=="])
def test_a_challenge_that_makes_no_sense_says_nothing(challenge: bytes) -> None:
    assert xoauth2.said(challenge) == ""


# --- Dovecot


@pytest.fixture
def user() -> str:
    """A mailbox of the test's own."""
    return f"{new_id()}@example.test"


def token_for(user: str, *, key: str = KEY, life: float = 600.0, issuer: str = ISSUER) -> str:
    now = int(time.time())
    return jwt.encode(
        {"iss": issuer, "iat": now - 10, "exp": int(now + life), "sub": user, "email": user}, key, "HS256"
    )


def source(dovecot: Dovecot, kind: str, user: str, token: str) -> Any:
    port, made = (dovecot.imap_port, ImapSource) if kind == "imap" else (dovecot.pop3_port, Pop3Source)
    account = Account("127.0.0.1", port, "none", user, "", "INBOX", bearer=OneToken(token, user))
    return made(account, LOOPBACK, timeout=30.0, allow_plain=True)


def deliver(dovecot: Dovecot, user: str, *raws: bytes) -> None:
    with IMAPClient("127.0.0.1", dovecot.imap_port, ssl=False, timeout=30) as client:
        client.login(user, dovecot_server.PASSWORD)
        for raw in raws:
            client.append("INBOX", raw)


@pytest.mark.dovecot
@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_good_token_reads_the_mailbox(dovecot: Dovecot, user: str, kind: str) -> None:
    deliver(dovecot, user, letter("by token"))
    with closing(source(dovecot, kind, user, token_for(user))) as found:
        assert found.open().count == 1
        (message,) = next(iter(found.messages(found.listed(None), 10_000)))
        assert b"Subject: by token" in message.raw


@pytest.mark.dovecot
@pytest.mark.parametrize("kind", ["imap", "pop3"])
@pytest.mark.parametrize(
    "changes",
    [{"life": -5.0}, {"key": "another key of the same length, 0123456789abcdef"}, {"issuer": "https://evil.test"}],
)
def test_a_bad_token_is_told_in_words(dovecot: Dovecot, user: str, kind: str, changes: dict[str, Any]) -> None:
    with closing(source(dovecot, kind, user, token_for(user, **changes))) as found, pytest.raises(Unusable) as caught:
        found.open()
    assert caught.value.field == "secret" and f"did not take the sign-in for {user}" in str(caught.value)
    assert "sign in again" in caught.value.remedy


@pytest.mark.dovecot
@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_somebody_elses_token_opens_nothing(dovecot: Dovecot, user: str, kind: str) -> None:
    with closing(source(dovecot, kind, user, token_for("eve@example.test"))) as found, pytest.raises(Unusable):
        found.open()


@pytest.fixture(scope="module")
def signing() -> Iterator[Cloud]:
    with cloud() as running:
        yield running


@pytest.mark.dovecot
def test_a_fetcher_goes_on_after_a_revoked_grant_was_given_again(
    dovecot: Dovecot, user: str, signing: Cloud, database: Database
) -> None:
    """The whole way with a real IMAP server: tokens of the provider, IDLE, the grant ends, mail comes, somebody signs in."""
    config = signing.config()
    deliver(dovecot, user, letter("first"))
    place = {"host": "127.0.0.1", "port": dovecot.imap_port, "username": user, "address": user, "account": user}
    id = add_signed_in(database, config, signing.granted(account=user), **place)
    fetcher = Fetcher(config, database)
    fetcher.start()
    try:
        rig.wait_for(lambda: len(rig.mails(database)) == 1)
    finally:
        fetcher.stop(30)
    signing.provider.revoke(user)
    deliver(dovecot, user, letter("while nobody could read it"))
    fetcher = Fetcher(config, database)
    fetcher.start()
    try:
        rig.wait_for(lambda: settings(database, id).grant_state == "reconnect")
        reconnect(database, config, id, signing.granted(account=user), user)
        rig.wait_for(lambda: len(rig.mails(database)) == 2)
        rig.wait_for(lambda: settings(database, id).state == "connected")
    finally:
        fetcher.stop(30)


class _Refusing:
    """A bearer whose first token is an old one."""

    def __init__(self, *tokens: str) -> None:
        self.person = None
        self._tokens = list(tokens)

    def token(self) -> str:
        return self._tokens[0]

    def refused(self, token: str) -> bool:
        return self._tokens.pop(0) == token and bool(self._tokens)


@pytest.mark.dovecot
def test_an_old_token_is_a_passing_trouble(dovecot: Dovecot, user: str) -> None:
    account = Account(
        "127.0.0.1", dovecot.imap_port, "none", user, "", "INBOX", bearer=_Refusing("old", token_for(user))
    )
    with closing(ImapSource(account, LOOPBACK, timeout=30.0, allow_plain=True)) as found:
        with pytest.raises(Temporary, match="a new one is had"):
            found.open()
        assert found.open().count == 0
