"""The whole sandbox as one object: `with Sandbox(port=0, imap_port=0, smtp_port=0) as sandbox: sandbox.url`."""

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from flask import Flask

from sandbox import contract, control, pages
from sandbox.calls import Calls
from sandbox.faults import Faults
from sandbox.forge import pages as forge_pages
from sandbox.forge.gateway import PREFIX, of_forge
from sandbox.forge.host import ForgeHost
from sandbox.gate import Gate
from sandbox.graph import pages as graph_pages
from sandbox.http_server import HttpServer
from sandbox.jira import (
    api_comments,
    api_history,
    api_issues,
    api_notify,
    api_people,
    api_permissions,
    api_projects,
    api_search,
)
from sandbox.jira.api import Api, install_errors, install_loudness
from sandbox.jira.callers import of_site
from sandbox.jira.install import Installer
from sandbox.jira.model import Event
from sandbox.jira.site import Site
from sandbox.jira.webhooks import Webhooks
from sandbox.limits import Limits
from sandbox.mail.foreign import ForeignMailboxes
from sandbox.mail.imap import ImapServer, Mailboxes
from sandbox.mail.post import PostOffice
from sandbox.mail.smtp import SmtpServer
from sandbox.oauth import pages as oauth_pages
from sandbox.parts import Parts

MAILBOX, PASSWORD = "support@sandbox.test", "sandbox"
_WEBHOOK_TIMEOUT = 20.0


class Sandbox:
    """Jira, IMAP, SMTP and pages on loopback ports (0: any free one). A context manager; `parts` are its insides.

    strict: hold every REST call against Atlassian's OpenAPI file, where that lies beside the repository.
    retry_seconds: the pause before each retry of a webhook.
    smtp_login: (user, password) that SMTP demands, or None.
    imap_server: the port of a real IMAP server on which the mailboxes live, instead of one of our own.
    outgoing_port: the port of a real SMTP server that the app sends by; it relays everything to ours.
    forge_page: where the built page of a Forge app lies, instead of where its manifest says beside frontend/.
    """

    def __init__(
        self, port: int = 8090, imap_port: int = 8143, smtp_port: int = 8025, *, host: str = "127.0.0.1", strict: bool = True,
        retry_seconds: float = 1.0, smtp_login: tuple[str, str] | None = None, client_key: str | None = None,
        imap_server: int | None = None, outgoing_port: int | None = None,
        forge_page: Path | None = None,
    ) -> None:  # fmt: skip
        if strict:
            contract.load()
        self._begun = ExitStack()
        self._closing = threading.Event()
        self._http = HttpServer(host, port)
        self.port = self._http.port
        self.url = f"http://{host}:{self.port}"
        faults, calls, limits = Faults(), Calls(), Limits()
        imap: Mailboxes = ImapServer(host, imap_port) if imap_server is None else ForeignMailboxes(host, imap_server)
        post = PostOffice(imap)
        site = Site(self.url, self._tell, post=post.deliver)
        self.parts = Parts(
            site=site,
            calls=calls,
            faults=faults,
            limits=limits,
            webhooks=Webhooks(site, faults, retry_seconds, _WEBHOOK_TIMEOUT),
            installer=Installer(site, client_key),
            forge=ForgeHost(site, faults, self.url, retry_seconds),
            imap=imap,
            smtp=SmtpServer(post, host, smtp_port, smtp_login),
            post=post,
            mailbox=MAILBOX,
            password=PASSWORD,
            outgoing_port=outgoing_port,
        )
        app = _flask(self.parts, forge_page).wsgi_app
        self._http.serve_with(Gate(app, calls, faults, limits, self._closing, strict and contract.present()))

    @property
    def imap_port(self) -> int:
        """Where IMAP listens."""
        return self.parts.imap.port

    @property
    def smtp_port(self) -> int:
        """Where SMTP listens."""
        return self.parts.smtp.port

    def start(self) -> None:
        """Everything listens when it returns; what had begun is stopped again when a part cannot start."""
        with ExitStack() as begun:
            begun.callback(self._http.stop)
            begun.callback(self._closing.set)
            self.parts.imap.start()
            begun.callback(self.parts.imap.stop)
            self.parts.imap.add_mailbox(MAILBOX, PASSWORD)
            self.parts.smtp.start()
            begun.callback(self.parts.smtp.stop)
            self.parts.webhooks.start()
            begun.callback(self.parts.webhooks.stop)
            self.parts.forge.deliveries.start()
            begun.callback(self.parts.forge.deliveries.stop)
            self._http.start()
            self._begun = begun.pop_all()

    def stop(self) -> None:
        """Nothing listens any more; calls that hang are let go."""
        self._begun.close()

    def wait_idle(self, seconds: float = 60.0) -> bool:
        """Waits until no webhook and no Forge event is queued or under way; False when the time is over."""
        end = time.monotonic() + seconds
        while not (self.parts.webhooks.idle() and self.parts.forge.deliveries.idle()):
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _tell(self, event: Event) -> None:
        self.parts.webhooks.tell(event)
        self.parts.forge.deliveries.tell(event)


def _flask(parts: Parts, forge_page: Path | None) -> Flask:
    app = Flask("sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = control.MAX_MAIL
    app.json.sort_keys = False  # type: ignore[attr-defined]
    api = Api(parts.site)
    for module in (
        api_issues,
        api_history,
        api_comments,
        api_notify,
        api_people,
        api_permissions,
        api_projects,
        api_search,
    ):
        module.add_routes(api)
    app.register_blueprint(api.blueprint("rest", "/rest/api/3", of_site(parts.site)))
    app.register_blueprint(api.blueprint("forge_rest", PREFIX, of_forge(parts.forge)))
    app.register_blueprint(forge_pages.blueprint(parts.forge, parts.calls, forge_page))
    app.register_blueprint(oauth_pages.blueprint(parts.oauth))
    app.register_blueprint(graph_pages.blueprint(parts.graph, parts.oauth))
    parts.graph.add(parts.mailbox)
    app.register_blueprint(control.blueprint(parts))
    app.register_blueprint(pages.blueprint(parts))
    install_errors(app, parts.calls)
    install_loudness(app, parts.calls)
    return app
