"""The page's own login: the set-up link, the password, the cookie and the page session that it is exchanged for."""

import subprocess
import sys
import time
from dataclasses import replace
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from sqlalchemy import select, update

from common import sessions
from connect import setup_link
from connect.config import JiraSite, Oidc
from connect.store_login import IDLE, LIFE, SETUP_LIFE, LoginStore
from connect.tables import login, login_account
from tests.connect.browser import COOKIE, OURS, PASSWORD, Again, Browser, link_secret
from tests.connect.conftest import Connect
from tests.connect.jira_side import BASE_URL


@pytest.fixture
def connect(again: Again) -> Connect:
    return again(login=True)


@pytest.fixture
def browser(connect: Connect) -> Browser:
    return Browser(connect)


def age(connect: Connect, seconds: float) -> None:
    """As if so much time had passed since every login and link."""
    with connect.database.write() as tx:
        older = {"created_at": login.c.created_at - seconds, "expires_at": login.c.expires_at - seconds}
        tx.execute(update(login).values(older))


def test_whoever_has_the_set_up_link_sets_the_password_and_is_logged_in(browser: Browser) -> None:
    assert browser.get("/api/connect/page").json["login"] == {"password": False, "oidc": None, "logged_in": False}
    assert browser.set_up().status_code == 204
    assert browser.get("/api/connect/page").json["login"] == {"password": True, "oidc": None, "logged_in": True}


def test_a_login_becomes_an_administrators_session_of_the_own_tenant(browser: Browser, connect: Connect) -> None:
    browser.set_up()
    body = browser.post("/session").json or {}
    assert (body["admin"], body["project"], body["issue"]) == (True, None, None)
    assert (body["scheme"], body["site"]) == ("token", "")
    session = sessions.verify(sessions.read_jwks(browser.get("/api/connect/keys").json), body["session"], time.time())
    assert session.account.startswith("login:")
    assert connect.store.tenant(session.tenant) is not None
    assert (Browser(connect).post("/session")).status_code == 401


def test_the_password_logs_in_and_another_does_not(browser: Browser, connect: Connect) -> None:
    browser.set_up()
    other = Browser(connect)
    wrong = other.log_in(PASSWORD + "!")
    assert wrong.status_code == 403
    assert list((wrong.json or {})["errors"]) == ["password"]
    assert other.cookie is None
    assert other.log_in().status_code == 204
    assert other.post("/session").status_code == 200


def test_before_a_password_is_set_none_is_right(browser: Browser) -> None:
    assert browser.log_in().status_code == 403


def test_a_link_works_once(browser: Browser, connect: Connect) -> None:
    secret = link_secret(connect)
    body = {"setup": secret, "password": PASSWORD}
    assert browser.post("/login", body).status_code == 204
    again = browser.post("/login", body | {"password": "another password entirely"})
    assert again.status_code == 403
    assert "setup_link" in (again.json or {})["errors"]["setup"][0]
    assert Browser(connect).log_in().status_code == 204


def test_a_newer_link_replaces_the_one_before(browser: Browser, connect: Connect) -> None:
    first, second = link_secret(connect), link_secret(connect)
    assert browser.post("/login", {"setup": first, "password": PASSWORD}).status_code == 403
    assert browser.post("/login", {"setup": second, "password": PASSWORD}).status_code == 204


def test_a_link_is_good_for_a_day(browser: Browser, connect: Connect) -> None:
    secret = link_secret(connect)
    age(connect, SETUP_LIFE + 1)
    assert browser.post("/login", {"setup": secret, "password": PASSWORD}).status_code == 403


@pytest.mark.parametrize("password", ["too short", "mail.example.com", "aaaaaaaaaaaaaaa"])
def test_a_bad_password_is_refused_and_the_link_stays_good(browser: Browser, connect: Connect, password: str) -> None:
    secret = link_secret(connect)
    refused = browser.post("/login", {"setup": secret, "password": password})
    assert refused.status_code == 422
    assert list((refused.json or {})["errors"]) == ["password"]
    assert browser.post("/login", {"setup": secret, "password": PASSWORD}).status_code == 204


