"""What the page does for mailboxes of every kind, for mail read elsewhere and for privacy, in Chromium with the API faked at the wire."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.e2e.fake_page import PRESETS, FakeApi, PageServers
from tests.e2e.test_page import (  # noqa: F401 - fixtures
    api,
    browser,
    choose,
    mail,
    mailbox,
    opened,
    page,
    servers,
)

pytestmark = pytest.mark.browser


def in_form(page: Page, servers: PageServers) -> FrameLocator:  # noqa: F811 - the fixtures imported above
    frame = opened(page, servers)
    frame.get_by_role("button", name="Connect a mailbox").click()
    return frame


def test_an_address_brings_its_providers_server(page: Page, servers: PageServers) -> None:  # noqa: F811
    frame = in_form(page, servers)
    frame.get_by_role("textbox", name="Address").fill("support@fastmail.com")
    expect(frame.get_by_label("Server", exact=False).first).to_have_value("imap.fastmail.com")
    expect(frame.get_by_text("Fastmail wants an app password here.")).to_be_visible()
    expect(frame.get_by_label("User name")).to_have_value("support@fastmail.com")
    choose(frame, "Kind of mailbox", "POP3")
    expect(frame.get_by_label("Server", exact=False).first).to_have_value("pop.fastmail.com")
    expect(frame.get_by_role("textbox", name="Port")).to_have_value("995")
    expect(frame.get_by_text("POP3 providers may delete mail on their own")).to_be_visible()


def test_what_was_typed_is_never_written_over(page: Page, servers: PageServers) -> None:  # noqa: F811
    frame = in_form(page, servers)
    frame.get_by_label("Server", exact=False).first.fill("mail.mine.example")
    frame.get_by_role("textbox", name="Address").fill("support@fastmail.com")
    # The provider's name is in the list, but not chosen.
    frame.get_by_label("Provider").click()
    expect(frame.get_by_role("option", name="Fastmail")).to_be_visible()
    page.keyboard.press("Escape")
    expect(frame.get_by_label("Server", exact=False).first).to_have_value("mail.mine.example")


@pytest.mark.parametrize(
    "size", [{"width": 1060, "height": 848}, {"width": 720, "height": 600}], ids=["wide", "narrow"]
)
def test_a_notice_that_stays_leaves_the_buttons_of_a_dialog_free(
    page: Page,  # noqa: F811
    servers: PageServers,  # noqa: F811
    api: FakeApi,  # noqa: F811
    size: Any,
) -> None:
    page.set_viewport_size(size)
    api.mailboxes = [mailbox()]
    frame = opened(page, servers)
    frame.get_by_role("button", name="Switch off Support").click()
    notice = frame.get_by_text("Support is switched off")
    expect(notice).to_be_visible()
    notice.hover()  # it stays as long as a pointer is on it
    frame.get_by_role("button", name="Connect a mailbox").press("Enter")
    save = frame.get_by_role("button", name="Connect mailbox")
    expect(save).to_be_visible()
    notice.hover()
    save.click(trial=True)
    notice.hover()
    frame.get_by_role("button", name="Cancel").click()
    expect(notice).to_be_visible()
    expect(save).to_have_count(0)


def test_atlassians_own_mailboxes_are_refused_with_the_reason(page: Page, servers: PageServers) -> None:  # noqa: F811
    frame = in_form(page, servers)
    frame.get_by_role("textbox", name="Address").fill("jira@site.atlassian.net")
    expect(frame.get_by_text("This is one of Jira's own mailboxes.")).to_be_visible()


def test_who_looks_for_ews_is_told_what_to_choose(page: Page, servers: PageServers) -> None:  # noqa: F811
    frame = in_form(page, servers)
    choose(frame, "Kind of mailbox", "EWS")
    expect(frame.get_by_text("switches it off on 1 April 2027")).to_be_visible()
    expect(frame.get_by_label("Client secret").first).to_be_visible()
    expect(frame.get_by_label("Server", exact=False)).to_have_count(0)


def test_each_check_that_is_switched_off_has_its_warning(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.presets = {**PRESETS, "egress": ["192.0.2.7"]}
    frame = in_form(page, servers)
    expect(frame.get_by_text("192.0.2.7")).to_be_visible()
    frame.get_by_label("The certificate must be for this server’s name").uncheck(force=True)
    expect(frame.get_by_text("Another server with a valid certificate can pretend")).to_be_visible()
    frame.get_by_label("Check the server’s certificate").uncheck(force=True)
    expect(frame.get_by_text("Any server can pretend to be this one")).to_be_visible()


def test_the_form_of_outgoing_mail_names_the_addresses_to_let_in(
    page: Page,  # noqa: F811
    servers: PageServers,  # noqa: F811
    api: FakeApi,  # noqa: F811
) -> None:
    api.presets = {**PRESETS, "egress": ["192.0.2.7", "192.0.2.8"]}
    frame = opened(page, servers)
    frame.get_by_role("tab", name="Outgoing mail").click()
    expect(frame.get_by_text("192.0.2.7, 192.0.2.8")).to_be_visible()


def test_signing_in_goes_through_a_window_and_ends_in_the_form(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.presets = {**PRESETS, "providers": ["google"]}
    frame = in_form(page, servers)
    expect(frame.get_by_role("button", name="Sign in with Google")).to_have_count(0)
    frame.get_by_role("textbox", name="Address").fill("support@gmail.com")
    with page.expect_popup() as popup:
        frame.get_by_role("button", name="Sign in with Google").click()
    expect(frame.get_by_text("Go on in the window of Google.")).to_be_visible()
    api.sign_ins["state-1"] = {"done": True, "account": None, "problem": "The consent was refused."}
    expect(frame.get_by_text("The consent was refused.")).to_be_visible()
    popup.value.close()
    with page.expect_popup() as popup:
        frame.get_by_role("button", name="Sign in with Google").click()
    expect(frame.get_by_text("Go on in the window of Google.")).to_be_visible()
    api.sign_ins["state-2"] = {"done": True, "account": "support@gmail.com", "problem": None}
    expect(frame.get_by_text("Signed in as support@gmail.com.")).to_be_visible()
    popup.value.close()
    choose(frame, "Project", "Support (SUP)")
    choose(frame, "Issue type", "Task")
    frame.get_by_role("button", name="Test connection").click()
    expect(frame.get_by_text("2,031 messages")).to_be_visible()
    choose(frame, "Mail that is already there", "Process those since a day")
    frame.get_by_label("Since").fill("2026-06-03")
    expect(frame.get_by_text("412 messages arrived on that day or later.")).to_be_visible()
    assert api.saved[-1]["since"] == 1_780_444_800 and "name" not in api.saved[-1]
    frame.get_by_role("button", name="Connect mailbox").click()
    expect(frame.get_by_role("heading", name="support@gmail.com", exact=True)).to_be_visible()
    saved = api.saved[-1]
    assert {name: saved.get(name) for name in ("auth", "provider", "sign_in", "backlog", "since", "secret")} == {
        "auth": "oauth",
        "provider": "google",
        "sign_in": "state-2",
        "backlog": "since",
        "since": 1_780_444_800,
        "secret": None,
    }


def test_a_mailbox_that_needs_a_new_sign_in_has_a_button_for_it(
    page: Page,  # noqa: F811
    servers: PageServers,  # noqa: F811
    api: FakeApi,  # noqa: F811
) -> None:
    api.mailboxes = [mailbox(auth="oauth", provider="google", grant_state="reconnect", state="trouble")]
    frame = opened(page, servers)
    expect(frame.get_by_text("Reconnect needed").first).to_be_visible()
    with page.expect_popup() as popup:
        frame.get_by_role("button", name="Sign in with Google again").click()
    expect(frame.get_by_text("Go on in the window of Google.")).to_be_visible()
    assert api.saved[-1]["mailbox"] == "m1"
    api.mailboxes[0].update(grant_state="good", state="connected")
    api.sign_ins["state-1"] = {"done": True, "account": "support@example.com", "problem": None}
    expect(frame.get_by_text("Support is signed in again")).to_be_visible()
    expect(frame.get_by_text("Reconnect needed")).to_have_count(0)
    popup.value.close()


def test_pushed_mail_gets_its_token_once_with_what_to_do(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    frame = in_form(page, servers)
    choose(frame, "Kind of mailbox", "Pushed mail")
    expect(frame.get_by_role("button", name="Test connection")).to_have_count(0)
    frame.get_by_role("textbox", name="Address").fill("support@example.com")
    choose(frame, "Project", "Support (SUP)")
    choose(frame, "Issue type", "Task")
    frame.get_by_role("button", name="Connect mailbox").click()
    choose(frame, "Who brings the mail", "Mailgun")
    frame.get_by_role("button", name="Make a token").click()
    expect(frame.get_by_label("HTTP webhook signing key")).to_have_attribute("aria-invalid", "true")
    choose(frame, "Who brings the mail", "A mail server of yours")
    frame.get_by_role("button", name="Make a token").click()
    expect(frame.get_by_label("Push token", exact=True)).to_have_value("secret-push-token")
    expect(frame.get_by_text("submit --url https://mail.example/api/inbound/mail/m1")).to_be_visible()
    assert api.saved[-1] == {"via": "pipe", "key": ""}
    frame.get_by_role("button", name="I have kept it").click()
    expect(frame.get_by_text("secret-push-token")).to_have_count(0)
    expect(frame.get_by_role("button", name="New push token for support@example.com")).to_be_visible()


def test_a_mailbox_is_compared_with_the_ledger(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.mailboxes = [mailbox()]
    frame = opened(page, servers)
    frame.get_by_role("button", name="Compare Support with the ledger").click()
    expect(frame.get_by_text("120 seen, 120 accounted for, 0 unaccounted")).to_be_visible()
    api.comparison = {"seen": 120, "accounted": 118, "unaccounted": 2, "missing": ["17", "18"]}
    frame.get_by_role("button", name="Compare Support with the ledger").click()
    expect(frame.get_by_text("2 messages are not in the ledger")).to_be_visible()
    expect(frame.get_by_text("Message 17")).to_be_visible()


def test_mail_read_elsewhere_is_processed_when_a_person_wants_it(
    page: Page,  # noqa: F811
    servers: PageServers,  # noqa: F811
    api: FakeApi,  # noqa: F811
) -> None:
    reason = "Read elsewhere: somebody had read it before the mailbox was connected."
    left: dict[str, Any] = {"state": "ignored", "outcome": "none", "issue_key": None}
    api.mailboxes = [mailbox()]
    api.mails = [mail(1, reason=reason, **left), mail(2, reason="Automatic mail.", **left)]
    frame = opened(page, servers)
    frame.get_by_role("tab", name="What came in").click()
    frame.get_by_role("button", name="Question 2").click()
    expect(frame.get_by_role("heading", name="Why")).to_be_visible()
    expect(frame.get_by_role("button", name="Process anyway")).to_have_count(0)
    page.keyboard.press("Escape")
    frame.get_by_role("button", name="Question 1").click()
    frame.get_by_role("button", name="Process anyway").click()
    expect(frame.get_by_text("SUP-9").first).to_be_visible()


def test_privacy_says_what_stops_working_and_keeps_receipts(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    frame = opened(page, servers)
    frame.get_by_role("tab", name="Privacy").click()
    frame.get_by_label("For how many days").fill("7")
    frame.get_by_role("button", name="Save").click()
    expect(frame.get_by_text("What is kept is saved")).to_be_visible()
    assert (api.keeping["days"], api.keeping["content"]) == (7, True)
    frame.get_by_label("Keep the content of handled mail").uncheck(force=True)
    expect(frame.get_by_text("Reprocess: a handled mail cannot be worked on again.")).to_be_visible()
    frame.get_by_role("button", name="Save").click()
    expect(frame.get_by_text("What is kept is saved").last).to_be_visible()
    frame.get_by_label("Address of the person").fill("cora@customer.example")
    frame.get_by_role("button", name="Erase this person").click()
    expect(frame.get_by_text("This cannot be taken back.")).to_be_visible()
    assert api.erasures == []
    frame.get_by_role("button", name="Erase", exact=True).click()
    expect(frame.get_by_role("cell", name="3 mails of theirs")).to_be_visible()
    expect(frame.get_by_text("Complete", exact=True)).to_be_visible()
    assert api.saved[-1] == {"address": "cora@customer.example"}


def test_a_projects_administrator_has_no_privacy_section(page: Page, servers: PageServers, api: FakeApi) -> None:  # noqa: F811
    api.admin, api.project = False, "10000"
    servers.door = "mailbridge-project&project=SUP"
    api.mailboxes = [mailbox(checked_at=time.time())]
    frame = opened(page, servers)
    expect(frame.get_by_role("button", name="Compare Support with the ledger")).to_be_visible()
    expect(frame.get_by_role("tab", name=re.compile("Privacy|Outgoing|Jira"))).to_have_count(0)
