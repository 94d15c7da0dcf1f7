"""A private Dovecot 2.3 (IMAP and POP3): `with Dovecot(folder) as server: server.imap_port`."""

import base64
import grp
import os
import pwd
from pathlib import Path

from sandbox.oauth.provider import ISSUER, KEY
from sandbox.servers.ports import free_ports
from sandbox.servers.private import PrivateServer, Running, account, answers, certificate, hand_over, program

PASSWORD = "secret"


class Dovecot(PrivateServer):
    """IMAP with STARTTLS on `imap_port`, IMAP over TLS on `imaps_port`, POP3 likewise; every user exists, all with the same
    password.

    XOAUTH2 takes the access tokens of `sandbox.oauth`. The certificate at `certificate` signs itself. IDLE, MOVE, UIDPLUS and
    CONDSTORE are on. A failed login costs no growing wait for the next one. Each connection is a process below `pid`, named
    imap. announces: the capabilities that IMAP tells of, where they shall not be all that it has.
    """

    def __init__(self, folder: Path, *, password: str = PASSWORD, announces: str = "") -> None:
        super().__init__()
        self._program = program("dovecot", package="dovecot-imapd")
        program("/usr/lib/dovecot/imap", package="dovecot-imapd")
        program("/usr/lib/dovecot/pop3", package="dovecot-pop3d")
        self._folder = folder
        self._password = password
        self._announces = announces
        self.imap_port, self.imaps_port, self.pop3_port, self.pop3s_port = free_ports(4)

    def start(self) -> None:
        """Start it and wait until it greets; raises DidNotStart."""
        for name in ("run", "state", "mail"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        self._know_tokens()
        hand_over(self._folder)
        self.certificate = certificate(self._folder)[0]
        configuration = self._folder / "dovecot.conf"
        configuration.write_text(self._configuration())
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(self._folder)}
        self._server = Running([self._program, "-F", "-c", str(configuration)], self._folder, environment)
        with self._coming_up():
            self._server.wait_until(lambda: answers(self.imap_port, b"* OK"), 120.0, [self._folder / "dovecot.log"])

    def _know_tokens(self) -> None:
        """Tokens of the stand-in sign-in service are checked by their signature: HS256, from its issuer, the user in `email`."""
        keys = self._folder / "keys"
        key = keys / "default" / "HS256" / "default"
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_text(base64.b64encode(KEY.encode()).decode())
        lines = (
            "introspection_mode = local",
            f"local_validation_key_dict = fs:posix:prefix={keys}/",
            "username_attribute = email",
            f"issuers = {ISSUER}",
        )
        (self._folder / "oauth2.conf.ext").write_text("\n".join(lines) + "\n")

    def _configuration(self) -> str:
        who = account()
        user = pwd.getpwuid(who.get("user", os.getuid())).pw_name
        group = grp.getgrgid(who.get("group", os.getgid())).gr_name
        return _CONFIGURATION.format(
            folder=self._folder,
            user=user,
            group=group,
            imap=self.imap_port,
            imaps=self.imaps_port,
            pop3=self.pop3_port,
            pop3s=self.pop3s_port,
            password=self._password,
            capability=f"imap_capability = {self._announces}" if self._announces else "",
        )


_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 500
mail_fsync = never
# Where the account's inotify instances are used up, Dovecot looks by itself: every 30 seconds unless told otherwise.
mailbox_idle_check_interval = 5 secs
{capability}
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf.ext
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service stats {{
  chroot =
}}
"""
