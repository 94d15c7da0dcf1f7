"""Which of a mailbox's addresses a mail names."""

import pytest

from inbound.handling.catching import named

OURS = ("support@example.com", "Sales@example.com")


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([("to", "Support <SUPPORT@example.com>")], "support@example.com"),
        ([("to", "ann@customer.test"), ("cc", '"Sales, EU" <sales@example.com>, b@c.test')], "Sales@example.com"),
        ([("to", "ann@customer.test"), ("delivered-to", "support@example.com")], "support@example.com"),
        ([("x-forwarded-to", "support@example.com")], "support@example.com"),
        ([("envelope-to", "sales@example.com")], "Sales@example.com"),
        ([("x-original-to", "support+abc.def@example.com")], "support@example.com"),
        ([("to", "sales@example.com"), ("cc", "support@example.com")], "support@example.com"),
        ([("to", "undisclosed-recipients:;")], None),
        ([("from", "support@example.com"), ("subject", "support@example.com")], None),
        ([("to", "notsupport@example.com, support@example.com.evil.test")], None),
        ([], None),
    ],
)
def test_the_first_of_our_addresses_that_is_named(headers: list[tuple[str, str]], found: str | None) -> None:
    assert named(headers, OURS) == found


def test_an_address_with_a_tag_of_its_own_is_found() -> None:
    assert named([("to", "support+eu@example.com")], ("support+eu@example.com",)) == "support+eu@example.com"
