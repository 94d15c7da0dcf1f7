"""Addresses of Jira sites as people paste them."""

import pytest

from connect.site_address import BadAddress, is_email, is_token, site_address


@pytest.mark.parametrize(
    ("given", "site"),
    [
        ("https://acme.atlassian.net", "https://acme.atlassian.net"),
        (" https://acme.atlassian.net/ ", "https://acme.atlassian.net"),
        ("acme.atlassian.net", "https://acme.atlassian.net"),
        ("https://ACME.atlassian.net/jira/your-work?x=1#y", "https://acme.atlassian.net"),
        ("https://jira.acme.example:8443/secure/Dashboard.jspa", "https://jira.acme.example:8443"),
        ("https://acme.atlassian.net:443", "https://acme.atlassian.net"),
    ],
)
def test_an_address_within_the_site_is_brought_to_the_sites_own(given: str, site: str) -> None:
    assert site_address(given, allow_plain=False) == site


def test_http_needs_the_operators_leave() -> None:
    with pytest.raises(BadAddress, match="in the clear") as refused:
        site_address("http://jira.acme.example/x", allow_plain=False)
    assert "https://jira.acme.example" in refused.value.remedy
    assert site_address("http://127.0.0.1:8090/x", allow_plain=True) == "http://127.0.0.1:8090"
    assert site_address("http://[::1]:80", allow_plain=True) == "http://[::1]"


@pytest.mark.parametrize(
    "given",
    ["", "  ", "https://", "ftp://acme", "https://a b", "https://acme:x", "https://acme:0", "https://[x]", "//",
     "javascript:alert(1)", "https://me:pw@acme.atlassian.net", "https://acme@evil.example"],
)  # fmt: skip
def test_anything_else_is_refused_with_a_remedy(given: str) -> None:
    with pytest.raises(BadAddress) as refused:
        site_address(given, allow_plain=True)
    assert refused.value.remedy


def test_an_account_is_named_by_an_address_and_a_token() -> None:
    assert is_email("a.b+c@example.org") and not any(
        is_email(text) for text in ("", "a", "a@b c", "a:b@c", "a@b@c", "a\n@b")
    )
    assert is_token("ATATT3x=_-") and not any(is_token(text) for text in ("", "a b", "ä", "a\n"))
