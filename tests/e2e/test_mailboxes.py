"""Mailboxes by clicking, in a real Chromium against the real process and the stand-in Jira: a provider's preset, a look at what is
there, mail read elsewhere, the comparison with the ledger, pushed mail, and an erasure.

Fails on any page error, console error or warning. Pictures of what was seen go to var/screenshots.
"""

import imaplib
from pathlib import Path

import pytest
import requests
from playwright.sync_api import FrameLocator, Page, expect

from sandbox.app import Sandbox
from sandbox.client import SandboxClient
from sandbox.oauth.provider import sign_in_settings
from sandbox.story import MAILBOX, PASSWORD
from tests.e2e.test_page import browser  # noqa: F401 - a fixture
from tests.e2e.test_story import PATIENT, choose, picture, world  # noqa: F401 - a fixture
from tests.e2e.test_story import page as strict_page  # noqa: F401 - a fixture
from tests.running import Standalone, sandbox_settings, wait_for

pytestmark = pytest.mark.browser
PUSHED = "pushed@sandbox.test"
ADMIN = "admin@acme.example"


@pytest.fixture
def page(strict_page: Page) -> Page:  # noqa: F811 - the fixture imported above
    return strict_page


def test_a_mailbox_with_mail_in_it_and_a_pushed_one_by_clicking(
    world: tuple[Sandbox, Standalone],  # noqa: F811
    page: Page,
) -> None:
    sandbox, process = world
    jira = SandboxClient(sandbox.url)
    three_letters_of_which_one_is_read(sandbox, jira)
    page.goto(sandbox.url + "/host")
    mailbridge = page.frame_locator("iframe")

    connect_after_a_look(page, mailbridge, sandbox)
    expect(mailbridge.get_by_role("button", name="2 handled")).to_be_visible()
    assert {issue["fields"]["summary"] for issue in jira.issues()} == {"First", "Third"}

    mailbridge.get_by_role("button", name="1 ignored").click()
    mailbridge.get_by_role("button", name="Second").click()
    expect(mailbridge.get_by_text("Read elsewhere").first).to_be_visible()
    picture(page, "read-elsewhere")
    mailbridge.get_by_role("button", name="Process anyway").click()
    wait_for(lambda: len(jira.issues()) == 3, 60, process.tail)
    expect(mailbridge.get_by_role("button", name="Process anyway")).to_have_count(
        0
    )  # while it is at work it takes no keys
    page.keyboard.press("Escape")

    mailbridge.get_by_role("tab", name="Mailboxes").click()
    mailbridge.get_by_role("button", name="Compare Support with the ledger").click()
    expect(mailbridge.get_by_text("3 seen, 3 accounted for, 0 unaccounted")).to_be_visible()
    picture(page, "compared")

    push_a_mail(page, mailbridge)
    wait_for(lambda: len(jira.issues()) == 4, 60, process.tail)

    erase_carol(page, mailbridge)


