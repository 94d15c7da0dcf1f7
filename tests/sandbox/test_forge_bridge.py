"""The bridge of an app's page, asked as @forge/bridge asks it; and in Chromium, in the host page."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from sandbox.app import Sandbox
from sandbox.client import SandboxClient
from sandbox.forge.bridge import MOST_INVOCATIONS
from tests.contracts import contract
from tests.sandbox.forge_app import Forge, ForgeApp, Invocation

ALICE = "712020:aaaaaaaa-0000-4000-8000-000000000001"
BOB = "712020:aaaaaaaa-0000-4000-8000-000000000002"
CHROMIUM = "/usr/bin/chromium"
GET = {"invokeType": "ui-remote-fetch", "path": "/api/thing?x=1", "method": "GET"}


@pytest.fixture
def installed(forge: Forge, remote: ForgeApp) -> dict[str, Any]:
    remote.answer = lambda one: (200, {"said": one.path})
    return forge.install(remote)


def test_an_invocation_carries_who_looks_and_where(
    sandbox: Sandbox, forge: Forge, remote: ForgeApp, installed: dict[str, Any]
) -> None:
    client = SandboxClient(sandbox.url)
    key = client._json("POST", "/control/issues", {"project": "SUP", "issuetype": "Task", "summary": "x"})["key"]
    payload = {
        **GET,
        "path": "/api/thing",
        "method": "POST",
        "body": {"a": 1},
        "headers": {"X-Mine": "1", "Authorization": "no"},
    }
    answer = forge.bridge(BOB, "panel", "invoke", payload, issue=key).json()["result"]
    assert answer["success"] is True and answer["payload"]["status"] == 200
    assert answer["payload"]["body"] == {"said": "/api/thing"}
    assert all(isinstance(value, list) for value in answer["payload"]["headers"].values())
    (call,) = remote.at("/api/thing")
    assert (call.method, call.body, call.headers["x-mine"]) == ("POST", {"a": 1}, "1")
    claims, issue = call.claims, client.issue(key)
    assert claims["principal"] == BOB == claims["context"]["accountId"]
    assert claims["app"]["module"] == {"type": "jira:issuePanel", "key": "panel"}
    assert claims["context"]["moduleKey"] == "panel"
    assert claims["context"]["extension"] == {
        "type": "jira:issuePanel", "issue": {"id": issue["id"], "key": key, "type": "Task", "typeId": "10002"},
        "isNewToIssue": False, "project": {"id": "10001", "key": "SUP", "type": "service_desk"},
    }  # fmt: skip
    system, user = call.headers["x-forge-oauth-system"], call.headers["x-forge-oauth-user"]
    assert forge.rest(user, "GET", "/myself").json()["accountId"] == BOB
    assert forge.rest(system, "GET", "/myself").json()["accountId"] == installed["account_id"]


def test_a_settings_page_names_its_project(forge: Forge, remote: ForgeApp, installed: dict[str, Any]) -> None:
    forge.bridge(ALICE, "project", "invoke", GET, project="TEST")
    extension = remote.at("/api/thing?x=1")[0].claims["context"]["extension"]
    assert extension == {
        "type": "jira:projectSettingsPage",
        "project": {"id": "10000", "key": "TEST", "type": "software"},
    }
    assert forge.bridge(ALICE, "project", "invoke", GET, project="NONE").status_code == 400
    assert forge.bridge(ALICE, "panel", "invoke", GET).status_code == 400


def test_the_context_has_the_shape_of_the_sample(forge: Forge, installed: dict[str, Any]) -> None:
    context = forge.bridge(ALICE, "admin", "getContext").json()["result"]
    sample = contract("samples/forge/view-context.json")
    assert set(context) == set(sample) - {"license"}, "the app is free"
    assert context["localId"].split("/")[0] == sample["localId"].split("/")[0]
    assert context["extension"] == {"type": "jira:adminPage"} and context["siteUrl"] == forge.url


def test_what_a_remote_refuses_reaches_the_page_and_what_it_botches_does_not(
    forge: Forge, remote: ForgeApp, installed: dict[str, Any]
) -> None:
    remote.answer = lambda _one: (404, {"title": "Not found"})
    assert forge.bridge(ALICE, "admin", "invoke", GET).json()["result"]["payload"]["status"] == 404
    remote.answer = lambda _one: (302, None)
    moved = forge.bridge(ALICE, "admin", "invoke", GET).json()["result"]
    assert moved["success"] is False and "redirection" in moved["error"]["body"]["message"]
    remote.answer = lambda _one: (204, None)
    assert "body" not in forge.bridge(ALICE, "admin", "invoke", GET).json()["result"]["payload"]


def test_an_answer_after_25_seconds_is_none(
    sandbox: Sandbox, forge: Forge, remote: ForgeApp, installed: dict[str, Any]
) -> None:
    assert sandbox.parts.forge.view_limit == 25
    sandbox.parts.forge.view_limit = 0.3

    def slowly(_one: Invocation) -> tuple[int, Any]:
        time.sleep(0.6)
        return 200, {}

    remote.answer = slowly
    late = forge.bridge(ALICE, "admin", "invoke", GET).json()["result"]
    assert late["success"] is False and late["error"]["status"] == 504


def test_a_person_may_invoke_500_times_in_25_seconds(
    sandbox: Sandbox, forge: Forge, remote: ForgeApp, installed: dict[str, Any]
) -> None:
    remote.url = "http://127.0.0.1:9"  # nothing listens there, so that each invocation ends at once
    forge.install(remote)
    now = time.time()
    sandbox.parts.site.clock = lambda: now  # however long so many calls take
    for _ in range(MOST_INVOCATIONS):
        assert forge.bridge(ALICE, "admin", "invoke", GET).json()["result"]["error"]["status"] == 502
    assert forge.bridge(ALICE, "admin", "invoke", GET).json()["result"]["error"]["status"] == 429
    assert forge.bridge(BOB, "admin", "invoke", GET).json()["result"]["error"]["status"] == 502


def test_jira_is_asked_as_the_person_with_the_apps_scopes(
    sandbox: Sandbox, forge: Forge, installed: dict[str, Any]
) -> None:
    def ask(path: str) -> dict[str, Any]:
        payload = {
            "product": "jira",
            "restPath": path,
            "fetchRequestInit": {"headers": [["accept", "application/json"]]},
        }
        answer: dict[str, Any] = forge.bridge(BOB, "admin", "fetchProduct", payload).json()["result"]
        return answer

    myself = ask("/rest/api/3/myself")
    assert myself["status"] == 200 and json.loads(myself["body"])["accountId"] == BOB
    assert ask("/rest/api/3/group/member?groupname=support-agents")["status"] == 401
    assert {call.who for call in sandbox.parts.calls.all()} == {BOB}


def test_a_remote_may_be_asked_without_bearers(forge: Forge, remote: ForgeApp, installed: dict[str, Any]) -> None:
    payload = {"remoteKey": "backend", "fetchRequestInit": {"path": "/direct", "method": "GET", "headers": []}}
    assert json.loads(forge.bridge(BOB, "admin", "fetchRemote", payload).json()["result"]["body"]) == {
        "said": "/direct"
    }
    (call,) = remote.at("/direct")
    assert call.claims["principal"] == BOB and "x-forge-oauth-system" not in call.headers


@pytest.mark.parametrize(
    ("command", "payload", "sentence"),
    [
        ("openRovo", {}, "does not know the command 'openRovo'"),
        ("invoke", {"functionKey": "resolver"}, "runs no functions"),
        ("invoke", {**GET, "path": "api"}, "begins with a slash"),
        ("invoke", {**GET, "method": "TRACE"}, "not TRACE"),
        ("fetchRemote", {"remoteKey": "other"}, "no remote other"),
        ("fetchProduct", {"product": "confluence"}, "no confluence"),
    ],
)
def test_what_the_host_cannot_play_fails_loudly(
    sandbox: Sandbox, forge: Forge, installed: dict[str, Any], command: str, payload: Any, sentence: str
) -> None:
    refused = forge.bridge(ALICE, "admin", command, payload)
    assert refused.status_code == 400 and sentence in refused.json()["error"]
    assert [sentence in one["problem"] for one in sandbox.parts.calls.violations()] == [True]


def test_the_bridge_wants_to_know_who_looks_at_what(forge: Forge, installed: dict[str, Any]) -> None:
    assert forge.bridge("nobody", "admin", "getContext").json() == {
        "error": "account: there is no such account; GET /control/users shows them"
    }
    assert "give one of admin, project, panel" in forge.bridge(ALICE, "other", "getContext").json()["error"]
    assert "app: 0 apps fit x" in forge.bridge(ALICE, "admin", "getContext", app="x").json()["error"]


PAGE = """<!doctype html><html><head><link rel="icon" href="data:,"><script type="module" src="./app.js"></script></head>
<body><p id="context"></p><p id="said"></p><p id="refused"></p></body></html>"""
SCRIPT = """
const call = globalThis.__bridge.callBridge;
const show = (id, value) => { document.getElementById(id).textContent = JSON.stringify(value); };
await call('enableTheming');
const heard = [];
const { unsubscribe } = await call('on', { event: 'mine', callback: (what) => heard.push(what) });
await call('emit', { event: 'mine', payload: 1 });
unsubscribe();
await call('emit', { event: 'mine', payload: 2 });
show('context', [(await call('getContext')).accountId, document.documentElement.dataset.colorMode, heard]);
show('said', (await call('invoke', { invokeType: 'ui-remote-fetch', path: '/api/thing', method: 'GET' })).payload.body);
await call('showFlag', { id: 'f', title: 'Saved', type: 'success' });
try { await call('openRovo', {}); } catch (error) { show('refused', error.message); }
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=flags, timeout=120_000)
        yield running
        running.close()


