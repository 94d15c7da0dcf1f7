"""The built page in a real Chromium, alone and inside a host: it loads without any error, and its parts can be used.

Every test fails on any page error, any console error or warning, and any request beyond the two servers on loopback.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright

from tests.e2e.fake_page import DIST, VENDOR, FakeApi, PageServers

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]
PATIENCE = 30_000
"""Milliseconds that a page has for anything: a crowded machine takes its time."""
EXPLAINED_ANSWERS = ("the server responded with a status of 4",)

expect.set_options(timeout=PATIENCE)

pytestmark = pytest.mark.browser


def missing() -> str | None:
    if not (DIST / "index.html").exists() or not (VENDOR / "iframe.js").exists():
        return "the page is not built: run `npm ci && npm run build` in frontend/"
    if not os.path.exists(CHROMIUM):
        return f"{CHROMIUM} is not installed"
    return None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    lacking = missing()
    if lacking and os.environ.get("CI"):
        pytest.fail(lacking)
    if lacking:
        pytest.skip(lacking)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=4 * PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def servers(api: FakeApi) -> Iterator[PageServers]:
    servers = PageServers(api)
    yield servers
    servers.stop()


@pytest.fixture
def page(browser: Browser, servers: PageServers) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on(
        "console",
        lambda said: (
            complaints.append(f"console {said.type}: {said.text}") if said.type in ("error", "warning") else None
        ),
    )
    page.on(
        "request",
        lambda request: complaints.append(f"outside: {request.url}") if _is_outside(request.url, servers) else None,
    )
    yield page
    context.close()
    # Chromium itself notes each answer of 400 and above: those are what the tests ask for.
    assert [one for one in complaints if not any(known in one for known in EXPLAINED_ANSWERS)] == []


def _is_outside(url: str, servers: PageServers) -> bool:
    return not url.startswith((servers.app, servers.site, "data:", "blob:", "about:"))


def opened(page: Page, servers: PageServers) -> FrameLocator:
    page.goto(f"{servers.site}/host")
    return page.frame_locator("iframe")


def mailbox(**more: Any) -> dict[str, Any]:
    return {
        "id": "m1",
        "name": "Support",
        "kind": "imap",
        "host": "imap.example.com",
        "port": 993,
        "security": "tls",
        "username": "support@example.com",
        "has_secret": True,
        "folder": "INBOX",
        "address": "support@example.com",
        "validate_certificate": True,
        "check_identity": True,
        "auth": "password",
        "provider": None,
        "preset": None,
        "timeout": None,
        "addresses": ["support@example.com"],
        "strategy": "read",
        "move_to": None,
        "unnamed": "take",
        "max_bytes": None,
        "answer_oversized": False,
        "secret_expires_at": None,
        "grant_state": None,
        "reconciled": None,
        "authserv_id": None,
        "sub_addresses": True,
        "project": {"id": "10000", "key": "SUP", "name": "Support"},
        "issue_type": {"id": "10001", "name": "Task"},
        "default_reporter": None,
        "enabled": True,
        "state": "connected",
        "last_error": None,
        "checked_at": time.time() - 5,
        "counts": {"handled": 12, "held": 1},
        **more,
    }


def mail(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"x{number}",
        "mailbox_id": "m1",
        "received_at": time.time() - number * 60,
        "from": "Cora Customer <cora@customer.example>",
        "subject": f"Question {number}",
        "state": "handled",
        "outcome": "issue",
        "reason": "A new mail becomes an issue.",
        "issue_key": f"SUP-{number}",
        "comment_id": None,
        "attempts": 1,
        "explanation": ["A person wrote this mail.", "It belongs to no issue, so it became one."],
        "steps": [{"kind": "create_issue", "state": "done", "at": time.time(), "detail": {"key": f"SUP-{number}"}}],
        "size": 5120,
        **more,
    }


def choose(frame: FrameLocator, label: str, option: str) -> None:
    frame.get_by_label(label, exact=False).click()
    frame.get_by_role("option", name=option).click()


def test_alone_the_page_says_what_it_is_and_how_to_open_it(page: Page, servers: PageServers) -> None:
    page.goto(servers.app)
    expect(page.get_by_role("heading", name="Mailbridge for Jira")).to_be_visible()
    expect(page.get_by_text("It works inside Jira")).to_be_visible()


def test_in_a_host_a_new_installation_is_told_how_to_start(page: Page, servers: PageServers) -> None:
    frame = opened(page, servers)
    expect(frame.get_by_text("No mailbox is connected yet")).to_be_visible()
    expect(frame.get_by_role("button", name="Connect a mailbox")).to_be_visible()


def test_the_page_takes_on_the_theme_of_the_host_and_follows_it(page: Page, servers: PageServers) -> None:
    servers.theme = "dark"
    frame = opened(page, servers)
    expect(frame.locator("html")).to_have_attribute("data-color-mode", "dark")
    expect(frame.get_by_text("No mailbox is connected yet")).to_be_visible()
    page.evaluate("document.documentElement.setAttribute('data-color-mode', 'light')")
    expect(frame.locator("html")).to_have_attribute("data-color-mode", "light")


def test_the_frame_fills_the_page_of_the_host(page: Page, servers: PageServers) -> None:
    frame = opened(page, servers)
    expect(frame.get_by_role("heading", name="Mailbridge", exact=True)).to_be_visible()
    page.wait_for_function("document.querySelector('iframe').getBoundingClientRect().height > 800")


def test_a_mailbox_is_connected_after_a_test_that_says_what_it_found(
    page: Page, servers: PageServers, api: FakeApi
) -> None:
    frame = opened(page, servers)
    frame.get_by_role("button", name="Connect a mailbox").click()
    frame.get_by_label("Server", exact=False).first.fill("imap.example.com")
    frame.get_by_label("User name").fill("support@example.com")
    frame.get_by_label("Password").fill("wrong")
    frame.get_by_role("button", name="Test connection").click()
    expect(frame.get_by_text("make an app password").first).to_be_visible()
    expect(frame.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    frame.get_by_label("Password").fill("right")
    frame.get_by_role("button", name="Test connection").click()
    expect(frame.get_by_text("The login works.")).to_be_visible()
    choose(frame, "Folder", "Support")
    choose(frame, "Project", "Support (SUP)")
    choose(frame, "Issue type", "Bug")
    expect(frame.get_by_role("textbox", name="Address")).to_have_value("support@example.com")
    frame.get_by_role("button", name="Connect mailbox").click()
    # Another folder than the one that was looked at: what is there is said before it is saved.
    expect(frame.get_by_text("2,031 messages, the oldest of 3 June 2026.")).to_be_visible()
    assert api.saved[-1]["folder"] == "Support"
    frame.get_by_role("button", name="Connect mailbox").click()
    expect(frame.get_by_role("heading", name="support@example.com", exact=True)).to_be_visible()
    assert api.saved[-1] == {
        "name": "support@example.com",
        "kind": "imap",
        "auth": "password",
        "provider": None,
        "preset": None,
        "host": "imap.example.com",
        "port": 993,
        "security": "tls",
        "username": "support@example.com",
        "secret": "right",
        "folder": "Support",
        "address": "support@example.com",
        "addresses": ["support@example.com"],
        "validate_certificate": True,
        "check_identity": True,
        "timeout": None,
        "strategy": "read",
        "move_to": None,
        "unnamed": "take",
        "max_bytes": None,
        "answer_oversized": False,
        "secret_expires_at": None,
        "authserv_id": None,
        "sub_addresses": False,
        "project": {"id": "10000", "key": "SUP", "name": "Support"},
        "issue_type": {"id": "10002", "name": "Bug"},
        "default_reporter": None,
        "enabled": True,
        "backlog": "new",
    }


def test_what_the_service_refuses_stands_at_its_field(page: Page, servers: PageServers, api: FakeApi) -> None:
    frame = opened(page, servers)
    frame.get_by_role("button", name="Connect a mailbox").click()
    frame.get_by_role("button", name="Connect mailbox").click()
    expect(frame.get_by_text("Give the name of the mail server.")).to_be_visible()
    expect(frame.get_by_role("textbox", name="Address")).to_be_focused()
    assert api.saved == []
    frame.get_by_label("Server", exact=False).first.fill("imap.example.com")
    frame.get_by_label("User name").fill("support@example.com")
    frame.get_by_label("Password").fill("right")
    frame.get_by_role("textbox", name="Name", exact=True).fill("Taken")
    choose(frame, "Project", "Support (SUP)")
    choose(frame, "Issue type", "Task")
    frame.get_by_role("button", name="Connect mailbox").click()
    frame.get_by_role("button", name="Save untested").click()
    expect(frame.get_by_text("Another mailbox has this name.").first).to_be_visible()
    expect(frame.get_by_role("textbox", name="Name", exact=True)).to_have_attribute("aria-invalid", "true")


def test_what_was_typed_is_discarded_only_when_a_person_says_so(page: Page, servers: PageServers) -> None:
    frame = opened(page, servers)
    frame.get_by_role("button", name="Connect a mailbox").click()
    frame.get_by_label("User name").fill("support@example.com")
    page.keyboard.press("Escape")
    frame.get_by_role("button", name="Keep editing").click()
    expect(frame.get_by_label("User name")).to_have_value("support@example.com")
    page.keyboard.press("Escape")
    frame.get_by_role("button", name="Discard").click()
    expect(frame.get_by_label("User name")).to_be_hidden()


def test_a_mailbox_is_switched_off_changed_and_deleted(page: Page, servers: PageServers, api: FakeApi) -> None:
    api.mailboxes = [mailbox()]
    frame = opened(page, servers)
    frame.get_by_role("button", name="Switch off Support").click()
    expect(frame.get_by_text("Switched off", exact=True)).to_be_visible()
    frame.get_by_role("button", name="Edit Support").click()
    frame.get_by_role("textbox", name="Name", exact=True).fill("Help")
    frame.get_by_role("button", name="Save").click()
    expect(frame.get_by_role("heading", name="Help", exact=True)).to_be_visible()
    assert "secret" not in api.saved[-1]
    frame.get_by_role("button", name="Delete Help").click()
    frame.get_by_role("button", name="Delete", exact=True).click()
    expect(frame.get_by_text("No mailbox is connected yet")).to_be_visible()


def test_mail_that_came_in_is_shown_with_its_outcome_and_why(page: Page, servers: PageServers, api: FakeApi) -> None:
    api.mailboxes = [mailbox()]
    api.mails = [mail(1), mail(2, state="held", outcome=None, issue_key=None, reason="The sender failed DMARC.")]
    frame = opened(page, servers)
    frame.get_by_role("tab", name="What came in").click()
    expect(frame.get_by_role("link", name="SUP-1")).to_have_attribute("href", f"{servers.site}/browse/SUP-1")
    expect(frame.get_by_text("The sender failed DMARC.")).to_be_visible()
    api.mails.insert(0, mail(3, subject="Just now"))
    expect(frame.get_by_role("button", name="Just now")).to_be_visible()
    frame.get_by_role("button", name="Question 2").press("Enter")
    expect(frame.get_by_text("It belongs to no issue, so it became one.")).to_be_visible()
    frame.get_by_role("button", name="Retry").click()
    expect(frame.get_by_text("SUP-9").first).to_be_visible()
    expect(frame.get_by_role("button", name="Retry")).to_have_count(0)  # while it is at work it takes no keys
    page.keyboard.press("Escape")
    expect(frame.get_by_text("It belongs to no issue, so it became one.")).to_be_hidden()


def test_the_count_of_a_state_opens_the_list_of_that_mail(page: Page, servers: PageServers, api: FakeApi) -> None:
    api.mailboxes = [mailbox()]
    api.mails = [mail(1), mail(2, state="held", outcome=None, issue_key=None)]
    frame = opened(page, servers)
    frame.get_by_role("button", name="1 held").click()
    expect(frame.get_by_role("button", name="Question 2")).to_be_visible()
    expect(frame.get_by_role("button", name="Question 1")).to_be_hidden()


def test_older_mail_is_one_page_further(page: Page, servers: PageServers, api: FakeApi) -> None:
    api.mailboxes, api.mails = [mailbox()], [mail(number) for number in range(1, 31)]
    frame = opened(page, servers)
    frame.get_by_role("tab", name="What came in").click()
    frame.get_by_role("button", name="Older").click()
    expect(frame.get_by_role("button", name="Question 30")).to_be_visible()
    frame.get_by_role("button", name="Newer").click()
    expect(frame.get_by_role("button", name="Question 1", exact=True)).to_be_visible()


def test_outgoing_mail_is_tested_and_saved(page: Page, servers: PageServers, api: FakeApi) -> None:
    frame = opened(page, servers)
    frame.get_by_role("tab", name="Outgoing mail").click()
    frame.get_by_label("Server", exact=False).first.fill("smtp.example.com")
    frame.get_by_label("Sender’s address").fill("support@example.com")
    frame.get_by_role("button", name="Test connection").click()
    expect(frame.get_by_text("It took the login.")).to_be_visible()
    frame.get_by_role("button", name="Save").click()
    expect(frame.get_by_text("Outgoing mail is saved")).to_be_in_viewport(ratio=1)
    assert (api.saved[-1]["port"], api.saved[-1]["told"]) == (587, [])


def test_who_is_told_is_named_and_what_they_were_told_is_listed(page: Page, servers: PageServers, api: FakeApi) -> None:
    common = {
        "created_at": time.time(),
        "kind": "reconnect",
        "mailbox": "Support",
        "mailbox_id": "m1",
        "sent_at": None,
        "error": None,
    }
    api.admin_letters = [
        {**common, "id": "l2", "subject": "Sign in again", "recipient": "", "state": "skipped", "reason": "Nobody can be told."},
        {**common, "id": "l1", "subject": "Sign in again", "recipient": "ann@example.com", "state": "sent", "reason": "She connected it."},
    ]  # fmt: skip
    frame = opened(page, servers)
    frame.get_by_role("tab", name="Outgoing mail").click()
    row = frame.get_by_role("row", name="ann@example.com")
    expect(row.get_by_text("Sent", exact=True)).to_be_visible()
    expect(frame.get_by_role("row", name="Nobody can be told.").get_by_text("Nobody", exact=True)).to_be_visible()
    frame.get_by_label("Server", exact=False).first.fill("smtp.example.com")
    frame.get_by_label("Sender’s address").fill("support@example.com")
    told = frame.get_by_label("Who is told when a mailbox needs an administrator")
    told.fill("ann@example.com\nnobody")
    frame.get_by_role("button", name="Save").click()
    expect(frame.get_by_text("“nobody” is not an address")).to_be_visible()
    told.fill("ann@example.com\nbob@example.com")
    frame.get_by_role("button", name="Test connection").click()
    expect(frame.get_by_text("It took the login.")).to_be_visible()
    frame.get_by_role("button", name="Save").click()
    expect(frame.get_by_text("Outgoing mail is saved")).to_be_visible()
    assert api.saved[-1]["told"] == ["ann@example.com", "bob@example.com"]


def test_what_was_sent_is_listed_with_the_reason_of_each(page: Page, servers: PageServers, api: FakeApi) -> None:
    api.deliveries = [
        {
            "id": "d1",
            "created_at": time.time(),
            "issue_key": "SUP-1",
            "recipient": "cora@customer.example",
            "kind": "address",
            "event": "comment_created",
            "state": "sent",
            "reason": "She wrote the mail that became this issue.",
            "sent_at": time.time(),
            "error": None,
        }
    ]
    frame = opened(page, servers)
    frame.get_by_role("tab", name="What was sent").click()
    expect(frame.get_by_text("She wrote the mail that became this issue.")).to_be_visible()
    frame.get_by_label("Issue").fill("SUP-7")
    expect(frame.get_by_text("No mail was sent about SUP-7")).to_be_visible()


def test_a_lost_session_is_replaced_without_a_word(page: Page, servers: PageServers, api: FakeApi) -> None:
    frame = opened(page, servers)
    expect(frame.get_by_text("No mailbox is connected yet")).to_be_visible()
    api.sessions.clear()
    api.mailboxes = [mailbox()]
    expect(frame.get_by_role("heading", name="Support", exact=True)).to_be_visible()
    assert api.context_tokens == ["context-1", "context-2"]


def test_someone_who_is_no_administrator_is_told_so(page: Page, servers: PageServers, api: FakeApi) -> None:
    api.admin = False
    frame = opened(page, servers)
    expect(frame.get_by_text("Only people who administer Jira may use it.")).to_be_visible()
