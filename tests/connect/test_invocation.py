"""What is read from a verified invocation token, and which addresses are taken from it."""

from typing import Any

import pytest

from connect.addresses import cloud_id_of, is_site
from connect.forge_scopes import REMEDY, judge
from connect.invocation import BadInvocation, Invocation, read_invocation
from tests.contracts import contract

CLAIMS: dict[str, Any] = {
    "iat": 1_700_000_000,
    "jti": "once",
    "app": {
        "installationId": "ari:cloud:ecosystem::installation/x",
        "apiBaseUrl": "https://api.atlassian.com/ex/jira/99999999-8888-4777-8666-555555555555",
        "appVersion": "3.2.0",
        "environment": {"type": "PRODUCTION"},
        "module": {"type": "core:endpoint", "key": "events"},
    },
}


def read(**changes: Any) -> Invocation:
    return read_invocation(CLAIMS | changes, allow_plain=False)


def test_only_app_is_needed() -> None:
    call = read()
    assert (call.installation_id, call.cloud_id) == (
        "ari:cloud:ecosystem::installation/x",
        "99999999-8888-4777-8666-555555555555",
    )
    assert (call.environment, call.app_version, call.issued_at, call.jti) == (
        "PRODUCTION",
        "3.2.0",
        1_700_000_000,
        "once",
    )
    assert (call.site_url, call.account, call.project, call.issue, call.from_page) == (None, None, None, None, False)


def test_atlassians_vector_is_a_persons_call_from_the_admin_page() -> None:
    vectors = contract("jwt-vectors.json")
    claims = next(case["claims"] for case in vectors["tokens"] if case["name"] == "FIT ok")
    call = read_invocation(claims, allow_plain=False)
    assert (call.account, call.from_page, call.site_url) == (
        "5b10a2844c20165700ede21g",
        True,
        "https://example.atlassian.net",
    )
    assert call.cloud_id == vectors["tokenKeys"]["cloudId"]


@pytest.mark.parametrize(
    ("url", "plain", "expected"),
    [
        ("https://api.atlassian.com/ex/jira/abc-123", False, "abc-123"),
        ("https://api.atlassian.com/ex/jira/abc-123", True, "abc-123"),
        ("http://api.atlassian.com/ex/jira/abc", False, None),
        ("https://api.atlassian.com:443/ex/jira/abc", False, None),
        ("https://api.atlassian.com.evil.example/ex/jira/abc", False, None),
        ("https://evil.example/ex/jira/abc", False, None),
        ("https://api.atlassian.com/ex/confluence/abc", False, None),
        ("https://api.atlassian.com/ex/jira/abc/", False, None),
        ("https://api.atlassian.com/ex/jira/a/../b", False, None),
        ("https://api.atlassian.com/ex/jira/abc\n", False, None),
        ("https://api.atlassian.com/ex/jira/" + "a" * 65, False, None),
        ("http://127.0.0.1:8090/ex/jira/abc", True, "abc"),
        ("http://127.0.0.1:8090/ex/jira/abc", False, None),
        ("http://user@127.0.0.1/ex/jira/abc", True, None),
        ("http://127.0.0.1:99999/ex/jira/abc", True, None),
        ("file:///ex/jira/abc", True, None),
    ],
)
def test_calls_go_to_atlassians_api_or_a_sandbox_only(url: str, plain: bool, expected: str | None) -> None:
    assert cloud_id_of(url, allow_plain=plain) == expected


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://acme.atlassian.net", True),
        ("https://jira.acme.example/path", True),
        ("http://acme.atlassian.net", False),
        ("https://user@acme.atlassian.net", False),
        ("https://a; script-src *", False),
        ("https://[::1", False),
        ("https://acme.atlassian.net:0", False),
    ],
)
def test_a_site_is_reached_by_https(url: str, good: bool) -> None:
    assert is_site(url, allow_plain=False) is good
    site = read(context={"siteUrl": url + "/"}).site_url if "?" not in url else None
    assert site == (url if good else None)


@pytest.mark.parametrize("type", ["jira:adminPage", "jira:issuePanel", "jira:projectSettingsPage", "jira:anythingElse"])
def test_what_people_see_is_a_page(type: str) -> None:
    assert read(context={"extension": {"type": type}}).from_page
    assert read(app=CLAIMS["app"] | {"module": {"type": type, "key": "x"}}).from_page


@pytest.mark.parametrize(
    ("extension", "project", "issue"),
    [
        ({"project": {"id": "10000"}}, "10000", None),
        ({"project": {"id": 10000}, "issue": {"id": "10100", "key": "T-1"}}, "10000", "10100"),
        ({"project": {"id": "abc"}, "issue": {"id": True}}, None, None),
        ({"project": {"id": "1" * 20}, "issue": {}}, None, None),
        ({"project": {"id": "-1"}, "issue": {"id": "١"}}, None, None),
        ({"project": {"id": -1}}, None, None),
    ],
)
def test_a_page_is_about_what_jira_numbers(extension: dict[str, Any], project: str | None, issue: str | None) -> None:
    call = read(context={"extension": extension})
    assert (call.project, call.issue) == (project, issue)


@pytest.mark.parametrize(
    "changes",
    [
        {"app": CLAIMS["app"] | {"installationId": "x"}},
        {"app": CLAIMS["app"] | {"installationId": "ari:cloud:ecosystem::installation/" + "x" * 255}},
        {"app": CLAIMS["app"] | {"installationId": 7}},
        {"app": CLAIMS["app"] | {"environment": "PRODUCTION"}},
        {"app": "x"},
        {"context": {"cloudId": "another"}},
        {"context": {"extension": {"project": []}}},
        {"principal": "alice", "context": {"accountId": "bob"}},
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInvocation):
        read(**changes)


def test_scopes_are_judged_one_by_one() -> None:
    assert {scope.granted for scope in judge(None)} == {None}
    judged = {scope.name: scope for scope in judge(["read:jira-work"])}
    assert (judged["read:jira-work"].granted, judged["read:jira-work"].remedy) == (True, "")
    assert (judged["write:jira-work"].granted, judged["write:jira-work"].remedy) == (False, REMEDY)
    assert all(scope.why for scope in judged.values())
