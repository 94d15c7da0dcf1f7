"""Signing in at Microsoft and Google through the API and a popup, against a stand-in over HTTP."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from common.crypto import Vault
from common.db import Database
from common.env import BadSetting, Env
from common.problems import Problem
from inbound.app import create_app
from inbound.config import Config
from inbound.mailboxes.signing_in import SignIns
from inbound.sources.oauth_settings import OauthSettings
from inbound.sources.opening import grants_for, providers_for
from inbound.tables import data_key, sign_in
from tests.inbound.page import Call, session_of
from tests.inbound.rig import TENANT, add_mailbox
from tests.inbound.signing import USER, Cloud, add_signed_in, cloud, secret_of, settings

BASE = "https://mailbridge.test"
COOKIE = "__Host-mailbridge_sign_in"


@pytest.fixture(scope="module")
def _cloud() -> Iterator[Cloud]:
    with cloud() as running:
        yield running


@pytest.fixture
def providers(_cloud: Cloud) -> Cloud:
    _cloud.provider.reset()
    return _cloud


@pytest.fixture
def config(providers: Cloud, connect_url: str) -> Config:
    return providers.config(CONNECT_URL=connect_url, BASE_URL=BASE)


@pytest.fixture
def app(config: Config, database: Database) -> Flask:
    return create_app(config, database=database)


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def call(browser: FlaskClient) -> Call:
    def send(method: str, path: str, body: Any = None, *, tenant: str = TENANT, project: str | None = None) -> Any:
        headers = session_of(tenant, admin=project is None, project=project)
        return browser.open("/api/inbound/sign-in" + path, method=method, json=body, headers=headers, base_url=BASE)

    return send


def get(browser: FlaskClient, path: str) -> TestResponse:
    return browser.get(path, base_url=BASE)


def begin(call: Call, **changes: Any) -> dict[str, str]:
    answer = call("POST", "", {"provider": "microsoft", "mailbox": None, **changes})
    assert answer.status_code == 200, answer.json
    found: dict[str, str] = answer.json
    return found


def leave(browser: FlaskClient, begun: dict[str, str]) -> str:
    """Where the popup is sent to."""
    answer = get(browser, urlsplit(begun["url"]).path)
    assert answer.status_code == 303
    return str(answer.headers["Location"])


@pytest.mark.parametrize("provider", ["microsoft", "google"])
def test_a_person_signs_in_and_the_page_hears_of_it(
    call: Call, browser: FlaskClient, providers: Cloud, provider: str
) -> None:
    begun = begin(call, provider=provider)
    assert call("GET", f"/{begun['state']}").json == {"done": False, "account": None, "problem": None}
    answer = get(browser, providers.come_back(leave(browser, begun)))
    assert answer.status_code == 200 and f"signed in as {USER}" in answer.text
    assert call("GET", f"/{begun['state']}").json == {"done": True, "account": USER, "problem": None}


def test_what_is_asked_of_microsoft(call: Call, browser: FlaskClient, providers: Cloud) -> None:
    address = urlsplit(leave(browser, begin(call, kind="graph")))
    assert (
        f"{address.scheme}://{address.netloc}{address.path}"
        == f"{providers.url}/oauth/microsoft/common/oauth2/v2.0/authorize"
    )
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert asked["scope"].split() == ["openid", "email", "https://graph.microsoft.com/Mail.ReadWrite", "offline_access"]
    assert asked["redirect_uri"] == f"{BASE}/api/inbound/sign-in/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len(asked["state"]) >= 32 and len(asked["code_challenge"]) == 43


def test_google_is_asked_for_lasting_access(call: Call, browser: FlaskClient) -> None:
    asked = parse_qs(urlsplit(leave(browser, begin(call, provider="google"))).query)
    assert (asked["access_type"], asked["scope"]) == (["offline"], ["openid email https://mail.google.com/"])


def test_nothing_secret_stands_in_an_address_or_in_the_table(
    call: Call, browser: FlaskClient, providers: Cloud, database: Database
) -> None:
    begun = begin(call)
    cookie = browser.get_cookie(COOKIE, domain="mailbridge.test")
    assert cookie is not None and cookie.http_only and cookie.secure and cookie.same_site == "Lax"
    address = leave(browser, begun)
    assert cookie.value not in address
    with database.read() as tx:
        row = tx.execute(sign_in.select()).one()
    assert begun["state"] not in str(dict(row._mapping))


def test_another_browser_cannot_end_what_one_began(
    app: Flask, call: Call, browser: FlaskClient, providers: Cloud
) -> None:
    """An attacker who sends somebody the way back gets nothing, and the one who began can still end it."""
    begun = begin(call)
    back = providers.come_back(leave(browser, begun))
    other = get(app.test_client(), back)
    assert other.status_code == 400 and "not begun in this browser" in other.text
    assert len(providers.provider.asked) == 0
    assert get(browser, back).status_code == 200


def test_a_browser_without_the_cookie_is_asked_first(app: Flask, call: Call, providers: Cloud) -> None:
    """Inside Jira the page cannot set a cookie of ours: the popup asks whether the person began this."""
    begun = begin(call)
    popup = app.test_client()
    path = urlsplit(begun["url"]).path
    asked = get(popup, path)
    assert asked.status_code == 200 and "Go on only if you opened this window yourself" in asked.text
    assert "frame-ancestors 'none'" in asked.headers["Content-Security-Policy"]
    assert popup.post(path, base_url=BASE, headers={"Origin": "https://evil.test"}).status_code == 400
    gone_on = popup.post(path, base_url=BASE, headers={"Origin": BASE})
    assert gone_on.status_code == 303
    assert get(popup, providers.come_back(gone_on.headers["Location"])).status_code == 200
    assert call("GET", f"/{begun['state']}").json["done"] is True


def test_one_browser_only_may_say_that_it_began(app: Flask, call: Call) -> None:
    path = urlsplit(begin(call)["url"]).path
    assert app.test_client().post(path, base_url=BASE, headers={"Origin": BASE}).status_code == 303
    late = app.test_client()
    assert late.post(path, base_url=BASE, headers={"Origin": BASE}).status_code == 400
    assert get(late, path).status_code == 400


def test_a_way_back_counts_once(call: Call, browser: FlaskClient, providers: Cloud) -> None:
    back = providers.come_back(leave(browser, begin(call)))
    cookie = browser.get_cookie(COOKIE, domain="mailbridge.test")
    assert cookie is not None
    assert get(browser, back).status_code == 200
    browser.set_cookie(COOKIE, cookie.value, domain="mailbridge.test", secure=True)
    assert get(browser, back).status_code == 400
    assert len(providers.provider.asked) == 1


def test_a_sign_in_that_took_too_long_is_over(
    call: Call, browser: FlaskClient, providers: Cloud, database: Database
) -> None:
    begun = begin(call)
    back = providers.come_back(leave(browser, begun))
    with database.write() as tx:
        tx.execute(update(sign_in).values(expires_at=time.time() - 1))
    assert get(browser, back).status_code == 400
    assert call("GET", f"/{begun['state']}").status_code == 404


@pytest.mark.parametrize(
    "query", ["", "?state=", "?state=x&code=y", "?code=y", "?state=%00&error=x", "?error=access_denied"]
)
def test_a_way_back_that_nobody_left_for_is_a_page_with_words(browser: FlaskClient, query: str) -> None:
    answer = get(browser, "/api/inbound/sign-in/callback" + query)
    assert answer.status_code == 400 and "begin anew" in answer.text


def test_nobody_is_sent_to_an_address_that_came_with_a_request(
    browser: FlaskClient, call: Call, providers: Cloud
) -> None:
    begun = begin(call)
    address = leave(browser, {"url": begun["url"]})
    assert address.startswith(providers.url + "/oauth/")
    back = providers.come_back(address) + "&redirect_uri=https://evil.test&next=https://evil.test"
    answer = get(browser, back)
    assert answer.status_code == 200 and "Location" not in answer.headers and "evil" not in answer.text


def test_a_refused_consent_is_told_in_words(call: Call, browser: FlaskClient) -> None:
    begun = begin(call)
    leave(browser, begun)
    answer = get(browser, f"/api/inbound/sign-in/callback?state={begun['state']}&error=access_denied")
    assert "The consent was refused at Microsoft" in answer.text
    told = call("GET", f"/{begun['state']}").json
    assert told["done"] is True and told["problem"].startswith("The consent was refused at Microsoft")


def test_what_the_provider_says_is_no_html_of_ours(call: Call, browser: FlaskClient) -> None:
    begun = begin(call)
    leave(browser, begun)
    query = f"?state={begun['state']}&error=%3Cscript%3E%00&error_description=%3Cimg%20src=x%3E%00"
    text = get(browser, "/api/inbound/sign-in/callback" + query).text
    assert "<script>" not in text and "<img" not in text and "&lt;script&gt;" in text and "\0" not in text


def test_a_code_of_another_sign_in_is_refused(call: Call, browser: FlaskClient, providers: Cloud) -> None:
    first, second = begin(call), begin(call)
    stolen = providers.answer(leave(browser, second))["code"]
    del first
    begun = begin(call)
    leave(browser, begun)
    answer = get(browser, f"/api/inbound/sign-in/callback?state={begun['state']}&code={stolen}")
    assert "did not accept the sign-in" in answer.text


def test_a_provider_in_trouble_is_told_in_words(call: Call, browser: FlaskClient, providers: Cloud) -> None:
    begun = begin(call)
    back = providers.come_back(leave(browser, begun))
    providers.provider.settings.fail = 1
    assert "could not be asked" in get(browser, back).text
    assert "Sign in again in a moment" in call("GET", f"/{begun['state']}").json["problem"]


# --- a mailbox that is there


def test_who_reconnects_gets_the_mailbox_going_at_once(
    call: Call, browser: FlaskClient, providers: Cloud, config: Config, database: Database
) -> None:
    id = add_signed_in(database, config, "a token that is over")
    grants = grants_for(config, database)
    with pytest.raises(Exception, match="Reconnect needed"):
        grants.token(id)
    before = settings(database, id)
    assert before.grant_state == "reconnect"
    begun = begin(call, mailbox=id)
    get(browser, providers.come_back(leave(browser, begun)))
    after = settings(database, id)
    assert (after.grant_state, after.last_error, after.connected_by) == ("good", None, "alice")
    assert after.changed_at > before.changed_at  # so that the fetcher begins anew
    assert grants.token(id)
    assert "a token that is over" not in secret_of(database, config, id)


def test_the_wrong_account_is_told_in_words_and_changes_nothing(
    call: Call, browser: FlaskClient, providers: Cloud, config: Config, database: Database
) -> None:
    id = add_signed_in(database, config, "old")
    begun = begin(call, mailbox=id)
    address = leave(browser, begun)
    assert parse_qs(urlsplit(address).query)["login_hint"] == [USER]
    answer = get(browser, providers.come_back(address, "eve@sandbox.test"))
    assert "You signed in as eve@sandbox.test" in answer.text and USER in answer.text
    assert json.loads(secret_of(database, config, id))["refresh"] == "old"


def test_who_reads_a_shared_mailbox_reconnects_as_themselves(
    call: Call, browser: FlaskClient, providers: Cloud, config: Config, database: Database
) -> None:
    """The mailbox is support's, the consent was ann's."""
    id = add_signed_in(database, config, "old", account="ann@sandbox.test")
    begun = begin(call, mailbox=id)
    get(browser, providers.come_back(leave(browser, begun), "Ann@Sandbox.test"))
    assert call("GET", f"/{begun['state']}").json == {"done": True, "account": "ann@sandbox.test", "problem": None}


def test_a_provider_that_does_not_say_who_signed_in_is_believed(
    call: Call, browser: FlaskClient, providers: Cloud, config: Config, database: Database
) -> None:
    providers.provider.settings.names_account = False
    begun = begin(call, mailbox=add_signed_in(database, config, "old"))
    get(browser, providers.come_back(leave(browser, begun)))
    assert call("GET", f"/{begun['state']}").json == {"done": True, "account": None, "problem": None}


def test_a_mailbox_with_a_password_keeps_it_until_it_is_saved(
    call: Call, browser: FlaskClient, providers: Cloud, config: Config, database: Database
) -> None:
    id = add_mailbox(database, config, None)
    begun = begin(call, mailbox=id)
    get(browser, providers.come_back(leave(browser, begun)))
    assert settings(database, id).auth == "password"
    assert secret_of(database, config, id) == "secret"


# --- a mailbox that is not saved yet


def test_a_grant_waits_for_its_mailbox_once(
    call: Call, browser: FlaskClient, providers: Cloud, config: Config, database: Database
) -> None:
    begun = begin(call)
    get(browser, providers.come_back(leave(browser, begun)))
    vault = Vault(config.settings.master_key, data_key)
    sign_ins = SignIns(database, vault, providers_for(config), config.oauth, BASE)
    bearer = sign_ins.bearer(TENANT, "microsoft", begun["state"])
    assert bearer.person == USER and providers.provider.whose(bearer.token())["email"] == USER
    for tenant, provider in (("another tenant", "microsoft"), (TENANT, "google")):
        with database.write() as tx, pytest.raises(Problem):
            sign_ins.claim(tx, tenant, provider, begun["state"])
    with database.write() as tx:
        secret = json.loads(sign_ins.claim(tx, TENANT, "microsoft", begun["state"]))
    assert secret["account"] == USER and secret["refresh"] in providers.provider.grants[0].good
    with database.write() as tx, pytest.raises(Problem):
        sign_ins.claim(tx, TENANT, "microsoft", begun["state"])


# --- who may, and where it is not set up


def test_another_tenant_sees_nothing_of_it(call: Call) -> None:
    begun = begin(call)
    assert call("GET", f"/{begun['state']}", tenant="bbbbbbbbbbbbtest").status_code == 404


def test_who_administers_one_project_reconnects_its_mailboxes_only(
    call: Call, config: Config, database: Database
) -> None:
    id = add_signed_in(database, config, "old")
    asked = {"provider": "microsoft", "mailbox": id}
    assert call("POST", "", asked, project="20000").status_code == 404
    assert call("POST", "", asked, project="10000").status_code == 200


def test_nobody_begins_without_a_session(browser: FlaskClient) -> None:
    assert browser.post("/api/inbound/sign-in", json={"provider": "google"}, base_url=BASE).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "provider"),
        ({"provider": "yahoo"}, "provider"),
        ({"provider": "google", "mailbox": "x"}, "mailbox"),
        ({"provider": "google", "kind": "graph"}, "provider"),
    ],
)
def test_a_malformed_request_names_the_field(call: Call, body: dict[str, Any], field: str) -> None:
    answer = call("POST", "", body)
    assert answer.status_code == 422 and field in answer.json["errors"]


def test_where_nothing_is_configured_there_is_no_button(database: Database, connect_url: str, providers: Cloud) -> None:
    config = providers.config(
        MICROSOFT_CLIENT_ID="", MICROSOFT_CLIENT_SECRET="", CONNECT_URL=connect_url, BASE_URL=BASE
    )
    assert config.oauth.providers == ("google",)
    client = create_app(config, database=database).test_client()
    answer = client.post("/api/inbound/sign-in", json={"provider": "microsoft"}, headers=session_of(TENANT))
    assert answer.status_code == 422 and "not set up here" in str((answer.json or {})["errors"])


def test_settings_have_the_providers_addresses_unless_told_otherwise() -> None:
    found = OauthSettings.read(Env({}))
    assert (found, found.providers) == (OauthSettings(), ())
    assert found.microsoft_login_url == "https://login.microsoftonline.com"
    with pytest.raises(BadSetting, match="MAILBRIDGE_GOOGLE_CLIENT_SECRET"):
        OauthSettings.read(Env({"MAILBRIDGE_GOOGLE_CLIENT_SECRET": "s"}))
    with pytest.raises(BadSetting, match="MAILBRIDGE_MICROSOFT_TENANT"):
        OauthSettings.read(Env({"MAILBRIDGE_MICROSOFT_TENANT": "a/b"}))


# --- mailboxes that are tried and saved with it


GRAPH = {"kind": "graph", "host": "graph.microsoft.com", "port": 443, "security": "tls", "provider": "microsoft"}
BODY = {
    **GRAPH, "name": "Support", "username": USER, "folder": "INBOX", "address": USER, "auth": "oauth",
    "project": {"id": "10000", "key": "SUP", "name": "Support"}, "issue_type": {"id": "10001", "name": "Task"},
}  # fmt: skip


@pytest.fixture
def mailboxes(browser: FlaskClient, providers: Cloud) -> Call:
    providers.graph.reset()
    providers.graph.add(USER)

    def send(method: str, path: str, body: Any = None) -> TestResponse:
        headers = session_of(TENANT)
        return browser.open("/api/inbound/mailboxes" + path, method=method, json=body, headers=headers, base_url=BASE)

    return send


def signed_in(call: Call, browser: FlaskClient, providers: Cloud, account: str = USER) -> str:
    begun = begin(call, kind="graph")
    get(browser, providers.come_back(leave(browser, begun), account))
    return begun["state"]


def test_a_mailbox_is_tried_and_saved_with_a_sign_in(
    call: Call, browser: FlaskClient, providers: Cloud, mailboxes: Call, config: Config, database: Database
) -> None:
    state = signed_in(call, browser, providers)
    for _ in range(2):  # trying it does not use it up
        tried = mailboxes("POST", "/test", {**BODY, "sign_in": state})
        assert tried.json is not None and tried.json["ok"], tried.json
        assert f"lets Mailbridge read the mailbox {USER}" in tried.json["findings"][0]
    seen = mailboxes("POST", "/preview", {**BODY, "sign_in": state}).json or {}
    assert seen["total"] == 0
    saved = mailboxes("POST", "", {**BODY, "sign_in": state})
    assert saved.status_code == 201, saved.json
    box = saved.json or {}
    assert (box["auth"], box["provider"], box["grant_state"], box["has_secret"]) == ("oauth", "microsoft", "good", True)
    assert "sign_in" not in box and "secret" not in box
    assert providers.provider.whose(grants_for(config, database).token(box["id"]))["email"] == USER
    again = mailboxes("POST", "", {**BODY, "folder": "Archive", "sign_in": state})
    assert again.status_code == 422 and "sign_in" in (again.json or {})["errors"]
    # What is stored is used for another test and another name, and never for another host.
    assert (mailboxes("POST", "/test", {**BODY, "id": box["id"]}).json or {})["ok"]
    assert mailboxes("PUT", f"/{box['id']}", {**BODY, "name": "Renamed"}).status_code == 200
    elsewhere = mailboxes("PUT", f"/{box['id']}", {**BODY, "host": "evil.test"})
    assert elsewhere.status_code == 422 and "sign_in" in (elsewhere.json or {})["errors"]


def test_saving_without_a_sign_in_asks_for_one(mailboxes: Call) -> None:
    for path in ("", "/test"):
        answer = mailboxes("POST", path, BODY)
        assert answer.status_code == 422 and "Sign in first" in (answer.json or {})["errors"]["sign_in"][0]


def test_a_refresh_token_cannot_be_typed(mailboxes: Call) -> None:
    answer = mailboxes("POST", "", {**BODY, "secret": json.dumps({"refresh": "stolen", "account": USER})})
    assert answer.status_code == 422 and "sign_in" in (answer.json or {})["errors"]


def test_an_app_registration_is_tried_and_saved(
    providers: Cloud, mailboxes: Call, config: Config, database: Database
) -> None:
    providers.provider.apps[("contoso.example", "an-app")] = "app-secret"
    secret = json.dumps({"tenant": "contoso.example", "client_id": "an-app", "client_secret": "app-secret"})
    body = {**BODY, "auth": "client_credentials", "secret": secret, "secret_expires_at": 4_000_000_000.0}
    assert (mailboxes("POST", "/test", body).json or {})["ok"]
    box = mailboxes("POST", "", body).json or {}
    assert (box["secret_expires_at"], box["grant_state"]) == (4_000_000_000.0, "good")
    assert grants_for(config, database).token(box["id"])
    wrong = mailboxes("POST", "/test", {**body, "secret": secret.replace("app-secret", "another")}).json or {}
    assert not wrong["ok"] and "has expired" in wrong["problem"]["detail"] and wrong["problem"]["field"] == "secret"
    providers.provider.settings.fail = 1
    passing = mailboxes("POST", "/test", body).json or {}
    assert passing["problem"]["field"] is None and "Try again" in passing["problem"]["remedy"]
    providers.provider.settings.fail = 1
    assert mailboxes("POST", "/preview", body).status_code == 503
    broken = mailboxes("POST", "", {**body, "folder": "Archive", "secret": "no JSON"})
    assert broken.status_code == 422 and "client id" in (broken.json or {})["errors"]["secret"][0]


def test_a_new_secret_ends_the_need_to_reconnect(
    providers: Cloud, mailboxes: Call, call: Call, browser: FlaskClient, config: Config, database: Database
) -> None:
    box = mailboxes("POST", "", {**BODY, "sign_in": signed_in(call, browser, providers)}).json or {}
    providers.provider.revoke(USER)
    with pytest.raises(Exception, match="Reconnect needed"):
        grants_for(config, database).token(box["id"])
    assert (mailboxes("GET", f"/{box['id']}").json or {})["grant_state"] == "reconnect"
    told = mailboxes("POST", "/test", {**BODY, "id": box["id"]}).json or {}
    assert "Reconnect needed" in told["problem"]["detail"]
    body = {**BODY, "sign_in": signed_in(call, browser, providers)}
    assert (mailboxes("PUT", f"/{box['id']}", body).json or {})["grant_state"] == "good"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"auth": "password", "secret": "s"}, "auth"),
        ({"auth": "service_account", "secret": "{}"}, "auth"),
        ({"provider": "google"}, "provider"),
        ({"provider": None}, "provider"),
        ({"provider": "yahoo"}, "provider"),
        ({"kind": "imap", "auth": "client_credentials", "provider": "google", "secret": "{}"}, "provider"),
        ({"kind": "imap", "auth": "service_account", "provider": "microsoft", "secret": "{}"}, "provider"),
    ],
)
def test_what_does_not_go_together_is_named(mailboxes: Call, changes: dict[str, Any], field: str) -> None:
    answer = mailboxes("POST", "", {**BODY, **changes})
    assert answer.status_code == 422 and field in (answer.json or {})["errors"]
