"""What a call by Forge changes about what is known, whatever order calls come in."""

from dataclasses import replace
from typing import Any

import pytest

from connect.hearing import Known, News, what_is_new
from connect.invocation import Invocation

NOW = 1_700_000_000.0
KNOWN = Known(
    installation_id="one",
    cloud_id="cloud",
    api_base_url="https://api.atlassian.com/ex/jira/cloud",
    environment="PRODUCTION",
    app_version="3.2.0",
    token_at=NOW - 50,
    refused_at=None,
    heard_at=NOW - 50,
    scheme="forge",
    state="enabled",
    base_url="https://acme.atlassian.net",
    changed_at=NOW - 5000,
    token="old",
)
CALL = Invocation(
    installation_id="one",
    cloud_id="cloud",
    api_base_url="https://api.atlassian.com/ex/jira/cloud",
    site_url="https://acme.atlassian.net",
    environment="PRODUCTION",
    app_version="3.2.0",
    issued_at=NOW,
    jti="x",
    from_page=False,
    account=None,
    project=None,
    issue=None,
)


def news(known: dict[str, Any], call: dict[str, Any], token: str | None = "old") -> News:
    found = what_is_new(replace(KNOWN, **known), replace(CALL, **call), token, NOW)
    assert found is not None
    return found


def test_the_same_again_is_no_news() -> None:
    assert news({}, {}) == News({}, {}, None, nothing=True)
    assert news({}, {"site_url": None}, None).nothing


def test_once_a_minute_it_is_noted_that_it_was_heard() -> None:
    late = news({"heard_at": NOW - 60}, {})
    assert (late.nothing, late.site, late.token) == (False, {"token_at": NOW}, None)


@pytest.mark.parametrize(
    ("known", "issued", "token", "taken"),
    [
        ({}, NOW, "new", "new"),
        ({}, NOW - 50, "new", "new"),  # issued in the same second
        ({}, NOW - 51, "new", None),
        ({"token": None, "token_at": None}, NOW - 500, "new", "new"),
        ({}, NOW, None, None),
        ({}, NOW, "old", None),
    ],
)
def test_the_newest_token_is_taken(known: dict[str, Any], issued: float, token: str | None, taken: str | None) -> None:
    found = news(known, {"issued_at": issued}, token)
    assert found.token == taken
    assert (found.site.get("token_at") == issued) is (taken is not None)


@pytest.mark.parametrize(
    ("issued", "token", "again"),
    [(NOW, "new", True), (NOW, "old", True), (NOW - 30, "old", False), (NOW - 30, "new", True), (NOW, None, False)],
)
def test_a_refused_token_counts_again_when_forge_brings_it_after_that(
    issued: float, token: str | None, again: bool
) -> None:
    found = news({"refused_at": NOW - 20}, {"issued_at": issued}, token)
    assert ("refused_at" in found.site) is again


@pytest.mark.parametrize(
    ("known", "call", "tenant"),
    [
        ({"state": "silent"}, {}, {"state": "enabled"}),
        ({"state": "disabled", "scheme": "connect"}, {}, {"scheme": "forge", "state": "enabled", "account_id": None}),
        ({"state": "removed", "changed_at": NOW - 901}, {}, {"state": "enabled", "account_id": None}),
        ({"state": "removed", "changed_at": NOW}, {"installation_id": "two"}, {"state": "enabled", "account_id": None}),
        (
            {},
            {"site_url": "https://new.example"},
            {"base_url": "https://new.example", "display_url": "https://new.example"},
        ),
    ],
)
def test_the_tenant_follows(known: dict[str, Any], call: dict[str, Any], tenant: dict[str, Any]) -> None:
    assert news(known, call).tenant == tenant


@pytest.mark.parametrize(
    ("known", "call"),
    [
        ({"state": "removed", "changed_at": NOW - 100}, {}),
        ({"state": "removed", "changed_at": NOW - 899}, {}),
        ({}, {"installation_id": "before", "issued_at": NOW - 51}),
    ],
)
def test_what_an_installation_that_is_gone_says_counts_no_more(known: dict[str, Any], call: dict[str, Any]) -> None:
    assert what_is_new(replace(KNOWN, **known), replace(CALL, **call), "new", NOW) is None


def test_a_new_installation_takes_the_place_of_the_old() -> None:
    found = news({}, {"installation_id": "two", "app_version": "4.0.0"}, "new")
    assert found.site == {"installation_id": "two", "app_version": "4.0.0", "token_at": NOW, "refused_at": None}
    assert found.token == "new"
