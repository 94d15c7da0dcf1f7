"""Logging in by an OpenID provider, against a real one at the wire."""

import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from common.http import Http
from common.nets import Nets
from connect.api_login import CALLBACK
from connect.config import Oidc
from connect.oidc import Provider, Refused, is_allowed
from connect.store_login import STATE_LIFE
from connect.tables import login, login_account
from tests.connect.browser import Again, Browser
from tests.connect.conftest import Connect
from tests.connect.jira_side import BASE_URL, PRIVATE, STRANGER
from tests.connect.openid import CLIENT_ID, CLIENT_SECRET, OpenId, signed_hs256
from tests.wire import Reply, Wire

STATE_COOKIE = "__Host-mailbridge_oidc"


@pytest.fixture(scope="module")
def _provider_server() -> Iterator[Wire]:
    with Wire(lambda _: Reply(500)) as server:
        yield server


@pytest.fixture
def openid_wire(_provider_server: Wire) -> Wire:
    return _provider_server.reset(lambda _: Reply(500))


@pytest.fixture
def openid(openid_wire: Wire) -> OpenId:
    provider = OpenId(openid_wire.url, BASE_URL + CALLBACK)
    openid_wire.answer = provider
    return provider


@pytest.fixture
def connect(again: Again, openid: OpenId) -> Connect:
    oidc = Oidc(openid.issuer, CLIENT_ID, CLIENT_SECRET, ("ada@example.com", "@friends.example"))
    return again(login=True, oidc=oidc)


@pytest.fixture
def browser(connect: Connect) -> Browser:
    return Browser(connect)


def leave(browser: Browser) -> str:
    """Where the browser is sent to."""
    sent = browser.get("/api/connect/login/oidc")
    assert sent.status_code == 303
    return str(sent.headers["Location"])


def log_in(browser: Browser, openid: OpenId) -> TestResponse:
    """The whole way; the last answer."""
    return browser.get(openid.come_back(leave(browser)))


def refused(browser: Browser, answer: TestResponse, why: str) -> None:
    """Back at the page with a word, and not logged in."""
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/#login={why}")
    assert browser.cookie is None
    assert browser.post("/session").status_code == 401


def test_whom_the_provider_knows_and_we_allow_is_logged_in(browser: Browser, openid: OpenId, connect: Connect) -> None:
    answer = log_in(browser, openid)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    body = browser.post("/session").json or {}
    assert body["admin"] is True and body["account"].startswith("login:")
    assert browser.get("/api/connect/page").json["login"] == {"password": False, "oidc": "127.0.0.1", "logged_in": True}


def test_the_same_person_keeps_one_account_under_a_new_address(
    browser: Browser, openid: OpenId, connect: Connect
) -> None:
    log_in(browser, openid)
    openid.person["email"] = "ada.lovelace@friends.example"
    log_in(browser, openid)
    with connect.database.read() as tx:
        rows = tx.execute(select(login_account.c.name, login_account.c.password)).all()
    assert [tuple(row) for row in rows] == [("ada.lovelace@friends.example", None)]


def test_the_way_there_is_bound_to_the_browser(browser: Browser) -> None:
    sent = browser.get("/api/connect/login/oidc")
    morsel = SimpleCookie(sent.headers["Set-Cookie"])[STATE_COOKIE]
    assert (morsel["httponly"], morsel["secure"], morsel["samesite"]) == (True, True, "Lax")
    assert morsel.value not in sent.headers["Location"]


@pytest.mark.parametrize(
    "person",
    [
        {"email": "eve@example.com"},
        {"email": "ada@example.com.evil.example"},
        {"email": "eve@sub.friends.example"},
        {"email": "ada@example.com@evil.example"},
        {"email": None},
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"sub": None},
        {"sub": ""},
    ],
)
def test_whom_we_do_not_allow_or_the_provider_did_not_verify_stays_out(
    browser: Browser, openid: OpenId, person: dict[str, Any]
) -> None:
    openid.person |= person
    refused(browser, log_in(browser, openid), "refused")


def test_who_is_allowed_no_longer_is_out_at_once(browser: Browser, openid: OpenId, again: Again) -> None:
    log_in(browser, openid)
    others = Oidc(openid.issuer, CLIENT_ID, CLIENT_SECRET, ("grace@example.com",))
    later = Browser(again(login=True, oidc=others))
    later.keep(browser.cookie or "")
    assert later.post("/session").status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example.com"},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},  # more than one needs azp
        {"azp": "another-client"},
        {"nonce": "another-nonce"},
        {"nonce": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"iat": None},
        {"iat": int(time.time()) + 3600},
    ],
)
def test_an_id_token_that_says_something_else_is_refused(
    browser: Browser, openid: OpenId, claims: dict[str, Any]
) -> None:
    openid.claims = claims
    refused(browser, log_in(browser, openid), "refused")


def test_an_id_token_signed_by_somebody_else_is_refused(browser: Browser, openid: OpenId) -> None:
    openid.sign = lambda claims: jwt.encode(claims, STRANGER, "RS256", headers={"kid": openid.kid})
    refused(browser, log_in(browser, openid), "refused")


def test_an_unsigned_id_token_is_refused(browser: Browser, openid: OpenId) -> None:
    openid.sign = lambda claims: jwt.encode(claims, None, algorithm="none")
    refused(browser, log_in(browser, openid), "refused")


