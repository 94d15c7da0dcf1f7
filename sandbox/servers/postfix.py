"""A private Postfix (SMTP) that delivers everything into one Maildir: `with Postfix(folder) as server: server.port`."""

import os
import subprocess
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from sandbox.servers.ports import free_ports
from sandbox.servers.private import DidNotStart, NotAvailable, PrivateServer, Running, answers, certificate, program


class Postfix(PrivateServer):
    """SMTP with STARTTLS on `port`, SMTP over TLS on `tls_port`; no login. Only root can run it.

    Everything for any domain arrives in one Maildir (`received`), but refused@… is refused for good (550), later@… for
    now (451), and full@… because the mailbox is full (552). The certificate at `certificate` signs itself.
    relay_port: pass everything on to the SMTP server on that port of loopback instead of keeping it.
    """

    def __init__(self, folder: Path, *, relay_port: int | None = None) -> None:
        super().__init__()
        self._postfix = program("postfix", package="postfix")
        self._master = program("/usr/lib/postfix/sbin/master", package="postfix")
        if os.geteuid() != 0:
            raise NotAvailable("Postfix can be started by root only")
        self._folder = folder
        self._relay_port = relay_port
        self.port, self.tls_port = free_ports(2)

    def start(self) -> None:
        """Start it and wait until it greets; raises DidNotStart."""
        configuration, mail = self._folder / "conf", self._folder / "mail"
        for folder in (configuration, self._folder / "queue", self._folder / "data", mail):
            folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o755)
        os.chown(mail, _NOBODY, _NOBODY)
        self.certificate = certificate(_open_to_account(self._folder))[0]
        subprocess.run(["/bin/chown", "postfix", str(self._folder / "data")], check=True)
        (configuration / "refusals").write_text(_REFUSALS)
        kept = _RELAY.format(port=self._relay_port) if self._relay_port else _KEEP
        main = (_MAIN + kept).format(folder=self._folder, nobody=_NOBODY)
        (configuration / "main.cf").write_text(main)
        (configuration / "master.cf").write_text(_MASTER.format(port=self.port, tls_port=self.tls_port))
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "MAIL_CONFIG": str(configuration)}
        check = [self._postfix, "-c", str(configuration), "check"]
        done = subprocess.run(check, env=environment, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise DidNotStart(done.stdout + done.stderr)
        command = [self._master, "-c", str(configuration), "-d"]
        self._server = Running(command, self._folder, environment, as_root=True)
        with self._coming_up():
            self._server.wait_until(lambda: answers(self.port, b"220 "), 120.0, [self._folder / "mail.log"])

    def received(self, recipient: str) -> list[EmailMessage]:
        """The mails that were delivered to that address, oldest first; `Delivered-To` and `Return-Path` are its envelope."""
        files = sorted((self._folder / "mail" / "all" / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        mails = [message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=policy.default) for path in files]
        return [mail for mail in mails if mail["X-Original-To"] == recipient]


def _open_to_account(folder: Path) -> Path:
    own = folder / "tls"
    own.mkdir(exist_ok=True)
    os.chown(own, _NOBODY, _NOBODY)
    return own


_NOBODY = 65534

_REFUSALS = """
/^refused@/ 550 5.1.1 No such person here
/^later@/ 451 4.3.0 Not just now
/^full@/ 552 5.2.2 Mailbox full
"""

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = mx.sandbox.test
mydestination =
alias_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/conf/refusals, permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/tls/cert.pem
smtpd_tls_key_file = {folder}/tls/key.pem
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
"""

_KEEP = """
virtual_mailbox_domains = static:all
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
"""

_RELAY = """
default_transport = smtp:[127.0.0.1]:{port}
relayhost = [127.0.0.1]:{port}
smtp_host_lookup = native
smtp_dns_support_level = disabled
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
smtp unix - - n - - smtp
relay unix - - n - - smtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
