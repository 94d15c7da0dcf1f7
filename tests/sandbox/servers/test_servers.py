"""The private servers do what the tests that use them take for granted."""

import imaplib
import os
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import pytest

from common.ids import new_id
from sandbox.servers.dovecot import PASSWORD, Dovecot
from sandbox.servers.ports import free_ports
from sandbox.servers.postfix import Postfix
from sandbox.servers.postgres import Postgres
from sandbox.servers.private import NotAvailable, answers, program
from tests.conftest import _started
from tests.running import ROOT, wait_for


@pytest.mark.dovecot
def test_dovecot_keeps_a_mailbox_a_user(dovecot: Dovecot) -> None:
    with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as imap:
        assert {"IDLE", "MOVE", "UIDPLUS"} <= set(
            imap.login(f"{new_id()}@sandbox.test", PASSWORD) and imap.capability()[1][0].decode().split()
        )
        imap.append("INBOX", "", imaplib.Time2Internaldate(time.time()), b"Subject: hello\r\n\r\nbody\r\n")
        assert imap.select()[1] == [b"1"]
    with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as other:
        other.login(f"{new_id()}@sandbox.test", PASSWORD)
        assert other.select()[1] == [b"0"]


@pytest.mark.dovecot
def test_dovecot_speaks_tls_and_refuses_a_wrong_password_without_a_growing_wait(dovecot: Dovecot) -> None:
    context = ssl.create_default_context(cafile=str(dovecot.certificate))
    with imaplib.IMAP4_SSL("127.0.0.1", dovecot.imaps_port, ssl_context=context) as imap:
        imap.login("someone@sandbox.test", PASSWORD)
    with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as imap:
        imap.starttls(context)
        waits = []
        for _ in range(3):
            begun = time.monotonic()
            with pytest.raises(imaplib.IMAP4.error):
                imap.login("someone@sandbox.test", "wrong")
            waits.append(time.monotonic() - begun)
        assert min(waits[1:]) < 2, "Dovecot's own pauses are two seconds, and more each time"


def mail_to(address: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "app@sandbox.test", address, "Grüße"
    mail.set_content("body\n")
    return mail


@pytest.mark.smtp
def test_postfix_delivers_for_any_domain(smtp_server: Postfix) -> None:
    address = f"{new_id()}@example.org"
    context = ssl.create_default_context(cafile=str(smtp_server.certificate))
    with smtplib.SMTP("localhost", smtp_server.port, timeout=60) as smtp:
        smtp.starttls(context=context)
        smtp.send_message(mail_to(address))
    with smtplib.SMTP_SSL("localhost", smtp_server.tls_port, timeout=60, context=context) as smtp:
        smtp.send_message(mail_to(address))
    deadline = time.monotonic() + 60
    while len(smtp_server.received(address)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [mail["Subject"] for mail in smtp_server.received(address)] == ["Grüße"] * 2
    assert smtp_server.received("nobody-else@example.org") == []


@pytest.mark.smtp
@pytest.mark.parametrize(("person", "code"), [("refused", 550), ("later", 451), ("full", 552)])
def test_postfix_refuses_those_it_is_told_to(smtp_server: Postfix, person: str, code: int) -> None:
    address = f"{person}@example.org"
    with (
        smtplib.SMTP("localhost", smtp_server.port, timeout=60) as smtp,
        pytest.raises(smtplib.SMTPRecipientsRefused) as caught,
    ):
        smtp.send_message(mail_to(address))
    assert caught.value.recipients[address][0] == code


@pytest.mark.postgres
def test_a_stopped_server_is_gone_and_its_data_are_there_at_the_next_start(postgres: Postgres, tmp_path: Path) -> None:
    assert answers(postgres.port)
    folder = Path(postgres._folder).parent / "second"
    with Postgres(folder) as server:
        port = server.port
        server.create_database("kept")
    assert not answers(port)
    with Postgres(folder) as server:
        server.drop_database("kept")
        assert server.create_database("kept") == f"postgresql://app@127.0.0.1:{server.port}/kept"


def test_who_is_killed_leaves_no_server_behind(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from sandbox.servers.private import Running\n"
        "running = Running(['sleep', '600'], Path(sys.argv[1]), {'PATH': '/usr/bin:/bin'}, as_root=True)\n"
        "print(running.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, stdout=subprocess.PIPE)
    pid = int(killed.stdout)
    wait_for(lambda: not runs(pid), 60)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_free_ports_are_different_and_free_and_never_the_kernels_own() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert max(ports) < int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    with socket.socket() as one:
        one.bind(("127.0.0.1", ports[0]))


def test_a_program_that_is_not_there_is_named_with_its_package() -> None:
    with pytest.raises(NotAvailable, match=r"no-such-program.*apt-get.*no-such-package"):
        program("no-such-program", package="no-such-package")


def missing(folder: Path) -> Postgres:
    raise NotAvailable("PostgreSQL is not installed: apt-get install postgresql")


@pytest.mark.parametrize(
    ("required", "outcome"), [("", pytest.skip.Exception), ("0", pytest.skip.Exception), ("1", pytest.fail.Exception)]
)
def test_without_its_program_a_server_s_tests_are_skipped_unless_servers_are_required(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("MAILBRIDGE_REQUIRE_SERVERS", required)
    with pytest.raises(outcome, match="apt-get install postgresql"):
        next(_started(missing))
