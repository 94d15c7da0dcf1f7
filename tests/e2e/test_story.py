"""The whole story by clicking, in a real Chromium: the page inside the stand-in Jira, and the people around it.

Fails on any page error, console error or warning. Pictures of what was seen go to var/screenshots; with
UPDATE_SCREENSHOTS=1 the README's picture is taken anew.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from sandbox.app import Sandbox
from sandbox.client import SandboxClient
from sandbox.story import MAILBOX, PASSWORD, small_picture
from tests.e2e.test_page import PATIENCE, browser  # noqa: F401 - a fixture
from tests.running import ROOT, Standalone, sandbox_settings, wait_for

pytestmark = pytest.mark.browser
#: A page that waits for Jira has no complaint to make.
PATIENT = {"MAILBRIDGE_JIRA_TIMEOUT": "20"}
PICTURES = ROOT / "var" / "screenshots"
CAROL = "Carol Customer <carol@customer.example>"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Sandbox, Standalone]]:
    """The sandbox with Mailbridge installed into it, and nothing set up yet."""
    with (
        Sandbox(port=0, imap_port=0, smtp_port=0, retry_seconds=0.2) as sandbox,
        Standalone(tmp_path, {**sandbox_settings(sandbox), **PATIENT}) as process,
    ):
        SandboxClient(sandbox.url).install(process.url)
        yield sandbox, process


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:  # noqa: F811 - the fixture imported above
    """A page whose every complaint fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on(
        "console",
        lambda said: complaints.append(f"{said.type}: {said.text}") if said.type in ("error", "warning") else None,
    )
    yield page
    context.close()
    assert complaints == []


def test_the_story_by_clicking(world: tuple[Sandbox, Standalone], page: Page, tmp_path: Path) -> None:
    sandbox, _ = world
    page.goto(sandbox.url + "/host")
    mailbridge = page.frame_locator("iframe")
    connect_a_mailbox(page, mailbridge, sandbox)
    set_the_outgoing_server(mailbridge, sandbox)

    people = page.context.new_page()
    people.set_default_timeout(PATIENCE)
    people.goto(sandbox.url + "/")
    photo = tmp_path / "printer.png"
    photo.write_bytes(small_picture())
    write_a_mail(people, "The printer is on fire", "Smoke comes out of it. A picture is attached.", photo)
    people.locator("#issues").get_by_text("SUP-1").click()
    issue = people.locator("#issue-pane")
    expect(issue.get_by_text("Smoke comes out of it.")).to_be_visible()
    expect(issue.get_by_text("printer.png")).to_be_visible()

    comment = people.locator("#comment-form")
    comment.get_by_label("Text").fill("Please pull the plug first.")
    comment.get_by_role("button", name="Comment").click()
    inbox = people.locator("#inboxes")
    inbox.locator("summary", has_text="[SUP-1]").click()
    expect(inbox.get_by_text("Please pull the plug first.")).to_be_visible()
    picture(people, "sandbox")

    inbox.get_by_role("button", name="Reply").click()
    form = people.locator("#mail-form")
    text = form.get_by_label("Text")
    text.press("Control+Home")
    text.press_sequentially("I did, it is quiet now.")
    form.get_by_role("button", name="Send").click()
    answer = issue.locator("article", has_text="I did, it is quiet now.")
    expect(answer).to_be_visible()
    expect(answer).not_to_contain_text("wrote:")
    expect(people.locator("#issues li")).to_have_count(1)

    see_what_came_in(page, mailbridge)
    mailbridge.get_by_role("tab", name="What was sent").click()
    expect(mailbridge.get_by_role("row", name="carol@customer.example").filter(has_text="Sent").first).to_be_visible()
    picture(page, "sent")
    assert SandboxClient(sandbox.url).violations() == []


