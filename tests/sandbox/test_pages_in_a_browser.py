"""The pages in Chromium: their forms do what they say, the host page carries an app, and nothing goes wrong on the way."""

import os
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sandbox.app import Sandbox
from sandbox.pages import STATIC
from tests.sandbox.connect_app import ConnectApp, JiraCaller

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=120_000)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test on any error of its own."""
    opened = browser.new_page()
    opened.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    yield opened
    opened.close()
    assert wrong == []


def test_a_mail_is_written_with_a_file_and_answered_with_its_references(
    sandbox: Sandbox, page: Page, tmp_path: Path
) -> None:
    (tmp_path / "flames.txt").write_text("hot")
    page.goto(sandbox.url)
    page.get_by_label("To", exact=True).fill("dave@customer.example")
    page.get_by_label("Subject").fill("It burns")
    page.locator("#mail-form textarea").fill("Look")
    page.get_by_label("Attachment").set_input_files(tmp_path / "flames.txt")
    page.get_by_role("button", name="Send").click()
    page.locator("#inboxes summary", has_text="It burns").click()
    page.get_by_role("button", name="Reply").click()
    expect(page.get_by_label("Subject")).to_have_value("Re: It burns")
    page.locator("#mail-form textarea").press_sequentially("I see")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#inboxes h3", has_text="carol@customer.example")).to_be_visible()
    [first] = sandbox.parts.post.inbox("dave@customer.example")
    [answer] = sandbox.parts.post.inbox("carol@customer.example")
    assert [one["filename"] for one in first.as_json()["attachments"]] == ["flames.txt"]
    assert answer.as_json()["in_reply_to"] == first.as_json()["message_id"]
    assert answer.as_json()["text"].startswith("I see")
    assert "> Look" in answer.as_json()["text"]


def test_an_agent_comments_and_changes_the_issue(sandbox: Sandbox, jira: JiraCaller, page: Page) -> None:
    key = jira.create(summary="Printer <b>on</b> fire")["key"]
    page.goto(f"{sandbox.url}/browse/{key}")
    expect(page.locator("#issue strong")).to_have_text("Printer <b>on</b> fire")
    page.locator("#comment-form textarea").fill("Only for us")
    page.get_by_label("Internal").check()
    page.get_by_label("Only for").select_option("Administrators")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator("article.internal")).to_contain_text("Only for us")
    page.get_by_label("Status").select_option("Done")
    page.get_by_label("Assignee").select_option("Bob Builder")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator("#issue .tag").first).to_have_text("Done")
    [comment] = sandbox.parts.site.issue(key).comments
    assert comment.internal
    assert comment.visibility == {"type": "role", "value": "Administrators", "identifier": "Administrators"}
    assert sandbox.parts.site.issue(key).assignee == "712020:aaaaaaaa-0000-4000-8000-000000000002"


def test_what_is_typed_stays_while_the_page_refreshes(sandbox: Sandbox, jira: JiraCaller, page: Page) -> None:
    key = jira.create()["key"]
    page.goto(f"{sandbox.url}/#{key}")
    page.locator("#comment-form textarea").fill("half a sent")
    sandbox.parts.post.deliver("a@b.example", ["c@d.example"], b"Subject: meanwhile\r\n\r\nx")
    expect(page.locator("#inboxes summary")).to_contain_text("meanwhile")
    expect(page.locator("#comment-form textarea")).to_have_value("half a sent")


def test_a_click_counts_though_the_page_learns_something_meanwhile(sandbox: Sandbox, page: Page) -> None:
    sandbox.parts.post.deliver("a@b.example", ["c@d.example"], b"Subject: first\r\n\r\nx")
    page.goto(sandbox.url)
    page.locator("#inboxes summary").hover()
    page.mouse.down()
    with page.expect_response(lambda answer: answer.url.endswith("/page/state") and answer.status == 200):
        sandbox.parts.post.deliver("a@b.example", ["e@f.example"], b"Subject: second\r\n\r\nx")
    page.evaluate("() => new Promise((done) => setTimeout(done, 200))")  # time enough to draw it
    page.mouse.up()
    expect(page.locator("#inboxes details[open] summary")).to_contain_text("first")
    expect(page.locator("#inboxes summary").last).to_contain_text("second")


def test_the_host_page_carries_the_app_through_connects_bridge(sandbox: Sandbox, app: ConnectApp, page: Page) -> None:
    if not (STATIC / "vendor" / "connect-host.js").is_file():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("sandbox/static/vendor is empty: build the page first")
    sandbox.parts.installer.install(app.url)
    page.goto(f"{sandbox.url}/host")
    said = page.frame_locator("#place iframe").locator("#said")
    expect(said).to_contain_text(f"{sandbox.url}/host")
    place, token = said.inner_text().split(" ")
    claims = jwt.decode(token, app.secret, ["HS256"], issuer=app.client_key)
    assert (place, claims["qsh"]) == (f"{sandbox.url}/host", "context-qsh")
    page.get_by_label("Look as").select_option(label="Bob Builder")
    expect(said).to_contain_text("account=")
    claims = jwt.decode(said.inner_text().split(" ")[1], app.secret, ["HS256"], issuer=app.client_key)
    assert claims["sub"] == "712020:aaaaaaaa-0000-4000-8000-000000000002"
