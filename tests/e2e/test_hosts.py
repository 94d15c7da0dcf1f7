"""The built page in a real Chromium in its other surroundings: on its own behind a login, and inside Forge by its bridge.

Every test fails on any page error, any console error or warning, and any request beyond the two servers on loopback. Pictures of
what was seen go to var/screenshots.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.e2e.fake_page import NO_SITE, FakeApi, PageServers
from tests.e2e.test_page import PATIENCE, api, browser, mail, mailbox, page, servers  # noqa: F401 - fixtures
from tests.e2e.test_page import choose as choose_option
from tests.running import ROOT

pytestmark = pytest.mark.browser
PICTURES = ROOT / "var" / "screenshots"
PASSWORD = "correct horse battery"
LOGIN = {"password": True, "oidc": None}


def right(name: str, ok: bool | None, where: str = "global", **more: str) -> dict[str, Any]:
    return {
        "right": name,
        "for": "Answers become no comments.",
        "ok": ok,
        "where": where,
        "remedy": "Ask an admin.",
        **more,
    }


def scope(name: str, granted: bool | None) -> dict[str, Any]:
    remedy = "Approve the update of Mailbridge in Jira's Manage apps."
    return {"name": name, "granted": granted, "why": "read issues", "remedy": remedy}


def events(way: str, **more: Any) -> dict[str, Any]:
    return {"way": way, "heard_at": None, "polled_at": None, "every": 60, "problem": None, **more}


def webhook(base_url: str, heard_at: float | None = None) -> dict[str, Any]:
    return {
        "url": f"{base_url}/connect/hooks/abcdef",
        "secret": "0123456789abcdef",
        "events": ["jira:issue_created", "comment_created"],
        "jql": "",
        "heard_at": heard_at,
    }


def attached(**more: Any) -> dict[str, Any]:
    account = {"account_id": "5b10", "name": "Mailbridge Bot"}
    email_api = {"state": "refused", "checked_at": time.time() - 3600}
    return {
        **NO_SITE,
        "scheme": "forge",
        "site": "https://acme.atlassian.net",
        "state": "enabled",
        "account": account,
        "email_api": email_api,
        **more,
    }


def picture(page: Page, name: str) -> None:  # noqa: F811
    """Keep what the page looks like now, in the light and in the dark."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", animations="disabled", full_page=True, timeout=4 * PATIENCE)