def connect_a_mailbox(page: Page, mailbridge: FrameLocator, sandbox: Sandbox) -> None:
    """As an admin would: a wrong password first, then the right one; the test says what it finds."""
    mailbridge.get_by_role("button", name="Connect a mailbox").first.click()
    mailbridge.get_by_label("Server", exact=False).first.fill("127.0.0.1")
    choose(mailbridge, "Security", "None (not encrypted)")
    mailbridge.get_by_role("textbox", name="Port").fill(str(sandbox.imap_port))
    mailbridge.get_by_role("textbox", name="User name").fill(MAILBOX)
    mailbridge.get_by_label("Password").fill("wrong")
    mailbridge.get_by_role("button", name="Test connection").click()
    expect(mailbridge.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    picture(page, "wrong-password")
    mailbridge.get_by_label("Password").fill(PASSWORD)
    mailbridge.get_by_role("button", name="Test connection").click()
    expect(mailbridge.get_by_label("Password")).not_to_have_attribute("aria-invalid", "true")
    expect(mailbridge.get_by_text("The connection works")).to_be_visible()
    mailbridge.get_by_role("textbox", name="Name", exact=True).fill("Support")
    mailbridge.get_by_role("combobox", name="Project").press_sequentially("SUP")
    mailbridge.get_by_role("option", name="Support (SUP)").click()
    choose(mailbridge, "Issue type", "Email request")
    picture(page, "connect")
    mailbridge.get_by_role("button", name="Connect mailbox").click()
    expect(mailbridge.get_by_role("heading", name="Support", exact=True)).to_be_visible()
    expect(mailbridge.get_by_text("Connected", exact=True)).to_be_visible()


def set_the_outgoing_server(mailbridge: FrameLocator, sandbox: Sandbox) -> None:
    mailbridge.get_by_role("tab", name="Outgoing mail").click()
    mailbridge.get_by_label("Server", exact=False).first.fill("127.0.0.1")
    choose(mailbridge, "Security", "None (not encrypted)")
    mailbridge.get_by_role("textbox", name="Port").fill(str(sandbox.smtp_port))
    mailbridge.get_by_label("Sender’s name").fill("Support")
    mailbridge.get_by_label("Sender’s address").fill(MAILBOX)
    mailbridge.get_by_label("Gather changes for").fill("1")
    mailbridge.get_by_role("button", name="Test connection").click()
    expect(mailbridge.get_by_text("The connection works")).to_be_visible()
    mailbridge.get_by_role("button", name="Save").click()
    expect(mailbridge.get_by_text("Outgoing mail is saved")).to_be_visible()


def write_a_mail(people: Page, subject: str, text: str, photo: Path) -> None:
    form = people.locator("#mail-form")
    expect(form.get_by_label("To", exact=True)).to_have_value(MAILBOX)  # which the page fills in
    form.get_by_label("From").fill(CAROL)
    form.get_by_label("Subject").fill(subject)
    form.get_by_label("Text").fill(text)
    form.get_by_label("Attachment").set_input_files(photo)
    form.get_by_role("button", name="Send").click()


def see_what_came_in(page: Page, mailbridge: FrameLocator) -> None:
    """Both mails with their outcome, and the reason in the panel of one."""
    mailbridge.get_by_role("tab", name="What came in").click()
    expect(mailbridge.locator("tbody tr")).to_have_count(2)
    expect(mailbridge.get_by_role("link", name="SUP-1").first).to_be_visible()
    picture(page, "page")
    mailbridge.get_by_role("button", name="Re: [SUP-1] The printer is on fire").click()
    expect(mailbridge.get_by_text("SUP-1").last).to_be_visible()
    expect(mailbridge.get_by_role("heading", name="Why")).to_be_visible()
    picture(page, "why")
    page.keyboard.press("Escape")


def choose(frame: FrameLocator, label: str, option: str) -> None:
    frame.get_by_role("combobox", name=label).click()
    frame.get_by_role("option", name=option).click()


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like now; the README's is replaced on demand only."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    # Not for "networkidle": a page that asks every few seconds has none on a machine that answers in seconds.
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, animations="disabled", timeout=4 * PATIENCE)
    target = ROOT / "docs" / "images" / f"{name}.png"
    if os.environ.get("UPDATE_SCREENSHOTS") == "1" and name in ("page", "why"):
        target.parent.mkdir(parents=True, exist_ok=True)
        wait_for(path.exists, 5)
        shutil.copyfile(path, target)
