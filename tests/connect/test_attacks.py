"""Attacks on the page and its login as a whole; those on single tokens stand in test_tokens, test_lifecycle, test_forge, test_oidc."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jwt
import pytest

from common import credentials, sessions
from common.crypto import derive
from connect import origin
from connect.config import Oidc
from tests.connect.browser import COOKIE, OURS, PASSWORD, Again, Browser, link_secret
from tests.connect.conftest import ROLE_KEYS, Connect
from tests.connect.forge_side import APP, Cloud, ForgeSite
from tests.connect.jira_side import BASE_URL, Site
from tests.connect.openid import OpenId, signed_hs256
from tests.wire import Wire

Make = Callable[[], str]


@pytest.fixture
def connect(again: Again, cloud: Cloud, wire: Wire) -> Connect:
    """Every way in is open: Connect, Forge, password and OpenID."""
    return again(
        login=True,
        oidc=Oidc(wire.url, "mailbridge", "secret", ("@example.com",)),
        forge_app_id=APP,
        forge_jwks_url=wire.url + "/jwks.json",
        forge_graphql_url=wire.url + "/graphql",
    )


@pytest.fixture
def browser(connect: Connect) -> Browser:
    made = Browser(connect)
    assert made.set_up().status_code == 204
    return made


# --- each key opens its own door only


def keys(connect: Connect, site: Site, forge_site: ForgeSite, browser: Browser) -> dict[str, Make]:
    """Everything that somebody may come by honestly, by what it is for. Each time a new one, for some are good once."""
    tenant = connect.tenant(site).id
    body = json.dumps({"tenant": tenant}).encode()
    worker = credentials.sign_request(
        ROLE_KEYS["inbound-worker"], "inbound-worker", "POST", credentials.PATH, body, time.time(), "n" * 32
    )
    return {
        "context token": lambda: site.context_token("alice"),
        "webhook token": lambda: site.tenant_token("POST", "/connect/webhooks"),
        "enabled token": lambda: site.tenant_token("POST", "/connect/enabled"),
        "install token": lambda: site.atlassian_token("/connect/installed"),
        "invocation token of an event": lambda: forge_site.fit(),
        "invocation token of a page": lambda: forge_site.page_fit(),
        "system token": lambda: forge_site.token,
        "page session": lambda: site.session(),
        "login": lambda: browser.cookie or "",
        "set-up link": lambda: link_secret(connect),
        "worker's signature": lambda: worker[credentials.SIGNATURE],
    }


DOORS: dict[str, tuple[str, str, str]] = {  # method, path and scheme, by the key that opens it
    "context token": ("POST", "/api/connect/session", "JWT"),
    "webhook token": ("POST", "/connect/webhooks", "JWT"),
    "enabled token": ("POST", "/connect/enabled", "JWT"),
    "install token": ("POST", "/connect/installed", "JWT"),
    "invocation token of an event": ("POST", "/forge/events", "Bearer"),
    "invocation token of a page": ("POST", "/api/connect/session", "Bearer"),
    "page session": ("GET", "/api/connect/projects", "Bearer"),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_key_opens_its_own_door_only(connect: Connect, browser: Browser, cloud: Cloud, wire: Wire, door: str) -> None:
    site = connect.installed()
    forge_site = ForgeSite(connect.app.test_client(), cloud, wire.url)
    forge_site.install()
    method, path, scheme = DOORS[door]
    client = connect.app.test_client(use_cookies=False)
    opened = set()
    for name, make in keys(connect, site, forge_site, browser).items():
        for one in dict.fromkeys((scheme, "JWT", "Bearer")):
            sent = site.body("installed" if door == "install token" else "enabled") if method == "POST" else None
            answer = client.open(path, method=method, json=sent, headers={"Authorization": f"{one} {make()}"})
            assert answer.status_code < 500, f"{name} as {one}: {answer.text}"
            if answer.status_code not in (401, 403):
                opened.add((name, one, path))
    # The exchange is one address for two hosts, each by its own scheme. Forge's events may be told by any call of Forge's but a page's.
    expected = {(name, how, where) for name, (_, where, how) in DOORS.items() if where == path}
    assert opened == expected


def test_a_token_in_the_address_becomes_no_session(connect: Connect) -> None:
    """Addresses are logged and sent on as referrers."""
    site = connect.installed()
    token = site.context_token("alice")
    assert site.client.post(f"/api/connect/session?jwt={token}").status_code == 401
    assert site.client.get(f"/api/connect/projects?jwt={site.session()}").status_code == 401


def test_a_context_token_is_good_for_the_exchange_until_it_expires(connect: Connect) -> None:
    """Jira's host script may hand the page the same token again, so it is no replay to see it twice; an old one is."""
    site = connect.installed()
    now = int(time.time())
    token = site.context_token("alice", iat=now - 900, exp=now + 2)
    assert site.post("/api/connect/session", token, None).status_code == 200
    old = site.context_token("alice", iat=now - 900, exp=now - 11)
    assert site.post("/api/connect/session", old, None).status_code == 401


