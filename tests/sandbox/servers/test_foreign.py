"""The sandbox over real mail servers: its mailboxes on Dovecot, what the app sends through Postfix to the sandbox's sink."""

import smtplib
import tempfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from common.ids import new_id
from sandbox.app import Sandbox
from sandbox.client import wait_for
from sandbox.mail.foreign import ForeignMailboxes
from sandbox.servers.dovecot import PASSWORD, Dovecot
from sandbox.servers.ports import free_port
from sandbox.servers.postfix import Postfix
from sandbox.servers.private import NotAvailable


@pytest.fixture
def boxes(dovecot: Dovecot) -> ForeignMailboxes:
    return ForeignMailboxes("127.0.0.1", dovecot.imap_port)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the server's account may pass through."""
    with tempfile.TemporaryDirectory(prefix="mailbridge-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.mark.dovecot
def test_a_letter_lies_in_the_mailbox_on_the_real_server(boxes: ForeignMailboxes) -> None:
    user = f"{new_id()}@sandbox.test"
    boxes.add_mailbox(user, PASSWORD)
    raw = b'Subject: one\r\n\r\nbody with a ) and a " in it\r\n'
    first, second = boxes.append(user, raw), boxes.append(user, b"Subject: two\r\n\r\n.\r\n")
    stored = boxes.messages(user)
    assert [(one.uid, one.flags) for one in stored] == [(first, ()), (second, ())]
    assert stored[0].raw == raw
    assert boxes.counts(user) == (2, 2)
    assert boxes.folders(user) == ["INBOX"]
    boxes.empty(user)
    assert boxes.messages(user) == []


@pytest.mark.dovecot
def test_an_address_belongs_to_its_mailbox_with_and_without_a_sub_address(boxes: ForeignMailboxes) -> None:
    user = f"{new_id()}@sandbox.test"
    boxes.add_mailbox(user, PASSWORD)
    assert boxes.owner(user.upper()) == boxes.owner(user.replace("@", "+token@")) == user
    assert boxes.owner("somebody@else.example") is None


@pytest.mark.dovecot
def test_a_mailbox_that_the_server_does_not_let_in_is_refused(boxes: ForeignMailboxes) -> None:
    with pytest.raises(OSError, match="does not let"):
        boxes.add_mailbox("someone@sandbox.test", "wrong")


@pytest.mark.smtp
def test_what_is_sent_through_postfix_arrives_in_the_sandbox(open_folder: Path) -> None:
    sink = free_port()
    try:
        server = Postfix(open_folder / "postfix", relay_port=sink)
    except NotAvailable as reason:
        pytest.skip(str(reason))
    with server, Sandbox(port=0, imap_port=0, smtp_port=sink, outgoing_port=server.port) as sandbox:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "app@sandbox.test", "carol@customer.example", "hello"
        mail.set_content("body\n")
        with smtplib.SMTP("127.0.0.1", server.port, timeout=60) as client:
            client.send_message(mail)
        letters = wait_for("the letter to arrive", lambda: sandbox.parts.post.inbox("carol@customer.example"), 60)
        assert letters[0].sender == "app@sandbox.test"
