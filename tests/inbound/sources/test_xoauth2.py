"""Logging in with an access token: the vector, the server's words, and a real Dovecot that checks the token by itself."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from imapclient import IMAPClient

from common.db import Database
from common.errors import Temporary
from common.ids import new_id
from inbound.config import Config
from inbound.fetcher import Fetcher
from inbound.sources import Account, Bearer, Unusable, xoauth2
from inbound.sources.grants import OneToken
from inbound.sources.imap import ImapSource
from inbound.sources.pop3 import Pop3Source
from inbound.tables import mail
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


def source(dovecot: Dovecot, kind: str, user: str, token: str | Bearer) -> Any:
    """What logs in with this token, and has no password."""
    port, made = (dovecot.imap_port, ImapSource) if kind == "imap" else (dovecot.pop3_port, Pop3Source)
    bearer = OneToken(token, user) if isinstance(token, str) else token
    account = Account("127.0.0.1", port, "none", user, "", "INBOX", bearer=bearer)
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


def connect(
    dovecot: Dovecot, kind: str, user: str, signing: Cloud, database: Database, config: Config, **changes: Any
) -> str:
    """A mailbox of the user's that somebody has signed in for."""
    port = dovecot.imap_port if kind == "imap" else dovecot.pop3_port
    place = {"kind": kind, "host": "127.0.0.1", "port": port, "username": user, "address": user, "account": user}
    return add_signed_in(database, config, signing.granted(kind=kind, account=user), **place, **changes)


@pytest.mark.dovecot
@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_fetcher_goes_on_after_a_revoked_grant_was_given_again(
    dovecot: Dovecot, user: str, signing: Cloud, database: Database, kind: str
) -> None:
    """The whole way with a real server: tokens of the provider, the grant ends, mail comes, somebody signs in."""
    config = signing.config()
    deliver(dovecot, user, letter("first"))
    id = connect(dovecot, kind, user, signing, database, config)
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
        reconnect(database, config, id, signing.granted(kind=kind, account=user), user)
        rig.wait_for(lambda: len(rig.mails(database)) == 2)
        rig.wait_for(lambda: settings(database, id).state == "connected")
    finally:
        fetcher.stop(30)


@pytest.mark.dovecot
@pytest.mark.parametrize("strategy", ["read", "delete"])
def test_a_pop3_mailbox_is_read_by_tokens_and_goes_on_when_one_ends_between_two_sessions(
    dovecot: Dovecot, user: str, signing: Cloud, database: Database, strategy: str
) -> None:
    """Each look is a session of its own and logs in anew: with the token that there is, until the server does not take it."""
    config = signing.config(POLL_SECONDS="1")
    deliver(dovecot, user, letter("first"))
    id = connect(dovecot, "pop3", user, signing, database, config, strategy=strategy)
    before = len(signing.provider.asked)
    fetcher = Fetcher(config, database)
    fetcher.start()
    try:
        rig.wait_for(lambda: len(rig.mails(database)) == 1)
        known = fetcher._grants._known[id]
        fetcher._grants._known[id] = replace(known, token=token_for(user, life=-5.0))  # its hour has passed
        deliver(dovecot, user, letter("second"))
        rig.wait_for(lambda: len(rig.mails(database)) == 2)
        with database.write() as tx:  # as the worker does
            tx.execute(mail.update().values(state="handled"))
        left = 0 if strategy == "delete" else 2
        rig.wait_for(lambda: count(dovecot, user) == left)
        rig.wait_for(lambda: settings(database, id).state == "connected")
    finally:
        fetcher.stop(30)
    assert [asked["grant_type"] for asked in signing.provider.asked[before:]] == ["refresh_token"] * 2
    assert "POP.AccessAsUser.All" in signing.provider.asked[-1]["scope"]
    assert (settings(database, id).grant_state, settings(database, id).last_error) == ("good", None)
    assert all(row.record.get("problem") is None for row in rig.mails(database))


def count(dovecot: Dovecot, user: str) -> int:
    """How many messages lie there."""
    with IMAPClient("127.0.0.1", dovecot.imap_port, ssl=False, timeout=30) as client:
        client.login(user, dovecot_server.PASSWORD)
        return int(client.select_folder("INBOX", readonly=True)[b"EXISTS"])


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
@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_an_old_token_is_a_passing_trouble(dovecot: Dovecot, user: str, kind: str) -> None:
    bearer = _Refusing(token_for(user, life=-5.0), token_for(user))
    with closing(source(dovecot, kind, user, bearer)) as found:
        with pytest.raises(Temporary, match="a new one is had"):
            found.open()
        assert found.open().count == 0
