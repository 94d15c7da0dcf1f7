"""What goes wrong between us and a mail server, as an admin reads it."""

import imaplib
import ssl

import pytest

from inbound.sources import Account, NotNow, Unusable
from inbound.sources.imap_faults import explain, said

ACCOUNT = Account("mail.example.com", 993, "tls", "support@example.com", "secret", "INBOX")


def of_certificate(code: int, words: str) -> Unusable:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, words
    fault = explain("broken", error, ACCOUNT, "look at the mailbox", connected=False)
    assert isinstance(fault, Unusable) and fault.field == "validate_certificate"
    return fault


@pytest.mark.parametrize(
    ("code", "words", "told", "remedy"),
    [
        (
            62,
            "Hostname mismatch, certificate is not valid for 'mail.example.com'.",
            "not valid for this host",
            "the name",
        ),
        (64, "IP address mismatch, certificate is not valid for '192.0.2.1'", "not valid for this host", "the name"),
        (10, "certificate has expired", "not valid today", "renewed"),
        (18, "self-signed certificate", "no authority that is trusted", "switch the check"),
        (20, "unable to get local issuer certificate", "no authority that is trusted", "intermediate"),
    ],
)
def test_each_flaw_of_a_certificate_has_its_own_remedy(code: int, words: str, told: str, remedy: str) -> None:
    fault = of_certificate(code, words)
    assert told in str(fault) and words.rstrip(".") in str(fault)
    assert remedy in fault.remedy


def test_a_server_that_is_busy_is_no_fault_of_a_setting() -> None:
    refused = imaplib.IMAP4.error("[UNAVAILABLE] Too many connections")
    fault = explain("login", refused, ACCOUNT, "log in", connected=False)
    assert isinstance(fault, NotNow) and "Too many connections" in str(fault)


def test_a_greeting_of_another_protocol_leaves_no_none_behind() -> None:
    fault = explain("broken", imaplib.IMAP4.abort(None), ACCOUNT, "log in", connected=False)
    assert str(fault) == "The connection to mail.example.com:993 broke."
    assert said(imaplib.IMAP4.error(None)) == ""
