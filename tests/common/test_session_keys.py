"""The holder of connect's public keys: cached, refreshed with measure, useful while connect is down."""

from typing import Any

import pytest

from common.crypto import derive
from common.errors import Permanent, Temporary
from common.http import Http
from common.nets import Nets
from common.serve import Server
from common.session_keys import SessionKeys, fetch_from_connect
from common.sessions import LIFETIME, Session, UnknownKey, issue, private_key, public_jwk

NOW = 1_800_000_000.0
OLD = private_key(derive(b"o" * 32, "page session"))
NEW = private_key(derive(b"n" * 32, "page session"))
SESSION = Session("tenantaaaaaaaaaa", "account", True, NOW + LIFETIME)
AFTER_A_MINUTE = Session("tenantaaaaaaaaaa", "account", True, NOW + 60 + LIFETIME)


class Connect:
    """Answers the question for keys as long as it is up."""

    def __init__(self, *keys: Any) -> None:
        self.document: Any = {"keys": [public_jwk(key) for key in keys]}
        self.asked = 0
        self.fault: Exception | None = None

    def fetch(self) -> Any:
        self.asked += 1
        if self.fault:
            raise self.fault
        return self.document


def test_the_keys_are_fetched_once_for_many_sessions() -> None:
    connect = Connect(OLD)
    keys = SessionKeys(connect.fetch)
    for _ in range(3):
        assert keys.verify(issue(OLD, SESSION), NOW) == SESSION
    assert connect.asked == 1


def test_a_new_key_is_fetched_when_a_session_names_it() -> None:
    connect = Connect(OLD)
    keys = SessionKeys(connect.fetch)
    keys.verify(issue(OLD, SESSION), NOW)
    connect.document = {"keys": [public_jwk(NEW), public_jwk(OLD)]}
    assert keys.verify(issue(NEW, AFTER_A_MINUTE), NOW + 60) == AFTER_A_MINUTE
    assert connect.asked == 2


def test_made_up_keys_do_not_make_us_ask_more_than_every_five_seconds() -> None:
    connect = Connect(OLD)
    keys = SessionKeys(connect.fetch)
    for second in range(11):
        with pytest.raises(UnknownKey):
            keys.verify(issue(NEW, SESSION), NOW + second)
    assert connect.asked == 3


@pytest.mark.parametrize("fault", [Temporary("connect is down"), Permanent("no")])
def test_the_keys_stay_in_use_while_connect_is_down(fault: Exception) -> None:
    connect = Connect(OLD)
    keys = SessionKeys(connect.fetch)
    keys.verify(issue(OLD, SESSION), NOW)
    connect.fault = fault
    with pytest.raises(UnknownKey):
        keys.verify(issue(NEW, AFTER_A_MINUTE), NOW + 60)
    assert keys.verify(issue(OLD, AFTER_A_MINUTE), NOW + 60) == AFTER_A_MINUTE


def test_without_any_key_the_caller_is_asked_to_come_back() -> None:
    connect = Connect(OLD)
    connect.fault = Temporary("connect is down")
    keys = SessionKeys(connect.fetch)
    with pytest.raises(Temporary) as caught:
        keys.verify(issue(OLD, SESSION), NOW)
    assert caught.value.retry_after == 5
    connect.fault = None
    assert keys.verify(issue(OLD, SESSION), NOW + 6) == SESSION


@pytest.mark.parametrize("document", [None, {}, {"keys": []}, "x"])
def test_a_document_without_keys_does_not_take_the_old_ones_away(document: Any) -> None:
    connect = Connect(OLD)
    keys = SessionKeys(connect.fetch)
    keys.verify(issue(OLD, SESSION), NOW)
    connect.document = document
    with pytest.raises(UnknownKey):
        keys.verify(issue(NEW, AFTER_A_MINUTE), NOW + 60)
    assert keys.verify(issue(OLD, AFTER_A_MINUTE), NOW + 60) == AFTER_A_MINUTE


@pytest.mark.parametrize(("status", "body"), [("200 OK", b"{"), ("502 Bad", b"{}")])
def test_an_odd_answer_of_connect_is_not_a_crash(status: str, body: bytes) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        assert environ["PATH_INFO"] == "/api/connect/keys"
        start_response(status, [("Content-Length", str(len(body)))])
        return [body]

    server = Server(app)
    server.start()
    http = Http(Nets.everything(), 20.0)
    try:
        keys = SessionKeys(fetch_from_connect(http, f"http://127.0.0.1:{server.port}"))
        with pytest.raises(Temporary, match="connect"):
            keys.verify(issue(OLD, SESSION), NOW)
    finally:
        http.close()
        server.stop()