def test_the_set_up_link_leads_to_a_jira_that_is_attached(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.login, api.setup_link = LOGIN, "link-secret"
    api.check = {
        "rights": [
            right("BROWSE_PROJECTS", True),
            right("ADD_COMMENTS", False, "project SUP"),
            right("USER_PICKER", None),
        ],
        "events": events("polling", polled_at=time.time()),
        "webhook": webhook(servers.app),
    }
    page.goto(f"{servers.app}/#setup=link-secret")
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_text("Choose at least 12 characters")).to_be_visible()
    expect(page.get_by_label("New password")).to_be_focused()
    picture(page, "set-up")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_label("The same again").press("Enter")

    expect(page.get_by_role("heading", name="Attach your Jira")).to_be_visible()
    expect(page.locator(":focus")).to_have_text("Attach your Jira")
    assert "setup" not in page.url
    page.get_by_label("Address of Jira").fill("acme.atlassian.net/jira/projects")
    page.get_by_label("E-mail address of the account").fill("bot@example.com")
    page.get_by_label("API token").fill("wrong")
    page.get_by_role("button", name="Check what this account may do").click()
    expect(page.get_by_text("Jira did not take the API token").first).to_be_visible()
    expect(page.get_by_label("API token")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("API token").fill("right")
    page.get_by_role("button", name="Check what this account may do").click()
    expect(page.get_by_text("Jira knows this account as Mailbridge Bot")).to_be_visible()
    rights = page.get_by_role("list", name="Rights of the account").get_by_role("listitem")
    expect(rights).to_have_count(3)
    expect(rights.first).to_contain_text("Add comments (SUP)")
    expect(rights.first).to_contain_text("What to do: Ask an admin.")
    assert api.saved == []
    picture(page, "attach")
    page.get_by_role("button", name="Attach with what is there").click()

    expect(page.get_by_text("Waiting for the first event…")).to_be_visible()
    expect(page.get_by_label("URL", exact=True)).to_have_value(f"{servers.app}/connect/hooks/abcdef")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy Secret").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "0123456789abcdef"
    picture(page, "webhook")
    api.site["webhook"]["heard_at"] = time.time()
    expect(page.get_by_text("Jira’s events arrive")).to_be_visible()
    assert api.saved == [
        {
            "url": "https://acme.atlassian.net",
            "email": "bot@example.com",
            "api_token": "right",
            "token_expires_at": None,
        }
    ]
    page.get_by_role("button", name="Go on to the mailboxes").click()
    expect(page.get_by_text("No mailbox is connected yet")).to_be_visible()


def test_a_jira_that_cannot_reach_the_server_is_asked(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.login, api.setup_link = {"password": False, "oidc": None}, "link-secret"
    api.check = {"rights": [right("BROWSE_PROJECTS", True)], "events": events("polling")}
    page.goto(f"{servers.app}/#setup=link-secret")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_label("Address of Jira").fill("https://acme.atlassian.net")
    page.get_by_label("E-mail address of the account").fill("bot@example.com")
    page.get_by_label("API token").fill("right")
    page.get_by_role("button", name="Check what this account may do").click()
    page.get_by_role("button", name="Attach this Jira").click()
    expect(
        page.get_by_text("Jira cannot reach this server: Mailbridge asks Jira for changes every 60 seconds.")
    ).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()


def test_people_log_in_and_out(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.login, api.password = {"password": True, "oidc": "login.example.com"}, PASSWORD
    api.site = attached(scheme="token")
    page.goto(f"{servers.app}/#login=expired")
    expect(page.get_by_text("The login took too long")).to_be_visible()
    company = page.get_by_role("link", name="Log in with login.example.com")
    expect(company).to_have_attribute("href", "api/connect/login/oidc")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_text("This is not the password", exact=True)).to_be_visible()
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    picture(page, "login")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("tab", name="Mailboxes")).to_be_visible()
    page.reload()
    expect(page.get_by_role("tab", name="Mailboxes")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()


def test_an_ended_login_asks_again(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.login, api.password = LOGIN, PASSWORD
    api.site = attached(scheme="token")
    page.goto(servers.app)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("tab", name="Mailboxes")).to_be_visible()
    api.cookies.clear()
    api.sessions.clear()
    expect(page.get_by_text("You have been logged out.")).to_be_visible()


def test_a_used_link_says_so(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.login, api.password = LOGIN, PASSWORD
    page.goto(f"{servers.app}/#setup=an-old-one")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_text("This set-up link is no longer valid")).to_be_visible()
    page.get_by_role("button", name="I have a password already").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def in_forge(page: Page, servers: PageServers) -> FrameLocator:  # noqa: F811
    page.goto(f"{servers.site}/forge")
    return page.frame_locator("iframe")


def test_in_forge_the_page_works_through_the_bridge(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.mailboxes, api.mails = [mailbox()], [mail(1)]
    frame = in_forge(page, servers)
    expect(frame.get_by_role("heading", name="Support", exact=True)).to_be_visible()
    frame.get_by_role("button", name="Switch off Support").click()
    expect(frame.get_by_text("Switched off", exact=True)).to_be_visible()
    frame.get_by_role("tab", name="What came in").click()
    expect(frame.get_by_role("link", name="SUP-1")).to_have_attribute("href", f"{servers.site}/browse/SUP-1")
    api.sessions.clear()
    api.mails.insert(0, mail(2, subject="After a new session"))
    expect(frame.get_by_role("button", name="After a new session")).to_be_visible()


def test_in_forge_the_page_follows_the_theme(page: Page, servers: PageServers) -> None:  # noqa: F811
    servers.theme = "dark"
    frame = in_forge(page, servers)
    expect(frame.get_by_text("No mailbox is connected yet")).to_be_visible()
    expect(frame.locator("html")).to_have_attribute("data-color-mode", "dark")
    dark = frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    page.evaluate("document.documentElement.dataset.colorMode = 'light'")
    expect(frame.locator("body")).not_to_have_css("background-color", dark)


def test_a_missing_scope_says_what_to_approve(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    scopes = [scope("read:jira-work", True), scope("read:email-address:jira", False)]
    api.site = attached(scopes=scopes, events=events("forge", heard_at=time.time(), every=600))
    servers.theme = "dark"
    frame = in_forge(page, servers)
    frame.get_by_role("tab", name="Jira").click()
    expect(frame.get_by_text("As a Forge app")).to_be_visible()
    expect(frame.get_by_text("One right is missing")).to_be_visible()
    expect(frame.get_by_text("find Mailbridge, and approve the update")).to_be_visible()
    first = frame.get_by_role("list", name="What Mailbridge may do").get_by_role("listitem").first
    expect(first).to_contain_text("read:email-address:jira")
    expect(frame.get_by_text("Jira’s events arrive")).to_be_visible()
    expect(frame.get_by_text("Not open to this app")).to_be_visible()
    expect(frame.get_by_role("button", name="Detach this Jira")).to_be_hidden()
    picture(page, "jira-forge-dark")


def test_the_look_up_user_is_set_tried_and_forgotten(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.site = attached()
    api.findings = [
        {"what": "Browse users and groups", "ok": True, "detail": "It may search for people.", "remedy": ""},
        {"what": "Assignable", "ok": False, "detail": "Ada cannot be assigned.", "remedy": "Give the permission."},
    ]
    frame = in_forge(page, servers)
    frame.get_by_role("tab", name="Jira").click()
    frame.get_by_role("button", name="Use this account").click()
    expect(frame.get_by_text("Paste an API token of this account.")).to_be_visible()
    frame.get_by_role("textbox", name="E-mail address").fill("jira+lookup@example.com")
    frame.get_by_label("API token").fill("token")
    frame.get_by_role("button", name="Use this account").click()
    expect(frame.get_by_text("The look-up user is saved")).to_be_visible()
    frame.get_by_role("combobox", name="Person").press_sequentially("Ada")
    frame.get_by_role("option", name="Ada Agent").click()
    choose_option(frame, "Project to try", "Support (SUP)")
    frame.get_by_role("button", name="Test the look-up user").click()
    findings = frame.get_by_role("list", name="Findings").get_by_role("listitem")
    expect(findings).to_have_count(2)
    expect(findings.first).to_contain_text("What to do: Give the permission.")
    assert api.saved[-1] == {"account_id": "5b10", "project": "SUP"}
    picture(page, "look-up-user")
    frame.get_by_role("button", name="Forget it").click()
    expect(frame.get_by_role("button", name="Use this account")).to_be_visible()


def test_a_site_attached_by_a_token_is_detached(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.login, api.password = LOGIN, PASSWORD
    api.site = attached(
        scheme="token",
        email="bot@example.com",
        token_expires_at=time.time() + 5 * 86_400,
        notice="The API token ends in 5 days: make a new one.",
        rights=[right("BROWSE_PROJECTS", True), right("ADD_COMMENTS", True)],
        events=events("webhook", heard_at=time.time() - 60, polled_at=time.time(), every=600),
        webhook=webhook(servers.app, time.time() - 60),
    )
    page.goto(servers.app)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("tab", name="Jira").click()
    expect(page.get_by_text("Expires in 4 days")).to_be_visible()
    expect(page.get_by_text("The API token ends in 5 days")).to_be_visible()
    picture(page, "jira-token")
    page.get_by_role("button", name="Detach this Jira").click()
    page.get_by_role("button", name="Detach", exact=True).click()
    expect(page.get_by_role("heading", name="Attach your Jira")).to_be_visible()


def test_a_projects_administrator_sees_their_project(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.admin, api.project = False, "10000"
    servers.context = {
        "moduleKey": "mailbridge-project",
        "extension": {"type": "jira:projectSettingsPage", "project": {"id": "10000", "key": "SUP"}},
    }
    other = {"id": "10001", "key": "OPS", "name": "Operations"}
    api.mailboxes = [mailbox(id="m2", name="Not ours", project=other)]
    frame = in_forge(page, servers)
    expect(frame.get_by_role("heading", name="Mail of Support")).to_be_visible()
    expect(frame.get_by_text("Two steps")).to_be_visible()
    expect(frame.get_by_text("Not ours")).to_be_hidden()
    expect(frame.get_by_role("tab")).to_have_count(2)
    frame.get_by_role("button", name="Connect a mailbox").click()
    frame.get_by_label("Server", exact=False).first.fill("imap.example.com")
    frame.get_by_label("User name").fill("support@example.com")
    frame.get_by_label("Password").fill("right")
    expect(frame.get_by_label("Project", exact=False)).to_be_disabled()
    expect(frame.get_by_label("Default reporter")).to_be_hidden()
    choose_option(frame, "Issue type", "Bug")
    frame.get_by_role("button", name="Connect mailbox").click()
    frame.get_by_role("button", name="Save untested").click()
    expect(frame.get_by_role("heading", name="support@example.com", exact=True)).to_be_visible()
    assert api.saved[-1]["project"] == {"id": "10000", "key": "SUP", "name": "Support"}
    picture(page, "project")


def test_an_issue_shows_its_mail_and_letters(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.admin, api.issue = False, "10100"
    servers.context = {
        "moduleKey": "mailbridge-issue",
        "extension": {"type": "jira:issuePanel", "issue": {"id": "10100", "key": "SUP-1"}},
    }
    frame = in_forge(page, servers)
    expect(frame.get_by_text("No mail belongs to this issue.")).to_be_visible()
    expect(frame.get_by_text("No mail has been sent about this issue.")).to_be_visible()
    api.mails = [mail(1)]
    api.deliveries = [
        {
            "id": "d1",
            "created_at": time.time(),
            "issue_key": "SUP-1",
            "recipient": "cora@customer.example",
            "kind": "address",
            "event": "comment_created",
            "state": "failed",
            "reason": "She wrote the mail that became this issue.",
            "sent_at": None,
            "error": "The server refused the recipient.",
        }
    ]
    page.reload()
    expect(frame.get_by_text("Cora Customer")).to_be_visible()
    expect(frame.get_by_text("The server refused the recipient.")).to_be_visible()
    expect(frame.get_by_role("tab")).to_have_count(0)
    picture(page, "issue")


def test_under_connect_an_issue_shows_its_mail_too(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.admin, api.issue, servers.door = False, "10100", "mailbridge-issue"
    api.mails = [mail(1)]
    page.goto(f"{servers.site}/host")
    expect(page.frame_locator("iframe").get_by_text("Cora Customer")).to_be_visible()


def test_under_connect_a_project_has_its_page_too(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.admin, api.project, servers.door = False, "10000", "mailbridge-project&project.key=SUP"
    page.goto(f"{servers.site}/host")
    expect(page.frame_locator("iframe").get_by_role("heading", name="Mail of Support")).to_be_visible()
