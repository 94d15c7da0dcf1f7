"""Two of the three ways of being attached by clicking, in a real Chromium against the real processes: an API token, and Forge.

(The third, Connect, is tests/e2e/test_story.py.) Fails on any page error, console error or warning. Pictures of what was seen go to
var/screenshots.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, FrameLocator, Page, expect

from sandbox.app import Sandbox
from sandbox.client import SandboxClient
from sandbox.jira.seed import ALICE, BOB
from sandbox.story import MAILBOX
from sandbox.ways import Forge
from tests.e2e.test_page import PATIENCE, browser  # noqa: F401 - a fixture
from tests.e2e.test_story import PATIENT, connect_a_mailbox, picture, set_the_outgoing_server
from tests.flows.ways import settings_of_ways, setup_link
from tests.running import Standalone, wait_for

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
CAROL = {"from_": "Carol Customer <carol@customer.example>", "to": MAILBOX}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Sandbox, Standalone]]:
    """The sandbox, and Mailbridge with every door open and nothing attached."""
    with (
        Sandbox(port=0, imap_port=0, smtp_port=0, retry_seconds=0.2) as sandbox,
        Standalone(tmp_path, {**settings_of_ways(sandbox), **PATIENT}) as process,
    ):
        yield sandbox, process


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:  # noqa: F811 - the fixture imported above
    """A page whose every complaint fails the test, but for the answers of 400 and above that a test asks for."""
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
    assert [one for one in complaints if "responded with a status of 4" not in one] == []


def test_jira_is_attached_by_an_api_token(world: tuple[Sandbox, Standalone], page: Page) -> None:
    sandbox, process = world
    jira = SandboxClient(sandbox.url)
    link = setup_link(process.log)
    page.goto(link)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Save and go on").click()

    token = jira.new_token(ALICE)
    page.get_by_label("Address of Jira").fill(sandbox.url)
    page.get_by_label("E-mail address of the account").fill(token["email"])
    page.get_by_label("API token").fill("nothing-that-jira-knows")
    page.get_by_role("button", name="Check what this account may do").click()
    expect(page.get_by_label("API token")).to_have_attribute("aria-invalid", "true")
    picture(page, "token-refused")
    page.get_by_label("API token").fill(token["token"])
    page.get_by_role("button", name="Check what this account may do").click()
    expect(page.get_by_text("Jira knows this account as")).to_be_visible()
    expect(page.get_by_role("list", name="Rights of the account").get_by_text("Create issues")).to_be_visible()
    picture(page, "token-rights")
    page.get_by_role("button", name=re.compile("^Attach ")).click()

    expect(page.get_by_text("Waiting for the first event…")).to_be_visible()
    site = page.evaluate(SITE)
    shown = page.get_by_label("URL", exact=True).input_value()
    assert shown == site["webhook"]["url"]
    jira.add_webhook(**{name: site["webhook"][name] for name in ("url", "secret", "events", "jql")})
    make_an_issue(sandbox, token)
    expect(page.get_by_text("Jira’s events arrive")).to_be_visible()
    picture(page, "token-heard")
    page.get_by_role("button", name="Go on to the mailboxes").click()

    connect_a_mailbox(page, whole(page), sandbox)
    set_the_outgoing_server(whole(page), sandbox)
    jira.mail(**CAROL, subject="The printer is on fire", text="Smoke comes out of it.")
    page.get_by_role("tab", name="What came in").click()
    expect(page.get_by_role("button", name="The printer is on fire")).to_be_visible()
    page.get_by_role("tab", name="Jira", exact=True).click()
    expect(page.get_by_text("By an API token")).to_be_visible()
    picture(page, "token-jira")
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("This is not the password", exact=True)).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Support", exact=True)).to_be_visible()
    page.goto(link)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_text("This set-up link is no longer valid")).to_be_visible()
    assert jira.violations() == []


def test_in_forge_every_page_is_there_for_whom_it_is(world: tuple[Sandbox, Standalone], page: Page) -> None:
    sandbox, process = world
    jira = SandboxClient(sandbox.url)
    client, _ = Forge().attach(jira, process.url, ALICE)
    client.close()
    page.goto(f"{sandbox.url}/forge/host?module=mailbridge-admin&theme=dark")
    admin = page.frame_locator("iframe")
    expect(admin.get_by_text("No mailbox is connected yet")).to_be_visible()
    expect(admin.locator("html")).to_have_attribute("data-color-mode", "dark")
    connect_a_mailbox(page, admin, sandbox)
    set_the_outgoing_server(admin, sandbox)
    admin.get_by_role("tab", name="Jira", exact=True).click()
    expect(admin.get_by_text("As a Forge app")).to_be_visible()
    expect(admin.get_by_role("list", name="What Mailbridge may do").get_by_text("read:jira-work")).to_be_visible()
    picture(page, "forge-jira-dark")

    jira.mail(**CAROL, subject="The printer is on fire", text="Smoke comes out of it.")
    made = wait_for(lambda: jira.issues(), 60)[0]["key"]
    jira.comment(made, ALICE, "Please pull the plug first.")
    wait_for(lambda: [one for one in jira.inbox("carol@customer.example") if "plug" in str(one)], 60)

    page.goto(f"{sandbox.url}/forge/host?module=mailbridge-project&project=SUP")
    project = page.frame_locator("iframe")
    expect(project.get_by_role("heading", name="Mail of Support")).to_be_visible()
    expect(project.get_by_role("heading", name="Support", exact=True)).to_be_visible()
    picture(page, "forge-project")

    page.goto(f"{sandbox.url}/forge/host?module=mailbridge-issue&issue={made}&account={BOB}")
    panel = page.frame_locator("iframe")
    expect(panel.get_by_text("The printer is on fire")).to_be_visible()
    expect(panel.get_by_text("carol@customer.example").last).to_be_visible()
    expect(panel.get_by_text("Sent", exact=True)).to_be_visible()
    picture(page, "forge-issue")
    assert jira.violations() == []


#: The attached site as the page itself would read it: the login's cookie for a session, the session for the site.
SITE = """async () => {
  const proof = { method: 'POST', headers: { 'X-Mailbridge-Page': '1' } };
  const { session } = await (await fetch('api/connect/session', proof)).json();
  return (await fetch('api/connect/site', { headers: { Authorization: `Bearer ${session}` } })).json();
}"""


def whole(page: Page) -> FrameLocator:
    """The page itself where other tests have a frame: both find things alike."""
    return page  # type: ignore[return-value]


def make_an_issue(sandbox: Sandbox, token: dict[str, str]) -> None:
    """Somebody creates an issue in Jira."""
    fields = {"project": {"key": "SUP"}, "issuetype": {"id": "10002"}, "summary": "Buy a new printer"}
    login = (token["email"], token["token"])
    requests.post(f"{sandbox.url}/rest/api/3/issue", auth=login, json={"fields": fields}, timeout=60).raise_for_status()