# --- a page session cannot be made or altered


def forgeries(connect: Connect, site: Site) -> dict[str, str]:
    """Page sessions by who has a genuine one of bob's, and connect's public key."""
    private = sessions.private_key(derive(connect.config.settings.master_key, "page session"))
    jwk = sessions.public_jwk(private)
    genuine = site.session("bob")
    claims = jwt.decode(genuine, options={"verify_signature": False})
    more = {**claims, "admin": True}
    own = sessions.private_key(b"e" * 32)
    head, _, tail = genuine.split(".")
    raised = jwt.encode(more, "x" * 32, "HS256").split(".")[1]
    public = json.dumps(jwk).encode()
    mine = sessions.public_jwk(own)

    def signed(**header: Any) -> str:
        return jwt.encode(more, own, "EdDSA", headers={"kid": jwk["kid"], **header})

    return {
        "altered": f"{head}.{raised}.{tail}",
        "unsigned": jwt.encode(more, None, "none", headers={"kid": jwk["kid"]}),
        "signature cut off": f"{head}.{raised}.",
        "HS256 with the public key": signed_hs256({**more}, public),
        "HS256 with the letters of the public key": signed_hs256({**more}, jwk["x"].encode()),
        "another key under connect's kid": signed(),
        "another key with its kid": signed(kid=mine["kid"]),
        "another key that comes along": signed(kid=mine["kid"], jwk=mine),
        "another key at an address": signed(jku="https://evil.example/keys", x5u="https://evil.example/cert"),
        "a kid that is a path": signed(kid="../../../dev/null"),
        "a kid that is SQL": signed(kid="x' OR '1'='1"),
        "no kid": jwt.encode(more, own, "EdDSA"),
        "a critical extension": signed(crit=["exp"]),
    }


def test_no_forged_page_session_is_taken(connect: Connect) -> None:
    site = connect.installed()
    for name, token in forgeries(connect, site).items():
        for headers in ({"Authorization": f"Bearer {token}"}, {"X-Mailbridge-Session": token}):
            assert site.client.get("/api/connect/projects", headers=headers).status_code == 401, name
    assert site.client.get(
        "/api/connect/projects", headers={"Authorization": f"Bearer {site.session('alice')}"}
    ).status_code == 200  # fmt: skip


def test_a_session_lasts_ten_minutes_whatever_its_claims_say(connect: Connect) -> None:
    private = sessions.private_key(derive(connect.config.settings.master_key, "page session"))
    site = connect.installed()
    eternal = sessions.Session(connect.tenant(site).id, "alice", True, time.time() + 86_400)
    headers = {"Authorization": f"Bearer {sessions.issue(private, eternal)}"}
    assert site.client.get("/api/connect/projects", headers=headers).status_code == 401


# --- requests that other sites cause


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        (OURS, True),
        ({"X-Mailbridge-Page": "1", "Sec-Fetch-Site": "same-origin"}, True),
        ({}, False),
        ({"Origin": BASE_URL}, False),
        ({"Origin": BASE_URL, "X-Mailbridge-Page": "0"}, False),
        ({"X-Mailbridge-Page": "1"}, False),
        ({"X-Mailbridge-Page": "1", "Sec-Fetch-Site": "same-site"}, False),
        ({"X-Mailbridge-Page": "1", "Sec-Fetch-Site": "cross-site"}, False),
        ({"X-Mailbridge-Page": "1", "Sec-Fetch-Site": "none"}, False),
        # What a browser says of the origin counts before what it says of the fetch.
        ({"X-Mailbridge-Page": "1", "Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
        ({"X-Mailbridge-Page": "1", "Origin": "null"}, False),
        ({"X-Mailbridge-Page": "1", "Origin": ""}, False),
        ({"X-Mailbridge-Page": "1", "Origin": BASE_URL + ".evil.example"}, False),
        ({"X-Mailbridge-Page": "1", "Origin": BASE_URL + "/"}, False),
        ({"X-Mailbridge-Page": "1", "Origin": BASE_URL + ":8443"}, False),
        ({"X-Mailbridge-Page": "1", "Origin": BASE_URL.replace("https", "http")}, False),
        ({"X-Mailbridge-Page": "1", "Referer": BASE_URL + "/"}, False),
    ],
)
def test_a_request_that_our_page_did_not_make_does_nothing(
    connect: Connect, browser: Browser, headers: dict[str, str], ours: bool
) -> None:
    exchanged = browser.post("/session", headers=headers)
    assert exchanged.status_code == (200 if ours else 403)
    link = link_secret(connect)
    victim = Browser(connect)
    planted = victim.post("/login", {"setup": link, "password": "an attacker's password"}, headers=headers)
    assert planted.status_code == (204 if ours else 403)
    if not ours:
        assert "Set-Cookie" not in planted.headers
        assert browser.post("/logout", headers=headers).status_code == 403
        assert browser.post("/session").status_code == 200  # still logged in, with the old password
        assert browser.log_in().status_code == 204