def page_with_errors(browser: Browser) -> tuple[Page, list[str]]:
    opened, wrong = browser.new_page(), []
    opened.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    opened.on("pageerror", lambda error: wrong.append(str(error)))

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            wrong.append(message.text)

    opened.on("console", said)
    return opened, wrong


@pytest.mark.browser
def test_the_host_page_carries_the_apps_page_and_answers_its_bridge(tmp_path: Path, browser: Browser) -> None:
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "app.js").write_text(SCRIPT)
    with Sandbox(0, 0, 0, forge_page=tmp_path) as sandbox, ForgeApp(sandbox.url) as remote:
        remote.answer = lambda one: (200, {"said": one.path})
        forge = Forge(sandbox.url)
        forge.install(remote)
        page, wrong = page_with_errors(browser)
        page.goto(f"{sandbox.url}/forge/host")
        frame = page.frame_locator("#place iframe")
        expect(frame.locator("#context")).to_have_text(json.dumps([ALICE, "light", [1]], separators=(",", ":")))
        expect(frame.locator("#said")).to_have_text('{"said":"/api/thing"}')
        expect(frame.locator("#refused")).to_contain_text("does not know the command 'openRovo'")
        expect(page.locator("#flags")).to_contain_text("Saved")
        page.get_by_label("Theme").select_option("dark")
        expect(frame.locator("html")).to_have_attribute("data-color-mode", "dark")
        page.get_by_label("Look as").select_option(label="Bob Builder")
        expect(page.locator("#place")).to_contain_text("Bob Builder may open none")
        assert [text for text in wrong if "400" not in text] == [], (
            "the refused command alone is an error of the network"
        )
        page.close()
        forge.close()