def test_a_mailbox_of_microsoft_365_is_signed_in_to_and_again_when_its_consent_is_gone(
    tmp_path: Path,
    page: Page,
) -> None:
    with Sandbox(port=0, imap_port=0, smtp_port=0, retry_seconds=0.2) as sandbox:
        settings = {
            **sandbox_settings(sandbox),
            **PATIENT,
            **sign_in_settings(sandbox.url),
            "MAILBRIDGE_POLL_SECONDS": "1",
        }
        with Standalone(tmp_path, settings) as process:
            jira = SandboxClient(sandbox.url)
            jira.install(process.url)
            page.goto(sandbox.url + "/host")
            mailbridge = page.frame_locator("iframe")
            name_who_is_told(mailbridge, sandbox)

            mailbridge.get_by_role("button", name="Connect a mailbox").first.click()
            choose(mailbridge, "Kind of mailbox", "Exchange Web Services")
            expect(mailbridge.get_by_text("switches it off on 1 April 2027")).to_be_visible()
            mailbridge.get_by_role("textbox", name="Address").fill(MAILBOX)
            sign_in(page, mailbridge, "Sign in with Microsoft")
            expect(mailbridge.get_by_text(f"Signed in as {MAILBOX}.")).to_be_visible()
            choose_project(mailbridge)
            mailbridge.get_by_role("button", name="Test connection").click()
            expect(mailbridge.get_by_text("The connection works")).to_be_visible()
            expect(mailbridge.get_by_text("The folder is empty").first).to_be_visible()
            picture(page, "signed-in")
            mailbridge.get_by_role("button", name="Connect mailbox").click()
            expect(mailbridge.get_by_text("Connected", exact=True)).to_be_visible()
            push_to_graph(sandbox, "One")
            wait_for(lambda: len(jira.issues()) == 1, 60, process.tail)

            requests.post(
                f"{sandbox.url}/control/oauth/revoke", json={"account": MAILBOX}, timeout=60
            ).raise_for_status()
            requests.post(f"{sandbox.url}/control/oauth/end-tokens", timeout=60).raise_for_status()
            expect(mailbridge.get_by_text("Reconnect needed").first).to_be_visible(timeout=60_000)
            picture(page, "reconnect")
            (letter,) = wait_for(lambda: jira.inbox(ADMIN), 60, process.tail) or []
            assert letter["subject"].startswith("Sign in again for the mailbox")
            mailbridge.get_by_role("tab", name="Outgoing mail").click()
            sent = mailbridge.get_by_role("row", name=ADMIN).get_by_text("Sent", exact=True)
            expect(sent).to_be_visible(timeout=60_000)
            sent.scroll_into_view_if_needed()
            picture(page, "told")
            mailbridge.get_by_role("tab", name="Mailboxes").click()
            push_to_graph(sandbox, "Two")
            sign_in(page, mailbridge, "Sign in with Microsoft again")
            expect(mailbridge.get_by_text(f"{MAILBOX} is signed in again")).to_be_visible()
            wait_for(lambda: len(jira.issues()) == 2, 60, process.tail)
            page.goto("about:blank")  # it would go on asking a process that is gone


def sign_in(page: Page, mailbridge: FrameLocator, button: str) -> None:
    """As a person does in the window that opens: yes, it was me; accept."""
    with page.expect_popup() as opened:
        mailbridge.get_by_role("button", name=button, exact=True).click()
    window = opened.value
    window.get_by_role("button", name="I opened it: go on").click()
    window.get_by_role("button", name="Accept").click()
    expect(window.get_by_text("You are signed in")).to_be_visible()
    window.close()


def name_who_is_told(mailbridge: FrameLocator, sandbox: Sandbox) -> None:
    """An outgoing server, and an address to be told of mailboxes."""
    mailbridge.get_by_role("tab", name="Outgoing mail").click()
    mailbridge.get_by_label("Server").first.fill("127.0.0.1")
    choose(mailbridge, "Security", "None (not encrypted)")
    mailbridge.get_by_role("textbox", name="Port").fill(str(sandbox.smtp_port))
    mailbridge.get_by_label("Sender’s address").fill("support@acme.example")
    mailbridge.get_by_label("Who is told when a mailbox needs an administrator").fill(ADMIN)
    mailbridge.get_by_role("button", name="Test connection").click()
    expect(mailbridge.get_by_text("The server takes mail from")).to_be_visible()
    mailbridge.get_by_role("button", name="Save").click()
    expect(mailbridge.get_by_text("Outgoing mail is saved")).to_be_visible()
    mailbridge.get_by_role("tab", name="Mailboxes").click()


def push_to_graph(sandbox: Sandbox, subject: str) -> None:
    raw = f"From: dave@customer.example\r\nTo: {MAILBOX}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\nText.\r\n"
    requests.post(f"{sandbox.url}/control/graph/{MAILBOX}/mail", raw.encode(), timeout=60).raise_for_status()


def three_letters_of_which_one_is_read(sandbox: Sandbox, jira: SandboxClient) -> None:
    for subject in ("First", "Second", "Third"):
        jira.mail(
            from_="Carol Customer <carol@customer.example>", to=MAILBOX, subject=subject, text=f"{subject} letter."
        )
    with imaplib.IMAP4("127.0.0.1", sandbox.imap_port, timeout=60) as server:
        server.login(MAILBOX, PASSWORD)
        server.select("INBOX")
        server.store("2", "+FLAGS", "\\Seen")


