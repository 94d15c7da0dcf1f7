"""The parts of a running sandbox, by name, for the routes that show and change them."""

from dataclasses import dataclass, field

from sandbox.calls import Calls
from sandbox.faults import Faults
from sandbox.forge.host import ForgeHost
from sandbox.graph.mailboxes import GraphMailboxes
from sandbox.jira.install import Installer
from sandbox.jira.site import Site
from sandbox.jira.webhooks import Webhooks
from sandbox.limits import Bounds, Limits
from sandbox.mail.imap import Mailboxes
from sandbox.mail.post import PostOffice
from sandbox.mail.smtp import SmtpServer
from sandbox.oauth.provider import OauthProvider


@dataclass
class Parts:
    """`mailbox`: the monitored mailbox that is there from the start. `outgoing_port`: where the app is to send its mail,
    if that is not `smtp` itself but a server that relays to it."""

    site: Site
    calls: Calls
    faults: Faults
    limits: Limits
    webhooks: Webhooks
    installer: Installer
    forge: ForgeHost
    imap: Mailboxes
    smtp: SmtpServer
    post: PostOffice
    mailbox: str
    password: str
    outgoing_port: int | None = None
    oauth: OauthProvider = field(default_factory=OauthProvider)
    graph: GraphMailboxes = field(default_factory=GraphMailboxes)

    def reset(self) -> None:
        """Back to the beginning: the seeded site, no mail, no faults, no record. Installations stay."""
        with self.site.lock:
            self.site.reset()
        self.calls.clear()
        self.faults.clear()
        self.limits.set(Bounds(), self.site.clock())
        self.webhooks.forget()
        self.forge.deliveries.forget()
        self.forge.give_accounts()
        self.post.clear()
        self.smtp.accept_all()
        self.graph.reset()
        self.graph.add(self.mailbox)
        for user in self.imap.mailboxes():
            self.imap.empty(user)