@pytest.mark.browser
def test_an_inline_script_does_not_run_in_an_apps_page(tmp_path: Path, browser: Browser) -> None:
    (tmp_path / "index.html").write_text(PAGE.replace("</body>", "<script>document.title = 'ran'</script></body>"))
    (tmp_path / "app.js").write_text("document.getElementById('said').textContent = 'module ran';")
    with Sandbox(0, 0, 0, forge_page=tmp_path) as sandbox, ForgeApp(sandbox.url) as remote:
        forge = Forge(sandbox.url)
        forge.install(remote)
        page, wrong = page_with_errors(browser)
        page.goto(f"{sandbox.url}/forge/host")
        frame = page.frame_locator("#place iframe")
        expect(frame.locator("#said")).to_have_text("module ran")
        assert any("Content Security Policy" in text for text in wrong)
        page.close()
        forge.close()


def test_files_of_a_page_come_from_its_folder_alone(tmp_path: Path) -> None:
    inside = tmp_path / "page"
    inside.mkdir()
    (inside / "index.html").write_text(PAGE)
    (tmp_path / "secret.txt").write_text("no")
    with Sandbox(0, 0, 0, forge_page=inside) as sandbox, ForgeApp(sandbox.url) as remote:
        forge = Forge(sandbox.url)
        app = forge.install(remote)["app"].rpartition("/")[2]
        get = forge._http.get
        served = get(f"{sandbox.url}/forge/cdn/{app}/page/")
        assert '<head><script src="/static/forge-bridge.js"></script><link' in served.text
        assert "script-src 'self';" in served.headers["Content-Security-Policy"]
        assert get(f"{sandbox.url}/forge/cdn/{app}/page/%2e%2e/secret.txt").status_code == 404
        assert get(f"{sandbox.url}/forge/cdn/{app}/other/").status_code == 404
        forge.close()