def connect_after_a_look(page: Page, mailbridge: FrameLocator, sandbox: Sandbox) -> None:
    mailbridge.get_by_role("button", name="Connect a mailbox").first.click()
    address, server = mailbridge.get_by_role("textbox", name="Address"), mailbridge.get_by_label("Server").first
    address.fill("support@fastmail.com")
    expect(server).to_have_value("imap.fastmail.com")
    picture(page, "preset")
    address.fill(MAILBOX)
    server.fill("127.0.0.1")
    choose(mailbridge, "Security", "None (not encrypted)")
    mailbridge.get_by_role("textbox", name="Port").fill(str(sandbox.imap_port))
    mailbridge.get_by_label("Password").fill(PASSWORD)
    mailbridge.get_by_role("button", name="Test connection").click()
    expect(mailbridge.get_by_text("The connection works")).to_be_visible()
    expect(mailbridge.get_by_text("3 messages").first).to_be_visible()
    choose(mailbridge, "Mail that is already there", "Process the 2 unread")
    picture(page, "preview")
    mailbridge.get_by_role("textbox", name="Name", exact=True).fill("Support")
    choose_project(mailbridge)
    mailbridge.get_by_role("button", name="Connect mailbox").click()
    expect(mailbridge.get_by_role("heading", name="Support", exact=True)).to_be_visible()


def push_a_mail(page: Page, mailbridge: FrameLocator) -> None:
    mailbridge.get_by_role("button", name="Connect a mailbox").click()
    choose(mailbridge, "Kind of mailbox", "Pushed mail")
    mailbridge.get_by_role("textbox", name="Address").fill(PUSHED)
    choose_project(mailbridge)
    mailbridge.get_by_role("button", name="Connect mailbox").click()
    mailbridge.get_by_role("button", name="Make a token").click()
    token = mailbridge.get_by_label("Push token", exact=True).input_value()
    url = mailbridge.get_by_label("Where to bring the mail", exact=True).input_value()
    picture(page, "push-token")
    mailbridge.get_by_role("button", name="I have kept it").click()
    raw = f"From: dave@customer.example\r\nTo: {PUSHED}\r\nSubject: Pushed\r\nMessage-ID: <p1@x>\r\n\r\nBy a pipe.\r\n"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "message/rfc822"}
    assert requests.post(url, raw.encode(), headers=headers, timeout=60).status_code == 202
    mailbridge.get_by_role("tab", name="What came in").click()
    mailbridge.get_by_role("button", name="Show all mail").click()
    expect(mailbridge.get_by_role("row", name="Pushed").get_by_text("New issue")).to_be_visible()


def erase_carol(page: Page, mailbridge: FrameLocator) -> None:
    mailbridge.get_by_role("tab", name="Privacy").click()
    mailbridge.get_by_label("For how many days").fill("7")
    mailbridge.get_by_role("button", name="Save").click()
    expect(mailbridge.get_by_text("What is kept is saved")).to_be_visible()
    mailbridge.get_by_label("Address of the person").fill("carol@customer.example")
    mailbridge.get_by_role("button", name="Erase this person").click()
    mailbridge.get_by_role("button", name="Erase", exact=True).click()
    expect(mailbridge.get_by_text("Complete", exact=True)).to_be_visible()
    picture(page, "privacy")
    mailbridge.get_by_role("tab", name="What came in").click()
    expect(mailbridge.get_by_text("dave@customer.example").first).to_be_visible()
    expect(mailbridge.get_by_text("carol@customer.example")).to_have_count(0)


def choose_project(mailbridge: FrameLocator) -> None:
    mailbridge.get_by_role("combobox", name="Project").press_sequentially("SUP")
    mailbridge.get_by_role("option", name="Support (SUP)").click()
    choose(mailbridge, "Issue type", "Email request")
