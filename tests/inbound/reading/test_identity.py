"""Who may be trusted to speak."""

import pytest

from common.thread_tokens import Thread, ThreadKey, check, make
from inbound.reading.identity import NO_AUTHSERV_ID, judge, read_results
from inbound.reading.parse import parse

KEY = ThreadKey(1, b"k" * 32)
GMAIL = (
    "mx.google.com; dkim=pass header.i=@customer.test header.s=s1; spf=pass (google.com: domain of ann@customer.test"
    " designates 192.0.2.1 as permitted sender; really) smtp.mailfrom=ann@customer.test;"
    " dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=customer.test"
)
MICROSOFT = (
    "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=customer.test; dkim=pass (signature was verified)"
    " header.d=customer.test;dmarc=pass action=none header.from=customer.test;compauth=pass reason=100"
)
FAIL = "mx.google.com; dmarc=fail (p=REJECT) header.from=customer.test"


def thread(recipient: str) -> Thread:
    found = check([KEY], make(KEY, "10001", "b" * 16, recipient))
    assert found is not None
    return found


def raw(*results: str, sender: str = "Ann <ann@customer.test>") -> bytes:
    headers = "".join(f"Authentication-Results: {one}\r\n" for one in results)
    return f"{headers}From: {sender}\r\nSubject: x\r\n\r\nHello\r\n".encode()


@pytest.mark.parametrize(
    ("mail", "authserv_id", "recipients", "trust"),
    [
        pytest.param(raw(), None, (), "unproven", id="nothing known"),
        pytest.param(raw(GMAIL), "mx.google.com", (), "proven", id="dmarc pass by the provider"),
        pytest.param(raw(GMAIL), "MX.Google.com", (), "proven", id="in any case"),
        pytest.param(raw(GMAIL), None, (), "unproven", id="a provider that is not trusted"),
        pytest.param(raw(GMAIL), "mx.other.test", (), "unproven", id="somebody else's header"),
        pytest.param(raw(FAIL), "mx.google.com", (), "failed", id="dmarc fail"),
        pytest.param(raw(FAIL), None, (), "unproven", id="a fail by nobody we trust"),
        pytest.param(raw(FAIL, GMAIL), "mx.google.com", (), "failed", id="the topmost counts"),
        pytest.param(raw("mx.other.test; dmarc=pass header.from=customer.test", FAIL), "mx.google.com", (), "failed", id="forged above"),
        pytest.param(raw(GMAIL, sender="Ann <ann@evil.test>"), "mx.google.com", (), "unproven", id="another domain"),
        pytest.param(raw("mx.google.com; dmarc=pass"), "mx.google.com", (), "unproven", id="a pass for no domain"),
        pytest.param(raw("mx.google.com; dmarc=pass header.from=customer.test; dmarc=fail"), "mx.google.com", (), "failed", id="both"),
        pytest.param(raw("mx.google.com; spf=pass (dmarc=pass header.from=customer.test)"), "mx.google.com", (), "unproven", id="in a comment"),
        pytest.param(raw('mx.google.com; x="; dmarc=pass header.from=customer.test"'), "mx.google.com", (), "unproven", id="in quotes"),
        pytest.param(raw(MICROSOFT), NO_AUTHSERV_ID, (), "proven", id="Microsoft names no id"),
        pytest.param(raw(GMAIL, MICROSOFT), NO_AUTHSERV_ID, (), "unproven", id="a named one above it"),
        pytest.param(raw(GMAIL), NO_AUTHSERV_ID, (), "unproven", id="a named one where none is expected"),
        pytest.param(raw(), None, ("ann@customer.test",), "proven", id="answers our mail to them"),
        pytest.param(raw(), None, ("ANN@Customer.test",), "proven", id="answers our mail, in another case"),
        pytest.param(raw(), None, ("max@customer.test",), "unproven", id="answers our mail to somebody else"),
        pytest.param(raw(FAIL), "mx.google.com", ("ann@customer.test",), "failed", id="a token does not heal a fail"),
        pytest.param(raw(GMAIL, sender="ann@customer.test, eve@evil.test"), "mx.google.com", (), "unproven", id="two senders"),
        pytest.param(raw(GMAIL).replace(b"From", b"From: eve@evil.test\r\nFrom", 1), "mx.google.com", (), "unproven", id="two From headers"),
        pytest.param(b"Subject: x\r\n\r\nHello", None, (), "unproven", id="no sender"),
    ],
)  # fmt: skip
def test_a_sender_is_proven_unproven_or_failed(
    mail: bytes, authserv_id: str | None, recipients: tuple[str, ...], trust: str
) -> None:
    identity = judge(parse(mail), authserv_id, [thread(one) for one in recipients])
    assert identity.trust == trust
    assert identity.why.endswith(".")


def test_results_are_read_with_their_properties() -> None:
    name, results = read_results(GMAIL)
    assert name == "mx.google.com"
    assert [(one.method, one.result) for one in results] == [("dkim", "pass"), ("spf", "pass"), ("dmarc", "pass")]
    assert results[2].properties == {"header.from": "customer.test"}
    assert read_results("example.org 1; none") == ("example.org", ())
    assert read_results("") == ("", ())


def test_a_header_that_nests_comments_without_end_is_read_at_once() -> None:
    assert read_results("mx.test; " + "(" * 1_000_000)[1] == ()