def test_an_id_token_signed_with_what_everybody_knows_is_refused(browser: Browser, openid: OpenId) -> None:
    """HS256 with the public key, or with our client secret, which the provider's other clients may have guessed."""
    public = PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for key in (public, CLIENT_SECRET.encode()):
        openid.sign = lambda claims, key=key: signed_hs256(claims, key)
        refused(browser, log_in(browser, openid), "refused")


def test_a_key_that_the_provider_never_published_is_refused(browser: Browser, openid: OpenId) -> None:
    openid.sign = lambda claims: jwt.encode(claims, PRIVATE, "RS256", headers={"kid": "../../etc/passwd"})
    refused(browser, log_in(browser, openid), "refused")


def test_the_state_of_another_browser_is_refused(browser: Browser, openid: OpenId, connect: Connect) -> None:
    """Login CSRF: the attacker's own answer, put before somebody else's browser."""
    attacker = Browser(connect)
    planted = openid.come_back(leave(attacker))
    refused(browser, browser.get(planted), "expired")
    leave(browser)  # on the way itself, with a state of its own
    refused(browser, browser.get(planted), "refused")


def test_an_answer_is_good_once(browser: Browser, openid: OpenId) -> None:
    path = openid.come_back(leave(browser))
    state = browser.client.get_cookie(STATE_COOKIE, domain="mail.example.com")
    assert state is not None
    browser.get(path)
    browser.client.delete_cookie("__Host-mailbridge_login", domain="mail.example.com")
    browser.client.set_cookie(STATE_COOKIE, state.value, domain="mail.example.com", secure=True)
    refused(browser, browser.get(path), "expired")


def test_who_comes_back_too_late_begins_again(browser: Browser, openid: OpenId, connect: Connect) -> None:
    path = openid.come_back(leave(browser))
    with connect.database.write() as tx:
        tx.execute(update(login).values(expires_at=login.c.expires_at - STATE_LIFE - 1))
    refused(browser, browser.get(path), "expired")


@pytest.mark.parametrize("query", ["", "?code=x", "?error=access_denied&state=x", "?state=%00&code=%ff"])
def test_an_answer_that_is_none_is_refused(browser: Browser, query: str) -> None:
    leave(browser)
    refused(browser, browser.get(CALLBACK + query), "refused")


def test_a_code_that_was_stolen_is_worth_nothing_without_the_verifier(
    browser: Browser, openid: OpenId, connect: Connect
) -> None:
    stolen = openid.consent(leave(browser))["code"]
    thief = Browser(connect)
    state = openid.consent(leave(thief))["state"]
    refused(thief, thief.get(f"{CALLBACK}?code={stolen}&state={state}"), "refused")


def test_another_provider_cannot_answer_in_its_place(browser: Browser, openid: OpenId) -> None:
    openid.metadata = {"authorization_response_iss_parameter_supported": True}
    path = openid.come_back(leave(browser))
    refused(browser, browser.get(path), "refused")
    path = openid.come_back(leave(browser)) + "&iss=https%3A%2F%2Fother.example.com"
    refused(browser, browser.get(path), "refused")
    assert browser.get(openid.come_back(leave(browser)) + f"&iss={openid.issuer}").headers["Location"] == "/"


def test_while_the_provider_is_down_the_page_says_so(browser: Browser, openid: OpenId) -> None:
    openid.down = True
    refused(browser, browser.get("/api/connect/login/oidc"), "unavailable")
    openid.down = False
    address = leave(browser)
    openid.down = True
    refused(browser, browser.get(openid.come_back(address)), "unavailable")


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example.com"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"token_endpoint": "ftp://x"},
        {"jwks_uri": 7},
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_not_used(
    browser: Browser, openid: OpenId, metadata: dict[str, Any]
) -> None:
    openid.metadata = metadata
    refused(browser, browser.get("/api/connect/login/oidc"), "unavailable")


def test_a_new_key_of_the_provider_is_learnt(openid: OpenId) -> None:
    now = [time.time()]
    settings = Oidc(openid.issuer, CLIENT_ID, CLIENT_SECRET, ("@example.com",))
    provider = Provider(Http(Nets.everything()), settings, openid.redirect_uri, plain=True, clock=lambda: now[0])
    address = provider.address("a secret")
    assert provider.person("a secret", openid.consent(address)).address == "ada@example.com"
    openid.key, openid.kid = STRANGER, "key-2"
    with pytest.raises(Refused):  # whoever makes up keys does not make us ask each time
        provider.person("a secret", openid.consent(address))
    now[0] += 61
    assert provider.person("a secret", openid.consent(address)).address == "ada@example.com"


def test_an_address_is_allowed_by_itself_or_by_its_domain() -> None:
    allowed = ("ada@example.com", "@friends.example")
    assert is_allowed("ada@example.com", allowed)
    assert is_allowed("grace@friends.example", allowed)
    for address in (
        "eve@example.com",
        "x@notfriends.example",
        "x@friends.example.org",
        "friends.example",
        "@friends.example",
        "",
    ):
        assert not is_allowed(address, allowed)


def test_the_access_token_that_came_along_is_held_against_its_hash(browser: Browser, openid: OpenId) -> None:
    openid.claims = {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}
    refused(browser, log_in(browser, openid), "refused")


def test_the_provider_of_these_tests_signs_what_it_says(openid: OpenId) -> None:
    token = openid.id_token({"nonce": "n"})
    assert jwt.decode(token, PRIVATE.public_key(), ["RS256"], audience=CLIENT_ID)["nonce"] == "n"