def test_a_form_of_another_site_is_not_even_read(browser: Browser) -> None:
    """Simple requests need no preflight: forms, and JSON that calls itself text."""
    for kind, data in (
        ("application/x-www-form-urlencoded", "password=x"),
        ("text/plain", json.dumps({"password": PASSWORD})),
        ("multipart/form-data; boundary=x", "--x--"),
    ):
        for headers in ({}, OURS):
            answer = browser.client.post(
                "/api/connect/login", data=data, content_type=kind, headers=headers, base_url=BASE_URL
            )
            assert answer.status_code in (403, 415)


def test_no_other_site_may_read_an_answer(browser: Browser) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "x-mailbridge-page"}  # fmt: skip
    for path in ("session", "login", "logout", "page", "projects"):
        for method in ("OPTIONS", "GET", "POST"):
            answer = browser.client.open(f"/api/connect/{path}", method=method, headers=asked, base_url=BASE_URL)
            assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


def test_the_cookie_alone_opens_nothing_but_the_exchange(connect: Connect, browser: Browser) -> None:
    for rule in connect.app.url_map.iter_rules():
        guarded = rule.rule.startswith("/api/connect/") and rule.rule.split("/")[3] in (
            "site", "projects", "users", "lookup-user",
        )  # fmt: skip
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}) if guarded else ():
            path = rule.rule.replace("<key>", "TEST")
            sent = {} if method == "GET" else {"json": {}}
            answer = browser.client.open(path, method=method, headers=OURS, base_url=BASE_URL, **sent)
            assert answer.status_code == 401, rule


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://Mail.Example.com", "https://mail.example.com"),
        ("https://mail.example.com:443/mailbridge", "https://mail.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://mail.example.com:80", "http://mail.example.com"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(base_url: str, expected: str) -> None:
    assert origin.origin_of(base_url) == expected
    assert origin.complaint(base_url, "1", expected, None) is None


# --- a login belongs to who logged in


def test_a_cookie_that_was_planted_before_the_login_is_worth_nothing_after_it(
    connect: Connect, browser: Browser
) -> None:
    planted = "a-secret-that-the-attacker-knows-and-put-there"
    victim = Browser(connect)
    victim.keep(planted)
    assert victim.log_in().status_code == 204
    assert victim.cookie not in (None, planted)
    attacker = Browser(connect)
    attacker.keep(planted)
    assert attacker.post("/session").status_code == 401


def test_a_login_that_was_planted_ends_with_the_victims_own(connect: Connect, browser: Browser) -> None:
    """The attacker logs in, plants that very cookie, and the victim logs in over it."""
    planted = browser.cookie
    assert planted is not None
    victim = Browser(connect)
    victim.keep(planted)
    assert victim.log_in().status_code == 204
    assert victim.cookie != planted
    attacker = Browser(connect)
    attacker.keep(planted)
    assert attacker.post("/session").status_code == 401
    assert victim.post("/session").status_code == 200


def test_each_login_has_a_secret_of_its_own(connect: Connect, browser: Browser) -> None:
    secrets = {browser.cookie}
    for _ in range(3):
        assert browser.log_in().status_code == 204
        secrets.add(browser.cookie)
    assert len(secrets) == 4


def test_a_cookie_from_another_host_or_over_http_is_not_looked_at(connect: Connect, browser: Browser) -> None:
    """Without the prefix __Host- a neighbour under the same domain could have set it."""
    other = Browser(connect)
    other.client.set_cookie("mailbridge_login", browser.cookie or "", domain="mail.example.com")
    assert other.post("/session").status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "x" * 5000, "name admin", "guess name admin", "%00", "ä", "' OR 1=1 --"])