def test_what_everybody_knows_of_the_site_is_no_password(again: Again) -> None:
    connect = again(
        login=True, jira_site=JiraSite("https://acme-test.atlassian.net", "ada.lovelace@example.com", "token")
    )
    browser = Browser(connect)
    for known in ("Ada.Lovelace@example.com", "acme-test.atlassian.net", "https://acme-test.atlassian.net/", BASE_URL):
        assert browser.set_up(known).status_code == 422


def test_a_new_password_ends_every_login(browser: Browser, connect: Connect) -> None:
    browser.set_up()
    other = Browser(connect)
    assert other.set_up("another password entirely").status_code == 204
    assert browser.post("/session").status_code == 401
    assert browser.log_in().status_code == 403
    with connect.database.read() as tx:
        assert len(tx.execute(select(login_account.c.id)).all()) == 1


def test_no_secret_and_no_password_stands_in_the_database(browser: Browser, connect: Connect) -> None:
    secret = link_secret(connect)
    browser.post("/login", {"setup": secret, "password": PASSWORD})
    open_link = link_secret(connect)
    with connect.database.read() as tx:
        rows = [*tx.execute(select(login)), *tx.execute(select(login_account))]
    text = " ".join(str(value) for row in rows for value in row)
    assert browser.cookie and len(rows) >= 3
    for one in (secret, open_link, PASSWORD, browser.cookie):
        assert one not in text


def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_other_hosts(browser: Browser) -> None:
    header = browser.set_up().headers["Set-Cookie"]
    morsel = SimpleCookie(header)[COOKIE]
    assert (morsel["httponly"], morsel["secure"], morsel["samesite"], morsel["path"]) == (True, True, "Strict", "/")
    assert morsel["domain"] == ""
    assert 0 < int(morsel["max-age"]) <= LIFE
    assert len(morsel.value) >= 43


def test_without_https_the_cookie_is_plain(again: Again) -> None:
    plain = again(login=True)
    settings = replace(plain.config.settings, base_url="http://127.0.0.1:8080")
    connect = again(login=True, settings=settings)
    answer = connect.app.test_client().post(
        "/api/connect/login",
        json={"setup": link_secret(connect), "password": PASSWORD},
        headers={"X-Mailbridge-Page": "1", "Origin": "http://127.0.0.1:8080"},
    )
    morsel = SimpleCookie(answer.headers["Set-Cookie"])["mailbridge_login"]
    assert (morsel["httponly"], morsel["secure"], morsel["samesite"]) == (True, "", "Strict")


def test_a_login_ends_after_two_idle_hours(browser: Browser, connect: Connect) -> None:
    browser.set_up()
    for _ in range(3):
        age(connect, IDLE - 60)
        assert browser.post("/session").status_code == 200
    age(connect, IDLE + 1)
    assert browser.post("/session").status_code == 401


