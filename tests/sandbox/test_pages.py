"""The pages: everything is shown, and an app's frame carries what Jira's frames carry."""

import time
from urllib.parse import parse_qs, urlsplit

import jwt
import requests

from sandbox.app import Sandbox
from tests.sandbox.connect_app import ConnectApp, JiraCaller, qsh

ALICE = "712020:aaaaaaaa-0000-4000-8000-000000000001"


def test_the_pages_and_their_parts_are_there(sandbox: Sandbox) -> None:
    for path in ("/", "/host", "/static/sandbox.js", "/static/host.js", "/static/sandbox.css", "/avatar/48x48.png"):
        assert requests.get(sandbox.url + path, timeout=60).status_code == 200, path
    assert (
        requests.get(f"{sandbox.url}/browse/SUP-1", timeout=5, allow_redirects=False).headers["Location"] == "/#SUP-1"
    )
    address = f"{sandbox.url}/plugins/servlet/ac/mailbridge/mailbridge-admin"
    assert (
        requests.get(address, timeout=60, allow_redirects=False).headers["Location"] == "/host?module=mailbridge-admin"
    )
    assert requests.get(f"{sandbox.url}/nosuch", timeout=60).status_code == 404
    assert requests.get(f"{sandbox.url}/install-keys/nosuch", timeout=60).status_code == 404


def test_the_state_shows_issues_and_mail_and_says_when_nothing_changed(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create(summary="Printer")["key"]
    sandbox.parts.post.deliver("support@sandbox.test", ["carol@customer.example"], b"Subject: Hi\r\n\r\nhello\r\n")
    first = requests.get(f"{sandbox.url}/page/state", timeout=60)
    assert [(issue["key"], issue["summary"]) for issue in first.json()["issues"]] == [(key, "Printer")]
    assert first.json()["mailboxes"] == {"support@sandbox.test": {"messages": 0, "unread": 0}}
    assert [letter["subject"] for letter in first.json()["inboxes"]["carol@customer.example"]] == ["Hi"]
    again = requests.get(f"{sandbox.url}/page/state", headers={"If-None-Match": first.headers["ETag"]}, timeout=60)
    assert again.status_code == 304


def test_a_frame_has_jiras_parameters_and_a_signed_address(sandbox: Sandbox, app: ConnectApp) -> None:
    sandbox.parts.installer.install(app.url)
    listing = requests.get(f"{sandbox.url}/host/frames", timeout=60).json()
    [frame] = listing["frames"]
    assert (frame["kind"], frame["key"], listing["account"]) == ("adminPages", "admin", ALICE)
    query = parse_qs(urlsplit(frame["url"]).query, keep_blank_values=True)
    assert (query["page"], query["xdm_e"], query["cp"]) == (["admin"], [sandbox.url], [""])
    claims = jwt.decode(query["jwt"][0], app.secret, ["HS256"], issuer=app.client_key)
    assert claims["sub"] == ALICE
    assert claims["qsh"] == qsh("GET", frame["url"].removeprefix(app.url))


def test_a_context_token_has_the_claims_of_the_sample(sandbox: Sandbox, app: ConnectApp) -> None:
    sandbox.parts.installer.install(app.url)
    body = {"app_key": "test.app", "account": ALICE}
    token = requests.post(f"{sandbox.url}/host/token", json=body, timeout=60).json()["token"]
    claims = jwt.decode(token, app.secret, ["HS256"], issuer=app.client_key)
    assert claims.keys() == {"iss", "sub", "iat", "exp", "qsh", "context"}
    assert (claims["sub"], claims["qsh"]) == (ALICE, "context-qsh")
    assert claims["exp"] > time.time()
    assert (
        requests.post(f"{sandbox.url}/host/token", json={"app_key": "x", "account": ALICE}, timeout=60).status_code
        == 404
    )
    assert requests.post(f"{sandbox.url}/host/token", json={**body, "account": "x"}, timeout=60).status_code == 404