def test_a_cookie_that_is_none_of_ours_is_nobodys(connect: Connect, browser: Browser, cookie: str) -> None:
    other = Browser(connect)
    answer = other.client.post(
        "/api/connect/session", headers={**OURS, "Cookie": f"{COOKIE}={cookie}"}, base_url=BASE_URL
    )
    assert answer.status_code == 401
    assert other.get("/api/connect/page").status_code == 200


def test_a_set_up_link_is_good_once_however_many_use_it_at_once(connect: Connect) -> None:
    body = {"setup": link_secret(connect), "password": PASSWORD}
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: Browser(connect).post("/login", body).status_code, range(6)))
    assert sorted(found) == [204, 403, 403, 403, 403, 403]


def test_guesses_at_once_are_counted_one_by_one(connect: Connect, browser: Browser) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: Browser(connect).log_in("a wrong password").status_code, range(12)))
    assert sorted(found) == [403] * 5 + [429] * 7


def test_who_names_another_address_for_each_guess_is_counted_all_the_same(connect: Connect, browser: Browser) -> None:
    guesser = Browser(connect)
    found = []
    for number in range(6):
        spoofed = {"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}", "X-Real-IP": "1.2.3.4"}
        found.append(guesser.post("/login", {"password": "a wrong password"}, headers=OURS | spoofed).status_code)
    assert found == [403] * 5 + [429]


def test_a_wrong_password_and_a_missing_one_cost_the_same_work(again: Again) -> None:
    """Else whoever asks learns whether there is a password yet: both are hashed. Counted in seconds of this thread's own work, for other processes work too."""
    empty, full = Browser(again(login=True)), Browser(again(login=True))

    def seconds(browser: Browser) -> float:
        began = time.thread_time()
        assert browser.log_in("a wrong password").status_code == 403
        return time.thread_time() - began

    without = min(seconds(empty) for _ in range(2))
    assert full.set_up().status_code == 204
    assert without > 0.3 * min(seconds(full) for _ in range(2))


# --- redirects


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_elsewhere(connect: Connect, cloud: Cloud, elsewhere: str) -> None:
    browser = Browser(connect)
    names = ("next", "return", "return_to", "redirect", "redirect_uri", "url", "continue", "state", "code", "error")
    query = dict.fromkeys(names, elsewhere)
    for path in ("/api/connect/login/oidc", "/api/connect/login/oidc/callback", "/", "/api/connect/page"):
        answer = browser.client.get(path, query_string=query, base_url=BASE_URL, buffered=True)
        assert answer.headers.get("Location", "/").startswith("/#login=") or "Location" not in answer.headers
        assert "evil.example" not in answer.headers.get("Location", "")


@pytest.mark.parametrize(
    "path", ["//evil.example/", "//evil.example/%2e%2e", "///evil.example", "/\\evil.example/", "//api/connect/page"]
)
def test_an_address_that_looks_like_another_host_stays_here(connect: Connect, path: str) -> None:
    answer = connect.app.test_client().get(path, base_url=BASE_URL)
    location = answer.headers.get("Location", "/")
    assert location.startswith((BASE_URL + "/", "/")) and not location.startswith(("//", "/\\"))


def test_a_host_header_of_the_attackers_changes_nothing(
    again: Again, connect: Connect, cloud: Cloud, wire: Wire
) -> None:
    """Neither where the provider sends people back to, nor whose page a request is from."""
    provider = OpenId(wire.url, BASE_URL + "/api/connect/login/oidc/callback")
    wire.answer = provider
    client = connect.app.test_client()
    sent = client.get("/api/connect/login/oidc", base_url="https://evil.example")
    assert provider.consent(sent.headers["Location"])["code"]  # checks the redirect_uri that was asked for
    forged = {"X-Mailbridge-Page": "1", "Origin": "https://evil.example"}
    answer = client.post("/api/connect/login", json={"password": "x"}, headers=forged, base_url="https://evil.example")
    assert answer.status_code == 403


def test_without_https_nothing_but_the_base_address_is_ours(again: Again) -> None:
    plain = again(login=True)
    local = again(login=True, settings=replace(plain.config.settings, base_url="http://127.0.0.1:8080"))
    client = local.app.test_client()
    for own, status in (("http://127.0.0.1:8080", 204), ("http://localhost:8080", 403), ("http://127.0.0.1:9999", 403)):
        body = {"setup": link_secret(local), "password": PASSWORD}
        headers = {"X-Mailbridge-Page": "1", "Origin": own}
        answer = client.post("/api/connect/login", json=body, headers=headers)
        assert answer.status_code == status
        if status == 403:
            assert "http://127.0.0.1:8080" in (answer.json or {})["detail"]
