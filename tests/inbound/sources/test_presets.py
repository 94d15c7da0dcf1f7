"""The providers' presets: held against ISPDB where it is at hand, looked up by address, and shown by the API."""

from typing import Any

import pytest

from inbound.sources import presets
from inbound.sources.presets import PRESETS, refused, suggested
from inbound.sources.refusals import remedy
from tests.contracts import contract
from tests.inbound.mailserver import MailServer
from tests.inbound.page import Call
from tests.inbound.web.test_api import body

_OUR_OWN = {"fastmail.com", "fastmail.fm"}  # ISPDB knows Fastmail by its mail servers' domain only
_USERNAMES = {"address": "%EMAILADDRESS%", "local": "%EMAILLOCALPART%"}
_SOCKETS = {"tls": "SSL", "starttls": "STARTTLS"}


@pytest.fixture(scope="module")
def ispdb() -> dict[str, Any]:
    known: dict[str, Any] = contract("mail-presets-ispdb.json")["providers"]
    return known


def test_there_are_at_least_thirty_and_no_id_twice() -> None:
    assert len(PRESETS) >= 30 and len({preset.id for preset in PRESETS}) == len(PRESETS)
    assert all(preset.imap or preset.pop3 for preset in PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_servers_user_names_and_domains_are_those_of_ispdb(preset: presets.Preset, ispdb: dict[str, Any]) -> None:
    servers = [server for provider in ispdb.values() for server in provider["servers"]]
    for kind in ("imap", "pop3", "smtp"):
        ours = getattr(preset, kind)
        if ours is None:
            continue
        place = (kind, ours.host, ours.port, _SOCKETS[ours.security])
        same = [one for one in servers if (one["type"], one["host"], one["port"], one["socket"]) == place]
        assert same, f"ISPDB does not know {place}"
        if kind != "smtp":
            assert _USERNAMES[preset.username] in {one["username"] for one in same}
        if "oauth" not in preset.auth:
            assert any("password-cleartext" in one["auth"] or "password-encrypted" in one["auth"] for one in same)
    domains = {domain for provider in ispdb.values() for domain in provider["domains"]}
    assert set(preset.domains) - domains <= _OUR_OWN


@pytest.mark.parametrize(
    ("address", "id"),
    [
        ("help@gmail.com", "gmail"),
        ("Help@GMail.com.", "gmail"),
        ("support@contoso.onmicrosoft.com", "microsoft365"),
        ("hilfe@gmx.de", "gmx-net"),
        ("a@icloud.com", "icloud"),
    ],
)
def test_a_provider_is_found_by_the_domain(address: str, id: str) -> None:
    found = suggested(address)
    assert found is not None and found.id == id


def test_the_name_in_authentication_results_is_filled_in_where_it_is_known() -> None:
    known = {preset.id: preset.authserv_id for preset in PRESETS if preset.authserv_id}
    assert known == {"microsoft365": "none", "outlook": "none", "gmail": "mx.google.com"}


@pytest.mark.parametrize("address", ["support@example.com", "", "@", "com", "support@com", "a@notgmail.com"])
def test_an_unknown_domain_has_no_provider(address: str) -> None:
    assert suggested(address) is None


@pytest.mark.parametrize(
    "name", ["jira@acme.atlassian.net", "acme.atlassian.net", "atlassian.net", "A@ACME.Atlassian.NET."]
)
def test_atlassians_own_mailboxes_are_refused_with_the_alternative(name: str) -> None:
    sentence = refused("imap.example.com", name)
    assert sentence is not None and "forward" in sentence


def test_names_that_only_look_like_atlassians_are_not_refused() -> None:
    assert refused("notatlassian.net", "a@atlassian.net.example.com", "support@example.com", "") is None


@pytest.mark.parametrize(
    ("words", "host", "said"),
    [
        (
            "[ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure).",
            "imap.gmail.com",
            ("app password", "https://support.google.com/accounts/answer/185833"),
        ),
        ("[ALERT] Your account is not enabled for IMAP use.", "imap.gmail.com", ("Switch IMAP on", "Gmail")),
        ("IMAP access is disabled for this user.", "imap.example.com", ("Switch IMAP on", "the provider")),
        ("[AUTHENTICATIONFAILED] Authentication failed.", "imap.mail.yahoo.com", ("app password", "Yahoo")),
        ("LOGIN failed.", "outlook.office365.com", ("sign in with Microsoft",)),
        ("AADSTS65001: the user has not consented.", "outlook.office365.com", ("agree to all",)),
        ("Invalid credentials.", "imap.example.com", ("Check both",)),
    ],
)
def test_a_refused_login_is_answered_with_what_helps(words: str, host: str, said: tuple[str, ...]) -> None:
    told = remedy(words, host)
    assert all(part in told for part in said), told


def test_only_a_link_that_the_server_sent_is_passed_on() -> None:
    assert "https://" not in remedy("Invalid credentials.", "imap.gmail.com")


def test_the_page_is_offered_them_with_the_one_for_the_address(call: Call) -> None:
    found = call("GET", "/presets?address=help@gmail.com").json
    assert found["suggested"] == "gmail" and found["refused"] is None and found["providers"] == []
    gmail = next(one for one in found["presets"] if one["id"] == "gmail")
    assert gmail["imap"] == {"host": "imap.gmail.com", "port": 993, "security": "tls"}
    assert "forward" in call("GET", "/presets?address=jira@acme.atlassian.net").json["refused"]


@pytest.mark.parametrize("field", ["host", "username", "address"])
def test_atlassians_own_mailbox_is_not_connected(call: Call, field: str) -> None:
    imap = MailServer(1, "INBOX")
    name = "acme.atlassian.net" if field == "host" else "jira@acme.atlassian.net"
    answer = call("POST", "/mailboxes", body(imap, **{field: name}))
    assert answer.status_code == 422 and "forward" in answer.json["errors"][field][0]
