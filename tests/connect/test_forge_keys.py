"""Atlassian's key set: fetched, remembered, asked anew with care, and no cause of a refusal while it is away."""

import json
from typing import Any

import jwt
import pytest

from common.errors import Temporary
from common.http import Http
from common.nets import Nets
from connect.forge_keys import ForgeKeys
from connect.tokens import BadToken
from tests.connect.forge_side import APP, KID, jwk
from tests.connect.jira_side import PRIVATE, STRANGER
from tests.contracts import contract
from tests.wire import Call, Reply, Wire

NOW = 1_700_000_000.0


class Server:
    """The key set's server, and a clock."""

    def __init__(self, wire: Wire) -> None:
        self.reply: Any = {"keys": [jwk(PRIVATE)]}
        self.now = 100.0
        self.wire = wire.reset(self.answer)
        self.keys = ForgeKeys(Http(Nets.everything()), wire.url + "/jwks.json", clock=lambda: self.now)

    def answer(self, _: Call) -> Reply:
        return self.reply if isinstance(self.reply, Reply) else Reply(200, self.reply)

    def verify(self, kid: str = KID, key: Any = PRIVATE, **changes: Any) -> str:
        """What comes of a token; a change to None leaves the claim out."""
        claims = {"iss": "forge/invocation-token", "aud": APP, "iat": NOW, "exp": NOW + 25, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(claims, key, "RS256", headers={"kid": kid})
        try:
            self.keys.verify(token, app_id=APP, now=NOW + 5)
        except BadToken as error:
            return error.reason
        except Temporary:
            return "later"
        return "good"

    @property
    def asked(self) -> int:
        return len(self.wire.calls)


@pytest.fixture
def server(_server: Wire) -> Server:
    return Server(_server)


def test_the_keys_are_fetched_once_an_hour(server: Server) -> None:
    assert [server.verify() for _ in range(3)] == ["good"] * 3
    assert server.asked == 1
    server.now += 3599
    assert (server.verify(), server.asked) == ("good", 1)
    server.now += 1
    assert (server.verify(), server.asked) == ("good", 2)


def test_a_new_key_is_found_at_once_and_an_invented_one_asked_for_twice_a_minute_at_most(server: Server) -> None:
    assert server.verify() == "good"
    server.reply = {"keys": [jwk(PRIVATE), jwk(STRANGER, "new")]}
    server.now += 31
    assert server.verify(kid="new", key=STRANGER) == "good"
    assert server.asked == 2
    assert [server.verify(kid=f"invented-{n}") for n in range(20)] == ["kid"] * 20
    assert server.asked == 2
    server.now += 30
    assert server.verify(kid="invented") == "kid"
    assert server.asked == 3


def test_held_keys_serve_on_while_atlassian_is_away(server: Server) -> None:
    assert server.verify() == "good"
    server.reply = Reply(503)
    for _ in range(5):
        server.now += 3600
        assert server.verify() == "good"
    assert server.verify(aud="ari:cloud:ecosystem::app/other") == "aud"


@pytest.mark.parametrize(
    "reply",
    [Reply(503), Reply(404), Reply(200, b"<html>"), Reply(200, b"[" * 9999), Reply(200, []), Reply(200, {"keys": []})],
)
def test_who_cannot_be_judged_is_asked_to_come_again(server: Server, reply: Reply) -> None:
    server.reply = reply
    assert [server.verify(), server.verify()] == ["later", "later"]
    assert server.asked == 1  # not for each
    server.reply = {"keys": [jwk(PRIVATE)]}
    server.now += 30
    assert server.verify() == "good"
    server.reply = Reply(500)
    server.now += 30
    assert server.verify(kid="perhaps-new") == "later"


def test_a_server_that_is_not_there_is_no_refusal() -> None:
    keys = ForgeKeys(Http(Nets.everything()), "http://127.0.0.1:1/jwks.json")
    claims = {"iss": "forge/invocation-token", "aud": APP, "iat": NOW, "exp": NOW + 25}
    with pytest.raises(Temporary):
        keys.verify(jwt.encode(claims, PRIVATE, "RS256", headers={"kid": KID}), app_id=APP, now=NOW)


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "RSA"},
        {},
    ],
)
def test_an_entry_that_is_no_good_rsa_key_verifies_nothing(server: Server, entry: dict[str, Any]) -> None:
    server.reply = {"keys": [{"kid": KID, "alg": "RS256", **entry}]}
    assert server.verify() == "kid"


def test_atlassians_vectors_through_a_key_set_from_a_server(server: Server) -> None:
    vectors = contract("jwt-vectors.json")
    server.reply = vectors["tokenKeys"]["jwks"]
    said = {}
    for case in [case for case in vectors["tokens"] if case.get("kind") == "forge"]:
        try:
            claims = server.keys.verify(case["token"], app_id=vectors["tokenKeys"]["forgeAppId"], now=case["at"])
            assert json.dumps(claims) == json.dumps(case["claims"])
            said[case["name"]] = "accept"
        except BadToken as error:
            said[case["name"]] = f"reject:{error.reason}"
    assert said == {case["name"]: case["expect"] for case in vectors["tokens"] if case["name"] in said}
    assert len(said) == 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW + 61}, "exp"),  # lives longer than any of Forge's
        ({"iat": NOW + 16, "exp": NOW + 25}, "nbf"),
        ({"nbf": NOW + 16}, "nbf"),
        ({"iat": None}, "nbf"),
        ({"iat": "now"}, "nbf"),
        ({"iat": NOW - 40, "exp": NOW - 15}, "exp"),
        ({"exp": None}, "exp"),
        ({"iat": NOW - 30, "exp": NOW - 4.5}, ""),  # within the leeway of our clocks
    ],
)
def test_an_invocation_token_has_its_short_life(server: Server, changes: dict[str, Any], reason: str) -> None:
    server.reply = {"keys": [jwk(PRIVATE)]}
    assert server.verify(**changes) == (reason or "good")