def test_a_login_ends_after_twelve_hours_however_busy(browser: Browser, connect: Connect) -> None:
    browser.set_up()
    for _ in range(int(LIFE // (IDLE / 2)) - 1):
        age(connect, IDLE / 2)
        assert browser.post("/session").status_code == 200
    age(connect, IDLE / 2 + 1)
    assert browser.post("/session").status_code == 401


def test_logging_out_ends_the_login_on_the_server(browser: Browser, connect: Connect) -> None:
    browser.set_up()
    secret = browser.cookie
    assert secret is not None
    assert browser.post("/logout").status_code == 204
    assert browser.cookie is None
    browser.keep(secret)
    assert browser.post("/session").status_code == 401


def test_without_a_login_logging_out_does_nothing(browser: Browser) -> None:
    assert browser.post("/logout").status_code == 204


def test_too_many_guesses_have_to_wait_whoever_is_right(browser: Browser, connect: Connect) -> None:
    browser.set_up()
    guesser = Browser(connect)
    for _ in range(5):
        assert guesser.log_in("a wrong password").status_code == 403
    for password in ("a wrong password", PASSWORD):
        waits = guesser.log_in(password)
        assert waits.status_code == 429
        assert int(waits.headers["Retry-After"]) >= 1
    assert browser.post("/session").status_code == 200  # who is in stays in


def test_after_the_pause_the_right_password_is_heard_and_the_count_begins_anew(
    browser: Browser, connect: Connect
) -> None:
    browser.set_up()
    guesser = Browser(connect)
    for _ in range(5):
        guesser.log_in("a wrong password")
    earlier(connect, 6)
    assert guesser.log_in().status_code == 204
    for _ in range(5):
        assert guesser.log_in("a wrong password").status_code == 403


def test_another_address_does_not_make_guesses_cheaper(browser: Browser, connect: Connect) -> None:
    browser.set_up()
    guesser = Browser(connect)
    for number in range(5):
        guesser.client.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        assert guesser.log_in("a wrong password").status_code == 403
    guesser.client.environ_base["REMOTE_ADDR"] = "192.0.2.99"
    assert guesser.log_in("a wrong password").status_code == 429


def earlier(connect: Connect, seconds: float) -> None:
    """As if the guesses had been made so much earlier."""
    with connect.database.write() as tx:
        for row in tx.execute(select(login).where(login.c.kind == "guess")).all():
            body = {**row.body, "at": row.body["at"] - seconds}
            tx.execute(update(login).where(login.c.hash == row.hash).values(body=body))


def test_where_the_login_is_off_nothing_of_it_is_there(again: Again) -> None:
    connect = again(login=True)
    browser = Browser(connect)
    browser.set_up()
    off = Browser(again(login=False))
    off.keep(browser.cookie or "")
    assert off.get("/api/connect/page").json["login"] is None
    assert off.post("/session").status_code == 401
    assert off.log_in().status_code == 404


def test_a_host_that_vouches_goes_before_the_login(browser: Browser, connect: Connect) -> None:
    browser.set_up()
    site = connect.installed()
    headers = OURS | {"Authorization": f"JWT {site.context_token('bob')}"}
    body = browser.post("/session", headers=headers).json or {}
    assert (body["account"], body["admin"]) == ("bob", False)
    assert browser.post("/session", headers=OURS | {"Authorization": "JWT x.y.z"}).status_code == 401


def test_the_first_link_is_made_while_nobody_can_log_in(again: Again) -> None:
    connect = again(login=True)
    logins = LoginStore(connect.database)
    assert setup_link.first_link(again(login=False).config, logins) is None
    oidc = Oidc("https://id.example.com", "id", "secret", ("@example.com",))
    assert setup_link.first_link(again(login=True, oidc=oidc).config, logins) is None
    link = setup_link.first_link(connect.config, logins)
    assert link is not None and link.startswith(f"{BASE_URL}/#setup=")
    Browser(connect).post("/login", {"setup": link.partition("=")[2], "password": PASSWORD})
    assert setup_link.first_link(connect.config, logins) is None


def test_the_command_prints_a_link_that_works(connect: Connect, browser: Browser, tmp_path: Path) -> None:
    variables = {
        "PYTHONPATH": "services",
        "MAILBRIDGE_MASTER_KEY": "A" * 43 + "=",
        "MAILBRIDGE_ROLE_KEY_INBOUND": "B" * 43 + "=",
        "MAILBRIDGE_ROLE_KEY_OUTBOUND": "C" * 43 + "=",
        "MAILBRIDGE_BASE_URL": BASE_URL,
        "MAILBRIDGE_DATABASE_URL": connect.config.settings.database_url,
    }
    command = [sys.executable, "-m", "connect.setup_link"]
    root = Path(__file__).parents[2]
    printed = subprocess.run(command, env=variables, cwd=root, capture_output=True, text=True, check=True).stdout
    assert printed.count("\n") == 1
    secret = printed.strip().partition("#setup=")[2]
    assert browser.post("/login", {"setup": secret, "password": PASSWORD}).status_code == 204
    off = subprocess.run(command, env=variables | {"MAILBRIDGE_LOGIN": "off"}, cwd=root, capture_output=True, text=True)
    assert off.returncode == 2 and "MAILBRIDGE_LOGIN" in off.stderr
