"""Addresses we do not write to."""

import pytest

from outbound import suppress


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("carl@customer.test", True),
        ("carl.o'neil+x@sub.customer.test", True),
        ("carl@localhost", True),
        ("", False),
        ("carl", False),
        ("carl@", False),
        ("@customer.test", False),
        ("carl@customer.test\r\nRCPT TO:<x@y.test>", False),
        ("carl smith@customer.test", False),
        ("<carl@customer.test>", False),
        ("carl@custömer.test", False),
        ("carl@customer..test", False),
        ("a@b@c.test", False),
        ("x" * 65 + "@customer.test", False),
        ("noreply@customer.test", False),
        ("MAILER-DAEMON@customer.test", False),
        ("do-not-reply+abc@customer.test", False),
        ("noreplying@customer.test", True),
    ],
)
def test_what_is_an_address(address: str, fine: bool) -> None:
    assert (suppress.unmailable(address) == "") is fine


def test_a_suppressed_address_is_refused_with_its_reason() -> None:
    assert "came back" in suppress.why_not("a@b.test", {"mark": "The mail came back: 5.1.1."}, "mark")
    assert suppress.why_not("a@b.test", {"mark": "x"}, "other") == ""


@pytest.mark.parametrize(
    ("code", "status", "gone"),
    [
        (550, "5.1.1", True),
        (550, "5.7.1", False),
        (550, "", False),
        (551, "", True),
        (552, "5.2.2", False),
        (550, "5.1.10", True),
    ],
)
def test_which_refusals_mean_that_the_address_does_not_exist(code: int, status: str, gone: bool) -> None:
    assert suppress.no_such_address(code, status) is gone


@pytest.mark.parametrize(
    ("recipients", "lasting"),
    [
        ([{"address": "a", "permanent": True, "status": "5.1.1"}], True),
        ([{"address": "a", "permanent": False, "status": "4.4.1"}], False),
        ([{"permanent": False, "status": "4.4.1"}, {"permanent": True, "status": "5.1.1"}], True),
        ([{"permanent": "yes"}], False),
        ([], False),
    ],
)
def test_bounces(recipients: list[dict[str, object]], lasting: bool) -> None:
    assert suppress.after_bounce(recipients).lasting is lasting
